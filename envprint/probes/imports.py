"""Imports the installed libraries, each in a process of its own, beside one another.

Whether a library starts depends on every other one, on the loader and on the processor: no table
knows it all, while an import and a first small use take seconds and show it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from tempfile import TemporaryDirectory

from envprint.core.redact import Seal, safe_text
from envprint.core.text import one_line
from envprint.core.typed import Any, NamedTuple
from envprint.machine.child_groups import KEPT_BYTES, Command, Ended, run_beside
from envprint.probes import programs

TIMEOUT_S = 120.0
"""Seconds that an import may take: on a busy machine the slowest frameworks take half of them."""
ERROR_LENGTH = 300
_PROXIES = frozenset(["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"])
_PREFIX = "envprint-imports-"
_TEMPORARY = re.compile(rf"/[^ '\"]*/{_PREFIX}\w+/[\w.-]+")
_NO_MODULE: Mapping[str, Any] = {
    "module": None,
    "ok": None,
    "used": None,
    "error": None,
    "seconds": None,
}
"""What is found of a distribution without a module to import."""


class Library(NamedTuple):
    """A distribution, and what to import of it."""

    name: str
    version: str | None
    modules: tuple[str, ...]
    """Modules, or `module:name`; none if it has no module to import."""
    is_guess: bool = False
    """Whether only the name of the distribution suggests the module."""


class Plan(NamedTuple):
    """How to import."""

    python: str = sys.executable
    """Path of the interpreter under observation."""
    environ: Mapping[str, str] = {}
    """The variables of its processes."""
    device: str = "cpu"
    """`gpu` leaves the GPUs visible."""
    timeout_s: float = TIMEOUT_S
    beside: int = 1
    """How many at the same time."""
    seal: Seal | None = None
    """Marks words that are hidden."""


def measure(
    libraries: Sequence[Library], plan: Plan, report: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """What came of each library; the raw form of `facts.probes.imports`.

    An entry has `module`, `version`, `ok`, `used`, `error` and `seconds`; the first is None if
    there is nothing to import, `used` is None without a first use, and `refused` says why it is
    unknown whether the library starts. `report` is called with each library that has ended.
    """
    found: dict[str, Any] = {}
    by_name = {library.name: library for library in libraries}

    def note(ended: Ended) -> None:
        found[ended.name] = _result(by_name[ended.name], ended, plan)
        report(f"{len(found)} of {count}: {ended.name}")

    with TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as place:
        commands = list(_commands(libraries, plan, place))
        count = len(commands)
        run_beside(commands, plan.beside, plan.timeout_s, note)
    for library in libraries:
        found.setdefault(library.name, {**_NO_MODULE, "version": library.version})
    return {name: found[name] for name in sorted(found)}


def _commands(libraries: Sequence[Library], plan: Plan, place: str) -> Iterator[Command]:
    folder = programs.__path__[0]
    environ = {
        **{name: value for name, value in plan.environ.items() if name.lower() not in _PROXIES},
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    file, seconds = os.path.join(folder, "_import.py"), str(int(plan.timeout_s) + 5)
    for library in libraries:
        if library.modules:
            home = os.path.join(place, library.name)
            os.mkdir(home)
            arguments = (plan.device, home, seconds, *library.modules)
            yield Command(library.name, (plan.python, file, *arguments), environ)


def _result(library: Library, ended: Ended, plan: Plan) -> dict[str, Any]:
    told = _told(ended.out)
    if told.get("missing") and library.is_guess:
        return {**_NO_MODULE, "version": library.version}
    result = {
        "module": told.get("trying", library.modules[0]).partition(":")[0],
        "version": library.version,
        "ok": "done" in told,
        "used": "done" in told if told.get("using") else None,
        "error": None,
        "seconds": round(ended.seconds, 1),
    }
    if "done" in told:
        return {**result, "module": library.modules[0].partition(":")[0]}
    if "error" not in told and ended.code is None:
        limit = f"{plan.timeout_s:g} s"
        what = "its first use" if told.get("using") else "importing it"
        return {**result, "ok": None, "used": None, "refused": f"{what} took longer than {limit}"}
    error = told.get("error") or _crash(ended)
    # The temporary directory has another name each time.
    error = _TEMPORARY.sub("~", one_line(error))
    return {**result, "error": safe_text(error, plan.seal)[:ERROR_LENGTH]}


def _told(out: bytes) -> dict[str, Any]:
    """All that the process told, of each kind the last."""
    told: dict[str, Any] = {}
    for line in out.splitlines():
        try:
            told.update(json.loads(line))
        except (ValueError, TypeError):  # cut off, or not by the program
            continue
    return told


def _crash(ended: Ended) -> str:
    """How a process ended that told no error, and the last line it printed."""
    if ended.code is not None and ended.code < 0:
        how = f"it was ended by {_signal(-ended.code)}"
    else:
        how = f"it ended with exit code {ended.code}"
    lines = [line.strip() for line in ended.err.decode("utf-8", "replace").splitlines()]
    if len(ended.err) >= KEPT_BYTES:
        del lines[0]  # its beginning is lost, so that a secret in it may have another form
    last = next(filter(None, reversed(lines)), "")
    return f"{how}: {last}" if last else how


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"
