"""How a batch is split over several replicas if it does not divide evenly."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import sentence
from envprint.core.workload import Workload, uses
from envprint.rules.kit.devices import VISIBLE, how_many


def split(batch_size: int, replicas: int) -> list[int]:
    """The batch size of each replica in Keras' multi_gpu_model: the last gets the remainder.

    Source: `get_slice` in keras/utils/multi_gpu_utils.py of Keras 2.3.1.
    """
    share = batch_size // replicas
    return [share] * (replicas - 1) + [batch_size - share * (replicas - 1)]


def _uneven(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if workload.batch_size is None:
        return
    replicas = workload.replicas or how_many(now) or 1
    if workload.batch_size % replicas:
        shares = ", ".join(map(str, split(workload.batch_size, replicas)))
        even = workload.batch_size - workload.batch_size % replicas
        yield Match(
            f"a batch of {workload.batch_size} on {replicas} replicas: {shares} in Keras; "
            "PyTorch's sampler repeats samples until it divides",
            ("facts.gpu.count",),
            after=workload.batch_size % replicas,
            remedy=sentence(
                "Use a batch size of {} or {}.", str(even or replicas), str(even + replicas)
            ),
        )


BATCH_RULE = Rule(
    id="batch-not-divisible",
    title="The batch does not divide evenly among the replicas",
    impact=Impact.NUMERIC,
    confidence=Confidence.DOCUMENTED,
    applies=uses("tensorflow", "torch"),
    watches=("facts.gpu.count", VISIBLE),
    why="Replicas with unequal shares weight their samples unequally, in the gradient and in "
    "batch normalisation. This is a systematic bias: the same split repeats itself.",
    not_when="The last batch is dropped if it does not divide evenly, or the framework refuses "
    "such a batch, as recent Keras does.",
    remedy="Use a batch size that is divisible by the number of replicas.",
    evidence=(
        Evidence(
            "Keras 2.3 gives every replica the floor and the last one the rest",
            "https://github.com/keras-team/keras/blob/2.3.1/keras/utils/multi_gpu_utils.py",
        ),
        Evidence(
            "DistributedSampler adds samples so that the data divides evenly",
            "https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler",
        ),
    ),
    state=_uneven,
    advice=True,
)

RULES = (BATCH_RULE,)
