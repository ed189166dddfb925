"""Shows the progress of a long job, and an estimate of the time left."""

from __future__ import annotations

import threading
import time

from envprint.cli._console import Console
from envprint.core.errors import suppress
from envprint.core.typed import NamedTuple

BAR = 24
"""Width of the bar in characters."""
WIDTH = 79
CLEAR = "\r\x1b[K"
QUIET_S, EVERY_S = 2.0, 0.5
"""What takes no longer is not worth a line; how often a line is renewed."""


class Progress:
    """Runs of one job, each of several steps: one updated line on a terminal, nothing elsewhere."""

    def __init__(self, console: Console, what: str, runs: int) -> None:
        self._console = console
        self._what = what
        self._runs = runs
        self._is_terminal = console.stderr is not None and console.stderr.isatty()
        self._begun_s = self._run_begun_s = self._first_step_s = time.monotonic()

    def tell(self, number: int, step: int, steps: int) -> None:
        """Show that a step of this run, counted from 1, is done; step 0 is its start."""
        now_s = time.monotonic()
        self._runs = max(self._runs, number)
        if step == 0:
            self._run_begun_s = now_s
        elif step == 1:
            self._first_step_s = now_s
        left_s = self._left_s(now_s, number, step, steps)
        left = "" if left_s is None else f", about {left_s:.0f} s left"
        if self._is_terminal:
            filled = round((number - 1 + step / steps) / self._runs * BAR)
            bar = "#" * filled + "." * (BAR - filled)
            self._rewrite(f"{self._what} [{bar}] run {number} of {self._runs}{left}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_error: object) -> None:
        """Erase the line."""
        self._rewrite("")

    def _left_s(self, now_s: float, number: int, step: int, steps: int) -> float | None:
        """Estimated seconds left, from the finished runs, else from the steps of this one."""
        if number > 1:
            each = (self._run_begun_s - self._begun_s) / (number - 1)
            return max(each - (now_s - self._run_begun_s), 0.0) + each * (self._runs - number)
        if step < 2:  # a framework's first step takes longer than any other
            return None
        rest = (now_s - self._first_step_s) / (step - 1) * (steps - step)
        return rest + (now_s - self._begun_s + rest) * (self._runs - 1)

    def _rewrite(self, text: str) -> None:
        if self._is_terminal and self._console.stderr is not None:
            with suppress(OSError):
                self._console.stderr.write(CLEAR + text[:WIDTH])
                self._console.stderr.flush()


class Parts(NamedTuple):
    """How much of something is done."""

    done: int
    of: int
    taken_s: float
    """How long those took that are done."""

    def left_s(self, spent_s: float) -> float:
        """Estimated seconds left, `spent_s` after the beginning."""
        return max(0.0, self.taken_s / self.done * self.of - spent_s)

    def line(self, spent_s: float) -> str:
        """How far it is, with an estimate from a quarter on: parts may differ in size."""
        far = f"{self.done} of {self.of}, {spent_s:.0f} s"
        is_honest = self.done * 4 >= self.of
        return f"{far}, about {self.left_s(spent_s):.0f} s left" if is_honest else far


class Waiting:
    """What is being done, for how long, and how long it may still take, from two seconds on.

    One updated line on a terminal, nothing elsewhere.
    """

    def __init__(
        self, console: Console, what: str, *, steps: int | None = None, limit_s: float | None = None
    ) -> None:
        self._console, self._what = console, what
        self._steps, self._limit_s = steps, limit_s
        self._done, self._step = -1, ""
        self._parts: Parts | None = None
        self._begun_s = self._step_begun_s = time.monotonic()
        self._ended = threading.Event()
        self._writes = threading.Lock()
        self._is_terminal = console.stderr is not None and console.stderr.isatty()
        self._thread = threading.Thread(target=self._work, name="envprint.progress", daemon=True)

    def __enter__(self) -> Waiting:
        if self._is_terminal:
            self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Erase the line."""
        if self._is_terminal:
            self._ended.set()
            self._thread.join()
            self._write("")

    def begin(self, step: str) -> None:
        """The next step begins, and the one before it is done."""
        self._done += 1
        self._step, self._parts = step, None
        self._step_begun_s = time.monotonic()
        self.erase()

    def count(self, done: int, of: int) -> None:
        """So many of the parts of this step are done."""
        self._parts = Parts(done, of, time.monotonic() - self._step_begun_s)

    def erase(self) -> None:
        """Make room for a line of text."""
        if self._is_terminal:
            self._write("")

    def line(self) -> str:
        """What is said now: of a step that is counted, how far that step is."""
        now_s = time.monotonic()
        if self._parts:
            return f"{self._step}: {self._parts.line(now_s - self._step_begun_s)}"
        spent_s = now_s - self._begun_s
        is_known = self._steps and self._done >= 0 and " of " not in self._step
        of_all = f"{self._done + 1} of {self._steps}" if is_known else ""
        doing = ", ".join(filter(None, (self._step, of_all, f"{spent_s:.0f} s")))
        return f"{self._what}: {doing}{self._left(spent_s)}"

    def _left(self, spent_s: float) -> str:
        if self._steps and self._done > 0:
            done = Parts(self._done, self._steps, self._step_begun_s - self._begun_s)
            return f", about {done.left_s(spent_s):.0f} s left"
        if self._limit_s is not None:
            return f", at most {max(0.0, self._limit_s - spent_s):.0f} s left"
        return ""

    def _work(self) -> None:
        if self._ended.wait(QUIET_S):
            return
        while not self._ended.is_set():
            self._write(self.line())
            self._ended.wait(EVERY_S)

    def _write(self, text: str) -> None:
        stderr = self._console.stderr
        if stderr is not None:
            with self._writes, suppress(OSError, ValueError):
                stderr.write(CLEAR + text[:WIDTH])
                stderr.flush()
