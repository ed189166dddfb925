"""What is saved stays, whoever writes at the same time and whatever breaks."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.errors import StoreError
from envprint.documents.codec import dumps, loads
from envprint.documents.storage import open_folder
from envprint.documents.store import Damaged, Saved, Store, checked_name, find_place
from tests.builders.labelled import labelled

WRITERS = 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / ".envprint"))


def files(store: Store) -> list[str]:
    root = Path(store.place)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def saved_ones(store: Store) -> list[Saved]:
    return [saved for saved in store.saved() if isinstance(saved, Saved)]


def test_a_save_is_a_document_an_entry_and_a_name(store: Store) -> None:
    saved = store.save(labelled("a"), "monday", kind="run", exit_code=3)
    content = dumps(labelled("a")).encode()
    digest = hashlib.sha256(content).hexdigest()
    assert saved.object == f"sha256:{digest}"
    assert saved.digest == labelled("a").digest
    assert (saved.kind, saved.exit_code, saved.label) == ("run", 3, "a")
    document = f"objects/{digest[:2]}/{digest}.json"
    assert files(store) == [f"entries/{saved.entry}", "names/monday", document]
    assert (Path(store.place) / document).read_bytes() == content == store.read(saved.object)
    assert store.named("monday") == saved.object
    assert list(store.saved()) == [saved]
    assert saved.entry.startswith(saved.saved_at.translate(str.maketrans("", "", "-:Z")))


def test_reading_makes_nothing(store: Store) -> None:
    assert (list(store.saved()), store.names(), store.objects("ab")) == ([], [], [])
    assert store.named("monday") is None
    assert not Path(store.place).exists()


def test_the_newest_comes_first_and_a_name_means_what_was_saved_last(store: Store) -> None:
    saves = [store.save(labelled(letter), "same") for letter in "abc"]
    assert list(store.saved()) == saves[::-1]
    assert store.named("same") == saves[-1].object


def test_what_is_saved_twice_is_kept_once(store: Store) -> None:
    store.save(labelled("a"))
    store.save(labelled("a"))
    assert [path.partition("/")[0] for path in files(store)] == ["entries", "entries", "objects"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "last",
        "last-good",
        "now",
        "~2",
        ".x",
        "-x",
        "a/b",
        "a b",
        "größe",
        "x" * 101,
        "glpat-" + "a1B2" * 5,
    ],
)
def test_what_cannot_be_a_name_is_refused(name: str, store: Store) -> None:
    with pytest.raises(StoreError, match="name"):
        store.save(labelled("a"), name)
    assert not Path(store.place).exists()


@pytest.mark.parametrize("name", ["a", "2026-11-22", "v1.0_b", "A", "abcdef", "_", "lasting"])
def test_what_can_be_a_name(name: str) -> None:
    assert checked_name(name) == name


def test_the_nearest_store_upwards_is_found_as_far_as_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVPRINT_HOME", raising=False)
    (tmp_path / ".envprint").mkdir()
    inside = tmp_path / "project" / "src"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert find_place() == str(tmp_path / ".envprint")
    (tmp_path / "project" / ".git").mkdir()
    assert find_place() == str(tmp_path / "project" / ".envprint")
    (inside / ".envprint").mkdir()
    assert find_place() == str(inside / ".envprint")


def test_without_a_repository_it_would_be_made_where_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVPRINT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert find_place() == str(tmp_path / ".envprint")


@pytest.mark.parametrize(
    ("value", "place"),
    [("/x/y", "/x/y"), ("sub", "{cwd}/sub"), ("~/b", "{cwd}/b"), ("s3://b/c", "s3://b/c")],
)
def test_the_variable_decides_where_it_is_set(
    value: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ENVPRINT_HOME", value)
    assert find_place() == place.format(cwd=tmp_path)


def test_a_working_directory_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> str:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.delenv("ENVPRINT_HOME", raising=False)
    monkeypatch.setattr(os, "getcwd", gone)
    with pytest.raises(StoreError, match="working directory: no such file or directory"):
        find_place()


def test_a_damaged_object_is_named(store: Store) -> None:
    saved = store.save(labelled("a"), "monday")
    path = Path(store.place) / files(store)[-1]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        StoreError, match=rf"{path.name}: damaged, its content has a different digest"
    ):
        store.read(saved.object)
    path.unlink()
    with pytest.raises(StoreError, match=rf"{path.name}: no such file or directory"):
        store.read(saved.object)
    assert store.save(labelled("a")).object == saved.object
    assert store.read(saved.object)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "empty, expected a JSON document"),
        ("{", "not valid JSON"),
        ("null", "empty, expected a JSON object"),
        ("[]", "expected object, found list"),
        ('{"schema_version": "2.0"}', "schema_version '2.0' cannot be read"),
        ('{"schema_version": "1.0"}', "it names no object"),
        ('{"schema_version": "1.0", "object": "sha256:../x"}', "it names no object"),
        ('{"schema_version": "1.0", "label": 5}', "label: expected string, found int"),
    ],
)
def test_a_damaged_entry_is_named_and_the_others_are_listed(
    content: str, why: str, store: Store
) -> None:
    first = store.save(labelled("a"))
    entry = "20991231T235959.000000000Z-x.json"
    (Path(store.place) / "entries" / entry).write_text(content)
    damaged, other = store.saved()
    assert other == first
    assert isinstance(damaged, Damaged)
    assert damaged.saved_at == "2099-12-31T23:59:59Z"
    assert damaged.reason.startswith(f"entries/{entry}: ")
    assert why in damaged.reason


def test_an_entry_that_is_no_file_costs_only_itself(store: Store) -> None:
    store.save(labelled("a"))
    entries = Path(store.place) / "entries"
    os.mkfifo(entries / "0.json")
    (entries / "1.json").mkdir()
    (entries / "2.json").symlink_to("nowhere")
    reasons = [damaged.reason for damaged in store.saved() if isinstance(damaged, Damaged)]
    assert len(reasons) == 3
    assert len(saved_ones(store)) == 1


def test_entries_of_a_newer_minor_are_read(store: Store) -> None:
    saved = store.save(labelled("a"))
    path = Path(store.place) / "entries" / saved.entry
    path.write_text(path.read_text().replace('"1.1"', '"1.7"').replace("{", '{"mood": 1,', 1))
    assert list(store.saved()) == [saved]


@pytest.mark.parametrize("content", ["", "sha256:12", "../../x", "\udcff"])
def test_a_damaged_name_is_named(content: str, store: Store) -> None:
    store.save(labelled("a"), "monday")
    (Path(store.place) / "names/monday").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(StoreError, match="names/monday: damaged, expected sha256:…"):
        store.named("monday")


def test_what_a_killed_writer_left_is_not_seen(store: Store) -> None:
    saved = store.save(labelled("a"), "monday")
    for folder in ("entries", "names", "objects/ab"):
        litter = Path(store.place) / folder / ".envprint-12.tmp"
        litter.parent.mkdir(exist_ok=True)
        litter.write_text("{")
    assert list(store.saved()) == [saved]
    assert store.names() == ["monday"]
    assert store.objects("ab") in ([], [saved.object])


def test_32_writers_at_once_lose_nothing(store: Store) -> None:
    """Each is a process; all wait for their standard input to end, and so begin together."""
    code = (
        "import sys\n"
        "from envprint.documents.store import Store\n"
        "from tests.builders.labelled import labelled\n"
        "store, label = Store(sys.argv[1]), sys.argv[2]\n"
        "sys.stdin.read()\n"
        "store.save(labelled(label), f'own-{label}')\n"
        "store.save(labelled(f'{label}-again'), 'common')\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, store.place, str(number)],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for number in range(WRITERS)
    ]
    for process in started:
        assert process.stdin
        process.stdin.close()
    assert [process.wait() for process in started] == [0] * WRITERS
    saves = list(store.saved())
    labels = {saved.label for saved in saves if isinstance(saved, Saved)}
    wanted = {str(number) for number in range(WRITERS)}
    assert labels == wanted | {f"{label}-again" for label in wanted}
    assert len(saves) == 2 * WRITERS
    for saved in saved_ones(store):
        assert loads(store.read(saved.object), "x").label == saved.label
    assert store.names() == sorted(["common", *(f"own-{label}" for label in wanted)])
    for label in wanted:
        assert loads(store.read(store.named(f"own-{label}") or ""), "x").label == label
    assert store.named("common") in {saved.object for saved in saved_ones(store)}
    assert not list(Path(store.place).rglob(".*"))


def test_readers_see_no_half_document_while_a_name_moves(store: Store) -> None:
    """The writer never rests; whatever the reader sees at any moment must be whole."""
    code = (
        "import sys\n"
        "from envprint.documents.store import Store\n"
        "from tests.builders.labelled import labelled\n"
        "for number in range(200): Store(sys.argv[1]).save(labelled(str(number)), 'x')\n"
    )
    root = Path(__file__).parents[2]
    store.save(labelled("first"), "x")
    writer = subprocess.Popen([sys.executable, "-c", code, store.place], cwd=root)
    while writer.poll() is None:
        assert store.read(store.named("x") or "")
        assert all(isinstance(saved, Saved) for saved in store.saved())
    assert writer.returncode == 0
    assert len(saved_ones(store)) == 201


def full(*arguments: object) -> int:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_one_line_and_exit_2_and_nothing_is_harmed(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store.save(labelled("a"), "monday")
    listed = files(store)
    monkeypatch.setenv("ENVPRINT_HOME", store.place)
    monkeypatch.setattr("envprint.machine.files._write_all", full)
    code = main(["capture", "--save", "monday"], Console(sys.stdout, sys.stderr))
    monkeypatch.undo()
    message = (
        f"envprint: cannot save in {store.place}: no space left on device; "
        "ENVPRINT_HOME names a different store\n"
    )
    assert (code, capsys.readouterr()) == (2, ("", message))
    assert files(store) == listed
    assert store.named("monday") == before.object


def test_a_place_that_is_no_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(str(tmp_path / "file"))
    with pytest.raises(StoreError, match=r"cannot save in .*file: not a directory"):
        store.save(labelled("a"))
    with pytest.raises(StoreError, match=r"cannot read .*file: not a directory"):
        list(store.saved())


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_file_url_is_a_directory_of_this_machine(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Store(f"file://{host}{tmp_path}/there").save(labelled("a"), "monday")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert Store(str(tmp_path / "there")).names() == ["monday"]


@pytest.mark.parametrize("url", ["file://elsewhere/x", "file://here", "file://", "file:///"])
def test_a_file_url_of_another_machine_or_of_no_path_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match=f"{url}: expected file:///PATH"):
        Store(url)


@pytest.mark.parametrize("scheme", ["memory://{path}", "local://{path}", "file://{path}"])
def test_a_url_holds_the_same(scheme: str, tmp_path: Path) -> None:
    store = Store(scheme.format(path=tmp_path / "store"))
    assert (list(store.saved()), store.names(), store.named("x")) == ([], [], None)
    first, second = store.save(labelled("a"), "monday"), store.save(labelled("b"))
    assert list(store.saved()) == [second, first]
    assert store.names() == ["monday"]
    assert store.named("monday") == first.object
    assert store.objects(first.object[7:13]) == [first.object]
    assert store.read(first.object) == dumps(labelled("a")).encode()
    again = Store(scheme.format(path=tmp_path / "store"))
    assert list(again.saved()) == [second, first]


def test_a_url_without_fsspec_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(StoreError, match=r"memory://x: .*pip install 'envprint\[store\]'"):
        Store("memory://x")


def test_a_url_of_no_known_kind_is_told_without_its_password() -> None:
    with pytest.raises(StoreError, match="protocol not known: nope") as caught:
        Store("nope://me:secret@host/x")
    assert "secret" not in str(caught.value)


def test_errors_that_are_none_of_the_system_become_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Credentials(Exception):
        pass

    def refuse(*arguments: object, **options: object) -> None:
        raise Credentials("Unable to locate credentials")

    folder = open_folder("memory://y")
    monkeypatch.setattr(folder._files, "pipe_file", refuse)  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="Credentials: Unable to locate credentials"):
        folder.write("names/x", b"")
