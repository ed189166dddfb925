"""A finished search as a measured pair, in the form of `tests/benchmarks/accuracy`.

One side is BASELINE, the other BASELINE with the cause: what the search has run, and nothing else
differs between them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from math import isinf

from envprint.core.errors import OutputError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.isolation import (
    AFFINITY,
    CAP,
    CODE,
    FOUND,
    PACKAGE,
    PYTHON,
    VARIABLE,
    Isolation,
    Switch,
)
from envprint.core.shell import command
from envprint.core.typed import Any
from envprint.core.workload import Workload
from envprint.isolate.wanted import wanted_of
from envprint.machine.files import reason, write_output

ROUNDING = 0.01
"""Relative difference up to which a result differs by rounding, as in the measured pairs."""


def why_none(found: Isolation) -> str | None:
    """Why a search makes no measured pair; None if it makes one."""
    if not found.answer or found.outcome != FOUND:
        return "no cause was found"
    if CODE in found.answer.cause:
        return "the cause is in the code, and a measured pair has one job for both sides"
    return None


def write_pair(
    found: Isolation, sides: tuple[Fingerprint, Fingerprint], workload: Workload, folder: str
) -> str:
    """Write the row and its lists of requirements below `folder`; returns the row's path.

    `why_none` has nothing against it. Raises `OutputError`.
    """
    assert found.answer
    cause = found.plan.named([*found.answer.cause, *found.answer.along])
    name = _id(found.plan.named(found.answer.cause))
    described = {}
    try:
        os.makedirs(os.path.join(folder, "requirements"), exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {reason(error)}") from None
    for side, is_after in (("before", False), ("after", True)):
        file = f"{name}-{side}.txt"
        lines = _requirements(sides, cause if is_after else ())
        write_output(os.path.join(folder, "requirements", file), "".join(lines))
        described[side] = _setting(sides, cause, file, is_after=is_after)
    path = os.path.join(folder, f"{name}.jsonl")
    row = _row(found, name, cause, described, workload)
    write_output(path, json.dumps(row, ensure_ascii=False) + "\n")
    return path


def _id(cause: Sequence[Switch]) -> str:
    words = "-".join(one.what.lower() for one in cause)
    return f"isolate.{re.sub('[^a-z0-9]+', '_', words)}"[:60]


def _requirements(sides: tuple[Fingerprint, Fingerprint], switched: Sequence[Switch]) -> list[str]:
    before, after = ({pin.name: pin for pin in wanted_of(side).pins} for side in sides)
    for switch in switched:
        if switch.kind == PACKAGE:
            before.pop(switch.what, None)
            if switch.what in after:
                before[switch.what] = after[switch.what]
    return [f"{before[name].requirement}\n" for name in sorted(before)]


def _setting(
    sides: tuple[Fingerprint, Fingerprint], cause: Sequence[Switch], file: str, *, is_after: bool
) -> dict[str, Any]:
    """How a side is set up."""
    value = {one.name: one.after if is_after else one.before for one in cause}
    python = str(sides[is_after and PYTHON in value].get("facts.python.version", ""))
    setting: dict[str, Any] = {
        "python": ".".join(python.split(".")[:2]),
        "requirements": file,
    }
    variables = {
        one.what: value[one.name]
        for one in cause
        if one.kind in (VARIABLE, CAP) and value[one.name] is not None
    }
    if variables:
        setting["env"] = variables
    if AFFINITY in value:
        setting["prefix"] = command("taskset -c {}", f"0-{value[AFFINITY] - 1}")
    return setting


def _row(
    found: Isolation,
    name: str,
    cause: Sequence[Switch],
    described: Mapping[str, Any],
    workload: Workload,
) -> dict[str, Any]:
    files = (word for word in found.command if word.endswith(".py"))
    job = os.path.splitext(os.path.basename(next(files, found.command[0])))[0]
    runs = sum(not one.switched for one in found.trials)
    return {
        "id": name,
        "area": cause[0].kind,
        "change": ", ".join(one.what for one in cause),
        "before_value": ", ".join(str(one.before) for one in cause),
        "after_value": ", ".join(str(one.after) for one in cause),
        "framework": next(iter(workload.frameworks), "numpy"),
        "device": workload.device,
        "job": job,
        **described,
        "measured": _measured(found),
        "first_epoch_rel_loss_diff": None,
        "max_rel_loss_diff": _largest(found),
        "repeats_itself": True,
        "runs": runs,
        "conditional": None,
    }


def _largest(found: Isolation) -> float | None:
    """The relative difference; None if the results are no numbers, or one is not finite."""
    relative = found.apart.relative if found.apart else None
    return None if relative is None or isinf(relative) else relative


def _measured(found: Isolation) -> str | None:
    """The effect in the words of the measured pairs; None if no number tells it."""
    if found.fails:
        return Impact.BREAKS.word
    if found.apart is None:
        return None
    is_rounding = found.apart.relative <= ROUNDING
    return (Impact.NUMERIC if is_rounding else Impact.DIVERGES).word
