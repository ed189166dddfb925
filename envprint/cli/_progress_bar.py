"""Shows the progress of a long job, and an estimate of the time left."""

from __future__ import annotations

import time
from contextlib import suppress

from envprint.cli._console import Console

BAR = 24
"""Width of the bar in characters."""
WIDTH = 79
CLEAR = "\r\x1b[K"


class Progress:
    """Runs of one job, each of several steps: one updated line on a terminal, else one per run."""

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
        elif step == 0:
            self._console.complain(f"{self._what}: run {number} of {self._runs}{left}")

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
