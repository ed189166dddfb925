"""`envprint isolate`, with real runs of small jobs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.benchmarks.accuracy import pair
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.isolated import answer_of, document_of

Isolate = Callable[..., "subprocess.CompletedProcess[str]"]

# What the job computes: the sum of what the variables that act add.
JOB = """\
import os, sys
is_set = lambda name: os.environ.get(name) == "1"
print("loss", {expression})
"""
MANY = {f"TF_UNUSED_{number}": str(number) for number in range(40)}


@pytest.fixture
def isolate(tmp_path: Path) -> Isolate:
    """A function that records BASELINE with some variables, and isolates with others."""
    place = tmp_path / "project"
    place.mkdir()

    def isolated(
        job: str,
        *options: object,
        before: Mapping[str, str] | None = None,
        after: Mapping[str, str] | None = None,
        command: tuple[str, ...] = ("python", "job.py"),
        result: str = "stdout:loss (.*)",
    ) -> subprocess.CompletedProcess[str]:
        (place / "job.py").write_text(job)
        kept = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path)}
        baseline = tmp_path / "baseline.json"
        done = call("capture", "-o", baseline, env={**kept, **(before or {})}, cwd=place)
        assert done.returncode == 0, done.stderr
        words = ["isolate", baseline, "--result", result, *options, "--", *command]
        return call(*words, env={**kept, **(after or {})}, cwd=place)

    return isolated


def job(expression: str) -> str:
    return JOB.format(expression=expression)


def test_one_cause_among_forty_is_named_with_its_fix(isolate: Isolate) -> None:
    done = isolate(job("1 + is_set('TF_ACTS')"), after={**MANY, "TF_ACTS": "1"})
    assert done.returncode == 0, done.stderr
    assert "With TF_ACTS unset → 1, the baseline gives the current result." in done.stdout
    assert "unset TF_ACTS" in done.stdout
    assert "40 other differences, verified together" in done.stdout


def test_each_trial_is_one_line_on_stderr(isolate: Isolate) -> None:
    done = isolate(job("1 + is_set('TF_ACTS')"), after={"TF_ACTS": "1", "TF_NOT": "1"})
    lines = [line for line in done.stderr.splitlines() if line[:3].strip().isdecimal()]
    assert [line[:3].strip() for line in lines] == [str(n + 1) for n in range(len(lines))]
    assert "BASELINE: baseline, 1" in lines[0]
    assert "CURRENT: current, 2" in lines[1]


def test_the_plan_is_shown_before_anything_runs(isolate: Isolate) -> None:
    done = isolate(job("1"), after={"TF_A": "1", "TF_B": "2"})
    plan = done.stderr.partition("  1  ")[0]
    assert "switches    2" in plan
    assert "TF_A unset → 1" in plan
    assert "6 of both sides" in plan


def test_two_independent_causes_are_both_named(isolate: Isolate) -> None:
    after = {**MANY, "TF_ONE": "1", "TF_TWO": "1"}
    done = isolate(
        job("1 + is_set('TF_ONE') + 2 * is_set('TF_TWO')"), "--format", "json", after=after
    )
    answer = answer_of(done)
    assert set(answer.needed) == set(answer.fix) == {"TF_ONE", "TF_TWO"}
    assert {answer.alone[name] for name in answer.needed} == {"another result"}


def test_two_that_act_only_together_are_one_cause_of_which_either_is_a_fix(
    isolate: Isolate,
) -> None:
    after = {**MANY, "TF_ONE": "1", "TF_TWO": "1"}
    done = isolate(job("is_set('TF_ONE') and is_set('TF_TWO')"), after=after)
    assert done.returncode == 0
    assert "TF_ONE acts only together with the others" in done.stdout
    assert "is enough" in done.stdout
    assert done.stdout.count("fix         unset TF_") == 1


def test_of_two_redundant_ones_one_is_the_cause_and_both_are_the_fix(isolate: Isolate) -> None:
    after = {**MANY, "TF_ONE": "1", "TF_TWO": "1"}
    done = isolate(job("is_set('TF_ONE') or is_set('TF_TWO')"), "--format", "json", after=after)
    answer = answer_of(done)
    assert len(answer.needed) == 1
    assert set(answer.fix) == {"TF_ONE", "TF_TWO"}
    assert answer.rest == "current"


def test_where_both_sides_give_the_same_it_says_what_was_not_switched(isolate: Isolate) -> None:
    done = isolate(job("1"), after=MANY)
    assert done.returncode == 1
    assert done.stdout.startswith("THE SAME")


def test_a_job_that_does_not_repeat_itself_leads_to_exit_3(isolate: Isolate) -> None:
    done = isolate(job("os.urandom(4).hex()"), after={"TF_ACTS": "1"})
    assert done.returncode == 3
    assert done.stdout.startswith("NOT STEADY")
    shown = " ".join(done.stdout.split())
    assert "does not repeat itself" in shown
    assert "PYTHONHASHSEED is not set there" in shown
    assert "probe training --explain" in shown


RESUMES = """\
import os
last = int(open("last").read()) if os.path.exists("last") else 0
open("last", "w").write(str(last + 1))
print("loss", last + (os.environ.get("TF_ACTS") == "1"))
"""


def test_a_job_that_would_resume_finds_a_fresh_copy_each_time(isolate: Isolate) -> None:
    done = isolate(RESUMES, after={"TF_ACTS": "1"})
    assert done.returncode == 0, done.stderr
    assert "TF_ACTS" in done.stdout


def test_a_job_that_would_resume_is_refused_in_place(isolate: Isolate) -> None:
    done = isolate(RESUMES, "--in-place", after={"TF_ACTS": "1"})
    assert done.returncode == 2
    assert "the job wrote last" in done.stderr
    assert "leave out --in-place" in done.stderr


def test_a_job_that_resumes_from_a_place_outside_is_refused(
    isolate: Isolate, tmp_path: Path
) -> None:
    outside = tmp_path / "checkpoints"
    outside.mkdir()
    text = RESUMES.replace('"last"', 'os.path.join(os.sys.argv[1], "last")')
    command = ("python", "job.py", f"{outside}")
    done = isolate(text, after={"TF_ACTS": "1"}, command=command)
    assert done.returncode == 2
    assert "last, and the next trial would find it" in done.stderr


def test_in_place_works_for_a_job_that_writes_its_result_only(
    isolate: Isolate, tmp_path: Path
) -> None:
    text = "import os\nopen('r.txt', 'w').write(os.environ.get('TF_ACTS', '0'))\n"
    done = isolate(text, "--in-place", after={"TF_ACTS": "1"}, result="r.txt")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "project" / "r.txt").exists()


def test_a_first_import_that_fails_on_one_side_is_a_result(isolate: Isolate) -> None:
    text = "import os\nif os.environ.get('TF_ACTS'):\n    import no_such_module\nprint('loss 1')\n"
    done = isolate(text, after={**MANY, "TF_ACTS": "1"})
    assert done.returncode == 0, done.stderr
    assert "TF_ACTS" in done.stdout
    assert "fails: ModuleNotFoundError" in done.stdout


def test_a_command_that_fails_on_both_sides_is_no_search(isolate: Isolate) -> None:
    done = isolate("import no_such_module\n", after={"TF_ACTS": "1"})
    assert done.returncode == 2
    assert "fails on both sides" in done.stderr


@pytest.mark.parametrize("text", ["[Errno 28] No space left on device", "Connection refused"])
def test_a_fault_of_the_disk_or_the_network_is_no_evidence(isolate: Isolate, text: str) -> None:
    job_text = (
        f"import os\nif os.environ.get('TF_ACTS'):\n    raise OSError({text!r})\nprint('loss 1')\n"
    )
    done = isolate(job_text, after={"TF_ACTS": "1"})
    assert done.returncode == 3
    assert "CURRENT could not be run" in done.stdout


def test_a_result_that_was_there_before_is_not_taken_for_that_of_a_trial(
    isolate: Isolate, tmp_path: Path
) -> None:
    (tmp_path / "project" / "r.json").write_text('{"loss": 1}')
    done = isolate("pass\n", after={"TF_ACTS": "1"}, result="r.json:loss")
    assert done.returncode == 3
    assert "without writing r.json, which was there" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("uv", "run", "python", "job.py"), ["`uv`", "write `python job.py`"]),
        (("conda", "run", "-n", "x", "python", "job.py"), ["`conda`", "`python job.py`"]),
        (("poetry", "run", "job.py"), ["`poetry`", "`python job.py`"]),
        (("/usr/bin/python3", "job.py", "--x"), ["/usr/bin/python3", "`python job.py --x`"]),
        (("no-such-program",), ["no such command"]),
    ],
    ids=" ".join,
)
def test_a_command_with_an_environment_of_its_own_is_refused(
    isolate: Isolate, command: tuple[str, ...], words: list[str]
) -> None:
    done = isolate(job("1"), after={"TF_ACTS": "1"}, command=command)
    assert_one_line_and_exit_2_at_end(done, *words)


def assert_one_line_and_exit_2_at_end(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--result", "stdout:("], ["not a regular expression"]),
        (["--result", "r.json:"], ["no key"]),
        (["--result", "x", "--repeat", "1"], ["--repeat 1"]),
        (["--result", "x", "--tolerance", "-1"], ["0 or more"]),
        ([], ["--result"]),
    ],
)
def test_wrong_usage_is_one_line(tmp_path: Path, options: list[str], words: list[str]) -> None:
    done = call("isolate", "now", "now", *options, "--", "python", "x.py", cwd=tmp_path)
    assert_one_line_and_exit_2(done, *words)


def test_without_a_command_it_says_how_to_write_one(tmp_path: Path) -> None:
    done = call("isolate", "now", "now", "--result", "x", cwd=tmp_path)
    assert_one_line_and_exit_2(done, "-- python train.py")


def test_a_tolerance_decides_whether_two_results_differ(isolate: Isolate) -> None:
    text = job("1 + 1e-9 * is_set('TF_NOISE') + is_set('TF_ACTS')")
    after = {"TF_NOISE": "1", "TF_ACTS": "1"}
    done = isolate(text, "--tolerance", "1e-6", "--format", "json", after=after)
    assert answer_of(done).needed == ["TF_ACTS"]


def test_results_too_near_for_the_tolerance_are_refused(isolate: Isolate) -> None:
    done = isolate(job("1 + is_set('TF_ACTS')"), "--tolerance", "0.5", after={"TF_ACTS": "1"})
    assert done.returncode == 3
    assert "too near for a tolerance" in " ".join(done.stdout.split())


def test_a_limit_of_runs_ends_the_search_with_the_best_set_so_far(isolate: Isolate) -> None:
    expression = "1 + is_set('TF_UNUSED_37')"
    after = {**MANY, "TF_UNUSED_37": "1"}
    done = isolate(job(expression), "--max-runs", "12", after=after)
    assert done.returncode == 3
    assert done.stdout.startswith("NOT FINISHED")


def test_the_affinity_is_a_switch(isolate: Isolate) -> None:
    cpus = len(os.sched_getaffinity(0))
    if cpus < 2:
        pytest.skip("needs two processors")
    done = isolate(job("len(os.sched_getaffinity(0))"), after={"TF_NOT": "1"})
    assert done.returncode == 1  # nothing of the two acts


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whatever_ends_envprint_no_process_is_left(tmp_path: Path, number: signal.Signals) -> None:
    mark = f"31{os.getpid()}"
    (tmp_path / "job.py").write_text(
        f"import subprocess, time\nsubprocess.Popen(['sleep', '{mark}'], start_new_session=True)\n"
        f"open({str(tmp_path / 'started')!r}, 'w')\ntime.sleep(600)\n"
    )
    kept = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = call("capture", "-o", tmp_path / "b.json", env={"TF_A": "1"}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    words = ["isolate", "b.json", "--result", "stdout:x", "--", "python", "job.py"]
    process = subprocess.Popen(
        [sys.executable, "-m", "envprint", *words],
        cwd=tmp_path, env=kept, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for((tmp_path / "started").exists)
    finally:
        process.send_signal(number)
        process.wait()
    wait_for(lambda: not running(mark))


def wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 30 s")


def running(argument: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if argument.encode() in words:
            found.append(path.parent.name)
    return found


def test_a_finished_search_is_kept_shown_by_log_and_cited_by_diff(
    isolate: Isolate, tmp_path: Path
) -> None:
    after = {"TF_ACTS": "1"}
    assert isolate(job("1 + is_set('TF_ACTS')"), after=after).returncode == 0
    place, kept = tmp_path / "project", {"XDG_CONFIG_HOME": str(tmp_path)}
    listed = call("log", env=kept, cwd=place)
    assert "isolate" in listed.stdout
    assert "found: TF_ACTS unset → 1" in listed.stdout
    row = json.loads(call("log", "--format", "json", env=kept, cwd=place).stdout)[0]
    assert (row["kind"], row["cause"]) == ("isolate", ["TF_ACTS unset → 1"])
    baseline = tmp_path / "baseline.json"
    compared = call("diff", baseline, "now", env={**kept, **after}, cwd=place)
    assert "isolated  TF_ACTS unset → 1 (found by running python, " in compared.stdout
    as_json = call("diff", baseline, "now", "--format", "json", env={**kept, **after}, cwd=place)
    assert "found by running" in as_json.stderr
    other = call("diff", baseline, "now", env={**kept, "TF_ACTS": "2"}, cwd=place)
    assert "isolated" not in other.stdout + other.stderr


def test_what_was_run_before_is_remembered_as_long_as_nothing_has_changed(
    isolate: Isolate,
) -> None:
    text, after = job("1 + is_set('TF_UNUSED_9')"), {**MANY, "TF_UNUSED_9": "1"}
    cut = isolate(text, "--max-runs", "11", after=after)
    assert cut.returncode == 3
    again = isolate(text, after=after)
    assert again.returncode == 0
    assert again.stderr.count("(remembered)") == 5
    other = isolate(text + "# another job\n", after=after)
    assert "(remembered)" not in other.stderr


def test_a_trial_that_did_not_run_is_not_remembered(isolate: Isolate, tmp_path: Path) -> None:
    text = (
        "import os\nassert (os.environ.get('TF_A') == '1') == (os.environ.get('TF_B') == '1')\n"
        "print('loss', os.environ.get('TF_A'))\n"
    )
    done = isolate(text, after={"TF_A": "1", "TF_B": "1", "TF_C": "1"})
    assert done.returncode == 0, done.stderr
    assert "did not run" in done.stderr
    kept = list((tmp_path / "cache" / "envprint" / "isolate" / "trials").iterdir())
    assert all("did not" not in path.read_text() for path in kept)


def test_what_a_killed_search_has_left_is_removed_by_the_next(
    isolate: Isolate, tmp_path: Path
) -> None:
    left = tmp_path / "cache" / "envprint" / "isolate" / "work" / "dead"
    left.mkdir(parents=True)
    (left / "lock").touch()
    isolate(job("1"), after={"TF_A": "1"})
    assert not left.exists()


def test_a_measured_pair_has_the_form_of_the_benchmarks(isolate: Isolate, tmp_path: Path) -> None:
    place = tmp_path / "pairs"
    after = {"OMP_NUM_THREADS": "1", "TF_NOT": "1"}
    text = job("1 + 1e-9 * (os.environ.get('OMP_NUM_THREADS') == '1')")
    done = isolate(text, "--pair", place, before={"OMP_NUM_THREADS": "2"}, after=after)
    assert done.returncode == 0, done.stderr
    [path] = place.glob("*.jsonl")
    row = json.loads(path.read_text())
    assert pair._pair("train", row).measured == "numeric"
    assert row["before"]["env"] == {"OMP_NUM_THREADS": "2"}
    assert row["after"]["env"] == {"OMP_NUM_THREADS": "1"}
    assert (place / "requirements" / row["before"]["requirements"]).exists()
    assert row["job"] == "job"


def test_the_document_has_the_published_form(isolate: Isolate) -> None:
    text, after = job("1 + is_set('TF_ACTS')"), {"TF_ACTS": "1", "TF_NOT": "1"}
    found = document_of(isolate(text, "--format", "json", after=after))
    assert found["outcome"] == "found"
    assert found["repeats"] == {"before": True, "after": True}
    assert found["result"]["kind"] == "stdout"
    acts = {"switch": "variable", "name": "TF_ACTS"}
    assert found["needed"] == [{**acts, "before": None, "after": "1"}]
    assert found["fix"] == [{**acts, "commands": ["unset TF_ACTS"]}]
    assert found["not_needed"] == [{"switch": "variable", "name": "TF_NOT"}]
    assert (found["not_switchable"], found["unresolved"]) == ([], [])
    assert found["trials"] == len(found["steps"])


@pytest.mark.parametrize("expression", ["1 + is_set('TF_ACTS')", "1", "os.urandom(4).hex()"])
def test_each_document_satisfies_the_published_schema(
    isolate: Isolate, tmp_path: Path, expression: str
) -> None:
    done = isolate(job(expression), "--format", "json", after={"TF_ACTS": "1", "TF_NOT": "1"})
    found = tmp_path / "isolation.json"
    found.write_text(done.stdout)
    checked = call("validate", found)
    assert (checked.returncode, checked.stdout) == (0, f"{found}: valid\n")
    found.write_text(json.dumps({**document_of(done), "needed": [{"name": 7}], "trials": "4"}))
    refused = call("validate", found)
    assert refused.returncode == 2
    for fault in ("needed.0: 'switch' is", "needed.0.name: 7 is not", "trials: '4' is not"):
        assert fault in refused.stderr


@pytest.mark.parametrize("number", ["'nan'", "1e999"])
def test_a_loss_that_is_no_number_any_more_is_infinitely_far_apart(
    isolate: Isolate, tmp_path: Path, number: str
) -> None:
    text = job(f"{number} if is_set('TF_ACTS') else 1")
    options = ("--format", "json", "--pair", tmp_path / "pairs")
    done = isolate(text, *options, before={"TF_ACTS": "0"}, after={"TF_ACTS": "1"})
    assert answer_of(done).needed == ["TF_ACTS"]
    apart = document_of(done)["apart"]
    assert (apart["absolute"], apart["relative"], apart["differing"]) == (None, None, 1)
    [path] = (tmp_path / "pairs").glob("*.jsonl")
    row = json.loads(path.read_text())
    assert (row["measured"], row["max_rel_loss_diff"]) == ("diverges", None)


@pytest.mark.parametrize(
    ("expression", "outcome", "repeats"),
    [
        ("1", "equal", {"before": True, "after": True}),
        ("os.urandom(4).hex()", "not-repeatable", {"before": False, "after": None}),
    ],
)
def test_a_search_without_an_answer_has_a_document_too(
    isolate: Isolate, expression: str, outcome: str, repeats: dict[str, bool | None]
) -> None:
    found = document_of(isolate(job(expression), "--format", "json", after={"TF_ACTS": "1"}))
    assert (found["outcome"], found["repeats"]) == (outcome, repeats)
    assert (found["needed"], found["fix"]) == ([], [])


def test_a_search_that_was_cut_short_lists_what_may_still_be_the_cause(isolate: Isolate) -> None:
    text, after = job("1 + is_set('TF_UNUSED_37')"), {**MANY, "TF_UNUSED_37": "1"}
    done = isolate(text, "--max-runs", "11", "--format", "json", after=after)
    assert done.returncode == 3
    found = document_of(done)
    assert found["outcome"] == "unresolved"
    assert {"switch": "variable", "name": "TF_UNUSED_37"} in found["unresolved"]


def test_a_document_can_neither_load_code_nor_choose_a_program(
    isolate: Isolate, tmp_path: Path
) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "sitecustomize.py").write_text("print('loss evil')\n")
    done = isolate(
        job("1 + is_set('TF_ACTS')"),
        before={"PYTHONPATH": str(tmp_path / "evil")},
        after={"TF_ACTS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "loss evil" not in done.stdout + done.stderr
    assert "PYTHONPATH: a document may not set it" in " ".join(done.stderr.split())
