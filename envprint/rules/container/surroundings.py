"""What differs around a job: the container, the scheduler, the notebook service."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.units import size
from envprint.core.workload import Workload, always

_LIMIT = "facts.container.memory_limit_bytes"
_IMAGE = "facts.container.image"
_SERVICE = "facts.container.notebook_service"


def _less_memory(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_LIMIT)
    if change and change.after and change.after < (change.before or float("inf")):
        before = "not limited" if change.before is None else size(change.before)
        yield Match(
            f"memory was {before}, is limited to {size(change.after)}",
            (_LIMIT,),
            change.before,
            change.after,
        )


def _another(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    names = ["kind", "scheduler"]
    # Most containers cannot see their own image, so an image unknown on both sides is no news.
    if not all(_IMAGE in side.unknown for side in (comparison.before, comparison.after)):
        names.append("image")
    for name in names:
        change = comparison.change(f"facts.container.{name}")
        if change:
            yield Match(
                f"{name} was {change.before or 'none'}, is {change.after or 'none'}",
                (change.path,),
                change.before,
                change.after,
            )


def _managed(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    service = now.value(_SERVICE)
    if service:
        yield Match(f"this is a session of {service}", (_SERVICE,), after=service)


_MANAGED = Evidence(
    "Colab guarantees no resources and adjusts which hardware it offers",
    "https://research.google.com/colaboratory/faq.html",
)

RULES = (
    Rule(
        id="container-memory-limit-lowered",
        title="The container may use less memory",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_LIMIT,),
        why="A process that exceeds the limit of its control group is killed.",
        not_when="The job needs less than the new limit.",
        remedy="Give the container the same limit.",
        evidence=(
            Evidence(
                "The memory controller",
                "https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files",
            ),
        ),
        drift=_less_memory,
        # Advice: a limit changes no bit of what fits, and what the job needs is not known.
        advice=True,
    ),
    Rule(
        id="container-changed",
        title="The container or its image differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.container.kind", _IMAGE, "facts.container.scheduler"),
        why="A different image may contain different libraries than those compared here.",
        not_when="No other difference is reported: what is known to matter is compared separately.",
        remedy="Run the same image, named by its digest.",
        evidence=(
            Evidence(
                "Images by digest",
                ""
                "https://docs.docker.com/reference/cli/docker/image/pull/#pull-an-image-by-digest-immutable-identifier",
            ),
        ),
        drift=_another,
        # Advice: a container computes nothing. What its image brings is compared by other rules;
        # this one names where something that is not recorded may come from.
        advice=True,
    ),
    Rule(
        id="container-managed-service",
        title="The machine belongs to a notebook service",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=(_SERVICE,),
        why="The next session may get a different GPU, driver or set of preinstalled packages.",
        not_when="The service lets you pin both machine and image, and you did.",
        remedy="Capture a fingerprint at the start of each session, and pin the packages.",
        evidence=(_MANAGED,),
        state=_managed,
        advice=True,
    ),
)
