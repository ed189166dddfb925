"""Asks NVIDIA's management library in a child process that may hang or crash without harm.

What comes back is raw; `envprint.collectors.gpu` interprets it, so that a recorded machine replays
readings. The form is that of `read`. Nothing is started where the library cannot be found.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

LIBRARY = "libnvidia-ml.so.1"
KILL_WAIT_S = 1.0
"""How long a killed child may take to go; one that hangs in the kernel never does."""

LOADER_CACHE = "/etc/ld.so.cache"
DIRECTORIES = (
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
    *(f"{top}/{name}" for top in ("/usr", "") for name in ("lib64", "lib")),
    *(f"/usr/lib/{machine}-linux-gnu" for machine in ("x86_64", "aarch64")),
)
"""Where the library may lie without an entry in the loader's cache: WSL2, NixOS, bare systems."""


def read(timeout_s: float) -> Mapping[str, Any]:
    """What NVML says of this machine; a call's result is its value or an error object.

    An error object is `{"error": 3, "name": "Not Supported"}` with NVML's code, or null for a
    failure that is none of NVML's. Sizes are bytes. The keys:

    * `library`: real path of what was loaded; null when there is none, then nothing else is there;
    * `failure`: text when the child gave no reading, then nothing else is there; else null;
    * `init`: null, or an error object, then only `nvml_version` is there;
    * `nvml_version`, `driver_version`: text; `cuda_driver_version`: 12040 for 12.4; `count`;
    * `devices`: in order of NVML's index. `handle` is null, or an error object that stands alone.
      `uuid`, `bus_id`, `name`: text; `compute_capability`: [7, 5]; `cores`: all SMs together;
      `memory`: `api` (`v2` or `v1`), `total`, `used`, `free`, and `reserved` with v2 only, because
      with v1 `used` includes it; `mig_mode`, `ecc_mode`: [now, pending], each 0 or 1;
      `mig_devices`: list of `uuid`, `name`, `sm_count`, `memory`; `persistence_mode`,
      `compute_mode`, `display_active`: NVML's numbers; `compute_processes`, `graphics_processes`:
      lists of `pid` and `used` (null where the driver does not say, as under WDDM).
    """
    library = find_library(os.environ)
    if library is None:
        return {"library": None}
    import importlib.util

    spec = importlib.util.find_spec("pynvml")
    if spec is None or not spec.origin:
        return {"library": library, "failure": "the package nvidia-ml-py is not installed"}
    return ask(library, os.path.dirname(spec.origin), timeout_s)


def find_library(variables: Mapping[str, str]) -> str | None:
    """The path at which the loader would find the library, by a look at names only."""
    for path in _candidates(variables):
        if os.path.exists(path):
            return path
    return None


def _candidates(variables: Mapping[str, str]) -> Iterator[str]:
    if sys.platform == "win32":
        yield os.path.join(variables.get("WINDIR", "C:/Windows"), "System32", "nvml.dll")
        return
    for directory in filter(None, variables.get("LD_LIBRARY_PATH", "").split(":")):
        yield os.path.join(directory, LIBRARY)
    yield from _cached_paths(LOADER_CACHE)
    for directory in DIRECTORIES:
        yield os.path.join(directory, LIBRARY)


# …libnvidia-ml.so.1\0/lib/x86_64-linux-gnu/libnvidia-ml.so.1\0libnvidia-…
# https://man7.org/linux/man-pages/man8/ldconfig.8.html
def _cached_paths(cache: str) -> list[str]:
    try:
        with open(cache, "rb") as file:  # noqa: PTH123  pathlib costs too much here
            content = file.read()
    except OSError:  # musl has no cache, and the directories are looked at anyway
        return []
    found = re.findall(rb"(/[^\0]*/" + re.escape(LIBRARY.encode()) + rb")\0", content)
    return [os.fsdecode(path) for path in found]


def ask(library: str, pynvml_folder: str, timeout_s: float) -> Mapping[str, Any]:
    """The reading of a child that is given `timeout_s`; a `failure` in words when it gives none."""
    import subprocess

    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nvml_child.py")
    argv = [sys.executable, "-I", "-S", script, pynvml_folder, library]
    try:
        # No `with`: its end would wait for a child that cannot be killed.
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        return {"library": library, "failure": f"no child process: {error.strerror or error}"}
    try:
        printed, _ = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as late:
        _leave(child)
        during = _last_call(late.output or b"")
        failure = f"NVML did not answer within {timeout_s:g} s{during}"
        return {"library": library, "failure": failure}
    return _understood(library, printed, child.returncode)


def _leave(child: subprocess.Popen[bytes]) -> None:
    """Kill the child; wait a moment, so that it leaves no zombie, but never for long."""
    child.kill()
    end = time.monotonic() + KILL_WAIT_S
    while child.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    if child.stdout:
        child.stdout.close()
    if child.returncode is None:
        # Popen warns when it is dropped before its child has ended; this one may never end.
        child.returncode = -9


def _understood(library: str, printed: bytes, code: int) -> Mapping[str, Any]:
    import json

    from envprint.nvml_child import MARK

    _, mark, reading = printed.rpartition(f"\n{MARK}".encode())
    if not mark:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        failure = f"reading NVML ended with {how}{_last_call(printed)}"
        return {"library": library, "failure": failure}
    understood: dict[str, Any] = json.loads(reading)
    return understood


def _last_call(printed: bytes) -> str:
    names = re.findall(rb"^(nvml\w+)$", printed, re.MULTILINE)
    return f" (during {names[-1].decode()})" if names else ""
