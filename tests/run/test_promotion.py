"""`@last-good` is a run that was checked, found nothing and stayed as it was."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envprint.core.comparison import Change
from envprint.core.fingerprint import Unknown
from envprint.core.impact import Confidence, Impact
from envprint.core.report import Finding, Report, Unjudged
from envprint.documents.codec import dumps, fingerprint_shape
from envprint.documents.store import Saved, Store
from envprint.gpu.account import Gap, MemoryHolder, WatchResult
from envprint.judging.context import Context, Request, agreed
from envprint.judging.policy.model import Policy
from envprint.run.command_interpreter import Started
from envprint.run.job import Ended
from envprint.run.promotion import news, unfit_after, unfit_before
from envprint.run.record import After, During, Run
from tests.builders.bench import PYTHON, Bench
from tests.builders.judged import judge_state
from tests.builders.labelled import labelled
from tests.builders.support import fingerprint, workload

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "sigtimedwait"), reason="NOT LINUX: envprint runs nothing here"
)
MISSPELT = {"LD_PRELOD": "0"}
LAST_GOOD = ("--baseline", "@last-good")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A place for runs whose environment has a framework, so that something is checked."""
    bench = Bench(tmp_path)
    bench.has_numpy()
    return bench


def news_of(done: subprocess.CompletedProcess[str]) -> str:
    """The line about `@last-good`, of which there is one."""
    (line,) = (line for line in done.stderr.splitlines() if "@last-good is" in line)
    return line.removeprefix("envprint: ")


def good_ones(bench: Bench) -> list[bool | None]:
    return [entry["good"] for entry in bench.entries()]


def baseline_of(bench: Bench) -> dict[str, Any]:
    """The baseline of a check against `@last-good`."""
    argv = [PYTHON, "-m", "envprint", "check", "@last-good", "--format", "json"]
    done = subprocess.run(
        argv, capture_output=True, text=True, cwd=bench.folder, env=bench.environ, check=False
    )
    baseline: dict[str, Any] = json.loads(done.stdout)["baseline"]
    return baseline


def test_from_the_first_run_on_each_is_compared_with_the_last_good_one(bench: Bench) -> None:
    first = bench.run("true", options=LAST_GOOD)
    assert first.returncode == 0
    assert (
        "envprint: no baseline: @last-good has no good run yet; continuing without" in first.stderr
    )
    assert "(--require-baseline refuses)" in first.stderr
    assert news_of(first) == "@last-good is now this run of true (there was none)"
    second = bench.run("true", options=LAST_GOOD)
    assert "no baseline" not in second.stderr
    assert news_of(second).startswith("@last-good is now this run of true (was: the run of true, 2")
    bench.has_numpy("2.3.5")
    refused = bench.run("touch", "ran", options=LAST_GOOD)
    assert "numpy-version-changed" in refused.stderr
    assert (refused.returncode, (bench.folder / "ran").exists()) == (125, False)


def test_a_first_run_that_requires_a_baseline_is_refused(bench: Bench) -> None:
    done = bench.run("touch", "ran", options=(*LAST_GOOD, "--require-baseline"))
    assert (done.returncode, done.stderr.count("\n")) == (125, 1)
    assert "@last-good: no good run is saved in" in done.stderr
    assert not (bench.folder / "ran").exists()
    assert bench.run("true", options=LAST_GOOD).returncode == 0
    assert bench.run("true", options=(*LAST_GOOD, "--require-baseline")).returncode == 0


def test_a_required_baseline_must_be_named(bench: Bench) -> None:
    done = bench.run("true", options=("--require-baseline",))
    line = "envprint: run: --require-baseline needs --baseline REF\n"
    assert (done.returncode, done.stderr) == (125, line)


def test_going_on_without_a_baseline_counts_as_not_checked(bench: Bench) -> None:
    options = (*LAST_GOOD, "--on-unknown", "fail", "--framework", "numpy", "--format", "json")
    refused = bench.run("touch", "ran", options=options)
    assert (refused.returncode, (bench.folder / "ran").exists()) == (125, False)
    report = json.loads(refused.stderr[refused.stderr.index("{") : refused.stderr.rindex("}") + 1])
    assert report["verdict"]["checked"] is False
    assert "@last-good has no good run yet" in report["verdict"]["summary"]


