"""`envprint run` in a terminal: what is typed reaches whoever it would have reached without it."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.test_run import PYTHON, Bench, until

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "sigtimedwait"), reason="NOT LINUX: envprint runs nothing here"
)
SLEEPER = "print('re' 'ady', flush=True); __import__('time').sleep(60)"
ASKER = "print('got', input('as' 'ks '))"
"""What a terminal shows of them is not in the command line, which a shell shows as well."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def in_terminal(bench: Bench, *argv: str) -> tuple[int, int]:
    """Start a program in a terminal of its own; its pid, and the other end of the terminal.

    With signals as in a login: a shell that started these tests in the background has had them
    ignore Ctrl-C.
    """
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover  the child, which is another program from here on
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(bench.folder)
        os.execvpe(argv[0], argv, bench.environ)
    return pid, terminal


def shown_until(terminal: int, word: bytes) -> bytes:
    """What a terminal shows up to `word`."""
    shown = b""
    while word not in shown:
        shown += os.read(terminal, 1024)
    return shown


def shown_to_the_end(terminal: int) -> bytes:
    """What a terminal shows until nobody holds it any more."""
    shown = b""
    with suppress(OSError):
        while chunk := os.read(terminal, 1024):
            shown += chunk
    os.close(terminal)
    return shown


def test_ctrl_c_in_a_terminal_goes_to_the_job(bench: Bench) -> None:
    pid, terminal = in_terminal(
        bench, *bench.argv(PYTHON, "-c", "import time; print('ready', flush=True); time.sleep(600)")
    )
    shown_until(terminal, b"ready")
    os.write(terminal, b"\x03")
    assert b"KeyboardInterrupt" in shown_to_the_end(terminal)
    _, status = os.waitpid(pid, 0)
    # Ended by the signal and not with a code, so that a script around it ends, too.
    assert os.waitstatus_to_exitcode(status) == -signal.SIGINT
    assert bench.record()["exit_code"] == 130


def test_ctrl_z_stops_both_and_a_continued_run_goes_on(bench: Bench) -> None:
    pid, terminal = in_terminal(bench, *bench.argv(PYTHON, "-c", "print('got', input('? '))"))
    shown_until(terminal, b"? ")
    os.write(terminal, b"\x1a")
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(pid, signal.SIGCONT)
    os.write(terminal, b"hello\n")
    assert b"got hello" in shown_to_the_end(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_job_in_a_terminal_reads_what_is_typed(bench: Bench) -> None:
    pid, terminal = in_terminal(bench, *bench.argv(PYTHON, "-c", "print('got', input('? '))"))
    shown_until(terminal, b"? ")
    os.write(terminal, b"hello\n")
    assert b"got hello" in shown_to_the_end(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def run_of(bench: Bench, code: str) -> str:
    """A run of Python code as a shell takes it."""
    return shlex.join(bench.argv(PYTHON, "-c", code))


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize("code", [SLEEPER, ASKER], ids=["sleeper", "asker"])
def test_ctrl_c_ends_the_script_around_a_run(code: str, shell: str, bench: Bench) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    script = f"for i in 1 2; do {run_of(bench, code)}; echo code $?; done; echo after"
    pid, terminal = in_terminal(bench, shell, "-c", script)
    shown_until(terminal, b"ready" if code == SLEEPER else b"asks ")
    if code == ASKER:
        until(lambda: os.tcgetpgrp(terminal) != pid)  # the job has asked for the terminal
    os.write(terminal, b"\x03")
    shown = shown_to_the_end(terminal)
    assert b"KeyboardInterrupt" in shown
    assert b"code" not in shown and b"after" not in shown
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGINT
    assert bench.record()["exit_code"] == 130


def test_ctrl_c_ends_the_script_during_the_pre_flight(bench: Bench) -> None:
    observed = bench.folder / "python"
    observed.write_text("#!/bin/sh\necho ready >/dev/tty\nexec sleep 20\n")
    observed.chmod(0o755)
    argv = bench.argv("true", options=("--no-check", "--python", str(observed)))
    shell = "bash" if shutil.which("bash") else "sh"  # bash goes on after any exit code
    pid, terminal = in_terminal(bench, shell, "-c", f"{shlex.join(argv)}; echo after")
    shown_until(terminal, b"ready")
    os.write(terminal, b"\x03")
    assert b"after" not in shown_to_the_end(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGINT


def test_a_pager_behind_a_run_keeps_the_terminal(bench: Bench) -> None:
    pager = (
        "import pathlib\n"
        "print('first', input())\n"  # so the run has begun
        "print('key', open('/dev/tty').readline())\n"
        "pathlib.Path('stop').touch()\n"
    )
    job = "echo line; while [ ! -e stop ]; do sleep 0.05; done"
    run = shlex.join(bench.argv("sh", "-c", job))
    script = f"{run} | {shlex.join([PYTHON, '-c', pager])}"
    pid, terminal = in_terminal(bench, "sh", "-c", script)
    shown_until(terminal, b"first line")
    os.write(terminal, b"q\n")
    assert b"key q" in shown_to_the_end(terminal)
    os.waitpid(pid, 0)
    assert bench.record()["exit_code"] == 0


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize(
    ("form", "typed"),
    [
        ("{}", b"\x1a"),
        ("timeout --foreground 600 {}", b"\x1a"),
        ("{} | cat", b"\x1a"),
        # Reading from the background has stopped it.
        ("{} &", b""),
    ],
)
def test_a_run_is_stopped_and_brought_back_by_a_shell(
    form: str, typed: bytes, bench: Bench
) -> None:
    pid, terminal = in_terminal(bench, "bash", "--norc", "--noprofile", "-i")
    # With -b it tells at once that a job has stopped.
    os.write(terminal, f"set -b; {form.format(run_of(bench, ASKER))}\n".encode())
    shown_until(terminal, b"asks ")
    os.write(terminal, typed)
    shown_until(terminal, b"Stopped")
    os.write(terminal, b"fg\n")
    until(lambda: os.tcgetpgrp(terminal) != pid)
    os.write(terminal, b"hello\n")
    shown_until(terminal, b"got hello")
    os.write(terminal, b"exit\n")
    shown_to_the_end(terminal)
    os.waitpid(pid, 0)
    assert bench.record()["exit_code"] == 0


def test_a_job_that_has_the_terminal_for_itself_is_in_the_foreground(bench: Bench) -> None:
    # It is handed over a moment after the job has begun.
    code = (
        "import os, time\n"
        "def is_in_front(): return os.tcgetpgrp(0) == os.getpgrp()\n"
        "for _ in range(1000): is_in_front() or time.sleep(0.01)\n"
        "print('foreground', is_in_front())\n"
    )
    pid, terminal = in_terminal(bench, *bench.argv(PYTHON, "-c", code))
    assert b"foreground True" in shown_to_the_end(terminal)
    os.waitpid(pid, 0)
