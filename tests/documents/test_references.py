"""What each form of a reference means, and what is said where it leads to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import envprint
from envprint.core.errors import DocumentError, StoreError
from envprint.documents.codec import dumps, loads
from envprint.documents.inputs import take
from envprint.documents.references import resolve
from envprint.documents.store import Saved, Store
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.environments import put_framework
from tests.builders.labelled import labelled
from tests.builders.support import fingerprint


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The project's store, in an empty working directory."""
    monkeypatch.setenv("ENVPRINT_HOME", str(tmp_path / "store"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Store()


def label_of(reference: str) -> str | None:
    """The label of what `reference` leads to, by the way that every verb goes."""
    found = take(reference)
    assert found.name == reference
    return loads(found.content, found.name).label


def damage(store: Store, saved: Saved) -> None:
    digest = saved.object.removeprefix("sha256:")
    (Path(store.place) / f"objects/{digest[:2]}/{digest}.json").write_text("{}")


def test_a_name_the_last_and_those_before_it(store: Store) -> None:
    for label in "abcd":
        store.save(labelled(label), f"name-{label}")
    assert label_of("@name-b") == "b"
    assert [label_of(f"@~{back}") for back in range(4)] == ["d", "c", "b", "a"]
    assert label_of("@last") == "d"


def test_the_last_good_is_the_last_run_that_ended_with_0(store: Store) -> None:
    store.save(labelled("a"), kind="run", exit_code=0)
    store.save(labelled("b"), kind="run", exit_code=0)
    store.save(labelled("c"), kind="run", exit_code=1)
    store.save(labelled("d"))
    assert label_of("@last-good") == "b"
    assert label_of("@last") == "d"


@pytest.mark.parametrize("digits", [6, 12, 64])
@pytest.mark.parametrize("before", ["", "sha256:"])
def test_the_beginning_of_either_digest(digits: int, before: str, store: Store) -> None:
    store.save(labelled("a"))
    saved = store.save(labelled("b"))
    store.save(labelled("c"))
    for digest in (saved.object, saved.digest):
        assert label_of(before + digest.removeprefix("sha256:")[:digits]) == "b"


def test_fewer_than_six_digits_are_the_name_of_a_file(store: Store) -> None:
    saved = store.save(labelled("a"))
    with pytest.raises(DocumentError, match="no such file or directory"):
        take(saved.object.removeprefix("sha256:")[:5])


def test_a_file_wins_over_a_digest_and_a_path_over_a_name(store: Store) -> None:
    saved = store.save(labelled("saved"), "monday")
    digits = saved.object.removeprefix("sha256:")[:8]
    for name in (digits, "@monday"):
        Path(name).write_text(dumps(labelled("file")))
    assert label_of(digits) == "file"
    assert label_of(f"sha256:{digits}") == "saved"
    assert label_of("@monday") == "saved"
    assert label_of("./@monday") == "file"


def test_one_environment_saved_often_has_one_digest_and_the_newest_stands_for_it(
    store: Store,
) -> None:
    for label in "abc":
        saved = store.save(fingerprint({"facts.os.kernel_release": "6.1"})._replace(label=label))
    assert label_of(saved.digest) == "c"
    damage(store, saved)
    found = take(saved.digest)
    assert loads(found.content, "x").label == "b"
    assert len(found.skipped) == 1


def test_an_ambiguous_beginning_names_the_candidates(store: Store) -> None:
    first = fingerprint({"facts.os.kernel_release": "1"})._replace(digest=f"sha256:{'a' * 64}")
    second = first._replace(digest=f"sha256:aaaaaaab{'a' * 56}")
    store.save(first)
    store.save(second)
    with pytest.raises(
        StoreError, match=r"2 digests in .* start with it: sha256:a{12,}, sha256:a{7}ba+"
    ):
        take("aaaaaa")
    assert take("a" * 9).content == dumps(first).encode()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("@mondey", "@mondey: nothing is saved under this name in {place}; did you mean @monday?"),
        (
            "@last-godo",
            "@last-godo: nothing is saved under this name in {place}; did you mean @last-good?",
        ),
        ("@xyz", "@xyz: nothing is saved under this name in {place}; `envprint log` lists what is"),
        ("@", "@: nothing is saved under this name in {place}; `envprint log` lists what is"),
        (
            "@../entries",
            "@../entries: nothing is saved under this name in {place}; `envprint log` lists what "
            "is",
        ),
        (
            "@~1",
            "@~1: only 1 fingerprint saved in {place}; `envprint log` lists what is",
        ),
        ("@~", "@~: expected a number after @~, such as @~2"),
        ("@~-1", "@~-1: expected a number after @~, such as @~2"),
        ("@~" + "9" * 5000, "expected a number after @~, such as @~2"),
        (
            "@last-good",
            "@last-good: no good run is saved in {place}; `envprint run` saves one, "
            "`envprint promote REF` chooses one",
        ),
        (
            "0123abc",
            "0123abc: no such file, and no digest in {place} starts with it; `envprint log` lists "
            "what is",
        ),
    ],
)
def test_what_leads_to_nothing_says_what_was_looked_for_and_where(
    reference: str, message: str, store: Store
) -> None:
    store.save(labelled("a"), "monday")
    with pytest.raises(StoreError) as caught:
        take(reference)
    assert str(caught.value).endswith(message.format(place=store.place))


