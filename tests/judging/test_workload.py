"""For which job a report judges when nobody says: what is installed, and whether a GPU is meant."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import detect
from tests.builders.support import fingerprint

HIDDEN = "facts.environ.variables[CUDA_VISIBLE_DEVICES]"
CARD = {"facts.gpu.devices": {"0": {"name": "Tesla T4"}}, "facts.gpu.status": "ok"}
NONE = {"facts.gpu.devices": {}, "facts.gpu.status": "libnvidia-ml.so.1 is not installed"}
TORCH = {"facts.frameworks.torch": {"version": "2.13.0"}}
SILENT = {"facts.gpu.devices": "the driver does not answer"}


def device(values: dict[str, Any], unknown: dict[str, str] | None = None, **options: Any) -> str:
    return detect(fingerprint({**TORCH, **values}, unknown), **options).device


def test_a_gpu_that_is_there_is_meant_unless_it_is_hidden() -> None:
    assert device(CARD) == "gpu"
    assert device(NONE) == "cpu"
    for hidden in ("", "-1", "NoDevFiles"):
        assert device({**CARD, HIDDEN: hidden}) == "cpu"
    # A list that fits none of the GPUs is a mistake, and not the wish to have none.
    assert device({**CARD, HIDDEN: "7"}) == "gpu"
    assert device(CARD, device="cpu") == "cpu"


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        ({"facts.gpu.status": "driver library 550.107.02, kernel module 550.90.07"}, SILENT),
        ({"facts.gpu.library_path": "/usr/lib/libnvidia-ml.so.1"}, SILENT),
        (
            {"facts.gpu.library_path": "/usr/lib/libnvidia-ml.so.1"},
            {**SILENT, "facts.gpu.status": "NVML did not answer within 10 s"},
        ),
    ],
)
def test_a_driver_that_does_not_answer_is_no_machine_without_a_gpu(
    values: dict[str, Any], unknown: dict[str, str]
) -> None:
    assert device(values, unknown) == "gpu"
    assert device({**values, HIDDEN: "-1"}, unknown) == "cpu"


def test_where_not_even_a_driver_is_known_there_is_nothing_to_expect() -> None:
    everything = dict.fromkeys(
        ("facts.gpu.devices", "facts.gpu.status", "facts.gpu.library_path"), "not asked"
    )
    assert device({}, everything) == "cpu"


def test_what_asks_for_gpu_memory_is_for_a_gpu() -> None:
    assert device(NONE, needs_gpu=True) == "gpu"
    assert device(NONE, needs_gpu=True, device="cpu") == "cpu"


def test_a_gpu_that_was_there_is_meant() -> None:
    before: Fingerprint = fingerprint({**TORCH, **CARD})
    assert detect(fingerprint({**TORCH, **NONE}), before).device == "gpu"


def test_work_with_numpy_alone_is_on_the_cpu() -> None:
    now = fingerprint({**TORCH, **CARD})
    assert detect(now, frameworks=["numpy", "scikit-learn"]).device == "cpu"
    assert detect(now, frameworks=["numpy", "torch"]).device == "gpu"
    assert detect(now, frameworks=["numpy"], device="gpu").device == "gpu"
    # Without any framework it may be observed from an environment of its own.
    assert detect(fingerprint(CARD)).device == "gpu"
