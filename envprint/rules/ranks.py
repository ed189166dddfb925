"""The effect on a result of the number of processes, and of how their sums are combined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.workload import Workload, uses
from envprint.rules.kit.devices import gpu_training
from envprint.rules.kit.settings import variable, when_changed

WORLD_SIZE = "facts.environ.world_size"
_PYTORCH = "WORLD_SIZE"


def _world_size(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    sides = (comparison.before, comparison.after)
    before, after = map(processes, sides)
    # A launcher sets the variable: a capture outside it does not see the job's value.
    if before and after and before[0] != after[0]:
        places = (variable(after[1]), variable("LOCAL_WORLD_SIZE"), WORLD_SIZE)
        yield Match(
            f"the world size ({after[1]}) was {before[0]}, is {after[0]}",
            tuple(path for path in places if comparison.under(path)) or (WORLD_SIZE,),
            before[0],
            after[0],
        )


def processes(side: Fingerprint) -> tuple[int, str] | None:
    """The number of processes of the job and the variable that says it; None outside of one.

    A document of an earlier version has WORLD_SIZE alone.
    """
    said = side.get(WORLD_SIZE)
    if isinstance(said, Mapping) and isinstance(said.get("processes"), int):
        return said["processes"], str(said.get("variable"))
    value = side.value(variable(_PYTORCH)) or ""
    return (int(value), _PYTORCH) if value.isdecimal() and len(value) < 10 else None


RULES = (
    Rule(
        id="world-size-changed",
        title="The job runs with a different number of processes",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(WORLD_SIZE, variable(_PYTORCH)),
        why="Every process gets its part of the data and its own random numbers, and all "
        "gradients are added: a different number of processes makes a different run.",
        not_when="The program does not start by that variable. A variable set on one "
        "side only is ignored: a launcher sets it for the job alone.",
        remedy="Start the job with as many processes as before.",
        evidence=(
            Evidence(
                "TensorFlow's maintainers on results that depend on the number of GPUs",
                "https://github.com/tensorflow/tensorflow/issues/38197",
            ),
            Evidence(
                "DistributedSampler gives every process its share of the data",
                "https://docs.pytorch.org/docs/stable/data.html"
                "#torch.utils.data.distributed.DistributedSampler",
            ),
            Evidence(
                "Lightning takes the number of processes from SLURM_NTASKS",
                "https://github.com/Lightning-AI/pytorch-lightning/issues/20391",
            ),
        ),
        drift=_world_size,
    ),
    Rule(
        id="horovod-fusion-changed",
        title="Horovod combines gradients differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(variable("HOROVOD_FUSION_THRESHOLD"),),
        why="Gradients that are ready together are added together, so the order of the additions "
        "depends on timing. Only 0 turns that off.",
        not_when="The job does not use Horovod, or uses one process.",
        remedy=Command("export HOROVOD_FUSION_THRESHOLD=0"),
        note="On both sides.",
        evidence=(
            Evidence(
                "NVIDIA's guide to deterministic TensorFlow, on several GPUs",
                ""
                "https://github.com/NVIDIA/framework-reproducibility/blob/master/doc/d9m/tensorflow.md",
            ),
        ),
        drift=when_changed("HOROVOD_FUSION_THRESHOLD"),
    ),
)