@pytest.mark.parametrize("name", ["@last-godo", "@nobody", "@last", "@~1"])
def test_any_other_reference_that_means_nothing_is_refused(name: str, bench: Bench) -> None:
    done = bench.run("touch", "ran", options=("--baseline", name))
    assert (done.returncode, done.stderr.count("\n")) == (125, 1)
    assert name in done.stderr
    assert not (bench.folder / "ran").exists()


def test_a_last_good_run_that_is_damaged_is_no_first_run(bench: Bench) -> None:
    assert bench.run("true", options=LAST_GOOD).returncode == 0
    (document,) = (bench.folder / "store/objects").rglob("*.json")
    document.write_text("{}")
    done = bench.run("touch", "ran", options=LAST_GOOD)
    assert (done.returncode, done.stderr.count("\n")) == (125, 1)
    assert "1 damaged" in done.stderr


def test_what_was_not_checked_failed_or_found_something_is_not_promoted(bench: Bench) -> None:
    def run(command: str, options: tuple[str, ...] = (), **environ: str) -> str:
        done = bench.run(command, options=options, environ=environ)
        assert done.returncode == (command == "false")
        return news_of(done) if command == "true" else done.stderr

    # Where none was set, nothing is said about a run that nobody wanted to be checked.
    assert bench.run("true", options=("--no-check",)).stderr == ""
    assert run("true") == "@last-good is now this run of true (there was none)"
    still = "@last-good is still the run of true, 2"
    for told in (
        run("true", options=("--no-check",)),
        run("true", options=("--fail-on", "breaks"), **MISSPELT),
    ):
        assert told.startswith(still)
    assert told.endswith(": the pre-flight found environ-name-misspelt, at or above numeric")
    assert "@last-good" not in run("false")
    assert good_ones(bench) == [False, True, False, False, False]
    assert [entry["reason"] for entry in bench.entries()] == [
        "this run was not checked (--no-check)",
        None,
        "this run was not checked (--no-check)",
        "the pre-flight found environ-name-misspelt, at or above numeric",
        "it ended with exit code 1",
    ]


def test_where_nothing_can_be_checked_the_reason_is_printed_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for options in ((), LAST_GOOD):
        lines = bench.run("true", options=options).stderr.splitlines()
        assert [line.startswith("envprint: not checked: no framework in ") for line in lines] == [
            *(False for _ in options[1:]),
            True,
        ]
    bench.has_numpy()
    assert "@last-good is now this run" in bench.run("true", options=()).stderr
    del bench.environ["PYTHONPATH"]
    done = bench.run("true", options=())
    assert news_of(done).startswith("@last-good is still the run of true, 2")
    assert news_of(done).endswith(" UTC: this run was not checked")
    assert done.stderr.count("no framework") == 1
    assert "no framework in " in bench.entries()[-1]["reason"]


def test_without_a_last_good_run_the_missing_baseline_is_named_once(bench: Bench) -> None:
    for more in ((), ("--on-unknown", "fail"), ("-v",), ("-o", str(bench.folder / "report"))):
        told = bench.run("false", options=(*LAST_GOOD, *more)).stderr
        assert told.lower().count("no baseline: @last-good has no good run yet") == 1
        assert ("continuing without one" in told) == ("fail" not in more and "-v" not in more)


def test_no_line_stands_before_a_report_for_programs(bench: Bench) -> None:
    done = bench.run("bash", "-c", "true", options=(*LAST_GOOD, "--format", "json"))
    report, end = json.JSONDecoder().raw_decode(done.stderr)
    assert report["verdict"]["checked"] is False
    assert "no good run yet" in report["verdict"]["summary"]
    told = done.stderr[end:].strip()
    assert told == "envprint: @last-good is now this run of bash (there was none)"


