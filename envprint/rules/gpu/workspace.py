"""Held memory that determines which of TensorFlow's convolution algorithms fit."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.units import size
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.gpu._holders import PIDS_ARE_OURS, held_memory
from envprint.rules.kit.devices import DEVICES, LIVE, in_use, of_each

_WORKSPACE = "facts.environ.variables[TF_CUDNN_WORKSPACE_LIMIT_IN_MB]"
_LARGER_FROM = (2, 10)


def _workspace_short(now: Fingerprint, one: VisibleDevice, workload: Workload) -> Iterator[Match]:
    limit = _workspace_limit(now)
    path = f"{in_use(now, one)}.memory_free_bytes"
    free, found = now.value(path), held_memory(now, one)
    others = found.listed_bytes + found.unlisted_bytes
    if free is not None and free < limit <= free + others:
        yield Match(
            f"GPU {one.key} has {size(free)} free and would have {size(free + others)} without "
            f"what others hold; TensorFlow allows a convolution {size(limit)} of workspace",
            (path,),
            after=free,
        )


def _workspace_limit(now: Fingerprint) -> int:
    """The workspace limit of TensorFlow's convolutions, in bytes; see the rule's evidence."""
    limit = now.value(_WORKSPACE)
    if limit is not None and limit.isdecimal():
        return int(limit[:9]) << 20
    version = now.value("facts.frameworks.tensorflow.version")
    return (4 if version and numbers(version) < _LARGER_FROM else 8) << 30


RULES = (
    Rule(
        id="gpu-convolution-workspace-short",
        title="Held memory decides which convolution algorithms fit",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow"),
        watches=(LIVE, DEVICES, PIDS_ARE_OURS, _WORKSPACE, "facts.frameworks.tensorflow.version"),
        why="TensorFlow gives a convolution up to 8 GiB of workspace (4 GiB before 2.10). It "
        "requests it once and uses an algorithm without workspace if the request fails; in "
        "autotuning, a candidate whose workspace is unavailable drops out. A different "
        "algorithm rounds differently. The source code shows this; no published measurement "
        "does.",
        not_when="The model's convolutions need less, or it has none. Under XLA, the choice is "
        "made when the program is compiled.",
        remedy="Free the memory, or set TF_CUDNN_WORKSPACE_LIMIT_IN_MB to an amount that is "
        "always free.",
        evidence=(
            Evidence(
                "TensorFlow falls back to a runner without scratch space",
                "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/core/kernels/"
                "conv_ops_gpu.h",
            ),
            Evidence(
                "The limit was 4 GiB and is 8 GiB",
                "https://github.com/tensorflow/tensorflow/pull/56055",
            ),
        ),
        state=of_each(_workspace_short),
        yields_to=("gpu-memory-free-low",),
    ),
)
