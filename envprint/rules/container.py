"""The effect of containers, schedulers and notebook services on a result."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.units import size
from envprint.core.workload import Workload, always, on_cpu, uses
from envprint.rules.kit.allocation import CONTAINER, MODULE, SCHEDULER, how_to_ask
from envprint.rules.kit.computing import BUILDS, KFD, PLUGINS
from envprint.rules.kit.devices import DEVICES, STATUS, VISIBLE, how_many

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


def _not_allocated(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Only where nobody says that the work is for the CPU, and a build for CUDA is installed."""
    if not now.value(MODULE) or workload.device_named:
        return
    remedy = how_to_ask(now)
    if remedy and not now.get(KFD) and not how_many(now):
        builds = {now.get(path) for path in BUILDS.values()}
        if "cuda" in builds or any("cuda" in name for name in now.get(PLUGINS, {}) or ()):
            text = "the NVIDIA driver is loaded, and this job sees no GPU"
            yield Match(text, (MODULE, VISIBLE, STATUS), remedy=remedy)


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
    Rule(
        id="container-gives-no-gpu",
        title="This machine has a GPU, and the job was given none",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=on_cpu & uses("jax", "tensorflow", "torch"),
        watches=(MODULE, SCHEDULER, CONTAINER, DEVICES, VISIBLE, STATUS, *BUILDS.values(), PLUGINS),
        why="A scheduler and a container hide the GPUs that a job did not ask for, and frameworks "
        "then compute on the CPU without a word.",
        not_when="The work is for the CPU; --device cpu says so.",
        remedy="Ask for a GPU when you submit the job or start the container.",
        evidence=(
            Evidence(
                "Slurm gives a job the GPUs that it asks for",
                "https://slurm.schedmd.com/gres.html",
            ),
            Evidence(
                "Kubernetes: GPUs are asked for among the limits",
                "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/",
            ),
            Evidence(
                "PyTorch promises no equal results between CPU and GPU, even with equal seeds",
                "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            ),
        ),
        state=_not_allocated,
        advice=True,
    ),
)
