"""What CUDA_VISIBLE_DEVICES leaves of the GPUs and of their parts."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from envprint.core import cuda_visible_devices
from envprint.core.cuda_visible_devices import MAX_DEVICES, VisibleDevice
from tests.builders.frameworks import TORCH
from tests.conftest import Build

CARDS: dict[str, dict[str, Any]] = {
    "0": {"uuid": "GPU-00aa", "name": "A", "mig_devices": []},
    "1": {"uuid": "GPU-00ab", "name": "A", "mig_devices": []},
    "2": {"uuid": "GPU-11bb", "name": "A", "mig_devices": []},
}
PARTS = [
    {"uuid": "MIG-01", "gpu_instance": 1},
    {"uuid": "MIG-02", "gpu_instance": 2},
    {"uuid": "MIG-03", "gpu_instance": 2},
]
DIVIDED = {"uuid": "GPU-22cc", "name": "A", "mig_mode": "on", "mig_devices": PARTS}


def labels(
    wanted: str | None, devices: dict[str, dict[str, Any]] = CARDS, driver: str = "550.1"
) -> list[str]:
    return [
        one.label
        for one in cuda_visible_devices.visible_devices(list(devices), devices, wanted, driver)
    ]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (None, ["0", "1", "2"]),
        ("2,0", ["2", "0"]),
        (" 2 , 0", ["2", "0"]),
        ("0,7,1", ["0"]),
        ("0,-1,1", ["0"]),
        ("0,GPU-11bb", ["0"]),
        ("0,0", []),
        ("1,0,1", []),
        ("", []),
        ("-1", []),
        ("none", []),
        ("1gpu2,2ampere", ["1", "2"]),
        ("GPU-11", ["2"]),
        ("GPU-11bb,GPU-00aa", ["2", "0"]),
        ("GPU-11bb,0", ["2"]),
        ("GPU-00", []),
        ("GPU-11bb,GPU-11bb", []),
        ("GPU-11,GPU-11bb", []),
        ("GPU", []),
        ("gpu-11bb", []),
    ],
)
def test_a_list_is_read_as_cuda_reads_it(wanted: str | None, shown: list[str]) -> None:
    assert labels(wanted) == shown


@pytest.mark.parametrize(
    ("wanted", "driver", "shown"),
    [
        (None, "550.1", ["0/0"]),
        (None, "570.1", ["0/0", "0/1"]),
        ("0", "580.1", ["0/0", "0/1"]),
        ("MIG-03", "550.1", ["0/2"]),
        ("MIG-02,MIG-01", "550.1", ["0/1"]),
        ("MIG-02,MIG-01", "580.1", ["0/1", "0/0"]),
        ("MIG-02,MIG-02", "580.1", []),
        ("MIG-0", "580.1", []),
        ("MIG-02,0", "580.1", ["0/1"]),
    ],
)
def test_of_a_divided_card_parts_are_shown(
    wanted: str | None, driver: str, shown: list[str]
) -> None:
    assert labels(wanted, {"0": DIVIDED}, driver) == shown


def test_a_part_hides_whole_cards_and_with_newer_drivers_that_is_not_known() -> None:
    cards = {"0": CARDS["0"], "1": DIVIDED}
    assert labels(None, cards) == ["1/0"]
    assert cuda_visible_devices.unknown_reason(list(cards), cards, None, "550.1") is None
    assert "beside parts" in str(
        cuda_visible_devices.unknown_reason(list(cards), cards, None, "570.1")
    )
    assert cuda_visible_devices.unknown_reason(list(cards), cards, "0", "570.1") is None


@pytest.mark.parametrize(
    ("devices", "wanted", "driver", "why"),
    [
        ({"0": {"name": "A", "mig_devices": []}}, "GPU-1", "550.1", "whose UUID is unknown"),
        ({"0": {"uuid": "GPU-1"}}, "MIG-1", "550.1", "part of GPU 0"),
        ({"0": DIVIDED}, "MIG-GPU-22cc/1/0", "550.1", "before R470"),
        ({"0": DIVIDED}, None, None, "the driver's version"),
        ({"0": DIVIDED}, "MIG-01", None, None),
        ({"0": {"uuid": "GPU-1"}}, "0", None, None),
    ],
)
def test_what_a_name_means_may_not_be_known(
    devices: dict[str, dict[str, Any]], wanted: str, driver: str | None, why: str | None
) -> None:
    entry = cuda_visible_devices.unknown_reason(list(devices), devices, wanted, driver)
    assert entry is None if why is None else why in str(entry)


def test_cards_of_a_kind_that_is_not_known_are_not_alike() -> None:
    unlike = {"0": {"name": "Tesla T4"}, "1": {"name": "A100"}}
    assert not cuda_visible_devices.is_decided(list(unlike), unlike, "0", None)
    nameless = {"0": {"compute_capability": "7.5"}, "1": {"compute_capability": "7.5"}}
    assert not cuda_visible_devices.is_decided(list(nameless), nameless, "0", None)
    alike = {"0": {"name": "A"}, "1": {"name": "A", "compute_capability": "8.0"}}
    assert cuda_visible_devices.is_decided(list(alike), alike, "0", None)
    for wanted, order in ((None, None), ("0,1", None), ("0", "PCI_BUS_ID"), ("GPU-1", None)):
        assert cuda_visible_devices.is_decided(list(unlike), unlike, wanted, order)


def test_kinds_are_told_once_each() -> None:
    cards = {"0": {"name": "A"}, "1": {"name": "A", "compute_capability": "8.0"}, "2": {}}
    unknown = "a GPU of an unknown kind"
    assert cuda_visible_devices.kinds(cards) == ["A (compute capability 8.0)", unknown]


def test_a_part_has_the_key_of_its_card_and_a_label_of_its_own() -> None:
    assert [(one.key, one.label) for one in (VisibleDevice("1"), VisibleDevice("1", 2))] == [
        ("1", "1"),
        ("1", "1/2"),
    ]


def test_what_is_shown_has_no_text_in_which_a_part_passes_for_its_card() -> None:
    assert str(VisibleDevice("1", 2)) == "VisibleDevice(key='1', part=2)"


LISTS = (
    *("2,0", "0,7,1", "0,-1,1", "0,0", "", "-1", "none", "1gpu2,2ampere", "0,GPU-11bb"),
    *("GPU-11", "GPU-00", "GPU-11bb,GPU-00aa", "GPU-11bb,GPU-11bb", "GPU-11,GPU-11bb", "GPU-11,0"),
)
READ_BY_PYTORCH = """
import os, sys
import torch.cuda as cuda

for wanted in sys.argv[1:]:
    os.environ["CUDA_VISIBLE_DEVICES"] = wanted
    found = cuda._parse_visible_devices()
    if found and type(found[0]) is str:
        found = cuda._transform_uuid_to_ordinals(found, ["GPU-00aa", "GPU-00ab", "GPU-11bb"])
    else:  # as its count of devices cuts them
        found = found[: next((n for n, index in enumerate(found) if index > 2), None)]
    print(*found, sep=",")
"""


def test_a_count_of_gpus_without_entries_is_read_in_no_time() -> None:
    # A document of a few lines may claim any number, and twenty rules ask for what is shown.
    keys = cuda_visible_devices.keys_of(2**31, {})
    begun = time.process_time()
    assert len(cuda_visible_devices.visible_devices(keys, {}, None, "550.1")) == MAX_DEVICES
    assert time.process_time() - begun < 0.2


@pytest.mark.slow
@pytest.mark.long
def test_pytorch_reads_the_same_lists_alike(environment: Build) -> None:
    python = environment(*TORCH)
    done = subprocess.run(
        [python, "-c", READ_BY_PYTORCH, *LISTS], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [",".join(labels(wanted)) for wanted in LISTS]
