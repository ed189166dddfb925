"""Environment variables that can change a result: their values, near misses, and late ones.

Only the names on envprint's allowlist are read at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from envprint.core.fields import INTEGER, TEXT, Field, MapOf, record
from envprint.core.known_variables import may_be_in_a_job, misspelt
from envprint.core.redact import Seal, is_recorded, safe_value
from envprint.core.text import unicode_text
from envprint.core.typed import Any
from envprint.machine.attempt import attempt
from envprint.machine.host import Host

FACTS = (
    Field(
        "variables", MapOf(TEXT, "variable"), "Recorded variables that are set, and their values."
    ),
    Field(
        "misspelt",
        MapOf(TEXT, "variable"),
        "Variables whose names nearly match a known one, and the name that was probably meant.",
    ),
    Field(
        "changed_since_start",
        MapOf(
            record(
                Field("start", TEXT, "Value when the process started; null if unset."),
                Field("now", TEXT, "Value at capture; null if unset."),
            ),
            "variable",
        ),
        "Recorded variables that the process itself changed after it started.",
    ),
    Field(
        "world_size",
        record(
            Field("processes", INTEGER, "Number of processes."),
            Field("variable", TEXT, "The variable that says it, such as SLURM_NTASKS."),
        ),
        "Of how many processes the job consists, by its launcher; null outside one.",
    ),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from `os.environ` and, for the values at start, from proc_pid_environ(5)."""
    variables = host.environ()
    return {
        "variables": _recorded(variables, host.seal),
        "misspelt": dict(misspelt(variables)),
        "changed_since_start": attempt(lambda: _changed(host, variables)),
        "world_size": world_size(variables),
    }


def world_size(variables: Mapping[str, str]) -> dict[str, Any] | None:
    """Of how many processes the job consists, by the first variable that says so."""
    if not may_be_in_a_job(variables):
        return None
    from envprint.knowledge import launchers  # most captures are not in one

    found = launchers.world_size(variables)
    return {"processes": found[0], "variable": found[1]} if found else None


def _recorded(variables: Mapping[str, str], seal: Seal) -> dict[str, str]:
    return {name: safe_value(name, value, seal) for name, value in _as_they_are(variables).items()}


def _as_they_are(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that may be recorded, with their secrets."""
    return {
        unicode_text(name): unicode_text(variables[name]) for name in variables if is_recorded(name)
    }


def _changed(host: Host, now: Mapping[str, str]) -> dict[str, dict[str, str | None]]:
    # By the values as they are: two that are hidden may look alike.
    before, after = (_as_they_are(side) for side in (host.start_environ(), now))
    # In the C locale the interpreter itself sets LC_CTYPE at start-up (PEP 538).
    names = [
        name
        for name in (before.keys() | after.keys()) - {"LC_CTYPE"}
        if before.get(name) != after.get(name) and not _is_cut(name, before, after)
    ]
    return {
        name: {
            "start": _safe(name, before.get(name), host.seal),
            "now": _safe(name, after.get(name), host.seal),
        }
        for name in names
    }


def _safe(name: str, value: str | None, seal: Seal) -> str | None:
    return None if value is None else safe_value(name, value, seal)


def _is_cut(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether only glibc has changed the value: it splits its tunables in place at each colon."""
    start, now = before.get(name), after.get(name)
    return name == "GLIBC_TUNABLES" and bool(start and now and now.startswith(f"{start}:"))
