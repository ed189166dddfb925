"""`envprint run`: the command runs as it would without it, and what happened is kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envprint.cli import main
from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Unknown
from envprint.documents import validate
from envprint.gpu.account import MemoryHolder, WatchResult
from envprint.run import newcomers
from envprint.run.finish import _name as record_name
from envprint.run.finish import attempt
from envprint.run.mapped_libraries import descendants
from tests.builders.bench import PYTHON, Bench, state, until, without_remark
from tests.builders.driver import Driver
from tests.builders.support import fingerprint
from tests.nvml import simulator

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "sigtimedwait"), reason="NOT LINUX: envprint runs nothing here"
)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_streams_and_the_exit_code_pass_through_and_are_recorded(bench: Bench) -> None:
    code = "import sys; print(sys.stdin.read()[::-1]); print('e', file=sys.stderr); sys.exit(7)"
    done = bench.run(PYTHON, "-c", code, stdin="abc")
    assert (done.returncode, done.stdout, done.stderr) == (7, "cba\n", "e\n")
    record = bench.record()
    assert (record["exit_code"], record["signal"], record["left_behind"]) == (7, None, 0)
    assert record["command"]["name"].startswith("python")
    assert record["command"]["arguments"] == 2
    assert code not in json.dumps(record)
    assert record["before"]["digest"] == record["digest_after"]
    assert record["changed_meanwhile"] == []
    assert record["gpus"]["status"] == "libnvidia-ml.so.1 is not installed"
    assert record["preflight"] is None
    (entry,) = bench.entries()
    assert (entry["kind"], entry["exit_code"]) == ("run", 7)
    (kept,) = (bench.folder / "store" / "runs").glob("*.json")
    assert json.loads(kept.read_text()) == record


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("true",), 0),
        (("false",), 1),
        (("sh", "-c", "kill -9 $$"), 137),
        (("sh", "-c", "kill -TERM $$"), 143),
        (("/nope/nope",), 127),
        (("no-such-command",), 127),
        (("/etc/passwd",), 126),
        (("",), 127),
    ],
)
def test_the_exit_code_is_that_of_a_shell(
    command: tuple[str, ...], code: int, bench: Bench
) -> None:
    done = bench.run(*command)
    assert done.returncode == code
    if code in (126, 127):
        name = command[0] or "''"
        assert done.stderr.startswith(f"envprint: cannot run {name}: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["./script", "script"])
def test_a_script_without_a_first_line_for_it_is_run_by_the_shell(name: str, bench: Bench) -> None:
    script = bench.folder / "script"
    script.write_text('echo "$0" "$1"; exit 3\n')
    script.chmod(0o755)
    path = f"{bench.folder}:{os.environ['PATH']}"
    done = bench.run(name, "a b", environ={"PATH": path})
    shown = name if "/" in name else str(script)
    told = without_remark(done.stderr)
    assert (done.returncode, done.stdout, told) == (3, f"{shown} a b\n", "")
    assert bench.record()["command"]["name"] == "script"


def until_it_says(run: subprocess.Popen[str], word: str) -> None:
    assert run.stdout
    assert run.stdout.readline() == f"{word}\n"


NUMBERS = (
    *("SIGTERM", "SIGINT", "SIGHUP", "SIGXCPU", "SIGALRM", "SIGRTMIN", "SIGPWR", "SIGABRT"),
    # As a fault would, but from somebody else.
    *("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS", "SIGTRAP"),
)


@pytest.mark.parametrize("number", [int(getattr(signal, name)) for name in NUMBERS], ids=NUMBERS)
def test_a_signal_reaches_the_job_and_the_record_is_written(number: int, bench: Bench) -> None:
    # A background job of a shell ignores Ctrl-C, one under nohup SIGHUP, and so do its children.
    reset = f"import signal; signal.signal({number}, signal.SIG_DFL)"
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    run = bench.start(PYTHON, "-c", f"{reset}; {code}")
    assert run.stdout
    job = int(run.stdout.readline())
    run.send_signal(number)
    assert run.wait(60) == 128 + number
    assert has_ended(job)
    assert (bench.record()["signal"], bench.entries()[0]["exit_code"]) == (number, 128 + number)
    run.communicate()


def test_a_job_that_has_joined_another_group_gets_signals(bench: Bench) -> None:
    code = (
        "import os, time\n"
        "os.setpgid(0, os.getpgid(os.getppid()))\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    run = bench.start(PYTHON, "-c", code)
    until_it_says(run, "ready")
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=60)
    assert run.returncode == 143


def test_a_request_to_stop_stops_both_and_both_go_on_together(bench: Bench) -> None:
    run = bench.start("sh", "-c", "echo $$; exec sleep 600")
    assert run.stdout
    job = int(run.stdout.readline())
    run.send_signal(signal.SIGTSTP)
    until(lambda: state(job) == "T" and state(run.pid) == "T")
    run.send_signal(signal.SIGCONT)
    until(lambda: state(job) == "S" and state(run.pid) == "S")
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=60)
    assert (run.returncode, has_ended(job)) == (143, True)


@pytest.fixture
def freezer() -> Iterator[Path]:
    """A control group of its own, which can be frozen as `docker pause` and Slurm do it.

    https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup.freeze
    """
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    places = [place for _, place, kind, *_ in mounts if kind == "cgroup2"]
    if not places:
        pytest.skip("NO CONTROL GROUPS: version 2 is not mounted")
    own = Path("/proc/self/cgroup").read_text().rpartition("0::/")[2].split("\n")[0]
    folder = Path(places[0]) / own / f"envprint-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "cgroup.freeze").write_text("0")
    except OSError as error:
        pytest.skip(f"NO CONTROL GROUPS: {error}")
    yield folder
    (folder / "cgroup.freeze").write_text("0")
    until(lambda: "populated 0" in (folder / "cgroup.events").read_text())
    folder.rmdir()


LONG_S = 3.0
"""Longer than envprint pauses between two looks at a job that has just begun."""
WAITER = (
    sys.executable,
    *("-S", "-c"),
    "import os, time; print(os.getpid(), flush=True)\n"
    "while not os.path.exists('go'): time.sleep(0.05)\n"
    "raise SystemExit(7)",
)
"""Starts no process: while a shell does so by vfork, neither it nor the kernel sees a stop."""


def ends_with_7(run: subprocess.Popen[str], bench: Bench) -> None:
    """Let the waiter go on: it must, and with it the run, its exit code and its record."""
    (bench.folder / "go").touch()
    _, told = run.communicate(timeout=60)
    assert (run.returncode, without_remark(told), bench.record()["exit_code"]) == (7, "", 7)


def test_a_run_suspended_for_longer_than_its_wait_goes_on_with_its_job(bench: Bench) -> None:
    run = bench.start(*WAITER)
    assert run.stdout and run.stdout.readline()
    for _ in range(2):
        run.send_signal(signal.SIGSTOP)
        time.sleep(LONG_S)
        run.send_signal(signal.SIGCONT)
        time.sleep(0.2)
    ends_with_7(run, bench)


def test_a_run_in_a_paused_container_goes_on_with_its_job(bench: Bench, freezer: Path) -> None:
    within = ("sh", "-c", f'echo $$ >{freezer}/cgroup.procs; exec "$@"', "sh")
    run = bench.start(*WAITER, within=within)
    assert run.stdout and run.stdout.readline()
    for _ in range(2):
        (freezer / "cgroup.freeze").write_text("1")
        until(lambda: "frozen 1" in (freezer / "cgroup.events").read_text())
        time.sleep(LONG_S)
        (freezer / "cgroup.freeze").write_text("0")
        time.sleep(0.2)
    ends_with_7(run, bench)


def test_while_a_container_is_paused_the_driver_is_not_blamed_for_the_gap(
    bench: Bench, freezer: Path, tmp_path: Path
) -> None:
    Driver(tmp_path / "driver.txt")
    bench.environ |= driven_by(tmp_path / "driver.txt")
    within = ("sh", "-c", f'echo $$ >{freezer}/cgroup.procs; exec "$@"', "sh")
    for _ in range(2):  # a sample may be late just then, on a busy machine
        run = bench.start(*WAITER, within=within)
        assert run.stdout and run.stdout.readline()
        time.sleep(2.5)
        (freezer / "cgroup.freeze").write_text("1")
        time.sleep(5)  # longer than a sample, its delay and SUSPENDED_S together
        (freezer / "cgroup.freeze").write_text("0")
        time.sleep(1.5)
        (bench.folder / "go").touch()
        run.communicate(timeout=60)
        gaps = [gap["reason"] for gap in bench.record()["gpus"]["gaps"]]
        if "envprint was suspended" in gaps:
            return
        (bench.folder / "go").unlink()
        shutil.rmtree(bench.records)
    raise AssertionError(gaps)


STOPS = [signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]


@pytest.mark.parametrize("number", STOPS)
def test_a_run_goes_on_with_a_job_that_was_stopped_and_continued_by_its_own_pid(
    number: signal.Signals, bench: Bench
) -> None:
    run = bench.start(*WAITER)
    assert run.stdout
    job = int(run.stdout.readline())
    for _ in range(3):
        os.kill(job, number)
        until(lambda: state(job) == "T")
        time.sleep(0.2)  # so that envprint sees it
        os.kill(job, signal.SIGCONT)
        until(lambda: state(job) != "T")
    ends_with_7(run, bench)


def test_a_run_that_was_stopped_with_its_job_goes_on_when_the_job_alone_is_continued(
    bench: Bench,
) -> None:
    run = bench.start(*WAITER)
    assert run.stdout
    job = int(run.stdout.readline())
    run.send_signal(signal.SIGTSTP)
    until(lambda: state(job) == "T" and state(run.pid) == "T")
    os.kill(job, signal.SIGCONT)
    ends_with_7(run, bench)


@pytest.mark.parametrize("number", STOPS)
def test_a_job_that_is_killed_while_it_is_stopped_is_recorded(
    number: signal.Signals, bench: Bench
) -> None:
    run = bench.start(*WAITER)
    assert run.stdout
    job = int(run.stdout.readline())
    os.kill(job, number)
    until(lambda: state(job) == "T")
    time.sleep(0.2)
    os.kill(job, signal.SIGKILL)
    run.communicate(timeout=60)
    assert (run.returncode, bench.record()["signal"]) == (137, signal.SIGKILL)


FAILURES = {
    "the-signal": "job.os.killpg = fail",
    "the-look": "loaded.Loaded.look = fail",
    "the-wait": "job.signal.sigwaitinfo = fail",
    "the-processes": "groups.os.listdir = fail",
}


@pytest.mark.parametrize("what", FAILURES.values(), ids=FAILURES.keys())
def test_what_fails_while_a_job_runs_leaves_neither_it_nor_the_record_behind(
    what: str, bench: Bench
) -> None:
    code = (
        "import sys\n"
        "from envprint.run import process_groups as groups, job, mapped_libraries as loaded\n"
        "from envprint.cli import main\n"
        "started = job.start\n"
        "def fail(*arguments): raise OSError(22, 'Invalid argument')\n"
        "def start_and_break(*arguments):\n"
        "    pid = started(*arguments)\n"
        f"    {what}\n"
        "    return pid\n"
        "job.start = start_and_break\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    waiter = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "os.kill(os.getppid(), signal.SIGUSR1)\n"
        "time.sleep(2)\n"
        "sys.exit(7)\n"
    )
    run = bench.start(PYTHON, "-c", waiter, python=("-c", code))
    assert run.stdout
    job = int(run.stdout.readline())
    _, told = run.communicate(timeout=60)
    assert (run.returncode, has_ended(job), bench.record()["exit_code"]) == (7, True, 7)
    assert told in ("", "envprint: warning: while the command runs: OSError: [Errno 22] Invalid "
                    "argument\n")  # fmt: skip


def test_a_fault_of_envprint_itself_ends_it_although_signals_are_held() -> None:
    code = (
        "import ctypes, resource\n"
        "from envprint.run.job import BlockedSignals\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "with BlockedSignals(): ctypes.string_at(0)\n"
    )
    done = subprocess.run([PYTHON, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGSEGV


def test_a_job_that_answers_a_signal_decides_how_it_ends(bench: Bench) -> None:
    # Written past `print`, which a handler must not enter while it is still at work.
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *a: (os.write(1, b'saved\\n'), sys.exit(3)))\n"
        "os.write(1, b'ready\\n')\n"
        "time.sleep(600)\n"
    )
    run = bench.start(PYTHON, "-c", code)
    until_it_says(run, "ready")
    run.send_signal(signal.SIGTERM)
    until_it_says(run, "saved")
    assert run.wait(60) == 3
    run.communicate()


def test_signals_after_the_job_has_ended_cost_neither_record_nor_exit_code(bench: Bench) -> None:
    observed = bench.folder / "python"
    observed.write_text(
        "#!/bin/sh\n"
        "if [ -e ended ]; then touch closing; while [ ! -e go ]; do sleep 0.05; done; fi\n"
        f'exec {PYTHON} "$@"\n'
    )
    observed.chmod(0o755)
    job = ("sh", "-c", "touch ended; exit 5")
    run = bench.start(*job, options=("--no-check", "--python", str(observed)))
    until((bench.folder / "closing").exists)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT, signal.SIGHUP):
        run.send_signal(number)
    (bench.folder / "go").touch()
    assert run.communicate(timeout=60) == ("", "")
    assert run.returncode == 5
    record = bench.record()
    assert (record["exit_code"], record["signal"], "digest_after" in record) == (5, None, True)


def test_signals_after_the_record_do_not_change_the_exit_code(bench: Bench) -> None:
    code = (
        "import os, signal\n"
        "from envprint import __main__, cli\n"
        "flush = cli.Console.flush\n"
        "def flush_late(console):\n"
        "    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):\n"
        "        os.kill(os.getpid(), number)\n"
        "    flush(console)\n"
        "cli.Console.flush = flush_late\n"
        "__main__.script()\n"
    )
    run = bench.start(PYTHON, "-c", "raise SystemExit(5)", python=("-c", code))
    assert run.communicate(timeout=60) == ("", "")
    assert (run.returncode, bench.record()["exit_code"]) == (5, 5)


def test_no_signal_from_the_end_of_the_job_on_changes_the_exit_code(bench: Bench) -> None:
    run = bench.start("sh", "-c", "trap '' TERM HUP; echo $$; exit 5")
    assert run.stdout
    job = int(run.stdout.readline())
    until(lambda: has_ended(job))
    while run.poll() is None:
        run.send_signal(signal.SIGTERM)
        run.send_signal(signal.SIGHUP)
    run.communicate()
    assert (run.returncode, bench.record()["exit_code"]) == (5, 5)


def test_a_caller_in_the_same_process_gets_its_signals_back(bench: Bench) -> None:
    code = (
        "import signal, sys\n"
        "from envprint.cli import main\n"
        "before = signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
        "assert main(sys.argv[1:]) == 5\n"
        "assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before\n"
    )
    run = bench.start(PYTHON, "-c", "raise SystemExit(5)", python=("-c", code))
    assert run.communicate(timeout=60) == ("", "")
    assert run.returncode == 0


def test_a_job_gets_the_signals_settings_that_it_would_have_had(bench: Bench) -> None:
    code = "import signal as s; print(s.pthread_sigmask(s.SIG_BLOCK, ()), s.getsignal(s.SIGPIPE))"
    plain = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    assert bench.run(PYTHON, "-c", code).stdout == plain.stdout


IGNORED = "import signal; print(signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN, flush=True)"


def test_where_sigchld_is_ignored_the_job_ignores_it_and_is_waited_for(bench: Bench) -> None:
    job = (PYTHON, "-c", f"{IGNORED}; raise SystemExit(4)")
    ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    argv = (PYTHON, "-c", f"{ignoring}; os.execv(sys.argv[1], sys.argv[1:])", *bench.argv(*job))
    done = subprocess.run(argv, capture_output=True, text=True, env=bench.environ, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (4, "True\n", "")
    assert bench.record()["exit_code"] == 4
    assert bench.run(*job).stdout == "False\n"


def test_what_a_job_leaves_in_its_group_is_ended(bench: Bench) -> None:
    done = bench.run("sh", "-c", "sleep 600 & echo $!; exit 4")
    assert done.returncode == 4
    assert has_ended(int(done.stdout))
    assert bench.record()["left_behind"] == 1


def test_what_a_job_leaves_in_groups_of_its_own_is_ended(bench: Bench) -> None:
    job = "import os, subprocess; p = subprocess.Popen(['sleep', '600'], preexec_fn=os.setpgrp)"
    done = bench.run(PYTHON, "-c", f"{job}; print(p.pid)")
    assert has_ended(int(done.stdout))
    assert bench.record()["left_behind"] == 1


def test_what_a_job_leaves_in_a_session_of_its_own_is_left_alone(bench: Bench) -> None:
    job = (
        "import os, subprocess\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "print(subprocess.Popen(['sleep', '600'], preexec_fn=os.setsid, **quiet).pid)\n"
    )
    done = bench.run(PYTHON, "-c", job)
    pid = int(done.stdout)
    assert not has_ended(pid)
    os.kill(pid, signal.SIGKILL)
    assert done.returncode == 0
    assert bench.record()["left_behind"] == 0


def test_orphans_that_end_meanwhile_leave_no_zombies(bench: Bench) -> None:
    job = "(true & echo $!); while [ ! -e stop ]; do sleep 0.05; done"
    run = bench.start("sh", "-c", job)
    assert run.stdout
    orphan = int(run.stdout.readline())
    until(lambda: not Path(f"/proc/{orphan}").exists())
    (bench.folder / "stop").touch()
    run.communicate(timeout=60)
    assert run.returncode == 0


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or is a zombie that its parent does not care for."""
    try:
        return state(pid) == "Z"
    except OSError:
        return True


