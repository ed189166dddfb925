"""The gpu section: what raw readings mean, machine by machine."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from envprint.collectors import gpu as section
from envprint.core.fields import Record, require
from envprint.core.fingerprint import Unknown
from envprint.gpu.kernel_driver import parse_driver_version
from envprint.gpu.processes import parse_parent
from envprint.machine.recorded import RecordedHost
from tests.builders.nvml_readings import (
    CARD,
    DESKTOP,
    INITIAL,
    MIB,
    NOT_SUPPORTED,
    changed,
    failing,
    machine,
)

PROCESSES = {
    "1201": {"name": "Xorg", "user": "root", "started_at_s": 1.0},
    "2950": {"name": "firefox", "user": "someone", "started_at_s": 2.0},
}


def test_a_desktop_card_is_described_whole() -> None:
    facts = section.collect(machine(DESKTOP))
    assert facts == {
        "status": "ok",
        "count": 1,
        "driver_version": "550.90.07",
        "nvml_version": "12.550.90.07",
        "library_path": "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.90.07",
        "devices": {
            "0": {
                "uuid": "GPU-00000000-0000-0000-0000-000000000001",
                "bus_id": "00000000:01:00.0",
                "name": "NVIDIA GeForce RTX 2080 Ti",
                "architecture": "Turing",
                "compute_capability": "7.5",
                "sm_count": 68,
                "memory_total_bytes": 11264 * MIB,
                "shares_system_memory": False,
                "mig_mode": None,
                "mig_mode_pending": None,
                "mig_devices": [],
                "ecc_mode": None,
                "ecc_mode_pending": None,
                "persistence_mode": False,
                "compute_mode": "default",
                "driver_model": None,
                "addressing_mode": None,
                "virtualization_mode": "none",
                "power_limit_w": 260.0,
                "clock_sm_max_mhz": 2100,
                "clock_memory_max_mhz": 7000,
            }
        },
        "visible": ["GPU-00000000-0000-0000-0000-000000000001"],
    }


def test_the_desktops_programs_are_named_and_the_account_adds_up() -> None:
    live = section.sample(machine(DESKTOP, real_path=INITIAL, process=PROCESSES))
    card = live["devices"]["0"]
    assert live["pids_are_ours"] is True
    assert card["processes"] == [
        {
            "pid": 1201,
            "name": "Xorg",
            "name_unknown": None,
            "exists": True,
            "own": False,
            "same_user": False,
            "kind": "graphics",
            "memory_bytes": 412 * MIB,
        },
        {
            "pid": 2950,
            "name": "firefox",
            "name_unknown": None,
            "exists": True,
            "own": False,
            "same_user": True,
            "kind": "both",
            "memory_bytes": 396 * MIB,
        },
    ]
    assert card["unattributed_bytes"] == (996 - 412 - 396) * MIB
    assert card["memory_used_bytes"] == 996 * MIB
    assert card["memory_reserved_bytes"] == 258 * MIB
    assert card["memory_interface"] == "v2"
    assert (card["temperature_c"], card["clock_sm_mhz"], card["clock_memory_mhz"]) == (44, 300, 405)
    assert (card["clock_reasons"], card["errors"], card["mig_devices"]) == (["idle"], None, {})
    assert (live["lost"], live["init_ms"]) == ([], 38.2)


def test_values_have_the_declared_shapes() -> None:
    answers = machine(DESKTOP, real_path=INITIAL, process=PROCESSES)
    require(Record(section.FACTS), section.collect(answers))
    require(Record(section.LIVE), section.sample(answers))


def test_a_process_and_its_children_are_our_own() -> None:
    stats = {
        "/proc/2950/stat": "2950 (odd) name (x)) S 2900 2900 0",
        "/proc/2900/stat": "2900 (python) S 77 77 0",
    }
    answers = machine(DESKTOP, real_path=INITIAL, process=PROCESSES, read=stats)
    processes = section.sample(answers)["devices"]["0"]["processes"]
    assert [(p["name"], p["own"]) for p in processes] == [("Xorg", False), ("firefox", True)]


def test_a_circle_of_parents_does_not_hold_the_search() -> None:
    stats = {"/proc/2950/stat": "2950 (a) S 2950 0 0"}
    answers = machine(DESKTOP, real_path=INITIAL, process=PROCESSES, read=stats)
    processes = section.sample(answers)["devices"]["0"]["processes"]
    assert [p["own"] for p in processes] == [False, False]


def test_in_another_pid_namespace_no_process_gets_a_name() -> None:
    live = section.sample(machine(DESKTOP, process=PROCESSES))
    card = live["devices"]["0"]
    assert live["pids_are_ours"] is False
    assert [p.get("name") for p in card["processes"]] == [None, None]
    assert card["processes"][0]["name_unknown"] == "the pid is not in this pid namespace"
    assert card["unattributed_reason"] == "pid-namespace"


def test_a_process_that_cannot_be_seen_keeps_its_memory() -> None:
    live = section.sample(machine(DESKTOP, real_path=INITIAL))
    first = live["devices"]["0"]["processes"][0]
    assert first["memory_bytes"] == 412 * MIB
    assert first["name_unknown"] == "the process no longer exists"
    assert first["exists"] is False


def test_who_is_gone_and_still_listed_has_left_memory_behind() -> None:
    again = copy.deepcopy(DESKTOP)
    live = section.sample(machine(DESKTOP, gpu_again=again, real_path=INITIAL))
    first = live["devices"]["0"]["processes"][0]
    assert (first["exists"], first["still_listed"]) == (False, True)


def test_who_ended_after_being_listed_is_no_holder_and_the_second_reading_counts() -> None:
    again = changed(
        graphics_processes=[{"pid": 77, "used": 100 * MIB}, {"pid": 78, "used": MIB}],
        compute_processes=[],
        memory=CARD["memory"] | {"used": 101 * MIB},
    )
    python = {"77": PROCESSES["2950"] | {"name": "python"}}
    live = section.sample(machine(DESKTOP, gpu_again=again, real_path=INITIAL, process=python))
    card = live["devices"]["0"]
    assert card["memory_used_bytes"] == 101 * MIB
    assert [process.get("name") for process in card["processes"]] == ["python", None]
    # Of one that came and went meanwhile nobody has said that it is still there.
    assert card["processes"][1]["exists"] is False
    assert "still_listed" not in card["processes"][1]


@pytest.mark.parametrize(
    "again",
    [{"library": None, "failure": "NVML did not answer within 2 s"}, DESKTOP | {"count": 2}],
)
def test_a_second_reading_that_is_not_whole_is_not_taken(again: dict[str, Any]) -> None:
    live = section.sample(machine(DESKTOP, gpu_again=again, real_path=INITIAL))
    first = live["devices"]["0"]["processes"][0]
    assert first["exists"] is False
    assert "still_listed" not in first


def test_the_driver_is_asked_once_where_every_process_is_there() -> None:
    class Once(RecordedHost):
        def nvml(self, refresh: bool = False) -> Any:
            assert not refresh
            return super().nvml()

    answers = machine(DESKTOP, real_path=INITIAL, process=PROCESSES)
    live = section.sample(Once(answers._answers))
    assert len(live["devices"]["0"]["processes"]) == 2


def test_memory_of_no_listed_process_is_never_no_memory() -> None:
    reading = changed(compute_processes=[], graphics_processes=[])
    card = section.sample(machine(reading))["devices"]["0"]
    assert card["processes"] == []
    assert card["unattributed_bytes"] == 996 * MIB


def test_memory_that_windows_does_not_report_is_unknown_and_not_all_of_it() -> None:
    reading = changed(graphics_processes=[{"pid": 5, "used": None}])
    card = section.sample(machine(reading))["devices"]["0"]
    assert card["unattributed_bytes"] == Unknown("the driver does not report memory per process")
    assert card["processes"][0] == {
        "pid": 5,
        "kind": "graphics",
        "name_unknown": "the pid is not in this pid namespace",
    }


DENIED = {"error": 4, "name": "Insufficient Permissions"}


@pytest.mark.parametrize("missing", ["compute", "graphics", "mps"])
def test_the_lists_that_came_are_kept_beside_one_that_did_not(missing: str) -> None:
    reading = changed(**{f"{missing}_processes": DENIED})
    card = section.sample(machine(reading, real_path=INITIAL))["devices"]["0"]
    listed = [2950] if missing == "graphics" else [1201, 2950]
    assert [process["pid"] for process in card["processes"]] == listed
    reason = "the driver denies access to the GPU (NVML error 4, Insufficient Permissions)"
    assert card["lists_missing"] == {missing: reason}
    rest = Unknown(f"the list of {missing} processes is unknown: {reason}")
    assert (card["unattributed_bytes"], card["unattributed_reason"]) == (rest, "not-known")


def test_an_empty_list_beside_one_that_did_not_come_says_nothing() -> None:
    reading = changed(compute_processes=[], graphics_processes=DENIED)
    card = section.sample(machine(reading))["devices"]["0"]
    assert isinstance(card["processes"], Unknown)
    assert card["lists_missing"].keys() == {"graphics"}


@pytest.mark.parametrize(
    "lists",
    [
        {"compute_processes": [], "graphics_processes": []},
        {"compute_processes": NOT_SUPPORTED, "graphics_processes": NOT_SUPPORTED},
        {"compute_processes": [], "graphics_processes": [{"pid": 23, "used": None}]},
    ],
)
def test_under_windows_what_is_in_use_is_not_unattributed(lists: dict[str, Any]) -> None:
    windows = {"system": "Linux", "release": "5.15.153.1-microsoft-standard-WSL2"}
    for answers in (
        machine(changed(**lists), real_path=INITIAL, system=windows),
        machine(changed(driver_model=[0, 0], **lists), real_path=INITIAL),
    ):
        card = section.sample(answers)["devices"]["0"]
        assert isinstance(card["unattributed_bytes"], Unknown)
        assert card["unattributed_reason"] == "driver-model"


@pytest.mark.parametrize(
    ("processes", "reason"),
    [
        ([{"pid": 12953, "used": 1}, {"pid": 0, "used": 1}], "it contains impossible pids"),
        ([{"pid": 4294967295, "used": 1}], "it contains impossible pids"),
        ([{"pid": 5, "used": 9000 * MIB}], "the processes hold more memory than is in use"),
    ],
)
def test_a_list_that_cannot_be_true_is_dropped(processes: list[Any], reason: str) -> None:
    card = section.sample(machine(changed(compute_processes=processes)))["devices"]["0"]
    expected = Unknown(f"the process list cannot be read with this driver: {reason}")
    assert card["processes"] == expected
    assert card["unattributed_bytes"] == expected
    assert card["memory_used_bytes"] == 996 * MIB


def test_the_old_memory_interface_says_so_and_has_no_reserve() -> None:
    memory = {"api": "v1", "total": 100, "used": 40, "free": 60}
    reading = changed(memory=memory, compute_processes=[], graphics_processes=[])
    card = section.sample(machine(reading))["devices"]["0"]
    assert (card["memory_interface"], card["memory_reserved_bytes"]) == ("v1", None)
    assert card["unattributed_reason"] == "pid-namespace"


@pytest.mark.parametrize(
    ("total", "used", "free"),
    [(0, 0, 0), (2**64 - 1, 0, 2**64 - 1), (1024, 9000, 0), (1024, 0, 9000), (1024, 2**64 - 1, 0)],
)
def test_memory_that_cannot_be_true_is_unknown(total: int, used: int, free: int) -> None:
    numbers = {"api": "v2", "total": total, "reserved": 0, "used": used, "free": free}
    answers = machine(changed(memory=numbers, compute_processes=[], graphics_processes=[]))
    expected = Unknown(
        f"NVML reports {total} bytes of memory, {used} used, {free} free: cannot be true"
    )
    facts = section.collect(answers)["devices"]["0"]
    live = section.sample(answers)["devices"]["0"]
    assert (facts["memory_total_bytes"], facts["shares_system_memory"]) == (expected, False)
    assert live["memory_used_bytes"] == live["memory_free_bytes"] == expected
    assert live["unattributed_bytes"] == expected


def test_an_integrated_gpu_has_no_memory_of_its_own_to_report() -> None:
    answers = machine(changed(memory=NOT_SUPPORTED, name="Orin (nvgpu)"))
    unknown = Unknown("NVML reports no memory for this GPU, which may share the system's")
    assert section.collect(answers)["devices"]["0"]["memory_total_bytes"] == unknown
    live = section.sample(answers)["devices"]["0"]
    assert live["memory_used_bytes"] == unknown
    assert live["unattributed_bytes"] == unknown


def test_a_lost_card_is_unknown_and_the_other_is_whole() -> None:
    reading = copy.deepcopy(DESKTOP)
    reading["count"] = 2
    reading["devices"].append({"handle": {"error": 15, "name": "GPU is lost"}})
    facts = section.collect(machine(reading))
    assert facts["count"] == 2
    assert facts["devices"]["0"]["name"] == "NVIDIA GeForce RTX 2080 Ti"
    assert facts["devices"]["1"] == Unknown(
        "the GPU does not answer, it has fallen off the bus (NVML error 15, GPU is lost)"
    )


def test_an_odd_number_costs_its_own_field() -> None:
    odd = changed(mig_mode=[2, 1], ecc_mode=[1, 7], compute_capability=[0, 0])
    odd["devices"][0]["remapped_rows"] = [9, 9, 9, 9]
    card = section.collect(machine(odd))["devices"]["0"]
    neither = "which is neither 0 (off) nor 1 (on)"
    assert card["mig_mode"] == Unknown(f"NVML reports 2, {neither}")
    assert (card["mig_mode_pending"], card["ecc_mode"]) == ("on", "on")
    assert card["ecc_mode_pending"] == Unknown(f"NVML reports 7, {neither}")
    assert card["compute_capability"] == Unknown("NVML reports 0.0, which no GPU has")
    assert card["name"] == "NVIDIA GeForce RTX 2080 Ti"
    assert section.sample(machine(odd))["devices"]["0"]["errors"]["rows_remapped"] == 18


def test_a_capability_newer_than_the_table_is_unknown_not_guessed() -> None:
    card = section.collect(machine(changed(compute_capability=[99, 0])))["devices"]["0"]
    reason = "compute capability 99.0 is not in envprint's table"
    assert card["compute_capability"] == "99.0"
    assert card["architecture"] == card["sm_count"] == Unknown(reason)


def test_a_divided_card_lists_its_parts() -> None:
    part = {
        "uuid": "MIG-1",
        "name": "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
        "sm_count": 14,
        "memory": {"error": 4, "name": "Insufficient Permissions"},
    }
    answers = machine(changed(mig_mode=[1, 1], mig_devices=[part], ecc_mode=[1, 1]))
    card = section.collect(answers)["devices"]["0"]
    assert (card["mig_mode"], card["ecc_mode"]) == ("on", "on")
    assert card["mig_devices"] == [
        {"uuid": "MIG-1", "name": "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "sm_count": 14}
    ]


@pytest.mark.parametrize(
    ("modes", "count", "is_known"),
    [
        ([0, 0], None, True),
        ([0, 1], NOT_SUPPORTED, True),
        (NOT_SUPPORTED, None, True),
        ({"error": 4, "name": "Insufficient Permissions"}, NOT_SUPPORTED, True),
        ([1, 1], NOT_SUPPORTED, False),
        ({"error": 4, "name": "Insufficient Permissions"}, None, False),
        ({"error": 999, "name": "Unknown Error"}, {"error": 999, "name": "Unknown Error"}, False),
    ],
)
def test_no_part_is_only_said_of_a_card_that_has_none(
    modes: Any, count: Any, is_known: bool
) -> None:
    answers = changed(mig_mode=modes, mig_devices=count)
    if count is None:
        del answers["devices"][0]["mig_devices"]
    card = section.collect(machine(answers))["devices"]["0"]
    live = section.sample(machine(answers))["devices"]["0"]
    assert isinstance(card["mig_devices"], list if is_known else Unknown)
    assert isinstance(live["mig_devices"], dict if is_known else Unknown)


@pytest.mark.parametrize("reading", [None, {"library": None}])
def test_without_a_driver_library_there_is_no_gpu(reading: dict[str, Any] | None) -> None:
    answers = machine(reading)
    assert section.collect(answers) == {
        "status": "libnvidia-ml.so.1 is not installed",
        "count": 0,
        "devices": {},
        "driver_version": None,
        "nvml_version": None,
        "library_path": None,
        "visible": [],
    }
    assert section.sample(answers) == {
        "answer": None,
        "silence": None,
        "devices": {},
        "lost": [],
        "pids_are_ours": None,
        "init_ms": None,
        "control_device_error": None,
    }


CARD_ON_THE_BUS = {
    "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
    "/sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
}


@pytest.mark.parametrize(
    "files",
    [
        CARD_ON_THE_BUS,
        {"/proc/driver/nvidia/version": "NVRM version: x Kernel Module  550.90.07  Fri"},
    ],
)
def test_a_card_without_its_library_is_not_the_same_as_no_card(files: dict[str, str]) -> None:
    facts = section.collect(machine({"library": None}, read=files))
    text = "card present, driver library not loadable: libnvidia-ml.so.1 is not installed"
    assert facts["status"] == text
    assert facts["devices"] == facts["count"] == Unknown(text)
    assert facts["library_path"] is None


def test_another_makers_card_is_no_nvidia_card() -> None:
    files = {
        "/sys/bus/pci/devices/0000:00:02.0/vendor": "0x8086\n",
        "/sys/bus/pci/devices/0000:00:02.0/class": "0x030000\n",
        "/sys/bus/pci/devices/0000:01:00.1/vendor": "0x10de\n",
        "/sys/bus/pci/devices/0000:01:00.1/class": "0x040300\n",
    }
    assert section.collect(machine(None, read=files))["devices"] == {}


def test_no_attached_gpu_is_an_empty_list() -> None:
    facts = section.collect(machine(DESKTOP | {"count": 0, "devices": []}))
    assert (facts["status"], facts["count"], facts["devices"]) == ("no GPU is attached", 0, {})
    assert facts["driver_version"] == "550.90.07"


def test_a_mismatch_names_both_versions() -> None:
    reading = failing(
        library="/usr/lib/libnvidia-ml.so.550.107.02", init={"error": 18, "name": "mismatch"}
    )
    files = {"/sys/module/nvidia/version": "550.90.07\n"}
    facts = section.collect(machine(reading, read=files))
    text = "driver library 550.107.02, kernel module 550.90.07: reboot or reload the module"
    assert facts["status"] == text
    assert facts["devices"] == facts["driver_version"] == Unknown(text)
    assert facts["nvml_version"] == "12.550.90.07"


MODULE = {"/sys/module/nvidia/version": "525.85.12\n"}


@pytest.mark.parametrize(
    ("cuda", "is_known"), [("525.85.12", False), ("510.108.03", True), (None, True)]
)
def test_nvmls_library_of_a_package_beside_a_driver_that_fits_is_no_mismatch(
    cuda: str | None, is_known: bool
) -> None:
    reading = failing(
        library="/usr/lib/libnvidia-ml.so.510.108.03", init={"error": 18, "name": "mismatch"}
    )
    paths = {"/usr/lib/libcuda.so.1": f"/usr/lib/libcuda.so.{cuda}"} if cuda else {}
    facts = section.collect(machine(reading, read=MODULE, real_path=paths))
    assert ("reboot" in str(facts["status"])) == is_known
    assert isinstance(facts["status"], Unknown) != is_known
    if not is_known:
        assert "comes from a package of this image" in facts["status"].reason


def test_a_module_whose_version_cannot_be_read_is_not_called_unloaded() -> None:
    reading = failing(
        library="/usr/lib/libnvidia-ml.so.510.108.03", init={"error": 18, "name": "mismatch"}
    )
    facts = section.collect(machine(reading, read={}))
    assert "kernel module of an unknown version" in facts["status"]


def test_a_loaded_module_that_nvml_does_not_reach_is_called_loaded() -> None:
    reading = failing(init={"error": 9, "name": "Driver Not Loaded"})
    facts = section.collect(machine(reading, read=MODULE))
    assert facts["status"] == (
        "the kernel module 525.85.12 is loaded, but NVML cannot reach it (NVML error 9, Driver "
        "Not Loaded)"
    )


@pytest.mark.parametrize("release", ["6.8.0", "5.15.153.1-microsoft-standard-WSL2"])
def test_a_driver_that_is_not_loaded_where_there_is_no_card_is_no_gpu(release: str) -> None:
    reading = failing(init={"error": 9, "name": "Driver Not Loaded"})
    system = {"system": "Linux", "release": release}
    facts = section.collect(machine(reading, read={}, system=system))
    # Under Windows the card is not on the bus that Linux sees.
    is_absent = "microsoft" not in release
    assert (facts["devices"] == {}, facts["count"] == 0) == (is_absent, is_absent)


@pytest.mark.parametrize(
    ("code", "begins"),
    [
        (9, "the driver library is installed, the kernel module is not loaded ("),
        (4, "the driver denies access to the GPU ("),
        (12, "the driver library cannot be loaded ("),
        (999, "the driver answers with an unknown error (NVML error 999, text); /dev/nvidiactl "),
        (77, "text (NVML error 77)"),
        (None, "text"),
    ],
)
def test_a_refusal_is_told_in_words(code: int | None, begins: str) -> None:
    answers = machine(failing(init={"error": code, "name": "text"}), read=CARD_ON_THE_BUS)
    facts = section.collect(answers)
    assert facts["status"].startswith(begins)
    assert facts["devices"] == Unknown(facts["status"])
    assert section.sample(answers)["devices"] == Unknown(facts["status"])


UNKNOWN_ERROR = {"error": 999, "name": "Unknown Error"}


@pytest.mark.parametrize(
    ("reading", "is_container", "opens", "status"),
    [
        (failing(init=UNKNOWN_ERROR), True, "EPERM", "the container lost its GPU devices, "),
        (DESKTOP | {"count": UNKNOWN_ERROR}, True, "EPERM", "the container lost its GPU devices, "),
        (failing(init=UNKNOWN_ERROR), True, "EINVAL", "the driver answers with an unknown error ("),
        (failing(init=UNKNOWN_ERROR), False, "EPERM", "the driver answers with an unknown error ("),
    ],
)
def test_a_container_that_lost_its_devices_is_told_from_other_trouble(
    reading: dict[str, Any], is_container: bool, opens: str, status: str
) -> None:
    kind = {"/.dockerenv": "file"} if is_container else {}
    answers = RecordedHost(
        {
            "gpu": {"": reading},
            "environ": {},
            "read": {"/dev/nvidiactl": {"error": opens}},
            "kind": kind,
            "system": {"": {"system": "Linux", "release": "6.8.0-31-generic"}},
        }
    )
    reported = section.collect(answers)["status"]
    assert reported.startswith(status)
    closed = None if opens == "EINVAL" else opens
    assert (f"/dev/nvidiactl cannot be opened: {opens}" in reported) == bool(closed)
    assert section.sample(answers)["control_device_error"] == closed


@pytest.mark.parametrize("code", [8, 11, 15, 999])
def test_a_gpu_whose_handle_is_refused_for_a_fault_does_not_answer(code: int) -> None:
    reading = DESKTOP | {"count": 2, "devices": [{"handle": {"error": code, "name": "x"}}, CARD]}
    live = section.sample(machine(reading))
    assert live["lost"] == ["0"]
    assert isinstance(live["devices"]["0"], Unknown)
    denied = DESKTOP | {"count": 2, "devices": [{"handle": {"error": 4, "name": "x"}}, CARD]}
    assert section.sample(machine(denied))["lost"] == []


def test_a_driver_that_hangs_leaves_everything_unknown() -> None:
    answers = machine({"library": "/x", "failure": "NVML did not answer within 10 s"})
    unknown = Unknown("NVML did not answer within 10 s")
    facts = section.collect(answers)
    assert facts["status"] == facts["devices"] == facts["count"] == unknown
    live = section.sample(answers)
    assert live.pop("control_device_error") is None
    assert set(live.values()) == {unknown}


OVERDUE = {"call": "nvmlInit", "gpu": None, "hung_s": 29.8, "waited_s": 30.0}
HUNG = {"library": "/x", "failure": "NVML did not answer within 30 s (during nvmlInit)"}


@pytest.mark.parametrize(
    ("reading", "answer"),
    [
        (DESKTOP, "ok"),
        (DESKTOP | {"call_ms": {"nvmlInit": 9_000.0, "nvmlDeviceGetName": 900.0}}, "ok"),
        (DESKTOP | {"call_ms": {"nvmlInit": 9_000.0, "nvmlDeviceGetName": 1_100.0}}, "late"),
        # It answers one question after another, and does not come to the end.
        (HUNG | {"call_ms": {"nvmlInit": 9.0}, "overdue": OVERDUE | {"hung_s": 3.0}}, "late"),
        (HUNG | {"call_ms": {"nvmlInit": 9.0}, "overdue": OVERDUE}, "none"),
        (HUNG | {"overdue": OVERDUE}, "none"),
        # A refusal is an answer.
        ({"library": "/x", "init": {"error": 999, "name": "Unknown Error"}}, "ok"),
        ({"library": "/x", "init": {"error": 12, "name": "no library"}}, None),
        ({"library": "/x", "failure": None, "count": 0}, None),
        ({"library": None}, None),
        # Not the driver: a crash, a package that is missing, a child that is slow itself.
        ({"library": "/x", "failure": "signal 11"}, Unknown("signal 11")),
        (HUNG, Unknown(HUNG["failure"])),
    ],
)
def test_what_the_driver_did_is_known(reading: dict[str, Any], answer: Any) -> None:
    live = section.sample(machine(reading))
    assert live["answer"] == answer
    silence = OVERDUE if answer == "none" else None
    assert live["silence"] == (answer if isinstance(answer, Unknown) else silence)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31\nGCC 12",
            "550.90.07",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.158.01  Release Build",
            "570.158.01",
        ),
        ("NVRM version: something new", None),
        ("", None),
    ],
)
def test_both_forms_of_the_kernel_modules_version_are_read(text: str, version: str | None) -> None:
    assert parse_driver_version(text) == version


def test_a_process_name_may_hold_brackets() -> None:
    assert parse_parent("2950 (Web ) S 1 (x)) S 2801 2801 0") == 2801


def several(*cards: dict[str, Any], driver: str = "550.90.07", **variables: str) -> RecordedHost:
    """Cards with these differences from the desktop's, under these variables."""
    devices = [CARD | {"uuid": f"GPU-{number}"} | card for number, card in enumerate(cards)]
    reading = DESKTOP | {"count": len(cards), "devices": devices, "driver_version": driver}
    return machine(reading, environ=variables)


