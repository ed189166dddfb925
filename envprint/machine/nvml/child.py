"""The program of the child that queries NVML, started by `envprint.machine.nvml.client`.

It reports each result at once, so that a driver that hangs or crashes costs only what is still
unread; what matters most is read first, for every GPU. No call creates a CUDA context, which would
take hundreds of MB on the card: https://github.com/pytorch/pytorch/issues/20532
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from envprint.core.typed import Any, NoReturn
from envprint.machine.nvml.calls import Nvml, send, send_value
from envprint.machine.nvml.codes import FUNCTION_NOT_FOUND, NOT_SUPPORTED
from envprint.machine.nvml.queries import DETAILS, IDENTITY, text

_NO_MIG = (NOT_SUPPORTED, FUNCTION_NOT_FOUND)


def read(nvml: Nvml, library: str) -> None:
    """Report the whole reading, in the form that `envprint.machine.nvml.client` documents."""
    if not nvml.start(library):
        return
    nvml.ask(["driver_version"], "nvmlSystemGetDriverVersion", form=text)
    nvml.ask(["cuda_driver_version"], "nvmlSystemGetCudaDriverVersion_v2")
    handles = nvml.handles()
    send_value(["sampled_at_s"], time.time())
    for index, handle in handles.items():
        mig = nvml.fill(["devices", index], handle, IDENTITY)["mig_mode"]
        nvml.use(["devices", index], handle)
        for place, part in nvml.parts(index, handle) if can_have_parts(mig) else ():
            nvml.use(place, part)
    for index, handle in handles.items():
        nvml.fill(["devices", index], handle, DETAILS)
        nvml.clock_reasons(["devices", index, "clock_reasons"], handle)


def can_have_parts(mig_mode: Any) -> bool:
    """Whether a GPU may have MIG devices: in a container only those may permit queries."""
    return any(mig_mode) if isinstance(mig_mode, list) else mig_mode["error"] not in _NO_MIG


def watch(nvml: Nvml, library: str, interval_s: float) -> None:
    """Report memory and processes repeatedly, of MIG devices if there are any, else of GPUs.

    Ends together with its parent.
    """
    import select

    if not nvml.start(library):
        return
    watched: list[tuple[list[Any], Any]] = []
    for index, handle in nvml.handles().items():
        mig = nvml.fill(["devices", index], handle, IDENTITY)["mig_mode"]
        parts = nvml.parts(index, handle) if can_have_parts(mig) else []
        watched += parts or [(["devices", index], handle)]
    due = time.monotonic()
    while True:
        send_value(["sampled_at_s"], time.time())
        for place, handle in watched:
            nvml.use(place, handle)
        send("sample")
        due = max(due + interval_s, time.monotonic())
        if select.select([0], [], [], max(0.0, due - time.monotonic()))[0]:
            return


def main() -> NoReturn:
    """Execute the order in the last argument, a JSON object.

    Its keys: `library` (path), `skipped` (call to reason), `timeout_s`, and `interval_s` to watch.
    """
    os.closerange(3, 256)  # descriptors that the parent's libraries left open
    order = json.loads(sys.argv[-1])
    library: str = order["library"]
    send("call", "import pynvml")
    import pynvml

    nvml = Nvml(pynvml, order["skipped"])
    if order.get("interval_s"):
        # Ctrl-C is meant for the watched job; the watch ends when its parent does.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        watch(nvml, library, order["interval_s"])
    else:
        # The kernel ends a child that its parent had to leave behind.
        signal.alarm(int(order["timeout_s"]) + 2)
        read(nvml, library)
    send("end")
    # A driver in trouble may hang while the library unloads.
    os._exit(0)