def test_what_nobody_has_judged_is_named_before_the_command_runs(bench: Bench) -> None:
    def has_transformers(version: str) -> None:
        bench.has_numpy()
        info = bench.folder / "site" / f"transformers-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: transformers\nVersion: {version}\n")

    has_transformers("4.46.1")
    bench.run("true", options=())
    has_transformers("4.46.2")
    done = bench.run("sh", "-c", "echo begun >&2", options=LAST_GOOD)
    before, _, after = done.stderr.partition("begun\n")
    assert "envprint: not judged: transformers 4.46.1 → 4.46.2 (trains)\n" in before
    assert after.rstrip().endswith("; not judged: transformers")


def test_a_run_under_which_the_code_changed_is_not_promoted(bench: Bench) -> None:
    for command in ("init -q .", "config user.email a@b.c", "config user.name n"):
        subprocess.run(["git", *command.split()], cwd=bench.folder, env=bench.environ, check=True)
    done = bench.run("sh", "-c", "touch new.py", options=())
    assert news_of(done) == "@last-good is not set: 2 facts changed while it ran"
    assert done.stderr.count("facts.code.diff_digest") == 1
    assert good_ones(bench) == [False]


def test_the_program_of_the_baseline_is_named(bench: Bench) -> None:
    assert bench.run("ls", "/dev/null", options=()).returncode == 0
    assert [entry["program"] for entry in bench.entries()] == ["ls"]
    assert baseline_of(bench)["program"] == "ls"
    argv = [PYTHON, "-m", "envprint", "check", "@last-good"]
    told = subprocess.run(
        argv, capture_output=True, text=True, cwd=bench.folder, env=bench.environ, check=False
    )
    assert "run of ls" in told.stdout


def test_a_secret_in_the_name_of_the_program_is_not_saved(bench: Bench) -> None:
    secret = "ghp_" + "Ab3dEf6hIj9k" * 3
    script = bench.folder / secret
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    done = bench.run(str(script), options=())
    assert done.returncode == 0
    assert secret not in done.stderr
    assert secret not in json.dumps(bench.entries())


def test_a_store_that_takes_nothing_changes_neither_exit_code_nor_last_good(bench: Bench) -> None:
    place = bench.folder / "file"
    place.write_text("")
    done = bench.run("true", options=(), environ={"ENVPRINT_HOME": str(place)})
    assert done.returncode == 0
    assert "no record of this run: cannot save in" in done.stderr
    assert "@last-good" not in done.stderr


def test_of_two_runs_that_end_together_the_later_save_is_the_last_good(bench: Bench) -> None:
    wait = "touch $0; while [ ! -e go ]; do sleep 0.05; done"
    runs = [bench.start("sh", "-c", wait, f"at-{n}", options=("--label", n)) for n in "ab"]
    while not all((bench.folder / f"at-{n}").exists() for n in "ab"):
        assert all(run.poll() is None for run in runs)
    (bench.folder / "go").touch()
    told = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    entries = bench.entries()
    assert [entry["good"] for entry in entries] == [True, True]
    assert baseline_of(bench)["label"] == entries[-1]["label"]
    # Whichever is later says so; the other may have been first, or sees that it was overtaken.
    later = told["ab".index(entries[-1]["label"])]
    assert "@last-good is now this run of sh (was: the run of sh, " in later
    assert all("@last-good is " in text for text in told)


# What cannot be had on every machine: an intruder, a driver that is silent, another helper's word.


def context(**request: Any) -> Context:
    return agreed(Request(policy="/dev/null", **request), fingerprint_shape)


def report(**changes: Any) -> Report:
    one = fingerprint({"facts.os.system": "Linux"})
    return judge_state(one, None, workload(["numpy"]), Policy())._replace(**changes)


def test_a_run_in_which_nothing_was_checked_is_not_promoted() -> None:
    assert unfit_before(report(), context()) is None
    reason = unfit_before(report(not_checked="no framework in /x"), context())
    assert reason == "this run was not checked: no framework in /x"
    assert unfit_before(None, context()) == "this run was not checked (--no-check)"


