"""Rules about which of unlike GPUs a number means."""

from __future__ import annotations

import pytest

from envprint.core.impact import Impact
from tests.builders.gpus import L4, T4, VISIBLE, machine
from tests.builders.support import drift, fingerprint, state

ORDER = "facts.environ.variables[CUDA_DEVICE_ORDER]"
KINDS = "NVIDIA L4 (compute capability 8.9), Tesla T4 (compute capability 7.5)"


def test_another_order_of_unlike_gpus_may_mean_another_one() -> None:
    by_bus = machine(T4, L4, more={ORDER: "PCI_BUS_ID"})
    findings, undecided = drift("gpu-order-changed", machine(T4, L4), by_bus, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "GPUs were numbered fastest first, are by bus address: a number may mean a different "
            f"one of {KINDS}",
            (ORDER,),
            None,
            "PCI_BUS_ID",
        )
    ]


@pytest.mark.parametrize("order", ["FASTEST_FIRST", "", "nonsense"])
def test_what_is_not_by_bus_address_is_the_default(order: str) -> None:
    after = machine(T4, L4, more={ORDER: order})
    assert drift("gpu-order-changed", machine(T4, L4), after, ["torch"], "gpu") == ([], [])


def test_the_order_of_like_gpus_or_of_named_ones_does_not_matter() -> None:
    by_bus = {ORDER: "PCI_BUS_ID"}
    like = machine(T4, T4), machine(T4, T4, more=by_bus)
    named = machine(T4, L4), machine(T4, L4, more=by_bus | {VISIBLE: "GPU-8932f937"})
    for sides in (like, named):
        assert drift("gpu-order-changed", *sides, ["torch"], "gpu") == ([], [])
    assert state("gpu-order-left-to-cuda", machine(T4, T4), ["torch"], "gpu") == ([], [])
    assert state("gpu-order-left-to-cuda", named[1], ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize("wanted", [None, "0", "GPU-8932f937, 1"])
def test_an_order_that_is_left_to_cuda_is_advice_where_it_matters(wanted: str | None) -> None:
    now = machine(T4, L4, more={VISIBLE: wanted})
    findings, undecided = state("gpu-order-left-to-cuda", now, ["torch"], "gpu")
    assert undecided == []
    assert [(f.message, f.paths, f.remedy) for f in findings] == [
        (
            f"CUDA's GPU 0 may not be nvidia-smi's: there are {KINDS}",
            (ORDER,),
            "export CUDA_DEVICE_ORDER=PCI_BUS_ID",
        )
    ]
    pinned = machine(T4, L4, more={ORDER: "PCI_BUS_ID"})
    assert state("gpu-order-left-to-cuda", pinned, ["torch"], "gpu") == ([], [])


def test_unknown_gpus_leave_the_order_undecided() -> None:
    silent = fingerprint({ORDER: "PCI_BUS_ID"}, {"facts.gpu.devices": "no answer"})
    findings, undecided = drift("gpu-order-changed", machine(T4, L4), silent, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["facts.gpu.devices"])
    unset = fingerprint({}, {"facts.gpu.devices": "no answer"})
    findings, undecided = state("gpu-order-left-to-cuda", unset, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["facts.gpu.devices"])
