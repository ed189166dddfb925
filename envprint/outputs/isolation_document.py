"""A search of `isolate` as a document (schemas/isolation-1.json)."""

from __future__ import annotations

from math import isfinite

from envprint.core import shell
from envprint.core.fields import ANYTHING, FLAG, INTEGER, NUMBER, TEXT, Field, ListOf, MapOf, record
from envprint.core.isolation import (
    UNRESOLVED,
    Answer,
    Distance,
    Isolation,
    Plan,
    Side,
    Switch,
    Trial,
)
from envprint.core.typed import Any
from envprint.core.version import __version__
from envprint.outputs.isolation import remedy

VERSION = "1.0"

_KIND = Field("switch", TEXT, "variable, affinity, package, python, cap or code.")
_NAME = Field("name", TEXT, "The variable, the package, or what else differs.")
_NAMED = record(_KIND, _NAME)._replace(required=("switch", "name"))
_DIFFERENCE = record(
    _KIND,
    _NAME,
    Field("before", ANYTHING, "The value of BASELINE; null if it is absent there."),
    Field("after", ANYTHING, "The value of CURRENT; null if it is absent there."),
)._replace(required=("switch", "name", "before", "after"))
_OUTCOME = Field("outcome", TEXT, "baseline, current, another result, did not run or not built.")
_SIDE = record(
    Field("reference", TEXT, "How the user named it: a file, @NAME or now; or its label."),
    Field("digest", TEXT, "The fingerprint's digest."),
    Field("captured_at", TEXT, "When it was captured, in UTC."),
)._replace(required=("digest", "captured_at"))
_RESULT = record(
    Field("kind", TEXT, "stdout, json, file or probe."),
    Field("selector", TEXT, "What --result named."),
    Field("tolerance", NUMBER, "The largest difference between numbers that counts as equal."),
    Field("before", TEXT, "BASELINE's result in a few words; null if there was none."),
    Field("after", TEXT, "CURRENT's."),
)._replace(required=("kind", "selector", "tolerance"))
_STEP = record(
    Field("number", INTEGER, "Counted from 1."),
    Field("switched", ListOf(_NAMED), "What was as in CURRENT; the others were as in BASELINE."),
    _OUTCOME,
    Field("value", TEXT, "The result in a few words, or why there is none."),
    Field("seconds", NUMBER, "How long the job ran."),
    Field("is_remembered", FLAG, "Whether an earlier search had run the same."),
)._replace(required=("number", "switched", "outcome", "value", "seconds", "is_remembered"))

SHAPE = record(
    Field("schema_version", TEXT, "Version of this document's form, MAJOR.MINOR."),
    Field("envprint_version", TEXT, "The program that wrote it."),
    Field("outcome", TEXT, "found, equal, not-repeatable or unresolved."),
    Field("result", _RESULT, "Where the result is, and what it was on both sides."),
    Field(
        "repeats",
        record(
            Field("before", FLAG, "Whether BASELINE repeated itself; null if that is unknown."),
            Field("after", FLAG, "Whether CURRENT did."),
        ),
        "Whether both sides repeat themselves.",
    ),
    Field("needed", ListOf(_DIFFERENCE), "The cause: BASELINE with it gives CURRENT's result."),
    Field(
        "fix",
        ListOf(
            record(
                _KIND, _NAME, Field("commands", ListOf(TEXT), "What puts it back, for a shell.")
            )._replace(required=("switch", "name", "commands"))
        ),
        "What CURRENT must give back for BASELINE's result.",
    ),
    Field("not_needed", ListOf(_NAMED), "What CURRENT's result does not need."),
    Field(
        "not_switchable",
        ListOf(
            record(
                Field("name", TEXT, "What differs."), Field("reason", TEXT, "Why it stays.")
            )._replace(required=("name", "reason"))
        ),
        "What differs and no trial can switch.",
    ),
    Field("unresolved", ListOf(_NAMED), "What may be the cause if none was found."),
    Field("trials", INTEGER, "Number of entries in `steps`."),
    Field("runs", INTEGER, "How often the job ran; a remembered trial is none."),
    Field("reason", TEXT, "Why no cause was found; null if one was."),
    Field("baseline", _SIDE, "The fingerprint of BASELINE."),
    Field("current", _SIDE, "The fingerprint of CURRENT."),
    Field("command", ListOf(TEXT), "The job, secrets hidden."),
    Field("switches", ListOf(_DIFFERENCE), "What trials could switch, the likeliest first."),
    Field("steps", ListOf(_STEP), "Each trial, in order."),
    Field(
        "alone",
        ListOf(record(_KIND, _NAME, _OUTCOME)._replace(required=("switch", "name", "outcome"))),
        "What was switched alone, and the outcome.",
    ),
    Field(
        "rest",
        TEXT,
        "The outcome of all that is not needed, switched together; null if it was not run.",
    ),
    Field(
        "apart",
        record(
            Field("absolute", NUMBER, "The largest difference between numbers; null if infinite."),
            Field("relative", NUMBER, "To the larger of the two; null if infinite."),
            Field("where", TEXT, "The part with the first difference."),
            Field("differing", INTEGER, "How many numbers differ."),
            Field("total", INTEGER, "Of how many."),
        ),
        "How far apart the results are; null if they are no numbers of one shape.",
    ),
    Field("noise", ListOf(TEXT), "Sides whose file differs from run to run, its content not."),
    Field("rules", MapOf(TEXT, "rule"), "confirmed, not seen here or contradicted."),
    Field("notes", ListOf(TEXT), "What makes the claim smaller than it sounds."),
)
NOT_ALWAYS = ("reason", "rest", "apart")
"""Fields that may be null."""


