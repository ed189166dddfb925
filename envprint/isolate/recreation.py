"""Recreates a recorded environment as far as this machine allows, and captures what came of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from envprint.collectors._runner import capture
from envprint.core.errors import EnvprintError, OutputError, UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.shell import quoted
from envprint.core.typed import NamedTuple
from envprint.isolate import files
from envprint.isolate.building import Built, build
from envprint.isolate.caps import Caps, caps_for
from envprint.isolate.conda_file import ENVIRONMENT, conda_file
from envprint.isolate.installers import Count, Log
from envprint.isolate.job_settings import JobSettings, environment, settings_of
from envprint.isolate.lock import lock, packages_of
from envprint.isolate.wanted import Wanted, wanted_of
from envprint.machine.files import read_regular, write_output
from envprint.machine.live import LiveHost
from envprint.probes.runner import Plan, measure
from envprint.probes.runner import names as names_of_probes


class Parts(NamedTuple):
    """What a record says, before anything is done."""

    fingerprint: Fingerprint
    wanted: Wanted
    settings: JobSettings
    trust: bool = False
    """Whether addresses and paths of the record may be used."""


class Made(NamedTuple):
    """What there is in the end."""

    parts: Parts
    caps: Caps
    folder: str
    files: tuple[str, ...]
    """Names of the files in the folder."""
    not_locked: str | None
    """Why there is no `pylock.toml`; None if there is one."""
    built: Built | None
    """The environment; None if none was wanted."""


def parts_of(fingerprint: Fingerprint, *, trust: bool = False) -> Parts:
    """What of a fingerprint can be recreated. Raises `EnvprintError` if it does not tell."""
    try:
        wanted = wanted_of(fingerprint, trust=trust)
        settings = settings_of(fingerprint, trust=trust)
    except UnknownValueError as error:
        raise EnvprintError(
            f"the record cannot be recreated: {error.path} is unknown in it: {error.reason}"
        ) from None
    return Parts(fingerprint, wanted, settings, trust)


def make(
    parts: Parts,
    here: Fingerprint,
    folder: str,
    venv: str | None,
    log: Log,
    *,
    count: Count | None = None,
) -> Made:
    """Build the environment at `venv`, if there is one to build, and write the files to `folder`.

    `here` is a fingerprint of this machine. Raises `EnvprintError`.
    """
    folder = os.path.abspath(folder)
    if venv is not None and quoted(os.path.abspath(venv)) is None:
        raise OutputError(f"{venv}: no shell can write this path; name another one")
    _check(folder)
    built = None if venv is None else build(parts.wanted, venv, log, count=count)
    python = built.python if built else None
    caps = caps_for(parts.fingerprint, here, python, parts.settings.variables)
    recipe = files.Recipe(*parts[:3], caps, place=built.place if built else "venv")
    texts = files.texts(recipe)
    of_conda = conda_file(parts.fingerprint, files.MARK, trust=parts.trust)
    texts |= {ENVIRONMENT: of_conda} if of_conda else {}
    not_locked = None
    lacking = [one.name for one in built.lacking] if built else []
    try:
        log("asking the index for the files of each version")
        texts[files.LOCK] = lock(packages_of(parts.wanted, lacking), files.MARK)
    except EnvprintError as error:
        not_locked = str(error)
    _write(folder, texts, log)
    return Made(parts, caps, folder, tuple(texts), not_locked, built)


ALL_FILES = (
    *(files.REQUIREMENTS, files.LOCK, files.VARIABLES, files.ENV_FILE, files.RUN),
    *(files.DOCKERFILE, files.REPORT, ENVIRONMENT),
)


def _check(folder: str) -> None:
    """Refuse to replace what somebody else wrote. Raises `OutputError`."""
    for name in ALL_FILES:
        path = os.path.join(folder, name)
        if os.path.lexists(path) and not _is_ours(path):
            raise OutputError(
                f"{path}: exists, and envprint did not write it; -o names another directory"
            )


def _is_ours(path: str) -> bool:
    try:
        content = read_regular(path, 4096)
    except OSError:
        return False
    is_report = path.endswith(files.REPORT) and b'"verdict"' in content + read_regular(path)
    return files.MARK.encode() in content or is_report


def _write(folder: str, texts: dict[str, str], log: Log) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot create {folder}: {error.strerror}") from None
    for name, text in texts.items():
        write_output(os.path.join(folder, name), text, log)
    os.chmod(os.path.join(folder, files.RUN), 0o755)


def capture_made(made: Made, log: Log) -> Fingerprint:
    """The environment that was built, as a job of the launcher finds it.

    What probes of the record computed is computed again.
    """
    assert made.built
    python = made.built.python
    variables = environment(made.parts.settings, os.environ) | dict(made.caps.variables)
    variables["VIRTUAL_ENV"] = made.built.place
    path = variables.get("PATH", os.defpath)
    variables["PATH"] = os.pathsep.join((os.path.dirname(python), path))
    variables.pop("PYTHONHOME", None)
    with _on_cpus(made.parts.settings.cpus), _with_variables(variables):
        host = LiveHost(python, variables=variables)
        names = _probed(made.parts.fingerprint)
        if names:
            plan = Plan(python, names, "cpu", 1)
            results = measure(plan, lambda what: log(f"probing {what}"))
            host.set_probe_results({"numeric": results})
        found = capture(host, via="cli")
    return found._replace(reference=made.built.place)


def _probed(recorded: Fingerprint) -> list[str]:
    """The probes that the record has results of, on the CPU."""
    found = recorded.get("facts.probes.numeric") or {}
    return [name for name in names_of_probes() if name in found]


@contextmanager
def _with_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """These variables and no others for the processes that this one starts."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _on_cpus(count: int | None) -> Iterator[None]:
    """As many CPUs for this process as the launcher leaves to a job."""
    if count is None or not hasattr(os, "sched_getaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, set(sorted(before)[:count]))
        yield
    finally:
        os.sched_setaffinity(0, before)


_OF_THE_MACHINE = ("cpu", "gpu", "os", "container", "rocm", "probes")
_DRIVER = (
    *("driver_library", "kernel_module_version", "supported_version", "uvm_device"),
    *("fabric_manager", "iommu"),
)


def forecast(recorded: Fingerprint, here: Fingerprint, caps: Caps) -> Fingerprint:
    """The record as it would be on this machine: what files can carry is taken from the record."""
    facts = {**recorded.facts, **{n: here.facts[n] for n in _OF_THE_MACHINE if n in here.facts}}
    cuda = dict(recorded.facts.get("cuda") or {})
    cuda |= {
        name: value for name, value in (here.facts.get("cuda") or {}).items() if name in _DRIVER
    }
    environ = dict(recorded.facts.get("environ") or {})
    environ["variables"] = {**(environ.get("variables") or {}), **dict(caps.variables)}
    facts |= {"cuda": cuda, "environ": environ}
    unknown = {p: why for p, why in recorded.unknown.items() if not _is_machine(p)}
    unknown |= {p: why for p, why in here.unknown.items() if _is_machine(p)}
    return here._replace(facts=facts, unknown=unknown, undeclared=(), reference="this machine")


def _is_machine(path: str) -> bool:
    section = path.split(".")[1].split("[", maxsplit=1)[0] if "." in path else ""
    return path.startswith("live.") or section in _OF_THE_MACHINE