def test_the_hash_seed_is_set_before_the_interpreter_starts(bench: Bench) -> None:
    job = (PYTHON, "-c", "import os; print(hash('a'), os.environ['PYTHONHASHSEED'])")
    options = ("--no-check", "--hash-seed", "7")
    said = {bench.run(*job, options=options).stdout for _ in range(3)}
    assert len(said) == 1
    assert said.pop().endswith(" 7\n")
    newest = max(bench.records.glob("run-*.json"), key=lambda path: path.stat().st_mtime_ns)
    record = json.loads(newest.read_text())
    assert record["hash_seed"] == "7"
    assert record["before"]["facts"]["environ"]["variables"]["PYTHONHASHSEED"] == "7"
    assert record["before"]["facts"]["environ"]["changed_since_start"] == {}


@pytest.mark.parametrize("options", [("--no-check",), ("--no-check", "--hash-seed", "7")])
def test_the_job_gets_no_variable_that_this_interpreter_has_set_for_itself(
    options: tuple[str, ...], bench: Bench
) -> None:
    del bench.environ["LANG"]  # in the C locale Python sets LC_CTYPE
    names = {line.partition("=")[0] for line in bench.run("env", options=options).stdout.split()}
    assert names == {*bench.environ, *(["PYTHONHASHSEED"] if "7" in options else [])}


