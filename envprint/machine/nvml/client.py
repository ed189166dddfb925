"""Starts the child that queries NVML, and returns what it reported before the timeout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping

from envprint.core.typed import Any
from envprint.machine.child_process import Child
from envprint.machine.nvml.library import find_library
from envprint.machine.nvml.messages import NvmlMessages, finished

MAX_CRASHES = 3
"""How often the child is restarted without the call in which the driver crashed."""


def start_query(timeout_s: float) -> NvmlQuery:
    """Start asking NVML, where its library is; what it says is in `NvmlQuery.result`."""
    library, folder, failure = _find_nvml()
    if failure or library is None:
        return NvmlQuery({"library": library, "failure": failure})
    return query_library(library, folder, timeout_s)


def _find_nvml() -> tuple[str | None, str, str | None]:
    """The library, the folder of pynvml, and the reason if they cannot be used."""
    if not hasattr(os, "posix_spawn"):
        return "nvml.dll", "", f"NVML is not queried on {sys.platform}"
    library = find_library(os.environ)
    if library is None:
        return None, "", None
    import importlib.util

    spec = importlib.util.find_spec("pynvml")
    if spec is None or not spec.origin:
        return library, "", "the package nvidia-ml-py is not installed"
    return library, os.path.dirname(spec.origin), None


def watcher(interval_s: float) -> tuple[Callable[[Mapping[str, str]], Child] | None, str]:
    """A factory for the watching child (given calls to skip), or None; and `ok` or the reason."""
    library, folder, failure = _find_nvml()
    if failure or library is None:
        return None, failure or "libnvidia-ml.so.1 is not installed"
    order = {"library": library, "interval_s": interval_s}
    return lambda skipped: Child(command(folder, order | {"skipped": skipped})), "ok"


def query_library(library: str, pynvml_folder: str, timeout_s: float) -> NvmlQuery:
    """Start a reading with a given library and pynvml."""
    query = NvmlQuery({"library": library}, pynvml_folder, timeout_s)
    query.start()
    return query


class NvmlQuery:
    """A reading in progress, or the reason why there is none."""

    def __init__(self, known: dict[str, Any], folder: str = "", timeout_s: float = 0.0) -> None:
        self._reading = known
        self._library = known["library"]
        self._folder = folder
        self._timeout_s = timeout_s
        self._deadline_s = time.monotonic() + timeout_s
        self._skipped: dict[str, str] = {}
        self._child: Child | None = None

    def start(self) -> None:
        """Start a child."""
        order = {"library": self._library, "skipped": self._skipped}
        try:
            self._child = Child(command(self._folder, order | {"timeout_s": self._timeout_s}))
        except OSError as error:
            self._child = None
            self._reading["failure"] = f"no child process: {error.strerror or error}"

    def result(self) -> Mapping[str, Any]:
        """The reading of this machine; a call's result is its value or an error object.

        An error object is `{"error": 3, "name": "Not Supported"}` with NVML's code, or null for a
        failure outside NVML. Sizes are bytes. The keys:

        * `library`: real path of the loaded library; null if there is none, and then the only key;
        * `failure`: text if the child did not finish, else null. Values not read by then are
          missing, and every object says so in `unread`;
        * `init`: null, or an error object, and then only `nvml_version` follows; `init_ms`;
        * `nvml_version`, `driver_version`: text; `cuda_driver_version`: 12040 for 12.4; `count`;
        * `sampled_at_s`: seconds since the epoch when memory and processes were first read;
        * `devices`: in order of NVML's index. `handle` is null, or an error object and then the
          only key. Also the keys of `envprint.machine.nvml.queries`, modes as [now, pending], and
          `memory`: `api` (`v2` or `v1`), `total`, `used`, `free`, and `reserved` with v2 only,
          because with v1 `used` includes it; `compute_processes`, `graphics_processes` and
          `mps_processes`: lists of `pid` and `used` (null if the driver does not report it, as with
          WDDM); `process_interface`: v3, v2 or v1; `clock_reasons`: a bit mask;
          `mig_devices`: the same for each MIG device, if there can be any, or an error object; a
          list is complete;
        * `overdue`: only if the time ended during a call of the driver: the `call`, the `gpu` it
          is about (null for none), for how long it had not returned (`hung_s`), and the whole time
          (`waited_s`);
        * `call_ms`: function to the total milliseconds of its calls.
        """
        while self._child:
            messages = gather(self._child.lines(self._deadline_s))
            overdue = messages.overdue(time.monotonic()) if messages.is_late else None
            code = self._child.end(kill=messages.is_late)
            self._child = None
            self._reading = {"library": self._library, **messages.reading}
            self._reading["failure"] = messages.failure(code, self._timeout_s)
            if overdue:
                self._reading["overdue"] = overdue | {"waited_s": self._timeout_s}
            if messages.crashed(code) and len(self._skipped) < MAX_CRASHES:
                reason = f"the driver crashed in this call (signal {-(code or 0)})"
                self._skipped[messages.call] = reason
                self.start()
        return finished(self._reading)


def command(folder: str, order: Mapping[str, Any]) -> list[str]:
    """The child's command line. Without `site`, which runs whatever start-up code is installed."""
    paths = [
        os.path.dirname(
            os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        ),
        folder,
    ]
    code = f"import sys; sys.path += {paths!r}; import envprint.machine.nvml.child as c; c.main()"
    return [sys.executable or "", "-I", "-S", "-c", code, json.dumps(order)]


def gather(lines: Iterable[bytes]) -> NvmlMessages:
    """Collect all messages up to the end or the deadline."""
    messages = NvmlMessages()
    try:
        for line in lines:
            if messages.take(line) == "end":
                break
    except TimeoutError:
        messages.is_late = True
    return messages