UNLIKE = {"name": "NVIDIA L4", "compute_capability": [8, 9]}
PARTS = [{"uuid": f"MIG-{n}", "name": "x MIG 1g.5gb", "gpu_instance": n} for n in (7, 8)]
DIVIDED = {"mig_mode": [1, 1], "mig_devices": PARTS}
UNTOLD = {"mig_mode": [1, 1], "mig_devices": {"error": None, "name": "Unknown Error"}}
"""Divided, and the driver does not say into what."""


@pytest.mark.parametrize(
    ("answers", "visible"),
    [
        (several({}, {}), ["GPU-0", "GPU-1"]),
        (several({}, {}, CUDA_VISIBLE_DEVICES="1,0"), ["GPU-1", "GPU-0"]),
        (several({}, {}, CUDA_VISIBLE_DEVICES=""), []),
        (several({}, {}, CUDA_VISIBLE_DEVICES="0,9,1"), ["GPU-0"]),
        (several({}, UNLIKE), ["GPU-0", "GPU-1"]),
        (several({}, UNLIKE, CUDA_VISIBLE_DEVICES="GPU-1"), ["GPU-1"]),
        (
            several({}, UNLIKE, CUDA_VISIBLE_DEVICES="1", CUDA_DEVICE_ORDER="PCI_BUS_ID"),
            ["GPU-1"],
        ),
        (several(DIVIDED), ["MIG-7"]),
        (several(DIVIDED, driver="570.86.15"), ["MIG-7", "MIG-8"]),
        (several(DIVIDED, CUDA_VISIBLE_DEVICES="MIG-8"), ["MIG-8"]),
    ],
)
def test_which_gpus_cuda_shows_follows_from_the_variables(
    answers: RecordedHost, visible: list[str]
) -> None:
    assert section.collect(answers)["visible"] == visible


