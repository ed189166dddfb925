"""`capture --save` and `envprint log`, from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.documents.store import Store
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.edits import edited
from tests.builders.labelled import labelled
from tests.builders.loading import loaded_by
from tests.builders.support import fingerprint

MISSPELT = {"LD_PRELOD": "0"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / ".envprint"))


def test_a_saved_capture_prints_one_line_on_stderr_and_nothing_else(
    store: Store, tmp_path: Path
) -> None:
    done = call("capture", "--save", "monday", "--label", "L", cwd=tmp_path)
    (saved,) = store.saved()
    assert (done.returncode, done.stdout) == (0, "")
    line = f"envprint: saved as @monday in {store.place}, {saved.digest[:19]}\n"  # type: ignore[union-attr]
    assert done.stderr == line
    assert json.loads(call("log", "--format", "json", cwd=tmp_path).stdout)[0]["label"] == "L"


def test_a_saved_capture_can_be_written_as_well(store: Store, tmp_path: Path) -> None:
    assert call("capture", "--save", "a", "-o", "f.json", cwd=tmp_path).stdout == ""
    printed = call("capture", "--save", "b", "-o", "-", cwd=tmp_path).stdout
    assert store.read(store.named("a") or "") == (tmp_path / "f.json").read_bytes()
    assert store.read(store.named("b") or "") == printed.encode()


@pytest.mark.parametrize("name", ["last", "a/b", ""])
def test_a_name_that_cannot_be_is_refused_before_anything_is_captured(
    name: str, tmp_path: Path
) -> None:
    assert_one_line_and_exit_2(call("capture", "--save", name, cwd=tmp_path), "--save", "name")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_line_and_exit_2(tmp_path: Path) -> None:
    place = {"ENVPRINT_HOME": "/proc/nope"}
    done = call("capture", "--save", "monday", env=place, cwd=tmp_path)
    assert_one_line_and_exit_2(done, "cannot save in /proc/nope", "ENVPRINT_HOME")


def test_the_newest_comes_first_with_the_verdict_against_the_one_before(
    store: Store, tmp_path: Path
) -> None:
    for name, env in (("monday", {}), ("tuesday", MISSPELT), ("wednesday", MISSPELT)):
        assert call("capture", "--save", name, "--label", name, env=env, cwd=tmp_path)
    lines = call("log", cwd=tmp_path).stdout.splitlines()
    columns = ["WHEN (UTC)", "NAME", "KIND", "HOST", "PROGRAM", "LABEL", "DIGEST"]
    assert re.split("  +", lines[0]) == [*columns, "AGAINST THE PREVIOUS OF THIS HOST"]
    rows = [re.split("  +", line) for line in lines[1:]]
    assert [[row[1], row[2], row[4], row[6]] for row in rows] == [
        ["wednesday", "capture", "wednesday", "none"],
        ["tuesday", "capture", "tuesday", "none: environ-name-misspelt"],
        ["monday", "capture", "monday", "first"],
    ]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[0]) for row in rows)
    assert len({row[3] for row in rows}) == 1
    assert len({row[5] for row in rows}) == 2
    shown = json.loads(call("log", "--format", "json", cwd=tmp_path).stdout)
    assert [row["findings"] for row in shown] == [[], ["environ-name-misspelt"], []]
    assert shown[1]["against"] == shown[2]["entry"]
    assert call("log", "-n", "1", cwd=tmp_path).stdout.splitlines()[1:] == [lines[1]]


def test_the_verdict_is_the_one_that_diff_has_under_the_policy(
    store: Store, tmp_path: Path
) -> None:
    onednn = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"
    store.save(edited({"host": "debian12-cpu-vm"}), "before")
    store.save(edited({"host": "debian12-cpu-vm", "set": {onednn: "0"}}), "after")

    def verdicts(*arguments: str) -> tuple[str, str, int]:
        shown = json.loads(call("log", "--format", "json", *arguments, cwd=tmp_path).stdout)
        told = call("diff", "@before", "@after", "--format", "json", *arguments, cwd=tmp_path)
        steps = call("bisect", "@before", "@after", "--format", "json", *arguments, cwd=tmp_path)
        verdict = json.loads(told.stdout)["verdict"]["impact"]
        return shown[0]["verdict"], verdict, len(json.loads(steps.stdout))

    # TensorFlow is not installed there: only a policy says that the job uses it.
    job, rule = "frameworks = ['tensorflow']\n", "tensorflow-onednn-switched"
    for policy, verdict, steps in (
        ("", "none", 0),
        (job, "numeric", 1),
        (f"{job}[impact]\n{rule} = 'breaks'", "breaks", 1),
        (f"{job}[[ignore]]\nrule = '{rule}'\nreason = 'r'", "none", 0),
    ):
        (tmp_path / "envprint.toml").write_text(policy)
        assert verdicts() == (verdict, verdict, steps)
    (tmp_path / "another").write_text(job)
    assert verdicts("--policy", "another") == ("numeric", "numeric", 1)
    (tmp_path / "envprint.toml").write_text("fail_on = 5")
    assert_one_line_and_exit_2(call("log", cwd=tmp_path), "envprint.toml, line 1: fail_on")


def test_json_has_all_of_each_entry(store: Store, tmp_path: Path) -> None:
    saved = store.save(labelled("a"), "x", kind="run", exit_code=4)
    store.save(labelled("a"), "y")
    shown = json.loads(call("log", "--format", "json", cwd=tmp_path).stdout)
    assert shown[1] == {
        **saved._asdict(),
        "names": ["x", "y"],
        **{"host": None, "machine_id": None, "tags": {}},
        **{"verdict": "first", "against": None, "findings": [], "unjudged": []},
        **{"cause": None, "fault": None},
    }
    assert shown[0]["against"] == saved.entry
    assert [entry["verdict"] for entry in shown] == ["none", "first"]


def test_what_is_damaged_is_named_in_its_row_and_skipped(store: Store, tmp_path: Path) -> None:
    saves = [store.save(labelled(label), f"n{label}") for label in "abcd"]
    (Path(store.place) / "entries" / saves[3].entry).write_text("{")
    digest = saves[1].object.removeprefix("sha256:")
    (Path(store.place) / f"objects/{digest[:2]}/{digest}.json").write_text("{}")
    (Path(store.place) / "names/na").write_text("?")
    done = call("log", "--format", "json", cwd=tmp_path)
    shown = json.loads(done.stdout)
    assert [entry["verdict"] for entry in shown] == [None, "none", None, "first"]
    assert saves[3].entry in shown[0]["fault"]
    assert "a different digest" in shown[2]["fault"]
    assert shown[3]["names"] == []
    assert done.stderr.startswith("envprint: warning: skipped: ")
    assert "names/na: damaged" in done.stderr
    rows = call("log", cwd=tmp_path).stdout.splitlines()
    assert f"unreadable: entries/{saves[3].entry}: not valid JSON" in rows[1]
    assert f"objects/{digest[:2]}/{digest}.json: damaged" in rows[3]


def test_runs_say_how_they_ended_and_hostile_labels_do_nothing(
    store: Store, tmp_path: Path
) -> None:
    store.save(fingerprint()._replace(label="\x1b[31m" + "x" * 40), kind="run", exit_code=1)
    shown = call("log", cwd=tmp_path).stdout
    assert "run, exit 1" in shown
    assert "\x1b" not in shown
    assert "x…  " in shown


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    done = call("log", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"envprint: the store {tmp_path}/.envprint is empty; ")
    assert call("log", "--format", "json", cwd=tmp_path).stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_a_url_is_a_place_too(tmp_path: Path) -> None:
    place = {"ENVPRINT_HOME": f"local://{tmp_path}/there"}
    assert call("capture", "--save", "monday", env=place, cwd=tmp_path).returncode == 0
    assert call("check", "@monday", env=place, cwd=tmp_path).returncode == 0
    assert "monday" in call("log", env=place, cwd=tmp_path).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_whoever_names_files_loads_nothing_of_the_store(tmp_path: Path) -> None:
    ours = {
        "envprint.documents.store",
        "envprint.documents.references",
        "envprint.documents.storage",
        "fsspec",
    }
    for arguments in (("capture", "-o", "f.json"), ("diff", "f.json", "f.json")):
        assert not loaded_by("-m", "envprint", *arguments, cwd=tmp_path) & ours


def seen_on(host: str | None, label: str, name: str | None = None, **tags: str) -> Fingerprint:
    """What a machine with this id saved; it has its name only with --identify."""
    identity = {"host_name": name} if name else None
    return labelled(label)._replace(machine_id=host, identity=identity, tags=tags)


ONE, OTHER = "1" * 32, "2" * 32


def verdicts(folder: Path, *arguments: str) -> list[tuple[str | None, str | None, str | None]]:
    """Host, label, and the label of what the verdict is against."""
    shown = json.loads(call("log", "--format", "json", *arguments, cwd=folder).stdout)
    every = json.loads(call("log", "--format", "json", cwd=folder).stdout)
    labels = {row["entry"]: row["label"] for row in every}
    return [(row["host"], row["label"], labels.get(row["against"])) for row in shown]


def test_each_host_is_compared_with_itself(store: Store, tmp_path: Path) -> None:
    for host, label in ((ONE, "a"), (OTHER, "b"), (ONE, "c"), (None, "d"), (OTHER, "e")):
        store.save(seen_on(host, label))
    store.save(seen_on(None, "f"))
    assert verdicts(tmp_path) == [
        (None, "f", "d"),
        ("22222222", "e", "b"),
        (None, "d", None),
        ("11111111", "c", "a"),
        ("22222222", "b", None),
        ("11111111", "a", None),
    ]


def test_machines_that_share_a_home_are_told_apart_by_their_names(
    store: Store, tmp_path: Path
) -> None:
    for label, name in (("a", "node1"), ("b", "node2"), ("c", "node1"), ("d", None)):
        store.save(seen_on(ONE, label, name))
    assert verdicts(tmp_path) == [
        ("11111111", "d", "c"),
        ("node1", "c", "a"),
        ("node2", "b", None),
        ("node1", "a", None),
    ]


def test_a_machine_known_by_its_name_goes_on_when_it_gets_an_id(
    store: Store, tmp_path: Path
) -> None:
    store.save(seen_on(None, "a", "node1"))
    store.save(seen_on(ONE, "b", "node1"))
    assert verdicts(tmp_path)[0] == ("node1", "b", "a")


def test_the_list_is_filtered_and_the_verdicts_stay(store: Store, tmp_path: Path) -> None:
    store.save(seen_on(ONE, "run 1", "node1", queue="night"))
    store.save(seen_on(OTHER, "run 2", queue="day", user="x"))
    store.save(seen_on(ONE, "other", "node1", queue="day"))
    for arguments, labels in (
        (("--label", "run 1"), ["run 1"]),
        (("--label", "run*"), ["run 2", "run 1"]),
        (("--tag", "queue=day"), ["other", "run 2"]),
        (("--tag", "queue=day", "--tag", "user=x"), ["run 2"]),
        (("--host", "node1"), ["other", "run 1"]),
        (("--host", "11111111"), ["other", "run 1"]),
        (("--host", OTHER), ["run 2"]),
        (("--host", "node1", "-n", "1"), ["other"]),
        (("--host", "node1", "--label", "run*"), ["run 1"]),
    ):
        shown = verdicts(tmp_path, *arguments)
        assert [label for _, label, _ in shown] == labels, arguments
    assert verdicts(tmp_path, "--label", "other")[0][2] == "run 1"


def test_a_filter_that_nothing_passes_says_so(store: Store, tmp_path: Path) -> None:
    saved = store.save(seen_on(ONE, "a"))
    done = call("log", "--host", "nobody", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "has this label, tag or host" in done.stderr
    assert_one_line_and_exit_2(call("log", "--tag", "queue", cwd=tmp_path), "KEY=VALUE")
    (Path(store.place) / "entries" / saved.entry).write_text("{")
    assert call("log", "--label", "*", cwd=tmp_path).stdout == ""


def test_the_row_of_the_last_good_and_of_a_promotion_say_so(store: Store, tmp_path: Path) -> None:
    store.save(seen_on(ONE, "a"), kind="run", exit_code=0, program="python", good=True)
    saved = store.save(seen_on(ONE, "b"), kind="run", exit_code=0, program="ls", good=False)
    rows = [re.split("  +", line) for line in call("log", cwd=tmp_path).stdout.splitlines()]
    assert rows[2][1:6] == ["last-good", "run, exit 0", "11111111", "python", "a"]
    assert rows[1][1:5] == ["run, exit 0", "11111111", "ls", "b"]
    store.promote(saved.object, seen_on(ONE, "b"))
    shown = json.loads(call("log", "--format", "json", cwd=tmp_path).stdout)
    assert [(row["kind"], row["names"], row["verdict"]) for row in shown] == [
        ("promote", ["last-good"], None),
        ("run", [], "none"),
        ("run", [], "first"),
    ]


def test_a_hostile_id_is_shown_without_its_controls(store: Store, tmp_path: Path) -> None:
    store.save(seen_on("\x1b[31m\n" * 9, "a", "\x1b]0;x\x07"))
    shown = call("log", cwd=tmp_path).stdout
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2
