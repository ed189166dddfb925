"""How NCCL sums over GPUs, and the variables that change it."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue
from envprint.core.shell import Command
from envprint.core.workload import Workload
from envprint.rules.kit.devices import DEVICES, VISIBLE, any_reaches, gpu_training, how_many
from envprint.rules.kit.settings import value_text, variable, when_changed
from envprint.rules.ranks import WORLD_SIZE, processes

_NVLS = variable("NCCL_NVLS_ENABLE")
_CHOICES = (
    "NCCL_ALGO",
    "NCCL_PROTO",
    "NCCL_MIN_NCHANNELS",
    "NCCL_MAX_NCHANNELS",
    "NCCL_TOPO_FILE",
)
WATCHED = (WORLD_SIZE, variable("WORLD_SIZE"), VISIBLE, DEVICES)
_VARIABLES = Evidence(
    "NCCL's variables, what they choose and their defaults",
    "https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html",
)


def sums_over_gpus(comparison: Comparison) -> bool:
    """Whether a job may sum over several GPUs on both sides. Raises `UnknownValueError`."""
    return all(map(_has_several, (comparison.before, comparison.after)))


def _has_several(side: Fingerprint) -> bool:
    job = processes(side)
    return (job is not None and job[0] > 1) or how_many(side) > 1


def _chosen(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    for result in when_changed(*_CHOICES)(comparison, workload):
        if isinstance(result, UnknownValue) or sums_over_gpus(comparison):
            yield result


def _in_the_switch(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_NVLS)
    # 0 disables it; 1, and 2 or unset, leave the choice to the machine.
    if change is None or (change.before == "0") == (change.after == "0"):
        return
    if sums_over_gpus(comparison) and any_reaches(comparison, (9, 0)):
        yield Match(
            f"NCCL_NVLS_ENABLE was {value_text(change.before)}, is {value_text(change.after)}",
            (_NVLS,),
            change.before,
            change.after,
        )


RULES = (
    Rule(
        id="nccl-algorithm-changed",
        title="NCCL reduces differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(*map(variable, _CHOICES), *WATCHED),
        why="The algorithm and protocol of a reduction determine the order in which the GPUs' "
        "parts are added.",
        not_when="The job uses one GPU: if only one is visible and the launcher starts one "
        "process, nothing is reported.",
        remedy="Give the NCCL variables the same values on both sides.",
        evidence=(_VARIABLES,),
        drift=_chosen,
    ),
    Rule(
        id="nccl-nvls-changed",
        title="NCCL sums inside the NVLink switch on one side only",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(_NVLS, *WATCHED),
        why="Since Hopper, NCCL lets the NVLink switch do the additions, in an order that may "
        "differ from call to call; with NCCL_NVLS_ENABLE=0, the GPUs add in a fixed order.",
        not_when="The job uses one GPU, no visible GPU has compute capability 9.0 or above, or no "
        "NVLink switch connects them, which is not recorded. A later driver may add "
        "repeatably.",
        remedy=Command("export NCCL_NVLS_ENABLE=0"),
        note="On both sides.",
        evidence=(
            Evidence(
                "NCCL's maintainers: with NVLS the same sum differs between calls",
                "https://github.com/NVIDIA/nccl/issues/1497",
            ),
            _VARIABLES,
        ),
        drift=_in_the_switch,
    ),
)
