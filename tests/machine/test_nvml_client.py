"""Asking NVML in a child: what comes back when the driver answers, refuses, hangs and crashes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pynvml
import pytest

from envprint.machine.live import LiveHost
from envprint.machine.nvml import client
from envprint.machine.nvml import library as finding
from envprint.machine.nvml.calls import MARK
from envprint.machine.nvml.messages import NvmlMessages
from tests.builders.nvml_child import children_of_this_process
from tests.builders.nvml_scenarios import read
from tests.nvml import simulator

HERE = Path(__file__).parent.parent / "nvml"
HOSTS = HERE.parent / "hosts"
MIB = 1 << 20
IDLE = HERE / "scenarios" / "idle"


def scenario(folder: Path, driver: str) -> Path:
    """A driver, two idle cards, with these entries on top of it."""
    text = (IDLE / "driver.txt").read_text(encoding="utf-8")
    second = text.replace("@0", "@1").replace("GPU-00000000", "GPU-00000001")
    (folder / "driver.txt").write_text(f"{text}\n{second}\n{driver}\n", encoding="utf-8")
    return folder


def test_a_card_is_read_whole(tmp_path: Path) -> None:
    found = read(scenario(tmp_path, "nvmlDeviceGetComputeRunningProcesses@1 = ok 7:5MiB 8:-"))
    assert (found["failure"], found["init"], found["count"]) == (None, None, 2)
    assert found["library"] == "/simulated/libnvidia-ml.so.1"
    assert (found["driver_version"], found["cuda_driver_version"]) == ("550.90.07", 12040)
    assert time.time() - 60 < found["sampled_at_s"] <= time.time()
    card = found["devices"][1]
    assert card["uuid"] == "GPU-00000001-0000-4000-8000-000000000000"
    assert card["memory"] == {
        "api": "v2",
        "total": 40960 * MIB,
        "reserved": 594 * MIB,
        "used": 4 * MIB,
        "free": 40362 * MIB,
    }
    assert card["compute_processes"] == [{"pid": 7, "used": 5 * MIB}, {"pid": 8, "used": None}]
    assert (card["ecc_mode"], card["remapped_rows"]) == ([1, 1], [0, 0, 0, 0])
    assert card["driver_model"] == {"error": 3, "name": "Not Supported"}
    assert set(found["call_ms"]) >= {"nvmlInit", "nvmlDeviceGetMemoryInfo"}


def test_an_old_driver_may_not_say_what_a_process_holds(tmp_path: Path) -> None:
    text = (HERE / "scenarios" / "r440" / "driver.txt").read_text(encoding="utf-8")
    listed = "nvmlDeviceGetComputeRunningProcesses@0 = ok 7:5MiB 8:-\n"
    (tmp_path / "driver.txt").write_text(text + listed, encoding="utf-8")
    card = read(tmp_path)["devices"][0]
    assert card["compute_processes"] == [{"pid": 7, "used": 5 * MIB}, {"pid": 8, "used": None}]
    assert (card["process_interface"], card["memory"]["api"]) == ("v1", "v1")


def divided(folder: Path, driver: str) -> Path:
    """A divided card of two parts, with these entries on top of it."""
    text = (HERE / "scenarios" / "mig" / "driver.txt").read_text(encoding="utf-8")
    (folder / "driver.txt").write_text(f"{text}\n{driver}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("code", [2, 6])
def test_a_place_without_a_part_is_passed_over(code: int, tmp_path: Path) -> None:
    found = read(divided(tmp_path, f"nvmlDeviceGetMigDeviceHandleByIndex@0/0 = {code}"))
    parts = found["devices"][0]["mig_devices"]
    assert [part["uuid"][:12] for part in parts] == ["MIG-00000001"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("nvmlDeviceGetMaxMigDeviceCount@0", 999),
        ("nvmlDeviceGetMigDeviceHandleByIndex@0/0", 999),
        ("nvmlDeviceGetMigDeviceHandleByIndex@0/1", 4),
    ],
)
def test_a_list_of_parts_is_whole_or_not_known(call: str, code: int, tmp_path: Path) -> None:
    parts = read(divided(tmp_path, f"{call} = {code}"))["devices"][0]["mig_devices"]
    assert parts["error"] == code


@pytest.mark.parametrize(
    "call", ["nvmlDeviceGetMaxMigDeviceCount@0", "nvmlDeviceGetMigDeviceHandleByIndex@0/1"]
)
def test_a_list_of_parts_that_was_not_finished_is_not_there(call: str, tmp_path: Path) -> None:
    device = read(divided(tmp_path, f"{call} = hang"), timeout_s=2.0)["devices"][0]
    assert "mig_devices" not in device
    assert "did not answer" in device["unread"]["name"]


@pytest.mark.parametrize("call", ["nvmlDeviceGetCount", "nvmlDeviceGetMaxMigDeviceCount@0"])
def test_a_number_of_devices_that_cannot_be_true_is_an_error(call: str, tmp_path: Path) -> None:
    found = read(divided(tmp_path, f"{call} = ok 4294967295"))
    place = found["count"] if "Count@" not in call else found["devices"][0]["mig_devices"]
    assert place == {
        "error": None,
        "name": "NVML reports a count of 4294967295, which cannot be true",
    }


def test_a_hang_in_a_part_leaves_their_number(tmp_path: Path) -> None:
    device = read(divided(tmp_path, "nvmlDeviceGetUUID@0/1 = hang"), timeout_s=2.0)["devices"][0]
    assert [part.get("gpu_instance") for part in device["mig_devices"]] == [1, None]
    assert all("did not answer" in part["unread"]["name"] for part in device["mig_devices"])


@pytest.mark.parametrize("machine", ["dgx-a100", "ubuntu-rtx2080ti", "kubernetes-cgroup2"])
def test_the_form_is_that_of_the_machines_that_were_written_down(machine: str) -> None:
    host = json.loads((HOSTS / machine / "host.json").read_text(encoding="utf-8"))
    recorded = host["answers"]["gpu"][""]
    found = read(IDLE)
    assert recorded.keys() == found.keys() - {"call_ms", "sampled_at_s"}
    assert recorded["devices"][0].keys() == found["devices"][0].keys() | {"mig_devices"}


def test_a_hang_costs_what_was_not_read_by_then(tmp_path: Path) -> None:
    found = read(scenario(tmp_path, "nvmlDeviceGetTemperature@0 = hang"), timeout_s=3.0)
    text = "NVML did not answer within 3 s (during nvmlDeviceGetTemperature, GPU 0)"
    assert found["failure"] == text
    assert found["devices"][0]["ecc_mode"] == [1, 1]
    assert found["devices"][1]["memory"]["used"] == 4 * MIB
    assert "ecc_mode" not in found["devices"][1]
    assert found["devices"][1]["unread"] == {"error": None, "name": text}


def test_a_call_that_does_not_return_is_named_with_its_time(tmp_path: Path) -> None:
    overdue = read(scenario(tmp_path, "nvmlDeviceGetName@1 = hang"), timeout_s=3.0)["overdue"]
    assert overdue.pop("hung_s") > 1.5
    assert overdue == {"call": "nvmlDeviceGetName", "gpu": "1", "waited_s": 3.0}
    assert "overdue" not in read(scenario(tmp_path, ""))


def test_a_child_that_is_slow_without_the_driver_blames_no_call() -> None:
    messages = NvmlMessages()
    assert messages.overdue(1.0) is None
    messages.take(MARK + b'["call", "import pynvml"]')
    assert messages.overdue(1.0) is None
    messages.take(MARK + b'["call", "nvmlDeviceGetHandleByIndex 3"]')
    overdue = messages.overdue(messages.call_begun_s + 4)
    assert overdue == {"call": "nvmlDeviceGetHandleByIndex", "gpu": "3", "hung_s": 4.0}
    messages.take(MARK + b'["is", ["x"], 1, "nvmlDeviceGetHandleByIndex", 0.1]')
    assert messages.overdue(1.0) is None


def test_a_crash_costs_the_value_it_came_for(tmp_path: Path) -> None:
    crashes = (
        "nvmlDeviceGetName@0 = crash\nnvmlDeviceGetTotalEccErrors[uncorrected,volatile]@1 = crash"
    )
    found = read(scenario(tmp_path, crashes))
    crashed = {"error": None, "name": "the driver crashed in this call (signal 11)"}
    assert found["failure"] is None
    first, second = found["devices"]
    assert (first["name"], second["name"]) == (crashed, "NVIDIA A100-SXM4-40GB")
    assert (first["ecc_uncorrected"], second["ecc_uncorrected"]) == (0, crashed)
    assert (second["ecc_corrected"], second["ecc_uncorrected_ever"]) == (0, 0)


def test_a_driver_that_crashes_everywhere_is_given_up(tmp_path: Path) -> None:
    names = ("Name@0", "Name@1", "UUID@0", "UUID@1")
    found = read(scenario(tmp_path, "\n".join(f"nvmlDeviceGet{name} = crash" for name in names)))
    assert found["failure"] == "reading NVML ended with signal 11 (during nvmlDeviceGetName, GPU 1)"
    assert found["driver_version"] == "550.90.07"


@pytest.mark.parametrize("limit", ["0.5", "3"])
def test_a_hung_driver_delays_a_check_by_the_time_out_and_not_for_ever(
    limit: str, tmp_path: Path
) -> None:
    """How long exactly is tests/benchmarks/gpu.py's business: these machines are noisy."""
    folder = scenario(tmp_path, "nvmlInit = hang")
    command = [sys.executable, "-m", "envprint", "check", "--device", "gpu"]
    done = subprocess.run(
        [*command, "--gpu-timeout", limit],
        capture_output=True,
        text=True,
        env=simulator.environment(folder / "driver.txt"),
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    text = f"NVML did not answer within {limit} s (during nvmlInit)"
    assert text in " ".join(done.stdout.split())


def test_no_child_is_left_when_the_driver_hangs(tmp_path: Path) -> None:
    before = children_of_this_process()
    read(scenario(tmp_path, "nvmlDeviceGetMemoryInfo@0 = hang"), timeout_s=1.0)
    assert children_of_this_process() == before


def test_the_child_ends_itself_where_its_parent_had_to_leave_it(tmp_path: Path) -> None:
    """As after a parent that was killed: only the child's own alarm is left."""
    folder = scenario(tmp_path, "nvmlInit = hang")
    variables = simulator.environment(folder / "driver.txt")
    library = str(simulator.library())
    order = {"library": library, "skipped": {}, "timeout_s": 0}
    argv = client.command(str(Path(pynvml.__file__).parent), order)
    child = subprocess.Popen(
        argv, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    assert child.wait(60) == -signal.SIGALRM


def test_a_reading_does_not_need_to_be_the_only_child_of_its_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        found = read(IDLE)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert (found["failure"], found["count"]) == (None, 1)


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2)])
def test_a_reading_works_without_the_standard_streams(closed: tuple[int, ...]) -> None:
    code = (
        f"import os; [os.close(n) for n in {closed}];"
        "from envprint.machine.live import LiveHost;"
        "os._exit(40 + LiveHost().nvml()['count'])"
    )
    variables = simulator.environment(IDLE / "driver.txt")
    done = subprocess.run([sys.executable, "-c", code], env=variables, timeout=120, check=False)
    assert done.returncode == 41


