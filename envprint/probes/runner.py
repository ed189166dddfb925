"""Runs probes in separate processes and collects their results.

A framework that is not installed is left out; one that refuses, crashes or hangs loses only the
results it has not reported. A machine is compared only with itself: an operation that differs
between processes has more than one digest.
"""

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module

from envprint.core.discovery import module_names
from envprint.core.errors import EnvprintError
from envprint.core.typed import TYPE_CHECKING, Any, NamedTuple
from envprint.core.versions import is_below
from envprint.machine.child_process import Child
from envprint.machine.files import read_file
from envprint.probes import programs

if TYPE_CHECKING:
    from envprint.probes.programs import Program, ProgramOfParts

SILENCE_S = 180.0
"""Seconds of silence before a probe is ended: on a busy machine an import takes a minute."""
MAX_STARTS = 16
"""Processes per run of a probe: each crash costs one operation, and a new one continues."""

OnProgress = Callable[[str], None]


class Plan(NamedTuple):
    """Which probes to run, and how."""

    python: str = sys.executable
    """Path of the interpreter under observation."""
    names: Sequence[str] = ()
    """Modules of `envprint.probes.programs`; empty for all."""
    device: str = "cpu"
    """`gpu` also runs them on each visible GPU, which creates a CUDA context there."""
    repeat: int = 1


def able(interpreter: Mapping[str, Any], floor: str = "3.7") -> str:
    """Path of the interpreter under observation; `EnvprintError` if it is too old for probes."""
    path, version = str(interpreter["executable"]), str(interpreter["version"])
    if is_below(version, floor):
        raise EnvprintError(f"probe: {path} is Python {version}; it needs {floor} or later")
    return path


def names() -> list[str]:
    """Every numeric probe."""
    return module_names(programs)


def measure(plan: Plan, report: OnProgress = lambda _: None) -> dict[str, Any]:
    """The results of the probes, by key; the raw form of `facts.probes.numeric`.

    A key is a probe's name, on a GPU such as `torch on gpu:0`. A result has `revision`, `version`,
    `device`, `settings`, `runs`, `digests` (operation to its different digests) and `errors`
    (operation to reason), or `refused` instead; `refusals` lists the reasons of further runs that
    refused. An operation that failed in only some runs is in `digests` and in `errors`. `report` is
    called with what runs.
    """
    found: dict[str, Any] = {}
    for name in plan.names or names():
        found |= _on(plan, name, "cpu", report)
        if plan.device == "gpu" and program_named(name).ON_GPU:
            first = _on(plan, name, "gpu:0", report)
            found |= first
            gpus = max((result.get("gpus", 1) for result in first.values()), default=1)
            for number in range(1, gpus):
                found |= _on(plan, name, f"gpu:{number}", report)
    return found


def _on(plan: Plan, name: str, device: str, report: OnProgress) -> dict[str, Any]:
    """The results of one probe on one device, over all runs; empty if it is not installed."""
    key = name if device == "cpu" else f"{name} on {device}"
    reports = []
    program = revision(f"{name}.py", *_parts(name))
    for number in range(1, plan.repeat + 1):
        report(f"{key}, {number} of {plan.repeat}" if plan.repeat > 1 else key)
        reports.append(_run(plan.python, name, device))
        if "missing" in reports[-1]:
            return {}
    return {key: {**_gathered(reports), "revision": program}}


def program_named(name: str) -> "Program":
    """The probe of that name, to look at: another interpreter runs it."""
    return import_module(f"{programs.__name__}.{name}")


def _parts(name: str) -> tuple[str, ...]:
    """The files beside a probe that belong to it."""
    module = import_module(f"{programs.__name__}.{name}")
    if not hasattr(module, "PARTS"):
        return ()
    program: ProgramOfParts = module
    return program.PARTS


def revision(*files: str) -> str:
    """Digest of the text of a probe's programs: a different program gives different results."""
    hashed = hashlib.sha256()
    for file in ("_child.py", *files):
        hashed.update(read_file(os.path.join(programs.__path__[0], file)))
    return hashed.hexdigest()[:32]


def _gathered(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The results of all runs merged; a run that refused counts for no operation."""
    completed = [result for result in reports if "refused" not in result]
    if not completed:
        return {**reports[0], "runs": len(reports), "digests": {}, "errors": {}}
    digests: dict[str, list[str]] = {}
    reasons: dict[str, list[str]] = {}
    for result in completed:
        for operation, reason in result["errors"].items():
            reasons.setdefault(operation, []).append(reason)
        for operation, digest in result["digests"].items():
            if digest not in digests.setdefault(operation, []):
                digests[operation].append(digest)
    refusals = [result["refused"] for result in reports if "refused" in result]
    return {
        **completed[0],
        "runs": len(completed),
        "digests": digests,
        "errors": {
            operation: _reason(failed, len(completed) if operation in digests else len(failed))
            for operation, failed in reasons.items()
        },
        **({"refusals": refusals} if refusals else {}),
    }


def _reason(failed: Sequence[str], runs: int) -> str:
    """Why an operation failed and, if others succeeded, in how many runs."""
    return failed[0] if len(failed) == runs else f"in {len(failed)} of {runs} runs: {failed[0]}"


def _run(python: str, name: str, device: str) -> dict[str, Any]:
    """The results of one run; after a crash, a new process continues after that operation."""
    reported: dict[str, Any] = {"digests": {}, "errors": {}}
    after = ""
    for _ in range(MAX_STARTS):
        after = _listen(reported, lines(python, f"{name}.py", device, after))
        if not after:
            break
    for operation in reported.pop("operations", ()):
        if operation not in reported["digests"]:
            reported["errors"].setdefault(
                operation, "not tried, because too many before it crashed"
            )
    return reported


def _listen(reported: dict[str, Any], results: Iterable[dict[str, Any]]) -> str:
    """Add what one process tells to `reported`; the operation at which it ended early, or none."""
    trying = ""
    for line in results:
        if "operation" in line:
            kind = "digest" if "digest" in line else "error"
            reported[f"{kind}s"][line["operation"]] = line[kind]
        elif "ended" in line:
            lost = reported["errors"] if trying else reported
            lost[trying or "refused"] = line["ended"]
            return trying
        elif "trying" in line:
            trying = line["trying"]
        else:
            reported.update(line.get("begun", line))
    return ""


def lines(
    python: str,
    file: str,
    *arguments: str,
    by: str = "_child.py",
    variables: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Each result of a file of `envprint.probes.programs`, as soon as the file reports it.

    `by` is the file there that runs it, started with these additional `variables`. The last result
    is `{"ended": reason}` if the process did not finish.
    """
    folder = programs.__path__[0]
    command = [python, os.path.join(folder, by), os.path.join(folder, file), *arguments]
    child, ended, is_slow = Child(command, variables), "it ended early", False
    try:
        while (line := child.line(time.monotonic() + SILENCE_S)) is not None:
            result = json.loads(line)
            if "done" in result:
                ended = ""
            else:
                yield result
    except TimeoutError:
        ended, is_slow = f"no output for {SILENCE_S:g} s", True
    finally:
        code = child.end(kill=bool(ended))
    if code is not None and code < 0 and not is_slow:
        ended = f"it was ended by {signal.Signals(-code).name}"
    if ended:
        yield {"ended": ended}
