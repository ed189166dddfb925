"""The table of `nvidia-smi`, which cuts off long names."""

from __future__ import annotations

import pytest

from envprint.core.errors import UnknownValueError
from tests.builders.records import NVIDIA_TABLE, take_in

MIB = 1 << 20


def test_every_column_that_has_a_field_is_read() -> None:
    found = take_in(NVIDIA_TABLE)
    assert found.facts["gpu"]["devices"]["0"] == {
        "name": "NVIDIA A100-SXM4-40GB",
        "bus_id": "00000000:06:00.0",
        "persistence_mode": True,
        "ecc_mode": "on",
        "memory_total_bytes": 40960 * MIB,
        "mig_mode": "off",
        "compute_mode": "default",
        "power_limit_w": 400.0,
    }
    second = found.facts["gpu"]["devices"]["1"]
    assert (second["ecc_mode"], second["mig_mode"]) == ("off", None)
    assert (second["compute_mode"], second["persistence_mode"]) == ("exclusive-process", False)
    assert found.value("facts.gpu.driver_version") == "550.54.14"


def test_a_name_that_is_cut_off_is_unknown() -> None:
    with pytest.raises(UnknownValueError, match="cut off in the table"):
        take_in(NVIDIA_TABLE).value("facts.gpu.devices[1].name")


def test_processes_stand_with_their_gpu() -> None:
    live = take_in(NVIDIA_TABLE).live["gpu"]["devices"]
    assert live["0"]["processes"] == [
        {"pid": 1842, "kind": "compute", "program": "python", "memory_bytes": 1000 * MIB}
    ]
    assert live["1"]["processes"] == [{"pid": 77, "kind": "both", "memory_bytes": 480 * MIB}]


def test_without_the_lower_half_processes_are_unknown_and_with_none_there_are_none() -> None:
    upper = NVIDIA_TABLE[: NVIDIA_TABLE.index("| Processes")]
    with pytest.raises(UnknownValueError):
        take_in(upper).value("live.gpu.devices[0].processes")
    none = upper + "|  No running processes found                         |\n"
    assert take_in(none).value("live.gpu.devices[0].processes") == []


def test_windows_has_its_driver_model_where_linux_has_the_persistence_mode() -> None:
    found = take_in(NVIDIA_TABLE.replace("          On  |", "        WDDM  |"))
    assert found.value("facts.gpu.devices[0].driver_model") == "WDDM"
    with pytest.raises(UnknownValueError):
        found.value("facts.gpu.devices[0].persistence_mode")


def test_no_cuda_version_is_unknown() -> None:
    found = take_in(NVIDIA_TABLE.replace("CUDA Version: 12.4", "CUDA Version: N/A "))
    with pytest.raises(UnknownValueError):
        found.value("facts.cuda.supported_version")


def test_a_gpu_that_the_table_leaves_out_is_unknown() -> None:
    first, second = NVIDIA_TABLE.index("|   0  NVIDIA"), NVIDIA_TABLE.index("|   1  NVIDIA")
    found = take_in(NVIDIA_TABLE[:first] + NVIDIA_TABLE[second:])
    assert found.value("facts.gpu.devices[1].ecc_mode") == "off"
    with pytest.raises(UnknownValueError, match="1 of 2 GPUs are listed"):
        found.value("facts.gpu.devices[0].ecc_mode")


def test_of_two_tables_the_first_one_counts() -> None:
    later = NVIDIA_TABLE.replace("1030MiB", "9999MiB")
    found = take_in(f"before:\n{NVIDIA_TABLE}\nafter:\n{later}")
    assert found.value("live.gpu.devices[0].memory_used_bytes") == 1030 * MIB
