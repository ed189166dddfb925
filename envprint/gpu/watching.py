"""Watches the GPUs while something runs: who else holds their memory, from when to when.

    with envprint.gpu.watch() as watch:
        train()
    for intruder in watch.so_far().intruders:
        print(intruder.name, intruder.peak_bytes, intruder.seen_from, intruder.seen_until)

A child asks the driver once a second, so that a driver that hangs or crashes cannot touch the run;
it is started again when it ends, for a time without the call that ended it. No CUDA context is
created.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from envprint.core.errors import EnvprintError
from envprint.gpu.account import Gap, MemoryAccount, MemoryHolder, WatchResult
from envprint.gpu.reading import failed, in_words
from envprint.gpu.skipped_calls import SkippedCalls
from envprint.machine.child_process import Child
from envprint.machine.host import Host
from envprint.machine.live import GPU_TIMEOUT_S, LiveHost
from envprint.machine.nvml.client import watcher
from envprint.machine.nvml.messages import NvmlMessages

__all__ = ["Gap", "Holder", "MemoryHolder", "Watch", "WatchResult", "Watched", "watch"]

Holder, Watched = MemoryHolder, WatchResult
"""The names of both in the first releases, which programs may import."""
INTERVAL_S = 1.0
LATE_S = 1.0
"""So late an answer is a gap, though it may still come: times are told to the second."""
SUSPENDED_S = 2.0
"""So long after the end of a wait, this process was not running; the driver is not to blame."""
LATE, SUSPENDED = "late", "suspended"
PAUSE_S = 2.0
"""Between the end of a child and the start of the next one."""


def watch(*, interval_s: float = INTERVAL_S, gpu_timeout_s: float = GPU_TIMEOUT_S) -> Watch:
    """Begin to watch all GPUs; ends with the `with` block or `stop`.

    Looks every `interval_s` seconds (at least 0.05), and takes a driver that says nothing for
    `gpu_timeout_s` for hung. Raises `EnvprintError` for other numbers.
    """
    if not interval_s >= 0.05:
        raise EnvprintError(f"expected interval_s of 0.05 or more, found {interval_s!r}")
    if not gpu_timeout_s > 0:
        raise EnvprintError(f"expected gpu_timeout_s above 0, found {gpu_timeout_s!r}")
    started = Watch(LiveHost(), interval_s, gpu_timeout_s)
    started.start()
    return started


class Watch:
    """A watch under way; a context manager that stops it."""

    def __init__(self, host: Host, interval_s: float, gpu_timeout_s: float) -> None:
        self._begin, status = watcher(interval_s)
        self._skipped_calls = SkippedCalls()
        self._late_s = interval_s + min(LATE_S, gpu_timeout_s)
        self._silence_s = interval_s + gpu_timeout_s
        self._account = MemoryAccount(host, status)
        self._child: Child | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="envprint.gpu.watch", daemon=True)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the child, where there is a library to ask."""
        if self._begin:
            try:
                self._thread.start()
            except RuntimeError as error:  # a limit allows no thread
                self._account.silence(str(error))

    def so_far(self) -> WatchResult:
        """What has been seen until now, or until the stop."""
        return self._account.result()

    def stop(self) -> WatchResult:
        """End the watch and its child. A second call changes nothing."""
        self._stopping.set()
        child = self._child
        if child:
            child.kill()
        if self._thread.is_alive():
            # One that hangs in the kernel is left behind.
            self._thread.join(1.0)
        return self.so_far()

    def _work(self) -> None:
        assert self._begin
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            pause_s, skipped = PAUSE_S, self._skipped_calls.calls(time.monotonic())
            try:
                self._child = self._begin(skipped)
            except OSError as error:
                self._account.silence(f"no child process: {error.strerror or error}")
                continue
            # Either `stop` has seen the child, or this sees that it was called.
            if self._stopping.is_set():
                self._child.kill()
            if self._listen(self._child, bool(skipped)):
                pause_s = 0.0

    def _listen(self, child: Child, is_sparing: bool) -> bool:
        """Take every sample of one child; whether it was ended to try again what it leaves out."""
        messages = NvmlMessages()
        for event in self._events(child, messages):
            self._note_gap(event, messages)
            if event == "sample":
                if _refusal(messages.reading):
                    break
                self._account.add(messages.reading)
                if not is_sparing:
                    self._skipped_calls.clear()
                elif self._skipped_calls.is_over(time.monotonic()):
                    child.end(kill=True)
                    return True
        code = child.end(kill=True)
        if not self._stopping.is_set():
            self._note_failure(messages, code)
        return False

    def _events(self, child: Child, messages: NvmlMessages) -> Iterator[str]:
        """The kind of each line that the child prints; `LATE` or `SUSPENDED` where none came.

        Ends with the child, or when it has been silent for so long that it is given up.
        """
        while True:
            begun_s = time.monotonic()
            try:
                line = child.line(begun_s + self._late_s)
            except TimeoutError:
                if time.monotonic() - begun_s > self._late_s + SUSPENDED_S:
                    yield SUSPENDED
                    continue
                yield LATE
                try:
                    line = child.line(begun_s + self._silence_s)
                except TimeoutError:
                    messages.is_late = True
                    return
            if line is None:
                return
            yield messages.take(line)

    def _note_gap(self, event: str, messages: NvmlMessages) -> None:
        if event == SUSPENDED:
            self._account.silence("envprint was suspended")
        elif event == LATE and not self._stopping.is_set():
            self._account.add_part(messages.reading)
            self._account.silence(messages.silence(self._late_s))

    def _note_failure(self, messages: NvmlMessages, code: int | None) -> None:
        reason = (
            _refusal(messages.reading)
            or messages.failure(code, self._silence_s)
            or "NVML has no GPU to watch"
        )
        if call := messages.failed_in(code):
            self._skipped_calls.add(call, reason, time.monotonic())
        self._account.add_part(messages.reading)
        self._account.silence(reason)


def _refusal(reading: Mapping[str, Any]) -> str | None:
    """Why the driver names no GPU, in words."""
    for key in ("init", "count"):
        if failed(reading.get(key)):
            return in_words(reading[key])
    return None
