"""Looks at a job from time to time, in a thread.

Reading a process may hang in the kernel as long as that process does, and the job's signals must
still be passed on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from envprint.core.errors import suppress

END_WAIT_S = 1.0
"""Seconds that a look in progress has to end; one that hangs in the kernel never does."""


class Looking:
    """A context that calls `look` after each pause; the last pause repeats."""

    def __init__(self, look: Callable[[], None], pauses_s: Sequence[float]) -> None:
        self._look = look
        self._pauses_s = pauses_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="envprint.run.looking", daemon=True)

    def __enter__(self) -> None:
        # If a limit allows no further thread, nothing is observed.
        with suppress(RuntimeError):
            self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(END_WAIT_S)

    def _work(self) -> None:
        pauses_s = iter(self._pauses_s)
        pause_s = next(pauses_s)
        while not self._over.wait(pause_s):
            # What fails now may succeed at the next look.
            with suppress(Exception):
                self._look()
            pause_s = next(pauses_s, pause_s)
