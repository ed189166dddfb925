"""Writers that are killed, disks that are full or fail, and mounts that refuse."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.errors import StoreError
from envprint.documents.codec import loads
from envprint.documents.store import HOME, Store
from envprint.machine.file_index import RACY_S
from envprint.machine.files import write_output
from tests.builders.support import fingerprint

SOURCE = Path(__file__).with_name("refuse.c")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS)
OLD, NEW = "old\n", "new\n" * 1000
ONE_FILE = f"""
import sys
from envprint.core.errors import EnvprintError
from envprint.machine.files import write_output
try: write_output(sys.argv[1] + "/f.json", {NEW!r}, lambda text: print("warning:", text))
except EnvprintError as error: print("refused:", error)
else: print("done")
"""
STORE = """
import sys
from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint
from envprint.documents.store import Store
made = Fingerprint({}, {}, {}, "2026-11-28T12:00:00Z", "cli", "0.1.0", "sha256:0", {})
try: Store(sys.argv[1], lambda text: print("warning:", text)).save(made, "monday")
except EnvprintError as error: print("refused:", error)
else: print("done")
"""

OF_ITS_OWN = """
import os, sys
os.environ.update(XDG_CONFIG_HOME=sys.argv[1] + "/config", XDG_CACHE_HOME=sys.argv[1] + "/cache")
from envprint.machine.file_index import values
from envprint.machine.sealing import seal
from envprint.machine.user_files import machine_id
machine_id(), seal("x")
folder = os.path.dirname(sys.argv[1]) + "/site-packages/x.dist-info"
print(list(values([folder], ["RECORD"], "test", lambda path: ({"id": "y"}, True))))
"""


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that lets system calls fail."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("NO C COMPILER HERE: no system call is made to fail")
    library = tmp_path_factory.mktemp("layer") / "refuse.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def refusing(layer: Path, code: str, folder: Path, number: int, error: int = 0) -> list[str]:
    """The lines that the code prints; the names of the calls are in `calls` beside the folder."""
    variables = {
        **{"LD_PRELOAD": str(layer), "REFUSE_IN": str(folder), "REFUSE_NUMBER": str(number)},
        **{"REFUSE_ERRNO": str(error), "REFUSE_LOG": str(folder.parent / "calls")},
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def calls(folder: Path) -> list[str]:
    path = folder.parent / "calls"
    found = path.read_text().splitlines()
    path.unlink()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return place


def test_content_is_flushed_before_its_name_and_its_name_before_the_end(
    layer: Path, folder: Path
) -> None:
    (folder / "f.json").write_text(OLD)
    assert refusing(layer, ONE_FILE, folder, 0) == ["done"]
    assert calls(folder) == ["create", "fchmod", "write", "fsync", "rename", "fsync directory"]


def test_a_document_is_there_before_its_entry_and_its_entry_before_its_name(
    layer: Path, folder: Path
) -> None:
    refusing(layer, STORE, folder, 0)
    one = ["create", "write", "fsync", "rename", "fsync directory"]
    assert [call for call in calls(folder) if call != "mkdir"] == 3 * one


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_at_every_call_a_failing_disk_leaves_the_old_file_or_the_new_and_no_litter(
    error: int, layer: Path, folder: Path
) -> None:
    target = folder / "f.json"
    for number in range(1, 50):
        target.write_text(OLD)
        lines = refusing(layer, ONE_FILE, folder, number, error)
        made = calls(folder)
        assert os.listdir(folder) == ["f.json"]
        assert lines[-1] == "done" or lines[-1].startswith(f"refused: cannot write {target}: ")
        assert target.read_text() == (NEW if lines[-1] == "done" else OLD)
        if number > len(made):
            break
    assert number > 6


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_at_every_call_a_failing_disk_leaves_a_store_that_can_be_read(
    error: int, layer: Path, folder: Path
) -> None:
    for number in range(1, 60):
        shutil.rmtree(folder)
        lines = refusing(layer, STORE, folder, number, error)
        made = calls(folder)
        assert lines[-1] == "done" or lines[-1].startswith("refused: cannot save in ")
        assert not list(folder.rglob(".envprint-*"))
        store = Store(str(folder))
        assert all(hasattr(one, "object") for one in store.saved())
        for name in store.names():
            loads(store.read(store.named(name) or ""), name)
        if lines[-1] == "done":
            assert store.names() == ["monday"]
        folder.mkdir(exist_ok=True)
        if number > len(made):
            break
    assert number > 15


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_at_every_call_a_failing_disk_costs_a_capture_nothing_but_what_envprint_keeps_for_itself(
    error: int, layer: Path, folder: Path
) -> None:
    record = folder.parent / "site-packages" / "x.dist-info" / "RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("x")
    time.sleep(RACY_S)  # what has just changed is not kept
    for number in range(1, 60):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        expected = [f"[({str(record.parent)!r}, {{'id': 'y'}})]"]
        assert refusing(layer, OF_ITS_OWN, folder, number, error) == expected
        made = calls(folder)
        kept = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.suffix for path in kept} <= {"", ".key", ".json"}, "no litter"
        for path in kept:
            assert path.stat().st_size == {"": 33, ".key": 32}.get(path.suffix, path.stat().st_size)
            assert path.suffix != ".json" or json.loads(path.read_text())["entries"]
        if number > len(made):
            assert len(kept) == 3
            break
    assert number > 10


@pytest.mark.parametrize("error", [errno.EPERM, errno.EINVAL, errno.ENOTSUP], ids=str)
def test_what_a_mount_does_not_know_is_a_note(error: int, layer: Path, folder: Path) -> None:
    target = folder / "f.json"
    for call, number in (("fchmod", 2), ("fsync", 4), ("fsync of the directory", 6)):
        target.write_text(OLD)
        lines = refusing(layer, ONE_FILE, folder, number, error)
        assert lines == [f"warning: {target}: written, but the mount refuses {call}", "done"]
        assert target.read_text() == NEW
        assert os.listdir(folder) == ["f.json"]


WRITING = """
import sys
from envprint.machine.files import write_output
while True: write_output(sys.argv[1] + "/f.json", {text!r} * 20000, lambda text: None)
"""


def test_killed_writers_leave_whole_files_and_what_they_leave_is_swept(folder: Path) -> None:
    chance, target = random.Random(18), folder / "f.json"
    whole = [text * 20000 for text in ("a", "b")]
    left = 0
    for _ in range(8):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITING.format(text=text), str(folder)])
            for text in ("a", "b")
        ]
        deadline_s = time.monotonic() + 30
        while not target.exists() and time.monotonic() < deadline_s:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.02, 0.1))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        left += len(os.listdir(folder)) - 1
        assert target.read_text() in whole
        target.unlink()
    write_output(str(target), NEW)
    assert os.listdir(folder) == ["f.json"], left


def abandoned(folder: Path) -> Path:
    """What a writer leaves that was killed."""
    path = folder / ".envprint-0123456789abcdef.tmp"
    path.write_text("half")
    return path


def test_the_file_of_a_writer_that_lives_is_not_swept(folder: Path) -> None:
    from envprint.machine.files import sweep, temporary_in

    descriptor, path = temporary_in(str(folder))
    dead = abandoned(folder)
    assert sweep(str(folder)) == 1
    assert (Path(path).exists(), dead.exists()) == (True, False)
    os.close(descriptor)
    assert sweep(str(folder)) == 1
    assert os.listdir(folder) == []


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv(HOME, str(tmp_path / "store"))
    made = Store()
    made.save(fingerprint({"facts.os.name": "a"}), "monday")
    yield made


def clean(store: Store) -> tuple[int, str]:
    out, err = StringIO(), StringIO()
    code = main(["log", "--clean"], Console(out, err))
    return code, (out.getvalue() + err.getvalue()).replace(store.place, "S")


def test_cleaning_removes_what_nothing_names_and_nothing_else(store: Store) -> None:
    place = Path(store.place)
    store.save(fingerprint({"facts.os.name": "b"}))
    kept = sorted(place.rglob("*"))
    orphan = place / "objects" / "ab" / f"{'ab' * 32}.json"
    orphan.parent.mkdir(exist_ok=True)
    for path in (orphan, orphan.with_name(f"{'ac' * 32}.json")):
        path.write_text("{}")
    os.utime(orphan, (1, 1))
    for folder in ("entries", "names", "objects/ab"):
        abandoned(place / folder)
    told = "removed from S: documents that nothing names: 1 (2 bytes), temporary files: 3\n"
    assert clean(store) == (0, told)
    young = orphan.with_name(f"{'ac' * 32}.json")
    assert sorted(place.rglob("*")) == sorted({*kept, orphan.parent, young})


def test_nothing_is_cleaned_while_an_entry_cannot_be_read(store: Store) -> None:
    place = Path(store.place)
    orphan = place / "objects" / "ab" / f"{'ab' * 32}.json"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_text("{}")
    os.utime(orphan, (1, 1))
    (place / "entries" / "20261122T005625.1Z-x.json").write_text('{"schema_version": "9.0"}')
    code, told = clean(store)
    assert (code, orphan.exists()) == (2, True)
    assert "S: not cleaned, because of entries/20261122T005625.1Z-x.json" in told


def test_a_store_that_is_a_link_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(HOME, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".envprint").symlink_to("elsewhere")
    with pytest.raises(StoreError, match="not used, because it is a symbolic link"):
        Store().save(fingerprint())
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("inner", ["objects", "entries", "names", "runs"])
def test_a_directory_of_a_store_that_is_a_link_is_refused(inner: str, tmp_path: Path) -> None:
    elsewhere, place = tmp_path / "elsewhere", tmp_path / "store"
    elsewhere.mkdir()
    place.mkdir()
    (place / inner).symlink_to(elsewhere)
    store = Store(str(place))
    with pytest.raises(StoreError, match="is a symbolic link"):
        store.save(fingerprint(), "monday")
        store.keep_run("run-1.json", "{}")
    assert os.listdir(elsewhere) == []
