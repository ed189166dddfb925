"""`envprint run` in a terminal: what is typed reaches whoever it would have reached without it."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.builders.bench import PYTHON, WAIT_S, Bench, state, until

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "sigtimedwait"), reason="NOT LINUX: envprint runs nothing here"
)
SLEEPER = "import time; print('re' 'ady', flush=True)\nfor _ in range(600): time.sleep(0.1)"
"""In short rounds: Python does not see a signal that comes just before it begins to sleep."""
ASKER = "print('got', input('as' 'ks '))"
"""What a terminal shows of them is not in the command line, which a shell shows as well."""


class Screen:
    """A program in a terminal of its own. Whatever is waited for has to come within `WAIT_S`."""

    def __init__(self, bench: Bench, *argv: str) -> None:
        """With signals as in a login: a shell that started these tests in the background has had
        them ignore Ctrl-C.
        """
        self._unread = b""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:  # pragma: no cover  the child, which is another program from here on
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(bench.folder)
            os.execvpe(argv[0], argv, bench.environ)
        self._has_ended = False

    def type(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def until(self, word: bytes) -> bytes:
        """What is shown up to `word`; what comes after it is for the next call."""
        while word not in self._unread:
            chunk = self._read()
            assert chunk, f"the terminal ended with {self._unread!r}, without {word!r}"
            self._unread += chunk
        shown, _, self._unread = self._unread.partition(word)
        return shown + word

    def to_the_end(self) -> bytes:
        """What is shown until nobody holds the terminal any more."""
        while chunk := self._read():
            self._unread += chunk
        return self._unread

    def foreground(self) -> int:
        """The process group in the foreground."""
        return os.tcgetpgrp(self._terminal)

    def status(self, options: int = 0) -> int:
        """The wait status when the program has ended, or stopped if `options` say so."""
        found = 0, 0

        def has_come() -> bool:
            nonlocal found
            found = os.waitpid(self.pid, options | os.WNOHANG)
            return found[0] != 0

        until(has_come)
        self._has_ended = not os.WIFSTOPPED(found[1])
        return found[1]

    def exit_code(self) -> int:
        return os.waitstatus_to_exitcode(self.status())

    def close(self) -> None:
        """End what is still there: whoever holds the terminal is hung up on."""
        os.close(self._terminal)
        if not self._has_ended:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def _read(self) -> bytes:
        is_there, _, _ = select.select([self._terminal], [], [], WAIT_S)
        assert is_there, f"nothing came after {self._unread!r}"
        with suppress(OSError):  # nobody holds it any more
            return os.read(self._terminal, 1024)
        return b""


Show = Callable[..., Screen]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def show(bench: Bench) -> Iterator[Show]:
    """A function that starts a program in a terminal of its own."""
    screens = []

    def started(*argv: str) -> Screen:
        screens.append(Screen(bench, *argv))
        return screens[-1]

    yield started
    for screen in screens:
        screen.close()


def test_ctrl_c_in_a_terminal_goes_to_the_job(bench: Bench, show: Show) -> None:
    screen = show(*bench.argv(PYTHON, "-c", SLEEPER))
    screen.until(b"ready")
    screen.type(b"\x03")
    assert b"KeyboardInterrupt" in screen.to_the_end()
    # Ended by the signal and not with a code, so that a script around it ends, too.
    assert screen.exit_code() == -signal.SIGINT
    assert bench.record()["exit_code"] == 130


def test_ctrl_z_stops_both_and_a_continued_run_goes_on(bench: Bench, show: Show) -> None:
    screen = show(*bench.argv(PYTHON, "-c", ASKER))
    screen.until(b"asks ")
    screen.type(b"\x1a")
    assert os.WIFSTOPPED(screen.status(os.WUNTRACED))
    os.kill(screen.pid, signal.SIGCONT)
    screen.type(b"hello\n")
    assert b"got hello" in screen.to_the_end()
    assert screen.exit_code() == 0


def test_a_job_in_a_terminal_reads_what_is_typed(bench: Bench, show: Show) -> None:
    screen = show(*bench.argv(PYTHON, "-c", ASKER))
    screen.until(b"asks ")
    screen.type(b"hello\n")
    assert b"got hello" in screen.to_the_end()
    assert screen.exit_code() == 0


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN])
@pytest.mark.parametrize("then", [signal.SIGCONT, signal.SIGKILL])
def test_a_run_in_a_terminal_goes_on_when_its_stopped_job_does_or_ends(
    number: signal.Signals, then: signal.Signals, bench: Bench, show: Show
) -> None:
    # It starts no process: while a shell does so by vfork, it cannot be stopped.
    job = (
        "import os, time; open('pid', 'w').write(str(os.getpid())); print('re' 'ady', flush=True)\n"
        "while not os.path.exists('go'): time.sleep(0.05)\n"
        "raise SystemExit(7)"
    )
    screen = show(*bench.argv(sys.executable, "-S", "-c", job))
    screen.until(b"ready")
    pid = int((bench.folder / "pid").read_text())
    if number == signal.SIGTTIN:  # where it does not have the terminal already
        until(lambda: screen.foreground() == pid)
    os.kill(pid, number)
    if number != signal.SIGTTIN:
        assert os.WIFSTOPPED(screen.status(os.WUNTRACED))
    os.kill(pid, then)
    (bench.folder / "go").touch()
    screen.to_the_end()
    code = 7 if then == signal.SIGCONT else 137
    assert (screen.exit_code(), bench.record()["exit_code"]) == (code, code)


def test_a_run_that_a_shell_has_continued_before_it_had_stopped_goes_on(
    bench: Bench, show: Show
) -> None:
    # As under `timeout --foreground`, which has stopped by then, and `fg` in the shell around it.
    code = (
        "import os, signal, sys\n"
        "from envprint.cli import main\n"
        "from envprint.run.job import Job\n"
        "stopped = Job._stopped\n"
        "def stopped_late(self, number):\n"
        "    os.kill(os.getpid(), signal.SIGCONT)\n"
        "    stopped(self, number)\n"
        "Job._stopped = stopped_late\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    argv = bench.argv("sh", "-c", "kill -TSTP $$; exit 3")[3:]
    screen = show(PYTHON, "-c", code, *argv)
    screen.to_the_end()
    assert (screen.exit_code(), bench.record()["exit_code"]) == (3, 3)


def test_a_stop_that_comes_while_the_job_asks_for_the_terminal_is_not_lost(
    bench: Bench, show: Show
) -> None:
    # The job has stopped for the terminal by the time that the signal is passed on to it.
    code = (
        "import os, signal, sys, time\n"
        "from envprint.cli import main\n"
        "killpg = os.killpg\n"
        "def killpg_late(group, number):\n"
        "    if number == signal.SIGTSTP:\n"
        "        open('go', 'w').close()\n"
        "        while ') T ' not in open(f'/proc/{group}/stat').read(): time.sleep(0.01)\n"
        "    killpg(group, number)\n"
        "os.killpg = killpg_late\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    asker = (
        "import os, time\n"
        "print('run', os.getppid(), 'begun', flush=True)\n"
        "while not os.path.exists('go'): time.sleep(0.02)\n"
        f"{ASKER}\n"
    )
    run = shlex.join([PYTHON, "-c", code, *bench.argv(PYTHON, "-c", asker)[3:]])
    screen = show("sh", "-c", f"{run}; exit $?")
    pid = int(screen.until(b"begun").split()[-2])
    os.kill(pid, signal.SIGTSTP)
    until(lambda: state(pid) == "T")
    os.kill(pid, signal.SIGCONT)
    screen.type(b"hello\n")
    screen.until(b"got hello")
    screen.to_the_end()
    assert (screen.exit_code(), bench.record()["exit_code"]) == (0, 0)


def test_a_terminal_that_a_shell_has_taken_is_not_taken_from_it(bench: Bench, show: Show) -> None:
    run = (
        "import os, sys\n"
        "from envprint.cli import main\n"
        "from envprint.run.job import Job\n"
        "stopped = Job._stopped\n"
        "def stopped_late(self, number):\n"
        "    os.tcsetpgrp(0, os.getpgid(os.getppid()))\n"
        "    stopped(self, number)\n"
        "Job._stopped = stopped_late\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    shell = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os.setpgid(0, 0)\n"
        "    os.tcsetpgrp(0, os.getpid())\n"
        "    os.execv(sys.executable, [sys.executable, '-c', *sys.argv[1:]])\n"
        "os.waitpid(pid, os.WUNTRACED)\n"
        "print('mine', os.tcgetpgrp(0) == os.getpgrp(), flush=True)\n"
        "os.kill(pid, signal.SIGCONT)\n"
        "os.waitpid(pid, 0)\n"
    )
    argv = bench.argv("sh", "-c", "kill -TSTP $$; exit 3")[3:]
    screen = show(PYTHON, "-c", shell, run, *argv)
    screen.until(b"mine True")
    screen.to_the_end()
    assert (screen.exit_code(), bench.record()["exit_code"]) == (0, 3)


def run_of(bench: Bench, code: str) -> str:
    """A run of Python code as a shell takes it."""
    return shlex.join(bench.argv(PYTHON, "-c", code))


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize("code", [SLEEPER, ASKER], ids=["sleeper", "asker"])
def test_ctrl_c_ends_the_script_around_a_run(
    code: str, shell: str, bench: Bench, show: Show
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    script = f"for i in 1 2; do {run_of(bench, code)}; echo code $?; done; echo after"
    screen = show(shell, "-c", script)
    screen.until(b"ready" if code == SLEEPER else b"asks ")
    if code == ASKER:
        # The job has asked for the terminal, and waits again: Python does not see a signal that
        # comes just before it does.
        until(lambda: screen.foreground() != screen.pid)
        until(lambda: state(screen.foreground()) == "S")
    screen.type(b"\x03")
    shown = screen.to_the_end()
    assert b"KeyboardInterrupt" in shown
    assert b"code" not in shown and b"after" not in shown
    assert screen.exit_code() == -signal.SIGINT
    assert bench.record()["exit_code"] == 130


def test_ctrl_c_ends_the_script_during_the_pre_flight(bench: Bench, show: Show) -> None:
    observed = bench.folder / "python"
    observed.write_text("#!/bin/sh\necho ready >/dev/tty\nexec sleep 20\n")
    observed.chmod(0o755)
    argv = bench.argv("true", options=("--no-check", "--python", str(observed)))
    shell = "bash" if shutil.which("bash") else "sh"  # bash goes on after any exit code
    screen = show(shell, "-c", f"{shlex.join(argv)}; echo after")
    screen.until(b"ready")
    screen.type(b"\x03")
    assert b"after" not in screen.to_the_end()
    assert screen.exit_code() == -signal.SIGINT


def test_a_pager_behind_a_run_keeps_the_terminal(bench: Bench, show: Show) -> None:
    pager = (
        "import pathlib\n"
        "print('first', input())\n"  # so the run has begun
        "print('key', open('/dev/tty').readline())\n"
        "pathlib.Path('stop').touch()\n"
    )
    job = "echo line; while [ ! -e stop ]; do sleep 0.05; done"
    run = shlex.join(bench.argv("sh", "-c", job))
    screen = show("sh", "-c", f"{run} | {shlex.join([PYTHON, '-c', pager])}")
    screen.until(b"first line")
    screen.type(b"q\n")
    assert b"key q" in screen.to_the_end()
    screen.exit_code()
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
    form: str, typed: bytes, bench: Bench, show: Show
) -> None:
    screen = show("bash", "--norc", "--noprofile", "-i")
    # With -b it tells at once that a job has stopped.
    screen.type(f"set -b; {form.format(run_of(bench, ASKER))}\n".encode())
    screen.until(b"asks ")
    screen.type(typed)
    screen.until(b"Stopped")
    screen.type(b"fg\n")
    until(lambda: screen.foreground() != screen.pid)
    screen.type(b"hello\n")
    screen.until(b"got hello")
    screen.type(b"exit\n")
    screen.to_the_end()
    screen.exit_code()
    assert bench.record()["exit_code"] == 0


def test_a_job_that_has_the_terminal_for_itself_is_in_the_foreground(
    bench: Bench, show: Show
) -> None:
    # It is handed over a moment after the job has begun.
    code = (
        "import os, time\n"
        "def is_in_front(): return os.tcgetpgrp(0) == os.getpgrp()\n"
        "for _ in range(1000): is_in_front() or time.sleep(0.01)\n"
        "print('foreground', is_in_front())\n"
    )
    screen = show(*bench.argv(PYTHON, "-c", code))
    assert b"foreground True" in screen.to_the_end()
    assert screen.exit_code() == 0
