"""Rules for tests of the engine."""

from __future__ import annotations

from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Rule
from envprint.core.workload import always

KERNEL = "facts.os.kernel_release"


def a_rule(id: str, **fields: object) -> Rule:
    """A rule that watches the kernel, with `fields` replaced."""
    rule = Rule(
        id=id,
        title="The kernel differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=(KERNEL,),
        why="Why.",
        not_when="Never.",
        remedy="Nothing.",
        evidence=(Evidence("a page", "https://example.org"),),
    )
    return rule._replace(**fields)  # type: ignore[arg-type]
