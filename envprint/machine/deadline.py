"""Questions with one limit of time: whatever hangs, the one who asks goes on.

A read that hangs in the kernel (a dead network mount, a directory service, a driver) can be left
behind but not interrupted, so each question is asked in a thread that nobody waits for longer than
the limit. `_thread` suffices; importing `threading` would cost more than the thread.
"""

from __future__ import annotations

import _thread
import sys
import time
from collections.abc import Callable, Sequence

from envprint.core.typed import Any, Generic, TypeVar

T = TypeVar("T")

WAIT_S = 0.25
"""The longest delay before an interrupt is handled, and before another thread takes over."""


class Question(Generic[T]):
    """Something that one thread asks and another awaits."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._answer: list[T] = []
        self.error: BaseException | None = None
        """What asking it raised."""
        self._pending = _thread.allocate_lock()
        self._pending.acquire()
        self.is_answered = False

    def put(self, is_aside: bool = True) -> None:
        """Ask it; whatever that raises is part of the answer.

        Extensions may raise what is not an Exception, SystemExit for one. An interruption reaches
        the main thread alone, where nobody else is asked.
        """
        try:
            self._answer.append(self._ask())
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not is_aside:
                raise
            self.error = error
        self._pending.release()

    def wait(self, limit_s: float) -> bool:
        """Whether the answer has come, or comes within `limit_s`."""
        if not self.is_answered:
            self.is_answered = self._pending.acquire(timeout=max(limit_s, 0.0))
        return self.is_answered

    def result(self) -> T:
        """The answer that has come; raises what asking it raised."""
        if self.error is not None:
            raise self.error
        return self._answer[0]


def ask_all(questions: Sequence[Question[Any]], limit_s: float) -> None:
    """Ask the questions in their order, and return when all are answered or the time is over.

    One thread asks them all. If it makes no progress, another one takes over the rest, while the
    first is still waited for: one that hangs costs the others nothing but a moment.
    """
    end_s = time.monotonic() + limit_s
    # Short enough for each to be begun in half of the time, even if all of them hang.
    pause_s = min(WAIT_S, limit_s / (2 * max(len(questions), 1)))
    todo = list(questions)
    left = len(todo)
    _start(todo)
    for question in questions:
        while not question.wait(min(pause_s, end_s - time.monotonic())):
            if time.monotonic() >= end_s:
                todo.clear()
                break
            if todo and len(todo) == left:
                _start(todo)
            left = len(todo)


def within(limit_s: float, ask: Callable[[], T]) -> T:
    """The answer to one question. Raises what it raises, and `TimeoutError` after `limit_s`."""
    question = Question(ask)
    end_s = time.monotonic() + limit_s
    _start([question])
    # Polls, because one long wait would miss a signal delivered just before it.
    while not question.wait(min(WAIT_S, end_s - time.monotonic())):
        if time.monotonic() >= end_s:
            raise TimeoutError(f"no answer within {limit_s:g} s")
    return question.result()


def _start(todo: list[Question[Any]]) -> None:
    """Ask everything in `todo` in a new thread."""
    try:
        _thread.start_new_thread(_work_aside, (todo,))
    except RuntimeError:
        # A limit on processes or memory forbids threads: ask here, without a limit.
        _work(todo, is_aside=False)


def _work_aside(todo: list[Question[Any]]) -> None:
    # A thread that is left behind must not take a signal that `run` blocks for its job. If `signal`
    # was never imported, no signals are blocked, and importing it takes half a millisecond.
    if "signal" in sys.modules:
        _block_signals()
    _work(todo, is_aside=True)


def _work(todo: list[Question[Any]], is_aside: bool) -> None:
    while todo:
        try:
            question = todo.pop(0)
        except IndexError:  # another thread has taken the last one
            return
        question.put(is_aside)


def _block_signals() -> None:
    import signal

    if hasattr(signal, "pthread_sigmask"):
        faults = {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
