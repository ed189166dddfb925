"""The effect on a result of the number of processes, and of how their sums are combined."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command, sentence
from envprint.core.workload import Workload, uses
from envprint.rules.kit.devices import gpu_training
from envprint.rules.kit.settings import variable, when_changed

_WORLD_SIZE = variable("WORLD_SIZE")


def _world_size(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_WORLD_SIZE)
    # A launcher sets the variable: a capture outside it does not see the job's value.
    if change and change.before and change.after:
        yield Match(
            f"the job had {change.before} processes, has {change.after}",
            (_WORLD_SIZE, *comparison.under(variable("LOCAL_WORLD_SIZE"))),
            change.before,
            change.after,
            remedy=sentence("Start the job with {} processes.", change.before),
        )


RULES = (
    Rule(
        id="world-size-changed",
        title="The job runs with a different number of processes",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(_WORLD_SIZE,),
        why="Every process gets its part of the data and its own random numbers, and all "
        "gradients are added: a different number of processes makes a different run.",
        not_when="The number of processes does not come from WORLD_SIZE. A variable set on one "
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
