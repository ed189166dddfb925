"""Watches the GPUs during a run: which other processes hold memory, from when to when.

    with envprint.gpu.watch() as watch:
        train()
    for intruder in watch.so_far().intruders:
        print(intruder.name, intruder.peak_bytes, intruder.seen_from, intruder.seen_until)

A child queries the driver once a second without a CUDA context, so a hanging or crashing driver
cannot affect the run. It is restarted if it ends, at first without the call that ended it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping

from envprint.core.errors import EnvprintError
from envprint.core.typed import Any
from envprint.gpu.account import Gap, MemoryAccount, MemoryHolder, WatchResult
from envprint.gpu.reading import failed, in_words
from envprint.gpu.skipped_calls import SkippedCalls
from envprint.machine.child_process import Child
from envprint.machine.host import Host
from envprint.machine.live import LiveHost
from envprint.machine.nvml.client import watcher
from envprint.machine.nvml.messages import NvmlMessages

__all__ = ["Gap", "Holder", "MemoryHolder", "Watch", "WatchResult", "Watched", "watch"]

Holder, Watched = MemoryHolder, WatchResult
"""The names of both in the first releases, which programs may import."""
INTERVAL_S = 1.0
LATE_S = 1.0
"""An answer later than this is a gap, even if it arrives; times have one-second resolution."""
HUNG_S = 10.0
"""A driver that is silent for so long counts as hung, and is asked anew. Shorter than what a first
reading is given: the driver has started, and every second of silence is missing from the watch."""
SUSPENDED_S = 2.0
"""If a wait ends later than this, this process was suspended; the driver is not to blame."""
LATE, SUSPENDED = "late", "suspended"
PAUSE_S = 2.0
"""Pause between the end of a child and the start of the next one."""


def watch(*, interval_s: float = INTERVAL_S, gpu_timeout_s: float = HUNG_S) -> Watch:
    """Start watching all GPUs; ends with the `with` block or `stop`.

    Samples every `interval_s` seconds (at least 0.05); a driver that does not respond for
    `gpu_timeout_s` counts as hung. Raises `EnvprintError` for invalid numbers.
    """
    if not interval_s >= 0.05:
        raise EnvprintError(f"expected interval_s of 0.05 or more, found {interval_s!r}")
    if not gpu_timeout_s > 0:
        raise EnvprintError(f"expected gpu_timeout_s above 0, found {gpu_timeout_s!r}")
    started = Watch(LiveHost(), interval_s, gpu_timeout_s)
    started.start()
    return started


class Watch:
    """A running watch; as a context manager it stops at the end of the block."""

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
        """Start the child, if NVML is installed."""
        if self._begin:
            try:
                self._thread.start()
            except RuntimeError as error:  # a resource limit forbids threads
                self._account.silence(str(error))

    def so_far(self) -> WatchResult:
        """The result up to now, or up to the stop."""
        return self._account.result()

    def stop(self) -> WatchResult:
        """End the watch and its child, and return the result. Idempotent."""
        self._stopping.set()
        child = self._child
        if child:
            child.kill()
        if self._thread.is_alive():
            # A child that hangs in the kernel is left behind.
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
            # Race with `stop`: one of the two always kills the child.
            if self._stopping.is_set():
                self._child.kill()
            if self._listen(self._child, bool(skipped)):
                pause_s = 0.0

    def _listen(self, child: Child, is_sparing: bool) -> bool:
        """Process one child's samples; True if it was ended to retry the calls that it skips."""
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
        """The kind of each line that the child prints; `LATE` or `SUSPENDED` if none came in time.

        Ends with the child, or when it has been silent for too long.
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
    """Why the driver reports no GPUs, as text; None if it does."""
    for key in ("init", "count"):
        if failed(reading.get(key)):
            return in_words(reading[key])
    return None
