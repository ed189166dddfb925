"""What `@last-good` means in a store: good runs, promotions, old entries, damage, other clocks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import envprint
from envprint.core.errors import NothingYetError, StoreError
from envprint.documents.codec import loads
from envprint.documents.references import good_ones, resolve
from envprint.documents.store import PROMOTION, Saved, Store
from tests.builders.labelled import labelled

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["{path}", "memory://{path}", "local://{path}"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store on each kind of storage."""
    return Store(request.param.format(path=tmp_path / "store"))


def run(store: Store, label: str, *, good: bool | None = True, exit_code: int = 0) -> Saved:
    return store.save(labelled(label), kind="run", exit_code=exit_code, program="sh", good=good)


def promote(store: Store, label: str) -> Saved:
    return store.promote(store.save(labelled(label)).object, labelled(label))


def last_good(store: Store) -> str | None:
    found = resolve("@last-good", store)
    assert found.caveat is None
    return loads(found.content, found.name).label


def test_a_promotion_wins_over_older_runs_and_loses_to_later_good_ones(store: Store) -> None:
    run(store, "a")
    run(store, "b")
    promote(store, "hand")
    assert last_good(store) == "hand"
    run(store, "c", good=False)
    run(store, "d", exit_code=1)
    assert last_good(store) == "hand"
    run(store, "e")
    assert last_good(store) == "e"
    promote(store, "a")
    promote(store, "b")
    assert last_good(store) == "b"
    assert [saved.label for saved in good_ones(store)] == ["b", "a", "e", "hand", "b", "a"]


def test_a_promotion_is_no_save_that_is_counted(store: Store) -> None:
    run(store, "a")
    run(store, "b")
    store.promote(store.save(labelled("a")).object, labelled("a"))
    labels = [loads(resolve(f"@~{n}", store).content, "x").label for n in range(3)]
    assert labels == ["a", "b", "a"]
    with pytest.raises(StoreError, match="only 3 fingerprints saved"):
        resolve("@~3", store)


def test_a_run_that_says_it_is_good_but_failed_is_not(store: Store) -> None:
    run(store, "a", exit_code=1, good=True)
    store.save(labelled("b"), kind="capture", good=True)
    with pytest.raises(NothingYetError):
        resolve("@last-good", store)


def test_what_another_store_lacks_is_damage_and_not_a_first_run(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    saved = promote(store, "a")
    digest = saved.object.removeprefix("sha256:")
    (tmp_path / f"objects/{digest[:2]}/{digest}.json").unlink()
    with pytest.raises(StoreError, match=r"no good run is saved .*\(1 damaged, ") as caught:
        resolve("@last-good", store)
    assert not isinstance(caught.value, NothingYetError)
    run(store, "b")
    assert last_good(store) == "b"


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"schema_version": "1.1", "object": "x"}', '{"good": "yes"}']
)
def test_a_damaged_entry_is_passed_over_and_named(content: str, tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    run(store, "a")
    (tmp_path / "entries/20991231T235959.000000000Z-x.json").write_text(content)
    found = resolve("@last-good", store)
    assert loads(found.content, "x").label == "a"
    assert ["entries/20991231T2" in text for text in found.skipped] == [True]
    # What is saved next still comes after it.
    run(store, "b")
    assert last_good(store) == "b"


def test_a_run_of_version_1_0_counts_and_is_not_known_to_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVPRINT_HOME", str(tmp_path))
    store = Store()
    saved = run(store, "old")
    path = tmp_path / "entries" / saved.entry
    entry = json.loads(path.read_text())
    for key in ("program", "good", "reason"):
        del entry[key]
    path.write_text(json.dumps({**entry, "schema_version": "1.0"}))
    with pytest.warns(UserWarning, match=r"@last-good is the run of 20.*, not known to be checked"):
        assert envprint.load("@last-good").label == "old"
    run(store, "new")
    assert last_good(store) == "new"


def test_the_clocks_of_several_machines_do_not_decide_which_is_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = 1_764_000_000 * 10**9
    for seconds, label in ((3600, "a"), (0, "b"), (-86400, "c"), (7200, "d"), (1, "e")):
        monkeypatch.setattr("time.time_ns", lambda s=seconds: start + s * 10**9)
        run(store, label)
        assert last_good(store) == label
    promote(store, "hand")
    assert last_good(store) == "hand"
    entries = [saved.entry for saved in store.saved()]
    assert entries == sorted(entries, reverse=True)


def test_a_storage_that_cannot_be_listed_takes_a_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied")

    store = Store(str(tmp_path))
    monkeypatch.setattr(store._folder, "names", refuse)
    saved = run(store, "a")
    monkeypatch.undo()
    assert list(store.saved()) == [saved]


def test_promotions_and_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each is a process; all wait for their standard input to end, and so begin together."""
    code = (
        "import sys\n"
        "from envprint.documents.store import Store\n"
        "from tests.builders.labelled import labelled\n"
        "store, label = Store(sys.argv[1]), sys.argv[2]\n"
        "one = labelled(label)\n"
        "sys.stdin.read()\n"
        "saved = store.save(one, kind='run', exit_code=0, program='sh', good=True)\n"
        "if int(label) % 2: store.promote(saved.object, one)\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(n)], stdin=subprocess.PIPE, cwd=ROOT
        )
        for n in range(12)
    ]
    for process in started:
        assert process.stdin
        process.stdin.close()
    assert [process.wait() for process in started] == [0] * 12
    store = Store(str(tmp_path))
    saves = [saved for saved in store.saved() if isinstance(saved, Saved)]
    of_runs = sorted(int(saved.label or "") for saved in saves if saved.kind == "run")
    by_hand = sorted(int(saved.label or "") for saved in saves if saved.kind == PROMOTION)
    assert (of_runs, by_hand) == (list(range(12)), [1, 3, 5, 7, 9, 11])
    assert next(good_ones(store)) == saves[0]
