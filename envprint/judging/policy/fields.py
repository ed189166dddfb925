"""The form of a policy: every key, declared once; the published schema follows from it.

The schema takes the allowed values from here. `envprint.judging.policy.parse` checks them again,
because its errors name the line; a test keeps the two consistent.
"""

from __future__ import annotations

from collections.abc import Iterable

from envprint.core.fields import TEXT, Field, ListOf, MapOf, Scalar, record
from envprint.core.fingerprint import FRAMEWORKS
from envprint.core.impact import IMPACT_WORDS
from envprint.core.redact import NAMES, NOT_OURS, PREFIXES
from envprint.core.report import DEVICES
from envprint.core.units import SIZE
from envprint.core.workload import ALIASES
from envprint.judging.policy.accept import ACCEPTED_STEPS, ROLES
from envprint.judging.policy.model import UNKNOWN_ACTIONS

MAX_GPUS = 1024
"""More than any machine has, counting the parts of divided GPUs."""
ISO_DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_RECORDED = rf"^(?!{'|'.join(NOT_OURS)})(({'|'.join(sorted(NAMES))})$|{'|'.join(PREFIXES)})"
# https://packaging.python.org/en/latest/specifications/version-specifiers/
_VERSION = r"v?([0-9]+!)?[0-9]+(\.[0-9]+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)"
_VERSION += r"[-_.]?[0-9]*|-[0-9]+)*(\+[a-z0-9]+([-_.][a-z0-9]+)*)?"
_CLAUSE = rf"\s*(===\s*[^\s,]+|(==|!=)\s*{_VERSION}(\.\*)?|(~=|<=?|>=?)\s*{_VERSION})\s*"
_VERSIONS = rf"^(\*|\s*|{_CLAUSE}(,{_CLAUSE})*,?\s*)$"


def switches() -> tuple[str, ...]:
    """Every determinism switch that a capture can read."""
    from envprint.core.switches import FLAGS, VARIABLES
    from envprint.machine.interpreter import SWITCHES

    names = {name for name, *_ in SWITCHES}
    return tuple(sorted({*VARIABLES.values(), *FLAGS.values(), *names}))


def _jobs() -> Iterable[str]:
    """Every name of a job."""
    from envprint.knowledge.jobs import names  # reads a table

    return names()


def _one_of(words: tuple[str, ...]) -> Scalar:
    return TEXT._replace(limits=lambda: {"enum": list(words)})


def _like(pattern: str) -> Scalar:
    return TEXT._replace(limits=lambda: {"pattern": pattern})


_IMPACT = _one_of(IMPACT_WORDS)
_TEXT = _like(r"\S")
_GPUS = Scalar("integer", (int,), lambda: {"minimum": 0, "maximum": MAX_GPUS})
_SWITCH = TEXT._replace(limits=lambda: {"enum": list(switches())})
IDENTITY = r"^facts\.[a-z]+[.\[]."
"""How the path of a value begins that is meant to differ: inside of one section of facts."""
_JOB = TEXT._replace(limits=lambda: {"enum": sorted(_jobs())})
_PLACE = _like(r"^(\*|~?/)")
_DATE = Scalar("date", (str,), lambda: {"format": "date", "pattern": ISO_DATE})

_ENTRY = record(
    Field("rule", _TEXT, "Rule id or pattern (`*` matches anything)."),
    Field("path", _TEXT, "Path or pattern of the fingerprint."),
    Field("reason", _TEXT, "Why; required."),
)._replace(required=("reason",), any_of=("rule", "path"))
_EXPIRES = Field("expires", _DATE, "Last day on which it applies: 2027-01-31.")
_ACCEPT = record(
    Field("package", _TEXT, "Name of a distribution or pattern (`*` matches anything)."),
    Field("role", _one_of(ROLES), "The part it takes in training: " + ", ".join(ROLES) + "."),
    Field(
        "step",
        _one_of(ACCEPTED_STEPS),
        "The largest step between two versions: patch, minor, major, or any, which includes "
        "different builds and anything added or removed. Any if left out.",
    ),
    Field("reason", _TEXT, "Why; required."),
    _EXPIRES,
)._replace(required=("reason",), any_of=("package", "role"))

SHAPE = record(
    Field("fail_on", _IMPACT, "Exit code 1 from this impact on: " + ", ".join(IMPACT_WORDS) + "."),
    Field(
        "on_unknown",
        _one_of(UNKNOWN_ACTIONS),
        "What to do with an undecided rule: ignore, warn or fail (exit code 3).",
    ),
    Field(
        "frameworks",
        ListOf(_JOB),
        f"The frameworks of the workload: {', '.join(FRAMEWORKS)}; or {', '.join(ALIASES)}; or "
        "libraries that take part in training, such as transformers or xgboost.",
    ),
    Field("device", _one_of(tuple(DEVICES)), "The device of the workload: cpu or gpu."),
    Field(
        "impact", MapOf(_IMPACT, "rule"), "A rule's impact for this team, by its id or a pattern."
    ),
    Field(
        "require",
        record(
            Field(
                "min_free_gpu",
                _like(f"^{SIZE}$"),
                "What each visible GPU must have free, such as `20 GiB`.",
            ),
            Field("gpus", _GPUS, "How many GPUs must be visible."),
            Field(
                "variables",
                MapOf(TEXT, "variable", _RECORDED),
                "Variables and the value they must have.",
            ),
            Field("switches", ListOf(_SWITCH), "Determinism switches that must be on."),
            Field(
                "packages",
                MapOf(_like(_VERSIONS), "package"),
                "Packages and the versions they may have: `==2.4.6`, `>=2.4,<3`, or `*` for any.",
            ),
        ),
        "The state that every run needs.",
    ),
    Field(
        "ignore",
        ListOf(_ENTRY._replace(fields=(*_ENTRY.fields, _EXPIRES))),
        "Findings left out.",
    ),
    Field(
        "accept",
        ListOf(_ACCEPT),
        "Accepted changes of libraries that nobody has judged.",
    ),
    Field(
        "expect",
        ListOf(_ENTRY),
        "Differences that are the experiment itself: shown separately, and not counted.",
    ),
    Field(
        "identity",
        ListOf(
            record(
                Field("path", _like(IDENTITY), "Path of facts; `*` in a step matches anything."),
                Field("reason", _TEXT, "Why; required."),
            )._replace(required=("path", "reason"))
        ),
        "What is meant to differ between the machines of a fleet, beside the names of hosts, "
        "processes and cards.",
    ),
    Field(
        "trust",
        record(
            Field(
                "filters",
                ListOf(_PLACE),
                "Repositories whose clean filters Git may run, by the path of the work tree or by "
                "a pattern (`*` matches anything).",
            ),
        ),
        "Counts only in the user's own policy: a repository cannot trust itself.",
    ),
)