@pytest.mark.parametrize("threshold", [Impact.PERF, Impact.NUMERIC, Impact.BREAKS])
@pytest.mark.parametrize("found", [Impact.PERF, Impact.NUMERIC, Impact.DIVERGES])
def test_whatever_the_threshold_nothing_from_numeric_on_is_promoted(
    found: Impact, threshold: Impact
) -> None:
    texts = ("Title", "message", (), None, None, "why", "not when", "remedy", ())
    finding = Finding("rule", found, Confidence.MEASURED, *texts)
    reason = unfit_before(report(findings=(finding,)), context(fail_on=threshold))
    assert (reason is None) == (found < min(threshold, Impact.NUMERIC))


STRANGER = MemoryHolder("GPU-1", 7, "python", False, False, "14:03:14", None, 1 << 30)


def test_intruders_and_changed_facts_prevent_it_and_so_does_not_knowing() -> None:
    change = Change("facts.packages.distributions[numpy].version", "changed", "1", "2")
    same, changed = After("sha256:x", ()), After("sha256:x", [change])
    assert unfit_after(same, [], []) is None
    assert unfit_after(changed, [], []) == "1 fact changed while it ran"
    assert unfit_after(same, [STRANGER], []) == "python held GPU memory while it ran"
    foreign = unfit_after(same, [], ["/opt/other"])
    assert foreign == "it loaded libraries from /opt/other, which was not recorded"
    several = [STRANGER._replace(name=name, pid=1) for name in ("a", "a", None, "c", "d")]
    assert unfit_after(same, several, []) == "a, pid 1, c and 1 more held GPU memory while it ran"
    reason = unfit_after(Unknown("no such file"), [], [])
    assert reason == "what changed while it ran is unknown: no such file"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def ended_well(preflight: Report, *gaps: Gap) -> Run:
    watched = WatchResult("ok", 9, (), gaps, {}, {})
    during = During("", "", Ended(0, None, 1.0, None, 0), watched, ())
    started = Started("/opt/training/bin/python", None, ())
    return Run(["python"], started, during, labelled("a"), After("", ()), preflight, None)


def saved_run(store: Store, label: str = "a") -> Saved:
    return store.save(labelled(label), kind="run", exit_code=0, program="python", good=True)


def test_what_nobody_judged_and_when_nobody_watched_is_said_of_a_good_run(store: Store) -> None:
    entry = Unjudged("trl", "facts.x", "1", "2", "package", "trains", None)
    one = ended_well(report(unjudged=(entry,)), Gap(None, "late", "14:03:14", "14:03:16"))
    assert news(one, saved_run(store), store) == (
        "@last-good is now this run of python (there was none); not judged: trl; the driver did "
        "not answer for a time, and GPU memory was not watched"
    )


def test_where_a_process_cannot_be_recognised_a_good_run_says_so(store: Store) -> None:
    one = ended_well(report())
    watched = one.during.watched._replace(holders=(STRANGER._replace(own=None),))
    one = one._replace(during=one.during._replace(watched=watched))
    told = news(one, saved_run(store), store)
    assert told.endswith("; whether other programs used the GPUs cannot be seen here")


def test_a_run_that_was_overtaken_says_by_which(store: Store) -> None:
    mine = saved_run(store)
    other = store.save(labelled("b"), kind="run", exit_code=0, program="ls", good=True)
    when = other.saved_at.replace("T", " ").replace("Z", " UTC")
    told = news(ended_well(report()), mine, store)
    assert told == f"@last-good is the run of ls, {when}, which was saved after this run"


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The time in nanoseconds, which a test sets."""
    now = [1_764_000_000_000_000_000]
    monkeypatch.setattr("envprint.documents.store.time.time_ns", lambda: now[0])
    yield now


def test_a_run_after_the_clock_was_set_back_is_the_last_good(
    store: Store, stopped_clock: list[int]
) -> None:
    for label in "abc":
        saved = saved_run(store, label)
        told = news(ended_well(report()), saved, store)
        assert told.startswith("@last-good is now this run of python (")
        stopped_clock[0] -= 3600 * 10**9
    labels = [one.label for one in store.saved() if isinstance(one, Saved)]
    assert labels == ["c", "b", "a"]
    times = [one.saved_at for one in store.saved()]
    assert times == sorted(times, key=str)
    assert dumps(labelled("c")).encode() == store.read(next(store.saved()).object)  # type: ignore[union-attr]