def test_a_library_that_prints_does_not_spoil_the_reading() -> None:
    lines = [b"WARNING: you use a stub", b'\x1e["is", ["count"], 1]', b"half", b"", b'\x1e["end"]']
    gathered = client.gather(lines)
    assert (gathered.reading, gathered.is_whole) == ({"count": 1}, True)


def test_without_a_library_no_child_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "find_library", lambda variables: None)
    assert LiveHost().nvml() == {"library": None}
    monkeypatch.setattr(client, "find_library", lambda variables: None)
    assert client.start_query(1.0).result() == {"library": None, "failure": None}


def test_without_the_package_the_reason_is_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(client, "find_library", lambda variables: "/x/libnvidia-ml.so.1")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    failure = "the package nvidia-ml-py is not installed"
    assert client.start_query(1.0).result()["failure"] == failure


def test_where_no_process_can_be_started_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    found = client.query_library("/x/libnvidia-ml.so.1", "/x", 1.0).result()
    assert found["failure"] == "no child process: No such file or directory"


def test_another_package_of_that_name_is_told_and_not_fatal(tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text("class NVMLError(Exception): pass\n")
    found = client.query_library(str(simulator.library()), str(tmp_path), 20.0).result()
    assert found["init"]["name"].startswith("AttributeError: module 'pynvml' has no attribute")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pynvml.py").write_text("import a_module_that_is_not_there")
    found = client.query_library(str(simulator.library()), str(broken), 20.0).result()
    assert found["failure"] == "reading NVML ended with exit code 1"


def test_a_library_outside_the_loaders_path_is_loaded_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = shutil.copy(simulator.library(), tmp_path / "libnvidia-ml.so.1")
    monkeypatch.setenv(simulator.VARIABLE, str(IDLE / "driver.txt"))
    folder = str(Path(pynvml.__file__).parent)
    found = client.query_library(str(library), folder, 20.0).result()
    assert (found["init"], found["library"], found["count"]) == (None, str(library), 1)


def test_the_library_is_found_in_ld_library_path_and_in_the_loaders_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "libnvidia-ml.so.1"
    library.touch()
    cache = tmp_path / "ld.so.cache"
    monkeypatch.setattr(finding, "LOADER_FOLDERS", ())
    monkeypatch.setattr(finding, "LOADER_CACHE", str(cache))
    assert finding.find_library({}) is None
    variables = {"LD_LIBRARY_PATH": f"/nowhere::{tmp_path}"}
    assert finding.find_library(variables) == str(library)
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libnvidia-ml.so.1\0" + bytes(library) + b"\0libz\0")
    assert finding.find_library({}) == str(library)
    library.unlink()
    assert finding.find_library({}) is None


def test_a_name_given_back_as_bytes_is_text_too() -> None:
    from envprint.machine.nvml.queries import text

    assert (text(b"G\xf8"), text("G")) == ("G�", "G")


def test_a_second_reading_is_of_now_and_leaves_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = scenario(tmp_path, "") / "driver.txt"
    for name, value in simulator.environment(driver).items():
        monkeypatch.setenv(name, value)
    host = LiveHost()
    first = host.nvml()
    driver.write_text(f"{driver.read_text()}nvmlDeviceGetTemperature@0 = ok 77\n")
    assert host.nvml(refresh=True)["devices"][0]["temperature"] == 77
    assert host.nvml() is first
    assert first["devices"][0]["temperature"] != 77
    driver.write_text("nvmlInit = hang\n")
    assert "did not answer within 2 s" in host.nvml(refresh=True)["failure"]


def test_other_sections_are_read_while_the_driver_works(tmp_path: Path) -> None:
    """The child is begun first and asked for last."""
    from envprint.collectors import collectors
    from envprint.collectors._runner import capture

    told: list[str] = []

    class Watched(LiveHost):
        def start_gpu_query(self) -> None:
            told.append("begin")
            super().start_gpu_query()

        def system(self) -> Any:
            told.append("system")
            return super().system()

        def nvml(self, refresh: bool = False) -> Any:
            told.append("gpu")
            return super().nvml(refresh)

    capture(Watched())
    assert told[0] == "begin"
    assert "system" in told[1 : told.index("gpu")]
    assert {c.section for c in collectors() if c.needs_gpu_reading} == {"cuda", "gpu"}