def test_a_pre_flight_that_refuses_is_125_and_nothing_runs(bench: Bench) -> None:
    marker = bench.folder / "ran"
    done = bench.run("touch", str(marker), options=(), environ={"LD_PRELOD": "0"})
    assert (done.returncode, done.stdout, marker.exists()) == (125, "", False)
    assert "LD_PRELOD is set, LD_PRELOAD was probably meant" in " ".join(done.stderr.split())
    assert done.stderr.endswith("the command was not run; --no-check runs it anyway\n")
    assert bench.run("touch", str(marker), environ={"LD_PRELOD": "0"}).returncode == 0
    assert marker.exists()


MISSPELT = {"LD_PRELOD": "0"}
REFUSED = "envprint: the command was not run; --no-check runs it anyway\n"


@pytest.mark.parametrize("fail_on", ["breaks", "numeric"])
def test_the_report_of_the_pre_flight_goes_where_it_is_asked_for(
    fail_on: str, bench: Bench
) -> None:
    file = bench.folder / "report.json"
    options = ("--fail-on", fail_on, "--format", "json", "-o", str(file))
    done = bench.run("echo", "ran", options=options, environ=MISSPELT)
    assert (done.returncode, done.stdout) == ((0, "ran\n") if fail_on == "breaks" else (125, ""))
    assert validate.faults(file.read_bytes(), "report") == []
    rules = {finding["rule"] for finding in json.loads(file.read_text())["findings"]}
    assert all(f"({rule})" in done.stderr for rule in rules)
    to_stderr = bench.run("true", options=(*options[:4], "-o", "-"), environ=MISSPELT)
    told = to_stderr.stderr.removesuffix(REFUSED)
    assert {finding["rule"] for finding in json.loads(told)["findings"]} == rules


