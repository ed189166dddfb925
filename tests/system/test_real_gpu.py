"""A real GPU: what a capture says of it against nvidia-smi, and that it takes nothing of it.

    python -m pytest tests/system/test_real_gpu.py -m gpu -s
    python -m tests.hosts.record NAME --describe "…"      # keep what was read, to be replayed

Skipped where there is no GPU. The memory is taken through the driver's own library, so that no
framework is needed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

import envprint
from envprint.core.fingerprint import Fingerprint
from envprint.machine.live import LiveHost

MIB = 1 << 20
HELD_MIB = 1024
CONTEXT_MIB = 1536
"""The most that a context may take beside it."""


def smi(*arguments: str) -> str:
    """What nvidia-smi prints."""
    done = subprocess.run(["nvidia-smi", *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def gpus() -> list[ElementTree.Element]:
    """nvidia-smi's own report of every GPU, in its order."""
    text = smi("-q", "-x") if shutil.which("nvidia-smi") else ""
    return list(ElementTree.fromstring(text).iter("gpu")) if text else []


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not gpus(), reason="NO NVIDIA GPU HERE: nvidia-smi reports none"),
]


def said(element: ElementTree.Element, path: str) -> str:
    """The text at a path of nvidia-smi's report."""
    found = element.find(path)
    assert found is not None, path
    return (found.text or "").strip()


@pytest.fixture(scope="module")
def captured() -> Fingerprint:
    """A capture of this machine."""
    return envprint.capture()


def test_every_gpu_is_described_as_nvidia_smi_does(captured: Fingerprint) -> None:
    shown = gpus()
    assert captured.value("facts.gpu.status") == "ok"
    assert captured.value("facts.gpu.count") == len(shown)
    for key, element in enumerate(shown):
        card = captured.value("facts.gpu.devices")[str(key)]
        assert card["uuid"] == said(element, "uuid")
        assert card["name"] == said(element, "product_name")
        assert card["bus_id"].lower()[-12:] == said(element, "pci/pci_bus_id").lower()[-12:]
        total = int(said(element, "fb_memory_usage/total").split()[0])
        assert abs(card["memory_total_bytes"] // MIB - total) <= 1
        persistence = said(element, "persistence_mode") == "Enabled"
        assert card["persistence_mode"] is persistence
        mode = said(element, "compute_mode").lower().replace("_", "-")
        assert card["compute_mode"].startswith(mode.split("-")[0])
        mig = {"Enabled": "on", "Disabled": "off"}.get(said(element, "mig_mode/current_mig"))
        assert card["mig_mode"] == mig
        ecc = {"Enabled": "on", "Disabled": "off"}.get(said(element, "ecc_mode/current_ecc"))
        assert card["ecc_mode"] == ecc


def test_the_driver_is_the_one_that_nvidia_smi_names(captured: Fingerprint) -> None:
    version = smi("--query-gpu=driver_version", "--format=csv,noheader").splitlines()[0].strip()
    assert captured.value("facts.gpu.driver_version") == version
    module = captured.value("facts.cuda.kernel_module_version")
    assert module in (version, None)  # a container may not show it


def test_memory_is_what_nvidia_smi_says_and_adds_up(captured: Fingerprint) -> None:
    for key, element in enumerate(gpus()):
        use = captured.value("live.gpu.devices")[str(key)]
        for name in ("used", "reserved", "free"):
            shown = int(said(element, f"fb_memory_usage/{name}").split()[0])
            # The machine may be in use; what a moment makes of it is small.
            assert abs(use[f"memory_{name}_bytes"] // MIB - shown) <= 64
        total = captured.value(f"facts.gpu.devices[{key}].memory_total_bytes")
        parts = sum(use[f"memory_{name}_bytes"] for name in ("used", "reserved", "free"))
        assert abs(total - parts) <= 2 * MIB


def used_bytes() -> list[int]:
    """What is in use of each GPU."""
    host = LiveHost()
    return [device["memory"]["used"] for device in host.nvml()["devices"]]


def test_a_capture_takes_no_memory_of_the_gpu() -> None:
    before = used_bytes()
    for _ in range(3):
        envprint.capture()
    # While one runs, too: a context would be hundreds of MiB.
    with subprocess.Popen([sys.executable, "-m", "envprint", "capture", "-o", "/dev/null"]) as run:
        during = [used_bytes() for _ in range(3)]
        assert run.wait() == 0
    after = used_bytes()
    assert after == before
    for moment in during:
        assert max(a - b for a, b in zip(moment, before, strict=True)) < 64 * MIB


HOLD = f"""
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
device, context, place = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
for code in (
    cuda.cuInit(0),
    cuda.cuDeviceGet(ctypes.byref(device), 0),
    cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device),
    cuda.cuMemAlloc_v2(ctypes.byref(place), ctypes.c_size_t({HELD_MIB} << 20)),
):
    assert code == 0, code
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder() -> Iterator[int]:
    """The pid of another process, which holds 1 GiB of the first GPU; no child of this one."""
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdin and run.stdout
    assert run.stdout.readline() == "held\n"
    children = subprocess.run(
        ["pgrep", "-P", str(run.pid)], capture_output=True, text=True, check=True
    )
    yield int(children.stdout.split()[0])
    run.stdin.close()
    run.wait(60)
    run.stdout.close()


def test_another_process_appears_with_its_pid_and_memory(holder: int) -> None:
    now = envprint.capture()
    uses = [use for use in now.value("live.gpu.devices").values() if use["processes"]]
    if now.value("live.gpu.pids_are_ours"):
        (found,) = (p for use in uses for p in use["processes"] if p["pid"] == holder)
        assert found["name"].startswith("python")
        held = found["memory_bytes"]
    else:  # in a container the driver may list it under another number, or not at all
        held = max(use["memory_used_bytes"] for use in now.value("live.gpu.devices").values())
    assert HELD_MIB * MIB <= held <= (HELD_MIB + CONTEXT_MIB) * MIB


def test_a_check_says_so(holder: int) -> None:
    command = [sys.executable, "-m", "envprint", "check", "--device", "gpu", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rules = {finding["rule"] for finding in json.loads(done.stdout)["findings"]}
    assert rules & {"gpu-memory-held-by-others", "gpu-memory-unattributed"}


def test_what_the_calls_take_is_printed() -> None:
    """For docs/gpu.md; run with -s."""
    begun = time.perf_counter()
    reading = LiveHost().nvml()
    print(f"\n{reading['devices'][0]['name']}, driver {reading['driver_version']}")
    print(f"the child: {(time.perf_counter() - begun) * 1000:.0f} ms, init {reading['init_ms']} ms")
    for name, spent in sorted(reading["call_ms"].items(), key=lambda item: -item[1]):
        print(f"{spent:9.3f} ms  {name}")
    assert reading["failure"] is None
