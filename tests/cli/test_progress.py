"""What takes more than two seconds says so on a terminal, with the time left; nothing elsewhere."""

from __future__ import annotations

import io
import time

import pytest

from envprint.cli import _progress_bar
from envprint.cli._console import Console
from envprint.cli._progress_bar import CLEAR, Waiting


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(_progress_bar.time, "monotonic", lambda: now[0])
    return now


def test_what_is_left_follows_from_the_steps_that_are_done(clock: list[float]) -> None:
    waiting = Waiting(Console(None, io.StringIO()), "probing", steps=4)
    said = []
    for name in ("numpy", "torch"):
        waiting.begin(name)
        clock[0] += 3
        said.append(waiting.line())
    assert said == [
        "probing: numpy, 1 of 4, 3 s",
        "probing: torch, 2 of 4, 6 s, about 6 s left",
    ]


def test_parts_of_a_step_give_an_estimate_once_a_quarter_of_them_is_done(
    clock: list[float],
) -> None:
    waiting = Waiting(Console(None, io.StringIO()), "recreating")
    waiting.begin("creating an environment")
    clock[0] += 7
    waiting.begin("installing 24 distributions")
    assert waiting.line() == "recreating: installing 24 distributions, 7 s"
    said = []
    for done in (4, 8, 12):
        clock[0] += 10
        waiting.count(done, 24)
        clock[0] += 1
        said.append(waiting.line())
    assert said == [
        "installing 24 distributions: 4 of 24, 11 s",
        "installing 24 distributions: 8 of 24, 22 s, about 41 s left",
        "installing 24 distributions: 12 of 24, 33 s, about 31 s left",
    ]
    waiting.begin("probing numpy")
    assert waiting.line() == "recreating: probing numpy, 40 s"


def test_without_steps_it_is_at_most_what_the_limit_leaves(clock: list[float]) -> None:
    waiting = Waiting(Console(None, io.StringIO()), "hashing", limit_s=60)
    clock[0] += 45
    assert waiting.line() == "hashing: 45 s, at most 15 s left"
    clock[0] += 45
    assert waiting.line() == "hashing: 90 s, at most 0 s left"


def test_a_terminal_shows_one_line_and_erases_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress_bar, "QUIET_S", 0.0)
    monkeypatch.setattr(_progress_bar, "EVERY_S", 0.01)
    stream = Terminal()
    with Waiting(Console(None, stream), "hashing"):
        while "hashing: 0 s" not in stream.getvalue():
            time.sleep(0.01)
    assert stream.getvalue().endswith(CLEAR)
    assert "\n" not in stream.getvalue()


def test_what_is_quick_shows_nothing() -> None:
    stream = Terminal()
    with Waiting(Console(None, stream), "hashing"):
        pass
    assert stream.getvalue() == CLEAR


def test_elsewhere_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress_bar, "QUIET_S", 0.0)
    for stream in (io.StringIO(), None):
        with Waiting(Console(None, stream), "hashing") as waiting:
            waiting.begin("x")
            time.sleep(0.05)
        assert stream is None or stream.getvalue() == ""
