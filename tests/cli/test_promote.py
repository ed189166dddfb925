"""`envprint promote`: what `@last-good` or another name means, chosen by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envprint.documents.codec import dumps, loads
from envprint.documents.inputs import take
from envprint.documents.store import Store
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.labelled import labelled


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("ENVPRINT_HOME", str(tmp_path / ".envprint"))
    return Store()


def label_of(reference: str) -> str | None:
    return loads(take(reference).content, reference).label


def test_a_saved_record_becomes_the_last_good_and_both_are_named(
    store: Store, tmp_path: Path
) -> None:
    store.save(labelled("a"), "monday")
    saved = store.save(labelled("b"), kind="run", exit_code=1, program="sh", good=False)
    first = call("promote", "@monday", cwd=tmp_path)
    assert (first.returncode, first.stdout, label_of("@last-good")) == (0, "", "a")
    assert first.stderr == (
        "envprint: @last-good is now @monday, a, captured 2026-11-21 12:00:00 UTC, "
        f"{labelled('a').digest[:19]} (there was none) in {store.place}\n"
    )
    second = call("promote", saved.digest[7:19], cwd=tmp_path)
    assert (second.returncode, label_of("@last-good")) == (0, "b")
    assert "(was: a record promoted by hand, 20" in second.stderr
    assert len(list(store.saved())) == 4


def test_another_name_is_moved_and_last_good_stays(store: Store, tmp_path: Path) -> None:
    store.save(labelled("good"), kind="run", exit_code=0, good=True)
    for label in "ab":
        store.save(labelled(label), "tuesday" if label == "a" else None)
    for name in ("monday", "@tuesday"):
        done = call("promote", "@last", name, cwd=tmp_path)
        assert done.returncode == 0
        assert label_of(f"@{name.removeprefix('@')}") == "b"
        assert f"envprint: @{name.removeprefix('@')} is now @last, b, " in done.stderr
    assert "(was: sha256:" in done.stderr
    assert label_of("@last-good") == "good"


def test_what_is_in_no_store_is_saved_as_it_is(store: Store, tmp_path: Path) -> None:
    foreign = json.loads(dumps(labelled("file")))
    foreign["mood"] = "good"
    (tmp_path / "f.json").write_text(json.dumps(foreign))
    done = call("promote", "f.json", cwd=tmp_path)
    assert done.returncode == 0
    assert take("@last-good").content == take("@last").content == (tmp_path / "f.json").read_bytes()
    assert call("promote", "f.json", "x", cwd=tmp_path).returncode == 0
    kinds = [saved.kind for saved in store.saved()]  # type: ignore[union-attr]
    assert kinds == ["promote", "capture"]


def test_this_machine_now_can_be_promoted(store: Store, tmp_path: Path) -> None:
    done = call("promote", "now", cwd=tmp_path)
    assert done.returncode == 0
    assert "@last-good is now this machine, captured " in done.stderr
    assert call("check", "@last-good", cwd=tmp_path).returncode == 0


def test_what_is_damaged_in_the_store_is_healed_from_the_file(store: Store, tmp_path: Path) -> None:
    saved = store.save(labelled("a"))
    (tmp_path / "f.json").write_bytes(store.read(saved.object))
    (document,) = Path(store.place).glob("objects/*/*.json")
    document.write_text("{}")
    assert call("promote", "f.json", cwd=tmp_path).returncode == 0
    assert label_of("@last-good") == "a"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["@nobody"], ["@nobody: nothing is saved under this name"]),
        (["nothing.json"], ["nothing.json: no such file"]),
        (["broken.json"], ["broken.json: not valid JSON"]),
        (["@monday", "last"], ["the name 'last' has a special meaning"]),
        (["@monday", "../x"], ["cannot be a name"]),
        (["@last-good"], ["@last-good: no good run is saved"]),
        ([], ["REF"]),
    ],
)
def test_what_cannot_be_promoted_is_one_line_and_changes_nothing(
    arguments: list[str], words: list[str], store: Store, tmp_path: Path
) -> None:
    store.save(labelled("a"), "monday")
    (tmp_path / "broken.json").write_text("{")
    before = sorted(Path(store.place).rglob("*"))
    assert_one_line_and_exit_2(call("promote", *arguments, cwd=tmp_path), *words)
    assert sorted(Path(store.place).rglob("*")) == before


def test_a_store_that_cannot_be_written_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(dumps(labelled("a")))
    done = call("promote", "f.json", cwd=tmp_path, env={"ENVPRINT_HOME": "/proc/nope"})
    assert_one_line_and_exit_2(done, "cannot save in /proc/nope")
