"""A child process is read against a deadline and never waited for too long."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from envprint.machine import child_process
from envprint.machine.child_process import Child

pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_spawn"), reason="NO posix_spawn HERE: envprint starts no such child"
)


def python(code: str) -> Child:
    return Child([sys.executable, "-I", "-S", "-c", code])


def soon() -> float:
    return time.monotonic() + 30


def is_running(child: Child) -> bool:
    try:
        os.kill(child._pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_lines_come_as_they_are_printed_and_the_code_at_the_end() -> None:
    child = python("print('one'); print('two\\nthree'); raise SystemExit(5)")
    assert list(child.lines(soon())) == [b"one", b"two", b"three"]
    assert child.end() == 5
    assert not is_running(child)


def test_more_than_a_pipe_holds_arrives_whole() -> None:
    child = python("print('x' * 1000000)")
    assert [len(line) for line in child.lines(soon())] == [1000000]
    assert child.end() == 0


def test_a_signal_is_a_negative_code() -> None:
    child = python("import os; os.kill(os.getpid(), 11)")
    assert list(child.lines(soon())) == []
    assert child.end() == -signal.SIGSEGV


def test_what_was_printed_before_the_deadline_is_there_and_the_child_is_killed() -> None:
    child = python("import time; print('begun', flush=True); time.sleep(600)")
    lines: Iterator[bytes] = child.lines(time.monotonic() + 5)
    assert next(lines) == b"begun"
    with pytest.raises(TimeoutError):
        next(child.lines(time.monotonic() + 0.1))
    assert child.end(kill=True) == -signal.SIGKILL
    assert not is_running(child)


def test_what_was_printed_in_time_counts_when_it_is_read_too_late() -> None:
    child = python("import time; print('one\\ntwo', flush=True); time.sleep(60)")
    deadline_s = time.monotonic() + 2
    time.sleep(2.5)
    lines = child.lines(deadline_s)
    assert [next(lines), next(lines)] == [b"one", b"two"]
    with pytest.raises(TimeoutError):
        next(lines)
    child.end(kill=True)


def test_a_child_that_prints_without_end_is_given_up_at_the_deadline() -> None:
    child = python("while True: print('again')")
    with pytest.raises(TimeoutError):
        for _ in child.lines(time.monotonic() + 0.2):
            pass
    child.end(kill=True)


def test_a_child_that_does_not_go_by_itself_is_killed() -> None:
    child = python("import os, time; os.close(1); time.sleep(600)")
    assert list(child.lines(soon())) == []
    assert child.end() == -signal.SIGKILL


def test_a_child_that_cannot_be_killed_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    child = python("import time; time.sleep(600)")
    with monkeypatch.context() as patch:
        patch.setattr(
            child_process.os, "kill", lambda pid, number: None
        )  # as in the kernel's D state
        begun = time.monotonic()
        assert child.end(kill=True) is None
        assert time.monotonic() - begun < 20
    os.kill(child._pid, signal.SIGKILL)
    os.waitpid(child._pid, 0)


def test_a_child_that_somebody_else_waited_for_has_no_code() -> None:
    child = python("pass")
    os.waitpid(child._pid, 0)
    assert child.end() is None


def test_a_program_that_is_not_there_cannot_be_started_and_leaves_nothing_open() -> None:
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    with pytest.raises(OSError):
        Child(["/nowhere/python"])
    after = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    assert after == before


def test_a_child_gets_variables_beside_those_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INHERITED", "1")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    code = "import os; print(os.environ['INHERITED'], os.environ['PYTHONHASHSEED'])"
    child = Child([sys.executable, "-S", "-c", code], {"PYTHONHASHSEED": "random"})
    assert list(child.lines(soon())) == [b"1 random"]
    assert child.end() == 0


def test_stdin_ends_with_this_process_and_stderr_is_dropped() -> None:
    code = "import sys; sys.stderr.write('noise'); print(sys.stdin.read() or 'end of file')"
    child = python(code)
    os.close(child._into)
    assert list(child.lines(soon())) == [b"end of file"]
    child._into = os.open(os.devnull, os.O_RDONLY)
    assert child.end() == 0