@pytest.mark.parametrize(
    ("answers", "begins"),
    [
        (several({}, UNLIKE, CUDA_VISIBLE_DEVICES="0"), "CUDA numbers unlike GPUs"),
        (
            several({}, {"handle": {"error": 15, "name": "lost"}}),
            "a visible GPU has no known UUID",
        ),
        (
            several({}, {"uuid": NOT_SUPPORTED}, CUDA_VISIBLE_DEVICES="GPU-1"),
            "a name may be that of GPU 1",
        ),
        (several(UNTOLD), "the parts of GPU 0 are unknown: Unknown Error"),
        (several({}, UNTOLD, CUDA_VISIBLE_DEVICES="MIG-7"), "a name may be that of a part of"),
    ],
)
def test_what_is_not_decided_is_unknown(answers: RecordedHost, begins: str) -> None:
    found = section.collect(answers)["visible"]
    assert isinstance(found, Unknown)
    assert found.reason.startswith(begins)


def test_faults_of_the_memory_are_counted_for_either_generation() -> None:
    older = changed(ecc_uncorrected=1, retired_single_bit=2, retired_double_bit=1)
    errors = section.sample(machine(older))["devices"]["0"]["errors"]
    assert errors["uncorrected"] == 1
    assert errors["pages_retired_corrected"] == 2
    assert errors["pages_retired_uncorrected"] == 1
    assert errors["rows_remapped"] is errors["remap_pending"] is None
    newer = changed(remapped_rows=[1, 2, 1, 0], recovery_action=2)
    errors = section.sample(machine(newer))["devices"]["0"]["errors"]
    assert errors["rows_remapped"] == 3
    assert (errors["remap_pending"], errors["remap_failed"]) == (True, False)
    assert errors["recovery_action"] == "reboot"


