"""The variables of a trial: what this process has, with everything recorded as on either side.

What a record does not hold, by its allowlist of names, stays as it is here. The variables go to the
job alone, not to the programs that build its environment: LD_PRELOAD would reach those as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

from envprint.core.fingerprint import Fingerprint
from envprint.core.hidden import is_inside_of
from envprint.core.isolation import CAP, VARIABLE, Plan
from envprint.core.redact import is_recorded
from envprint.core.shell import is_name
from envprint.documents.inputs import NOW
from envprint.isolate.job_settings import loads_code

RECORDED = "facts.environ.variables"
_OF_ANOTHER = (
    "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONHOME",
    "__PYVENV_LAUNCHER__",
)  # fmt: skip
"""What names an environment: each trial has its own."""
_COSTLY = "PYTHONDONTWRITEBYTECODE"
"""With it, every trial would compile every module it imports."""
_HOME = re.compile(r"(^|[:=,;\s])~(?=[/:]|$)")


def is_trusted(name: str, side: Fingerprint, *, trust: bool) -> bool:
    """Whether a variable may be set to what a side has recorded.

    A document may come from anybody: it can set neither a variable that no record would hold, such
    as PATH, nor one that names code to load. This machine's own values are its user's.
    """
    if side.reference == NOW:
        return True
    return is_name(name) and is_recorded(name) and (trust or not loads_code(name))


def variables_of(
    plan: Plan,
    switched: Collection[str],
    sides: tuple[Fingerprint, Fingerprint],
    prefix: str,
    here: Mapping[str, str],
) -> dict[str, str]:
    """The variables of a trial in the environment at `prefix`; `here` are those of this process."""
    found = {name: value for name, value in here.items() if not _is_replaced(name, sides)}
    recorded = [side.get(RECORDED, {}) for side in sides]
    own = _own_path(here)
    switches = {one.what: one for one in plan.switches if one.kind == VARIABLE}
    for name in sorted(set().union(*recorded)):
        switch = switches.get(name)
        is_current = switch is None or switch.name in switched
        side = sides[is_current]
        if switch is None and not is_trusted(name, side, trust=False):
            continue
        value = _value(name, side, recorded[is_current].get(name), here)
        found.pop(name, None)
        found |= {} if value is None else {name: value}
    for cap in (one for one in plan.switches if one.kind == CAP):
        limit = cap.after if cap.name in switched else cap.before
        found |= {cap.what: limit} if limit else {}
    if f"{VARIABLE} {_COSTLY}" not in {one.name for one in plan.switches}:
        found.pop(_COSTLY, None)
    folder = os.path.join(prefix, "bin")
    found["PATH"] = os.pathsep.join([folder, *(entry for entry in own if entry != folder)])
    found["VIRTUAL_ENV"] = prefix
    return found


def _is_replaced(name: str, sides: tuple[Fingerprint, Fingerprint]) -> bool:
    """Whether a variable of this process gives way to what is recorded."""
    if name in _OF_ANOTHER:
        return True
    if loads_code(name):
        return False  # unless it is a switch, it stays as it is here
    are_known = all(RECORDED not in side.unknown for side in sides)
    return are_known and is_recorded(name)


def _value(name: str, side: Fingerprint, value: str | None, here: Mapping[str, str]) -> str | None:
    """The value to set. A hidden one is unknown, so that of this process is the best there is."""
    if value is not None and (side.reference == NOW or is_inside_of(value)):
        return here.get(name)
    return None if value is None else _HOME.sub(rf"\1{_escaped(os.path.expanduser('~'))}", value)


def _escaped(home: str) -> str:
    return home.replace("\\", r"\\")


def _own_path(here: Mapping[str, str]) -> list[str]:
    """PATH without the environment that is active here."""
    active = [here[name] for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if here.get(name)]
    folders = {os.path.join(prefix, "bin") for prefix in active}
    return [one for one in here.get("PATH", os.defpath).split(os.pathsep) if one not in folders]
