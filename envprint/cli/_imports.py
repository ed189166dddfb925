"""Imports of the installed libraries, for `probe imports` and `check --imports`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from envprint.cli._console import Console
from envprint.cli._progress_bar import Waiting
from envprint.collectors._dist_info import Installed, distributions, normalised
from envprint.collectors._import_names import import_names
from envprint.collectors._takes_part import says_itself
from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Unknown
from envprint.core.suggest import did_you_mean
from envprint.core.typed import Any
from envprint.core.workload import Workload
from envprint.knowledge import roles
from envprint.machine.attempt import attempt
from envprint.machine.live import LiveHost
from envprint.probes import imports
from envprint.probes.imports import Library, Plan
from envprint.probes.runner import able


def imports_now(
    host: LiveHost, console: Console, workload: Workload, names: Sequence[str] = ()
) -> dict[str, Any]:
    """What can be imported in the environment under observation; reports progress.

    `names` are distributions or their main modules. Without any, all that takes part in such a
    workload is imported. Raises `EnvprintError` if something that is named is not installed, and if
    the interpreter is too old.
    """
    plan = Plan(
        python=able(host.interpreter()),
        environ=host.environ_for_children(),
        device=workload.device,
        beside=len(host.cpus()),
        seal=host.seal,
    )
    libraries = list(_named(host, names) if names else _taking_part(host, workload))
    try:
        with Waiting(console, "import", steps=len(libraries)) as waiting:
            waiting.begin("")
            # It reports what is done, such as `1 of 2: numpy`.
            return imports.measure(
                libraries, plan, lambda done: waiting.begin(f"{done.partition(': ')[2]} is done")
            )
    except OSError as error:
        raise EnvprintError(f"probe imports: {error}") from None


def _first_copies(host: LiveHost) -> dict[str, Installed]:
    """Of each distribution the copy that an import finds."""
    try:
        return {one.name: one for one in reversed(distributions(host))}
    except OSError as error:
        raise EnvprintError(f"probe imports: {error}") from None


def _taking_part(host: LiveHost, workload: Workload) -> Iterator[Library]:
    for name, one in sorted(_first_copies(host).items()):
        says = attempt(partial(_says_itself, host, one))
        if roles.part(name, None if isinstance(says, Unknown) else says, workload):
            yield _library(host, one)


def _says_itself(host: LiveHost, one: Installed) -> bool | None:
    return None if roles.listed(one.name) else says_itself(host, f"{one.directory}/{one.entry}")


def _named(host: LiveHost, names: Sequence[str]) -> Iterator[Library]:
    installed = _first_copies(host)
    for name in dict.fromkeys(map(normalised, names)):
        if name in installed:
            yield _library(host, installed[name])
            continue
        owners = [
            one for one in (_library(host, one) for one in installed.values()) if _has(one, name)
        ]
        if not owners:
            near = did_you_mean(name, installed)
            raise EnvprintError(f"probe imports: {name!r} is not installed here; {near}")
        yield from owners


def _has(library: Library, name: str) -> bool:
    """Whether its main module is called so: tensorflow is that of tensorflow-cpu."""
    return normalised(next(iter(library.modules), "")) == name


def _library(host: LiveHost, one: Installed) -> Library:
    version = None if isinstance(one.version, Unknown) else one.version
    entry = roles.listed(one.name) or {}
    if "modules" in entry:
        return Library(one.name, version, tuple(entry["modules"]))
    found = attempt(lambda: import_names(host, one))
    if isinstance(found, Unknown):
        return Library(one.name, version, (one.name.replace("-", "_"),), is_guess=True)
    return Library(one.name, version, *found)