def test_bits_and_numbers_that_a_newer_driver_knows_are_kept() -> None:
    odd = changed(clock_reasons=0x424, addressing_mode=9, compute_mode=7)
    answers = machine(odd)
    assert section.sample(answers)["devices"]["0"]["clock_reasons"] == [
        "power-cap",
        "thermal-slowdown",
        "0x400",
    ]
    card = section.collect(answers)["devices"]["0"]
    assert (card["addressing_mode"], card["compute_mode"]) == ("9", "7")


def test_a_part_is_accounted_for_by_itself() -> None:
    part = {
        "uuid": "MIG-7",
        "memory": {"api": "v2", "total": 100, "reserved": 0, "used": 60, "free": 40},
        "compute_processes": [{"pid": 2950, "used": 50}],
        "graphics_processes": [],
        "mps_processes": NOT_SUPPORTED,
        "process_interface": "v3",
    }
    reading = changed(mig_mode={"error": 4, "name": "denied"}, mig_devices=[part])
    answers = machine(reading, real_path=INITIAL, process=PROCESSES)
    use = section.sample(answers)["devices"]["0"]["mig_devices"]["MIG-7"]
    assert [(p["name"], p["memory_bytes"]) for p in use["processes"]] == [("firefox", 50)]
    assert (use["memory_free_bytes"], use["unattributed_bytes"]) == (40, 10)
    assert section.collect(answers)["devices"]["0"]["mig_mode"] == "on"


