"""`nvidia-smi -q -x`, whose elements change their names from one document type to the next."""

from __future__ import annotations

import pytest

from envprint.core.errors import DocumentError, UnknownValueError
from tests.builders.records import NVIDIA_XML, take_in

MIB = 1 << 20
GPU, LIVE = "facts.gpu.devices[0]", "live.gpu.devices[0]"


def test_facts_and_live_values_are_those_of_a_capture() -> None:
    found = take_in(NVIDIA_XML)
    assert found.facts["gpu"]["devices"]["0"] == {
        "uuid": "GPU-00000000-1111-2222-3333-444444444444",
        "bus_id": "00000000:06:00.0",
        "name": "NVIDIA A100-SXM4-40GB",
        "architecture": "Ampere",
        "memory_total_bytes": 40960 * MIB,
        "mig_mode": "off",
        "mig_mode_pending": "off",
        "mig_devices": [],
        "ecc_mode": "on",
        "ecc_mode_pending": "on",
        "persistence_mode": True,
        "compute_mode": "default",
        "driver_model": None,
        "addressing_mode": "none",
        "virtualization_mode": "passthrough",
        "power_limit_w": 400.0,
        "clock_sm_max_mhz": 1410,
        "clock_memory_max_mhz": 1215,
    }
    assert found.value("facts.gpu.driver_version") == "550.54.14"
    assert found.value("facts.cuda.supported_version") == "12.4"
    live = found.live["gpu"]["devices"]["0"]
    assert (live["memory_used_bytes"], live["memory_reserved_bytes"]) == (1030 * MIB, 561 * MIB)
    assert (live["clock_reasons"], live["temperature_c"]) == (["idle"], 34)


def test_a_process_has_the_name_of_its_program_and_nothing_else() -> None:
    assert take_in(NVIDIA_XML).value(f"{LIVE}.processes") == [
        {"pid": 1842, "kind": "compute", "program": "python", "memory_bytes": 1000 * MIB},
        {"pid": 77, "kind": "graphics"},
    ]


def test_the_names_of_older_document_types_are_read_as_well() -> None:
    old = (
        NVIDIA_XML.replace("nvsmi_device_v12", "nvsmi_device_v11")
        .replace("gpu_power_readings", "power_readings")
        .replace("current_power_limit", "power_limit")
        .replace("clocks_event_reason", "clocks_throttle_reason")
    )
    assert take_in(old).facts == take_in(NVIDIA_XML).facts
    assert take_in(old).live == take_in(NVIDIA_XML).live


def test_the_oldest_names_are_read_as_well() -> None:
    old = NVIDIA_XML.replace("fb_memory_usage", "memory_usage").replace(
        "processes>", "compute_processes>"
    )
    assert take_in(old).facts == take_in(NVIDIA_XML).facts
    assert take_in(old).live == take_in(NVIDIA_XML).live


def test_before_the_reserve_had_a_number_of_its_own_it_was_part_of_what_is_in_use() -> None:
    old = take_in(NVIDIA_XML.replace("<reserved>561 MiB</reserved>", ""))
    assert old.value(f"{LIVE}.memory_interface") == "v1"
    assert old.value(f"{LIVE}.memory_reserved_bytes") is None


@pytest.mark.parametrize("word", ["N/A", "[N/A]"])
def test_what_a_card_lacks_is_absent_and_what_was_not_answered_is_unknown(word: str) -> None:
    text = NVIDIA_XML.replace("<current_ecc>Enabled", f"<current_ecc>{word}")
    assert take_in(text).value(f"{GPU}.ecc_mode") is None
    unread = take_in(NVIDIA_XML.replace("<current_ecc>Enabled", "<current_ecc>Unknown Error"))
    with pytest.raises(UnknownValueError, match="not in nvidia-smi's XML"):
        unread.value(f"{GPU}.ecc_mode")


def test_a_gpu_that_is_not_listed_is_unknown() -> None:
    found = take_in(NVIDIA_XML.replace("<attached_gpus>1<", "<attached_gpus>4<"))
    assert found.value("facts.gpu.count") == 4
    with pytest.raises(UnknownValueError, match="1 of 4 GPUs are listed"):
        found.value("facts.gpu.devices[3].name")


ENTITIES = '<!DOCTYPE nvidia_smi_log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NVIDIA_XML.replace("<nvidia_smi_log>", f"{ENTITIES}<nvidia_smi_log>"), "declares a type"),
        (NVIDIA_XML.replace("<gpu ", f"{ENTITIES}<gpu "), "not valid XML|declares a type"),
        (NVIDIA_XML.replace("A100-SXM4", "&passwd;"), "undefined entity"),
        (NVIDIA_XML.replace("</gpu>", ""), "not valid XML"),
        (f"<nvidia_smi_log>{'<a/>' * 200_001}</nvidia_smi_log>", "more than 200,000"),
        (f"<nvidia_smi_log>{'<a>' * 99}{'</a>' * 99}</nvidia_smi_log>", "nested deeper"),
    ],
)
def test_hostile_and_broken_xml_is_refused(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as error:
        take_in(text)
    assert str(error.value).startswith("record.txt: ")
