"""`envprint bisect`: between which two records each difference came."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import Workload
from envprint.documents.store import Store
from envprint.judging.bisect import narrow
from envprint.judging.policy.model import Policy
from tests.builders.edits import edited
from tests.builders.judged import judge_drift

ONEDNN = {"facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]": "0"}
THREADS = {"facts.cpu.usable_threads": 1}
JOB = Workload(("tensorflow",), "cpu", "x86_64")


def record(day: int, **changes: Any) -> Fingerprint:
    return edited(
        {
            "host": "debian12-cpu-vm",
            "label": f"day {day}",
            "captured_at": f"2026-11-{day:02}T12:00:00Z",
            "set": changes,
        }
    )


def judge(before: Fingerprint, after: Fingerprint) -> Any:
    return judge_drift(before, after, JOB, Policy())


def told(*records: Fingerprint) -> list[tuple[str, str | None, str | None, bool]]:
    first, *between, last = records
    return [
        (step.finding.rule, step.before.label, step.after.label, step.is_steady)
        for step in narrow(first, between, last, judge)
    ]


SWITCHED, FEWER = "tensorflow-onednn-switched", "cpu-usable-threads-changed"


def test_each_finding_is_told_with_the_records_around_its_coming() -> None:
    line = (
        record(1),
        record(2),
        record(3, **ONEDNN),
        record(4, **ONEDNN),
        record(5, **ONEDNN, **THREADS),
    )
    assert told(*line) == [
        (SWITCHED, "day 2", "day 3", True),
        (FEWER, "day 4", "day 5", True),
    ]


def test_without_a_record_between_it_came_between_the_two() -> None:
    assert told(record(1), record(2, **ONEDNN)) == [(SWITCHED, "day 1", "day 2", True)]


def test_what_comes_and_goes_is_told_as_such() -> None:
    line = record(1), record(2, **ONEDNN), record(3), record(4, **ONEDNN)
    assert told(*line) == [(SWITCHED, "day 3", "day 4", False)]


COMMIT = {"facts.code.commit": "7d8e9f0a" + "0" * 32}


def test_other_code_is_a_candidate_like_any_finding() -> None:
    line = record(1), record(2, **COMMIT), record(3, **COMMIT, **ONEDNN)
    assert told(*line) == [
        ("code-changed", "day 1", "day 2", True),
        (SWITCHED, "day 2", "day 3", True),
    ]
    assert told(record(1), record(2, **COMMIT), record(3)) == []


TRANSFORMERS = "facts.packages.distributions[transformers].version"


def test_a_step_that_nobody_has_judged_is_a_candidate_like_any_finding(tmp_path: Path) -> None:
    old, new = {TRANSFORMERS: "4.46.1"}, {TRANSFORMERS: "4.46.2"}
    line = record(1, **old), record(2, **old), record(3, **new), record(4, **new, **ONEDNN)
    (step, other) = narrow(line[0], line[1:3], line[3], judge)
    assert step.finding.message == "transformers 4.46.1 → 4.46.2"
    assert (step.before.label, step.after.label, step.is_steady) == ("day 2", "day 3", True)
    assert other.finding.message.startswith("TF_ENABLE_ONEDNN_OPTS")
    store = Store(str(tmp_path / "store"))
    for name, one in zip(("good", "", "bad"), line[:3], strict=True):
        store.save(one, name or None)
    done = call(tmp_path, "@good", "@bad")
    said = " ".join(done.stdout.split())
    assert "nothing that is known" not in said
    assert "not transformers 4.46.1 → 4.46.2 (trains) judged nobody has measured" in said
    assert "appeared between day 2" in said
    (as_json,) = json.loads(call(tmp_path, "@good", "@bad", "--format", "json").stdout)
    assert (as_json["rule"], as_json["impact"]) == ("not-judged", None)


def test_records_that_no_rule_could_be_applied_to_are_not_said_to_be_alike(tmp_path: Path) -> None:
    none = dict.fromkeys(("facts.frameworks.numpy", "facts.frameworks.tensorflow"))
    store = Store(str(tmp_path / "store"))
    for day, name in ((1, "good"), (2, "bad")):
        store.save(record(day, **none), name)
    done = call(tmp_path, "@good", "@bad")
    assert "NOT CHECKED no framework in /opt/training" in done.stdout
    assert "found" not in done.stdout
    done = call(tmp_path, "@good", "@bad", "--format", "json")
    assert json.loads(done.stdout) == []
    assert done.stderr.startswith("envprint: warning: not checked: no framework in")


def test_code_with_other_changes_of_one_commit_is_a_candidate() -> None:
    other = {"facts.code.diff_digest": "sha256:1"}
    assert told(record(1), record(2), record(3, **other)) == [
        ("code-changed", "day 2", "day 3", True)
    ]


def test_what_came_and_went_again_and_what_never_differs_is_not_told() -> None:
    assert told(record(1), record(2, **ONEDNN), record(3)) == []
    assert told(record(1), record(2), record(3)) == []


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "ENVPRINT_HOME": str(folder / "store")}
    command = [sys.executable, "-m", "envprint", "bisect", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four days of saves, one of them twice."""
    found = Store(str(tmp_path / "store"))
    found.save(record(1), "good")
    for day in (2, 2):
        found.save(record(day))
    found.save(record(3, **ONEDNN))
    found.save(record(4, **ONEDNN), "bad")
    return found


def test_the_verb_reads_the_store(store: Store, tmp_path: Path) -> None:
    done = call(tmp_path, "@good", "@bad", "--framework", "tensorflow", "--device", "cpu")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("records   2 records between the good and the bad one\n")
    text = "appeared between day 2, 2026-11-02 12:00:00 ("
    assert text in " ".join(done.stdout.split())
    as_json = call(tmp_path, "@good", "@bad", "--framework", "tensorflow", "--format", "json")
    (step,) = json.loads(as_json.stdout)
    assert (step["rule"], step["before"]["label"], step["after"]["label"]) == (
        SWITCHED,
        "day 2",
        "day 3",
    )


def test_the_two_sides_are_named_as_the_user_named_them(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.save(record(1), "good")
    store.save(record(2, **COMMIT), "bad")  # of one digest: code is no part of it
    said = " ".join(call(tmp_path, "@good", "@bad").stdout.split())
    assert "appeared between @good, 2026-11-01 12:00:00 (" in said
    assert ") and @bad, 2026-11-02 12:00:00 (" in said


def test_a_damaged_save_is_named_and_skipped(store: Store, tmp_path: Path) -> None:
    (bad,) = [s for s in store.saved() if getattr(s, "label", None) == "day 3"]
    digest = bad.object.removeprefix("sha256:")  # type: ignore[union-attr]
    (tmp_path / "store" / "objects" / digest[:2] / f"{digest}.json").write_text("{}")
    done = call(tmp_path, "@good", "@bad", "--framework", "tensorflow", "--device", "cpu")
    assert done.returncode == 0
    assert "skipped" in done.stderr
    assert "between day 2" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("@bad", "@good"), "bisect: @bad is later than @good: put the good one first"),
        (("@good", "@nobody"), "@nobody"),
        (("@good",), "bisect: the following arguments are required: BAD"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    arguments: tuple[str, ...], text: str, store: Store, tmp_path: Path
) -> None:
    done = call(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert done.stderr.count("\n") == 1