def test_a_pre_flight_that_passes_tells_in_short_what_it_found(bench: Bench) -> None:
    (bench.folder / "envprint.toml").write_text(
        'fail_on = "breaks"\n[[ignore]]\nrule = "gpu-lost"\nreason = "none here"\n'
        "expires = 2020-01-31\n"
    )
    done = bench.run("echo", "ran", options=(), environ=MISSPELT)
    assert (done.returncode, done.stdout) == (0, "ran\n")
    lines = done.stderr.splitlines()
    assert any(line.endswith("(environ-name-misspelt)") for line in lines)
    assert any(line.startswith("envprint: policy: ") and "gpu-lost" in line for line in lines)
    assert all(line.startswith("envprint: ") for line in lines)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--baseline", "/nope.json"), "/nope.json: no such file or directory"),
        (("--baseline", "@nobody"), "@nobody"),
        (("--policy", "/nope.toml"), "/nope.toml"),
        (("--python", "/nope/python"), "/nope/python"),
    ],
)
def test_what_keeps_the_pre_flight_from_its_work_is_125_and_one_line(
    options: tuple[str, ...], text: str, bench: Bench
) -> None:
    done = bench.run("echo", "ran", options=options)
    assert (done.returncode, done.stdout) == (125, "")
    assert text in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [(), ("--",), ("--bogus", "true"), ("--hash-seed", "x", "--", "true"), ("--format", "x", "ls")],
)
def test_wrong_usage_is_125_and_one_line(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--no-check", *arguments]) == 125
    assert capsys.readouterr().err.startswith("envprint: run: ")


def test_what_follows_the_command_is_the_commands(bench: Bench) -> None:
    argv = [PYTHON, "-m", "envprint", "run", "--no-check", "--label", "mine"]
    argv += ["--record", str(bench.records), "echo", "a", "--label", "c", "--", "-x"]
    done = subprocess.run(argv, capture_output=True, text=True, env=bench.environ, check=False)
    assert (done.returncode, done.stdout) == (0, "a --label c -- -x\n")
    assert done.stderr == ""
    assert bench.record()["label"] == "mine"


def test_a_run_is_a_baseline_for_the_next(bench: Bench) -> None:
    bench.has_numpy()
    assert bench.run("true", options=()).returncode == 0
    assert bench.run("false", options=()).returncode == 1
    good = ("--baseline", "@last-good")
    assert bench.run("true", options=good).returncode == 0
    bench.has_numpy("2.3.5")
    assert bench.run("true", options=good).returncode == 125
    newest = max(bench.records.glob("run-*.json"), key=lambda path: path.stat().st_mtime_ns)
    preflight = json.loads(newest.read_text())["preflight"]
    assert preflight["baseline"] == bench.entries()[0]["digest"]


def test_what_changes_while_it_runs_is_told(bench: Bench) -> None:
    commands = ("git init -q .", "git config user.email a@b.c", "git config user.name n")
    for command in (*commands, "touch file", "git add file", "git commit -q -m m"):
        subprocess.run(command.split(), cwd=bench.folder, env=bench.environ, check=True)
    done = bench.run("sh", "-c", "echo more >> file")
    assert done.returncode == 0
    assert "changed while the command ran: facts.code." in done.stderr
    paths = {change["path"] for change in bench.record()["changed_meanwhile"]}
    assert any(path.startswith("facts.code.") for path in paths)


def test_a_job_that_removes_envprint_keeps_its_exit_code_and_its_record(bench: Bench) -> None:
    copied = bench.folder / "copied"
    for name in ("envprint", "schemas"):
        shutil.copytree(ROOT / name, copied / name)
    # From the text, as after an installation without bytecode: what is not loaded yet is gone.
    environ = {"PYTHONPATH": str(copied), "PYTHONDONTWRITEBYTECODE": "1"}
    done = bench.run("sh", "-c", f"rm -r '{copied}'; exit 6", environ=environ)
    assert (done.returncode, copied.exists()) == (6, False)
    assert "Error" not in done.stderr
    assert bench.record()["exit_code"] == 6


def test_nothing_is_imported_once_the_job_has_started(bench: Bench) -> None:
    code = (
        "import sys\n"
        "from envprint.cli import main\n"
        "from envprint.run.job import Job\n"
        "wait = Job.wait\n"
        "class Late:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        print('late', name, file=sys.stderr)\n"
        "def wait_and_tell(*arguments):\n"
        "    sys.meta_path.insert(0, Late())\n"
        "    return wait(*arguments)\n"
        "Job.wait = wait_and_tell\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    argv = bench.argv("true", options=("--no-check", "--record", "/dev/null/x"))[3:]
    done = subprocess.run(
        [PYTHON, "-c", code, *argv],
        capture_output=True,
        text=True,
        cwd=bench.folder,
        env={**bench.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr.startswith("envprint: no record of this run: cannot make /dev/null/x: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("error", [EnvprintError("the disk is gone"), ModuleNotFoundError("gone")])
def test_what_fails_after_the_job_is_a_reason(error: Exception) -> None:
    def fail() -> None:
        raise error

    assert attempt(lambda: 3) == 3
    failed = attempt(fail)
    assert isinstance(failed, Unknown)
    assert failed.reason in ("the disk is gone", "ModuleNotFoundError: gone")


UNWRITABLE = ["/proc/nope", "/dev/null/x"]


@pytest.mark.parametrize("place", UNWRITABLE)
def test_a_folder_that_takes_no_record_is_told_and_the_store_has_it(
    place: str, bench: Bench
) -> None:
    done = bench.run("sh", "-c", "exit 9", options=("--no-check", "--record", place))
    assert done.returncode == 9
    told = without_remark(done.stderr)
    assert told.startswith(f"envprint: no record of this run: cannot make {place}: ")
    assert told.count("\n") == 1
    assert len(list((bench.folder / "store" / "runs").iterdir())) == 1


@pytest.mark.parametrize("place", UNWRITABLE)
def test_a_store_that_takes_no_record_is_told_and_the_folder_has_it(
    place: str, bench: Bench
) -> None:
    done = bench.run("sh", "-c", "exit 9", environ={"ENVPRINT_HOME": place})
    assert done.returncode == 9
    told = without_remark(done.stderr)
    assert told.startswith(f"envprint: no record of this run: cannot save in {place}: ")
    assert told.count("\n") == 1
    assert bench.record()["exit_code"] == 9


def test_a_store_that_cannot_be_opened_is_told_before_the_job_starts(bench: Bench) -> None:
    done = bench.run("echo", "ran", environ={"ENVPRINT_HOME": "foo://bar"})
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.startswith("envprint: cannot open foo://bar: ")
    assert done.stderr.count("\n") == 1


def test_a_job_that_removes_the_interpreter_observed_is_recorded_with_the_reason(
    bench: Bench,
) -> None:
    observed = bench.folder / "python"
    observed.symlink_to(PYTHON)
    done = bench.run("rm", str(observed), options=("--no-check", "--python", str(observed)))
    assert done.returncode == 0
    told = "envprint: warning: what changed while the command ran is unknown: --python "
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1
    record = bench.record()
    assert record.keys().isdisjoint({"digest_after", "changed_meanwhile"})
    assert {"digest_after", "changed_meanwhile"} <= record["unknown"].keys()
    assert record["unknown"]["digest_after"].endswith("No such file or directory")
    assert (record["exit_code"], bench.entries()[0]["exit_code"]) == (0, 0)


def test_runs_with_one_process_id_in_one_second_keep_a_record_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as in containers
    document = {"started_at": "2026-11-25T14:00:00Z", "command": {"digest": f"sha256:{'0' * 64}"}}
    names = {record_name(document) for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("run-20261125T140000Z-00000000-") for name in names)


@pytest.mark.parametrize("form", ["{}", "sh -c '{}; true'"], ids=["itself", "a-child"])
def test_the_peak_of_memory_is_the_jobs_own(form: str, bench: Bench) -> None:
    code = f'"{PYTHON}" -c "x = bytearray(200 << 20)"'
    assert bench.run("sh", "-c", form.format(code)).returncode == 0
    assert 200 << 20 < bench.record()["memory_peak_bytes"] < 300 << 20


def test_the_memory_of_a_job_smaller_than_envprint_is_not_known(bench: Bench) -> None:
    assert bench.run("true").returncode == 0
    record = bench.record()
    assert "memory_peak_bytes" not in record
    assert list(record["unknown"]) == ["memory_peak_bytes"]
    assert bench.run(PYTHON, "-c", "x = bytearray(200 << 20)").returncode == 0


def test_libraries_that_the_job_really_loaded_are_recorded(bench: Bench) -> None:
    code = "import ctypes.util, ctypes, time; ctypes.CDLL('libgomp.so.1'); time.sleep(2)"
    assert bench.run("sh", "-c", f'"{PYTHON}" -c "{code}"; true').returncode == 0
    assert any("/libgomp.so" in path for path in bench.record()["libraries"])


def test_where_signals_cannot_be_passed_on_nothing_is_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(signal, "sigtimedwait")  # as on macOS and Windows
    assert main(["run", "--no-check", "--", "true"]) == 125
    assert "Linux is needed" in capsys.readouterr().err


def test_descendants_are_found() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo ready; wait"], stdout=subprocess.PIPE
    ) as run:
        assert run.stdout and run.stdout.readline() == b"ready\n"
        found = descendants(run.pid)
        assert found[0] == run.pid
        assert len(found) == 2
        for pid in found:
            os.kill(pid, signal.SIGKILL)
    assert descendants(run.pid) == [run.pid]


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process that is no descendant of the run."""
    with subprocess.Popen(["sleep", "600"]) as run:
        yield run.pid
        run.kill()


def test_a_driver_that_hangs_is_a_gap_in_the_record(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "driver.txt"
    Driver(file).answers("nvmlDeviceGetMemoryInfo@0 = hang")
    options = ("--no-check", "--gpu-timeout", "0.5")
    assert bench.run("sleep", "6", options=options, environ=driven_by(file)).returncode == 0
    gap = bench.record()["gpus"]["gaps"][0]
    reason = "NVML did not answer within 1.5 s (during nvmlDeviceGetMemoryInfo, GPU 0)"
    assert (gap["gpu"], gap["reason"]) == (None, reason)


def driven_by(file: Path) -> dict[str, str]:
    """The variables under which a simulated driver is found."""
    variables = simulator.environment(file)
    return {name: variables[name] for name in ("LD_LIBRARY_PATH", simulator.VARIABLE)}


def test_intruders_on_the_gpus_are_told_and_the_run_itself_is_none(
    bench: Bench, stranger: int, tmp_path: Path
) -> None:
    file = tmp_path / "driver.txt"
    driver = Driver(file)
    job = "echo $$ > job.pid; while [ ! -e stop ]; do sleep 0.1; done"
    bench.has_numpy()
    run = subprocess.Popen(
        bench.argv("sh", "-c", job, options=("--device", "cpu")),
        stderr=subprocess.PIPE,
        text=True,
        cwd=bench.folder,
        env={**bench.environ, **driven_by(file)},
    )
    pid_file = bench.folder / "job.pid"
    while not pid_file.exists() or not pid_file.read_text().strip():
        time.sleep(0.05)
    time.sleep(2.5)  # the watch looks once a second, and has seen the idle card
    driver.holds(**{f"p{pid_file.read_text().strip()}": 3000, f"p{stranger}": 700})
    time.sleep(2.5)
    (bench.folder / "stop").touch()
    _, told = run.communicate(timeout=60)
    gpus = bench.record()["gpus"]
    assert gpus["status"] == "ok"
    assert [holder["pid"] for holder in gpus["holders"]] == [stranger]
    assert list(gpus["own_peak_bytes"].values()) == [3000 << 20]
    is_known = gpus["holders"][0]["own"] is False  # not in a pid namespace of its own
    assert bench.entries()[0]["good"] != is_known
    if is_known:
        assert "@last-good is not set: sleep held GPU memory while it ran\n" in told
        text = r"sleep held memory of GPU-\S+ while the command ran: 700 MiB at most, from \S+Z "
        assert re.search(text, told)


INTRUDER = MemoryHolder("GPU-1", 7, "python", False, False, "14:03:14", "14:03:16", 1900 << 20)


@pytest.mark.parametrize(
    ("who", "text"),
    [
        (INTRUDER, "python held memory of GPU-1 while the command ran: 1,900 MiB at most, "
         "from 14:03:14 until 14:03:16"),
        (INTRUDER._replace(name=None, seen_until=None, peak_bytes=None),
         "pid 7 held memory of GPU-1 while the command ran: an unknown amount, "
         "from 14:03:14 to the end"),
        (INTRUDER._replace(at_start=None),
         "python held memory of GPU-1 while the command ran: 1,900 MiB at most, from 14:03:14 "
         "until 14:03:16; the driver did not report whether it did before"),
    ],
)  # fmt: skip
def test_an_intruder_is_told_with_start_end_and_peak(who: MemoryHolder, text: str) -> None:
    assert newcomers.in_words(who) == text


def test_who_was_seen_before_the_run_is_no_newcomer() -> None:
    maybe = INTRUDER._replace(at_start=None)
    there = INTRUDER._replace(at_start=True)
    strangers = (INTRUDER, maybe, there, INTRUDER._replace(own=None), INTRUDER._replace(own=True))
    watched = WatchResult("ok", 9, strangers, (), {}, {})
    for seen, told in (([], [INTRUDER, maybe]), ([{"pid": 7}], [INTRUDER])):
        before = fingerprint({"live.gpu.devices": {"0": {"processes": seen}}})
        assert newcomers.newcomers(watched, before) == told
    part = {"0": {"mig_devices": {"MIG-1": {"processes": [{"pid": 7}]}}}}
    assert newcomers.newcomers(watched, fingerprint({"live.gpu.devices": part})) == [INTRUDER]
    silent = fingerprint({}, {"live.gpu.devices": "no answer"})
    assert newcomers.newcomers(watched, silent) == [INTRUDER, maybe]
