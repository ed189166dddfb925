"""Which of several unlike GPUs a program's number means.

CUDA counts from the fastest GPU on unless told otherwise, NVML and nvidia-smi by bus address. On
a machine with like GPUs that is all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._devices import DEVICES, MOST, VISIBLE, described, training

ORDER = "facts.environ.variables[CUDA_DEVICE_ORDER]"
_BY_BUS = "PCI_BUS_ID"
_DOCUMENTED = Evidence(
    "CUDA_DEVICE_ORDER and CUDA_VISIBLE_DEVICES",
    "https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",
)


def _by_bus(now: Fingerprint) -> bool:
    order: str | None = now.value(ORDER)
    return order == _BY_BUS


def _unlike(now: Fingerprint) -> list[str]:
    """The kinds of GPU here, when there are several and a number decides between them."""
    keys = list(now.value(DEVICES) or {})[:MOST]
    wanted = now.value(VISIBLE)
    by_number = wanted is None or any(entry.strip().isdecimal() for entry in wanted.split(","))
    kinds = sorted({described(now, key) for key in keys}) if by_number else []
    return kinds if len(kinds) > 1 else []


def _changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    before, after = _by_bus(comparison.before), _by_bus(comparison.after)
    kinds = _unlike(comparison.after) if before != after else []
    if kinds:
        words = ("from the fastest on", "by bus address")
        yield Match(
            f"GPUs were numbered {words[before]}, are {words[after]}: a number may mean another of "
            f"{', '.join(kinds)}",
            (ORDER,),
            comparison.before.value(ORDER),
            comparison.after.value(ORDER),
        )


def _left(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    kinds = [] if _by_bus(now) else _unlike(now)
    if kinds:
        yield Match(
            f"CUDA's GPU 0 need not be nvidia-smi's: there are {', '.join(kinds)}",
            (ORDER,),
            after=now.value(ORDER),
        )


ORDER_RULES = (
    Rule(
        id="gpu-order-changed",
        title="GPUs are numbered differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(ORDER, VISIBLE, DEVICES),
        why="With unlike GPUs in a machine the same number means another card in another order, "
        "and kernels of another card round differently.",
        not_when="All GPUs are alike, the program uses all of them, or names them by UUID.",
        remedy="export CUDA_DEVICE_ORDER=PCI_BUS_ID on both sides.",
        evidence=(_DOCUMENTED,),
        drift=_changed,
    ),
    Rule(
        id="gpu-order-left-to-cuda",
        title="Which of the unlike GPUs is the first is left to CUDA",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(ORDER, VISIBLE, DEVICES),
        why="CUDA counts GPUs from the fastest on, nvidia-smi and this report by bus address: the "
        "card that is meant and the one that computes may differ.",
        not_when="The program uses all GPUs, or names them by UUID.",
        remedy="export CUDA_DEVICE_ORDER=PCI_BUS_ID",
        evidence=(_DOCUMENTED,),
        state=_left,
        advice=True,
        yields_to=("gpu-order-changed",),
    ),
)
