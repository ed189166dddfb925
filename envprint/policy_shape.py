"""The form of a policy: every key, declared once; the published schema follows from it."""

from __future__ import annotations

from envprint.fields import INTEGER, TEXT, Field, ListOf, MapOf, Scalar, record
from envprint.model import IMPACT_WORDS
from envprint.workload import FRAMEWORKS

DATE = Scalar("date", (str,))
MOST_GPUS = 1024
"""More than any machine has, the parts of divided ones counted."""

_WHICH = (
    Field("rule", TEXT, "Rule id or pattern (`*` stands for anything)."),
    Field("path", TEXT, "Path or pattern of the fingerprint."),
    Field("reason", TEXT, "Why; required."),
)

SHAPE = record(
    Field("fail_on", TEXT, "Exit code 1 from this impact on: " + ", ".join(IMPACT_WORDS) + "."),
    Field("on_unknown", TEXT, "What an undecided rule does: ignore, warn or fail (exit code 3)."),
    Field(
        "frameworks", ListOf(TEXT), "The frameworks of the workload: " + ", ".join(FRAMEWORKS) + "."
    ),
    Field("device", TEXT, "The device of the workload: cpu or gpu."),
    Field("impact", MapOf(TEXT, "rule"), "A rule's impact for this team, by its id or a pattern."),
    Field(
        "require",
        record(
            Field("min_free_gpu", TEXT, "What each visible GPU must have free, such as `20 GiB`."),
            Field("gpus", INTEGER, "How many GPUs must be visible."),
            Field("variables", MapOf(TEXT, "variable"), "Variables and the value they must have."),
            Field("switches", ListOf(TEXT), "Determinism switches that must be on."),
            Field(
                "packages",
                MapOf(TEXT, "package"),
                "Packages and the versions they may have: `==2.4.6`, `>=2.4,<3`, or `*` for any.",
            ),
        ),
        "The state that every run needs.",
    ),
    Field(
        "ignore",
        ListOf(record(*_WHICH, Field("expires", DATE, "Last day on which it holds: 2027-01-31."))),
        "Findings left out.",
    ),
    Field(
        "expect",
        ListOf(record(*_WHICH)),
        "Differences that are the experiment itself: shown apart, and not counted.",
    ),
)