def document(found: Isolation) -> dict[str, Any]:
    """The search as JSON types."""
    answer, plan = found.answer, found.plan
    needed = (*answer.cause, *answer.along) if answer and answer.is_minimal else ()
    is_open = found.outcome == UNRESOLVED
    candidates = answer.cause if answer else [one.name for one in plan.switches]
    return {
        "schema_version": VERSION,
        "envprint_version": __version__,
        "outcome": found.outcome,
        "result": _result(found),
        "repeats": {"before": found.baseline.repeats, "after": found.current.repeats},
        "needed": [_difference(one) for one in plan.named(needed)],
        "fix": _fixes(plan, answer) if answer else [],
        "not_needed": [_named(one) for one in _others(plan, answer)] if answer else [],
        "not_switchable": [{"name": one.what, "reason": one.reason} for one in plan.fixed],
        "unresolved": [_named(one) for one in plan.named(candidates)] if is_open else [],
        "trials": len(found.trials),
        "runs": found.runs,
        "reason": found.reason or None,
        "baseline": _side_document(found.baseline),
        "current": _side_document(found.current),
        "command": list(found.command),
        "switches": [_difference(one) for one in plan.switches],
        "steps": [_step(one, plan) for one in found.trials],
        "alone": _alone(plan, answer) if answer else [],
        "rest": answer.rest.value if answer and answer.rest else None,
        "apart": found.apart and _apart(found.apart),
        "noise": list(found.noise),
        "rules": dict(found.rules),
        "notes": list(found.notes),
    }


def _result(found: Isolation) -> dict[str, Any]:
    """Where the result is, and what it was on both sides."""
    kind = "json" if ".json:" in found.result else "file"
    if found.result == "probe" or found.result.startswith("stdout:"):
        kind = found.result.partition(":")[0]
    values = {"before": found.baseline.value, "after": found.current.value}
    return {"kind": kind, "selector": found.result, "tolerance": found.tolerance, **values}


def _side_document(side: Side) -> dict[str, Any]:
    return {
        "reference": side.reference,
        "digest": side.digest,
        "captured_at": side.captured_at,
    }


def _apart(found: Distance) -> dict[str, Any]:
    sizes = {"absolute": found.absolute, "relative": found.relative}
    finite = {name: size if isfinite(size) else None for name, size in sizes.items()}
    return {**found._asdict(), **finite}


def _named(switch: Switch) -> dict[str, Any]:
    return {"switch": switch.kind, "name": switch.what}


def _difference(switch: Switch) -> dict[str, Any]:
    return {**_named(switch), "before": switch.before, "after": switch.after}


def _fixes(plan: Plan, answer: Answer) -> list[dict[str, Any]]:
    """What CURRENT must give back, with the commands that do it."""
    return [
        {**_named(one), "commands": list(shell.commands(remedy(one) or ""))}
        for one in plan.named([*answer.fix, *answer.fix_along])
    ]


def _others(plan: Plan, answer: Answer) -> list[Switch]:
    """What CURRENT's result does not need."""
    needed = {*answer.cause, *answer.along}
    return [one for one in plan.switches if one.name not in needed and answer.is_minimal]


def _step(trial: Trial, plan: Plan) -> dict[str, Any]:
    switched = [_named(one) for one in plan.named(trial.switched)]
    return {**trial._asdict(), "switched": switched, "outcome": trial.outcome.value}


def _alone(plan: Plan, answer: Answer) -> list[dict[str, Any]]:
    return [
        {**_named(one), "outcome": answer.alone[one.name].value}
        for one in plan.switches
        if one.name in answer.alone
    ]