@pytest.mark.parametrize(
    ("process", "reason", "exists"),
    [
        ({"error": "ESRCH"}, "the process no longer exists", False),
        ({"error": "EACCES"}, "the process is not visible to this user", True),
        (
            PROCESSES["2950"] | {"started_at_s": 90.0},
            "the pid now belongs to a different process",
            False,
        ),
        (PROCESSES["2950"] | {"started_at_s": 50.5}, None, True),
    ],
)
def test_a_name_is_only_given_where_it_is_surely_that_of_the_holder(
    process: dict[str, Any], reason: str | None, exists: bool
) -> None:
    reading = changed() | {"sampled_at_s": 50.0}
    answers = machine(reading, real_path=INITIAL, process=PROCESSES | {"2950": process})
    found = section.sample(answers)["devices"]["0"]["processes"][1]
    assert (found.get("name"), found["exists"]) == (None if reason else "firefox", exists)
    assert (found["name_unknown"] or "").startswith(reason or "")


def test_inside_windows_no_pid_is_one_of_linux() -> None:
    system = {"system": "Linux", "release": "5.15.153.1-microsoft-standard-WSL2"}
    answers = machine(DESKTOP, real_path=INITIAL, process=PROCESSES, system=system)
    live = section.sample(answers)
    assert live["pids_are_ours"] is False
    assert [p.get("name") for p in live["devices"]["0"]["processes"]] == [None, None]