def test_in_an_empty_store_one_learns_how_to_save(store: Store) -> None:
    for reference in ("@last", "@~3", "@monday"):
        with pytest.raises(StoreError, match="`envprint capture --save NAME` saves something"):
            take(reference)
    assert not Path(store.place).exists()


def test_what_is_damaged_does_not_count_and_is_named(store: Store) -> None:
    store.save(labelled("a"))
    damaged = store.save(labelled("b"), "monday")
    broken = store.save(labelled("c"))
    (Path(store.place) / "entries" / broken.entry).write_text("{")
    damage(store, damaged)
    found = take("@last")
    assert loads(found.content, "x").label == "a"
    assert [broken.entry in found.skipped[0], damaged.object[7:] in found.skipped[1]] == [True] * 2
    with pytest.raises(StoreError, match="damaged, its content has a different digest"):
        take("@monday")
    with pytest.raises(StoreError, match=r"only 1 fingerprint saved in .* \(2 damaged, "):
        take("@~1")


def test_where_nothing_can_be_read_the_damage_is_told(store: Store) -> None:
    damage(store, store.save(labelled("a")))
    with pytest.raises(StoreError, match=r"@last: nothing .*\(1 damaged, .*a different digest\)"):
        resolve("@last", store)


def test_python_takes_references_and_warns_of_damage(store: Store) -> None:
    store.save(labelled("a"), "monday")
    assert envprint.load("@monday").label == "a"
    assert envprint.diff("@monday", "@last").findings == ()
    damage(store, store.save(labelled("b")))
    with pytest.warns(UserWarning, match=r"skipped: .*a different digest"):
        assert envprint.load("@last").label == "a"
    with pytest.raises(envprint.EnvprintError, match="@nope: nothing is saved under this name"):
        envprint.check("@nope")


def test_every_verb_that_takes_a_file_takes_a_reference(tmp_path: Path) -> None:
    assert call("capture", "--save", "monday", cwd=tmp_path).returncode == 0
    for arguments in (
        ["diff", "@monday", "@last"],
        ["diff", "@~0", "now"],
        ["check", "@monday"],
        ["show", "@monday"],
        ["validate", "@monday", "@last"],
    ):
        done = call(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), arguments
    for arguments in (
        ["diff", "@nope", "now"],
        ["diff", "@monday", "@nope"],
        ["check", "@nope"],
        ["show", "@nope"],
        ["validate", "@nope"],
    ):
        assert_one_line_and_exit_2(
            call(*arguments, cwd=tmp_path), "@nope: nothing is saved under this name"
        )


def test_every_verb_that_takes_a_file_takes_this_machine_now(tmp_path: Path) -> None:
    (tmp_path / "now").write_text("a file of this name is ./now")
    # Something to check for, whatever is installed here.
    installed = {"PYTHONPATH": str(put_framework(tmp_path / "installed", "numpy"))}
    assert call("capture", "--save", "monday", cwd=tmp_path, env=installed).returncode == 0
    for arguments in (
        ["diff", "now", "@monday"],
        ["diff", "now", "now"],
        ["check", "now"],
        ["show", "now"],
        ["bisect", "@monday", "now"],
        ["validate", "now", "@monday"],
        ["run", "--baseline", "now", "--", "false"],
    ):
        done = call(*arguments, cwd=tmp_path, env=installed)
        assert (done.returncode, done.stderr) == (arguments[-1] == "false", ""), arguments
    assert_one_line_and_exit_2(call("show", "./now", cwd=tmp_path), "./now: not valid JSON")


def test_the_functions_take_this_process_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert envprint.load("now").captured_via == "python"
    assert envprint.diff("now", "now").findings == ()
    with pytest.raises(envprint.EnvprintError, match="now: no such file"):
        envprint.load(Path("now"))


def test_damage_on_the_way_is_a_warning(tmp_path: Path) -> None:
    store = Store(str(tmp_path / ".envprint"))
    assert call("capture", "--save", "monday", cwd=tmp_path).returncode == 0
    (Path(store.place) / "entries/20991231T235959.000000000Z-x.json").write_text("{")
    done = call("check", "@last", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith(f"envprint: warning: skipped: {store.place}: entries/2099")
