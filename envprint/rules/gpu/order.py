"""Which of several different GPUs a device number means in a program.

By default CUDA numbers from the fastest GPU on; NVML and nvidia-smi number by bus address. On a
machine with identical GPUs this does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.cuda_visible_devices import BY_BUS, kinds
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.shell import Command
from envprint.core.workload import Workload
from envprint.rules.kit.devices import DEVICES, ORDER, VISIBLE, described, gpu_training

_DOCUMENTED = Evidence(
    "CUDA_DEVICE_ORDER and CUDA_VISIBLE_DEVICES",
    "https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",
)


def _by_bus(now: Fingerprint) -> bool:
    order: str | None = now.value(ORDER)
    return order == BY_BUS


def _unlike(now: Fingerprint) -> list[str]:
    """The kinds of GPU here, if there are several and a number selects between them."""
    wanted = now.value(VISIBLE)
    by_number = wanted is None or any(entry.strip().isdecimal() for entry in wanted.split(","))
    found = kinds(now.value(DEVICES) or {}) if by_number else []
    return found if len(found) > 1 else []


def _changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    before, after = _by_bus(comparison.before), _by_bus(comparison.after)
    unlike = _unlike(comparison.after) if before != after else []
    if unlike:
        words = ("fastest first", "by bus address")
        yield Match(
            f"GPUs were numbered {words[before]}, are {words[after]}: a number may mean a "
            f"different one of {', '.join(unlike)}",
            (ORDER,),
            comparison.before.value(ORDER),
            comparison.after.value(ORDER),
        )


def _moved(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    """Indices that mean a different kind of card, while the earlier one is still present."""
    before, after = (side.value(DEVICES) or {} for side in (comparison.before, comparison.after))

    def look(key: str) -> Iterator[Match]:
        was, is_now = before[key].get("uuid"), after[key].get("uuid")
        elsewhere = [k for k, device in after.items() if was and device.get("uuid") == was]
        if not is_now or was == is_now or not elsewhere:
            return
        kind_before = described(comparison.before, key)
        kind_after = described(comparison.after, key)
        if kind_before != kind_after:
            yield Match(
                f"GPU {key} was {kind_before}, which is GPU {elsewhere[0]} now; it is {kind_after}",
                comparison.under(f"{DEVICES}[{key}]"),
                was,
                is_now,
            )

    return for_each(sorted(before.keys() & after.keys()), look)


def _left(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    unlike = [] if _by_bus(now) else _unlike(now)
    if unlike:
        yield Match(
            f"CUDA's GPU 0 may not be nvidia-smi's: there are {', '.join(unlike)}",
            (ORDER,),
            after=now.value(ORDER),
        )


RULES = (
    Rule(
        id="gpu-order-changed",
        title="GPUs are numbered differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(ORDER, VISIBLE, DEVICES),
        why="If the GPUs in a machine differ, the same number means a different card in a "
        "different order, and kernels of a different card round differently.",
        not_when="All GPUs are of the same model, or the program uses all of them or names them "
        "by UUID.",
        remedy=Command("export CUDA_DEVICE_ORDER=PCI_BUS_ID"),
        note="On both sides.",
        evidence=(_DOCUMENTED,),
        drift=_changed,
    ),
    Rule(
        id="gpu-index-moved",
        title="An index means a different GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DEVICES,),
        why="A program that selects a GPU by number gets a different kind of card, whose kernels "
        "round differently. Numbers follow the bus, and change when a card is moved, added or "
        "lost.",
        not_when="The program uses all GPUs, or names them by UUID.",
        remedy=Command("nvidia-smi -L"),
        note="It lists the UUIDs; set CUDA_VISIBLE_DEVICES to the GPU's UUID.",
        evidence=(
            _DOCUMENTED,
            Evidence(
                "NVML: the index may change between boots, use the UUID or the PCI address",
                "https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html",
            ),
        ),
        drift=_moved,
    ),
    Rule(
        id="gpu-order-left-to-cuda",
        title="CUDA decides which of several unlike GPUs is first",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(ORDER, VISIBLE, DEVICES),
        why="CUDA numbers GPUs from the fastest on, nvidia-smi and this report by bus address: "
        "the card that computes may not be the one you meant.",
        not_when="The program uses all GPUs, or names them by UUID.",
        remedy=Command("export CUDA_DEVICE_ORDER=PCI_BUS_ID"),
        evidence=(_DOCUMENTED,),
        state=_left,
        advice=True,
        yields_to=("gpu-order-changed",),
    ),
)
