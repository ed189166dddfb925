"""The index of packages in the user's cache: it saves time and is never wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envprint.collectors import packages
from envprint.collectors._build_id import build_id
from envprint.core.fingerprint import Unknown
from envprint.machine import file_index, user_files
from envprint.machine.file_index import MAX_INDEXES, RACY_S, values
from envprint.machine.live import LiveHost

pytestmark = pytest.mark.skipif(os.name != "posix", reason="NO POSIX HERE: no such times")
FORM = "length 1"
FILES = ("METADATA", "RECORD")
HEAD = '{"directory": "DIRECTORY", "form": "length 1"'
DAMAGED = ("[1]", "[[], {}]", "[{}, []]", "[[], {}, 1]")
"""Entries of other forms, and without the state of any file."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SUDO_UID", raising=False)
    return tmp_path / "cache/envprint"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A RECORD that was written long enough ago."""
    return written(tmp_path / "site/made-1.0.dist-info/RECORD", "made.py,sha256=abc,1\n")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seconds later, so that what was just written counts as settled."""
    now = time.time_ns
    monkeypatch.setattr(file_index.time, "time_ns", lambda: now() + int((RACY_S + 1) * 1e9))


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class Reader:
    """Reads RECORD and METADATA of a directory, and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, path: str) -> tuple[dict[str, str], bool]:
        self.count += 1
        return {file: text_in(Path(path, file)) for file in FILES}, True


def text_in(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def found(*records: Path, form: str = FORM, read: Reader | None = None) -> list[str]:
    """What the index says of the directories of these files: the content of RECORD."""
    folders = [str(record.parent) for record in records]
    return [value["RECORD"] for _, value in values(folders, FILES, form, read or Reader())]


def indexes(cache: Path) -> list[Path]:
    return sorted(cache.glob("index-*.json")) if cache.exists() else []


@pytest.mark.usefixtures("later")
def test_an_unchanged_file_is_read_once(record: Path) -> None:
    read = Reader()
    assert found(record, read=read) == found(record, read=read) == [record.read_text()]
    assert read.count == 1


def test_an_edit_within_the_same_moment_is_seen_every_time(record: Path) -> None:
    for number in range(300):
        status = record.stat()
        record.write_text(f"made.py,sha256=abc,{number % 7}\n")  # always the same size
        os.utime(record, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert found(record) == [record.read_text()]


@pytest.mark.usefixtures("later")
def test_an_edit_that_keeps_size_and_time_is_seen(record: Path) -> None:
    status, text = record.stat(), record.read_text()
    assert found(record) == [text]
    time.sleep(0.05)
    record.write_text(text[::-1])
    os.utime(record, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert record.stat().st_size == status.st_size
    assert record.stat().st_mtime_ns == status.st_mtime_ns
    assert found(record) == [text[::-1]]


@pytest.mark.usefixtures("later")
def test_another_file_in_its_place_is_seen(record: Path) -> None:
    assert found(record) == [record.read_text()]
    other = written(record.with_name("other"), record.read_text().replace("abc", "xyz"))
    os.replace(other, record)
    assert found(record) == ["made.py,sha256=xyz,1\n"]


def test_a_file_that_has_just_changed_is_not_entered(record: Path, cache: Path) -> None:
    assert found(record) == [record.read_text()]
    assert indexes(cache) == []


def test_a_file_that_has_just_changed_is_not_entered_however_long_it_is_read(
    record: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns

    def read(path: str) -> tuple[dict[str, str], bool]:
        monkeypatch.setattr(file_index.time, "time_ns", lambda: now() + int((RACY_S + 1) * 1e9))
        return {"RECORD": text_in(Path(path, "RECORD"))}, True

    assert dict(values([str(record.parent)], FILES, FORM, read))
    assert indexes(cache) == []


@pytest.mark.usefixtures("later")
def test_a_change_while_the_file_is_read_is_seen_the_next_time(record: Path) -> None:
    def read(path: str) -> tuple[dict[str, str], bool]:
        fields = {"RECORD": Path(path, "RECORD").read_text()}
        time.sleep(0.05)
        written(Path(path, "RECORD"), "made.py,sha256=new,1\n")
        return fields, True

    folder, before = str(record.parent), record.read_text()
    assert dict(values([folder], FILES, FORM, read)) == {folder: {"RECORD": before}}
    assert found(record) == ["made.py,sha256=new,1\n"]


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("change", ["edited", "added", "removed", "a directory"])
def test_every_change_of_a_file_beside_it_is_seen(record: Path, change: str) -> None:
    beside = record.with_name("METADATA")
    if change in ("edited", "removed"):
        written(beside, "Name: made\n")
    [[_, before]] = values([str(record.parent)], FILES, FORM, Reader())
    if change in ("edited", "added"):
        written(beside, "Name: other\n")
    elif change == "removed":
        beside.unlink()
    else:
        beside.mkdir()
    [[_, after]] = values([str(record.parent)], FILES, FORM, read := Reader())
    assert read.count == 1
    assert after["METADATA"] == text_in(beside)
    assert before["METADATA"] == ("Name: made\n" if change in ("edited", "removed") else "")


@pytest.mark.usefixtures("later")
def test_what_is_not_to_be_kept_is_read_every_time(record: Path, cache: Path) -> None:
    read = Reader()
    for _ in range(2):
        [[_, value]] = values(
            [str(record.parent)], FILES, FORM, lambda path: (read(path)[0], False)
        )
        assert value["RECORD"] == record.read_text()
    assert (read.count, indexes(cache)) == (2, [])


@pytest.mark.usefixtures("later")
def test_a_directory_that_is_none_is_left_to_the_reader(record: Path, cache: Path) -> None:
    missing = record.parent.with_name("none-1.0.dist-info") / "RECORD"
    assert found(missing, record) == ["", record.read_text()]
    assert len(json.loads(indexes(cache)[0].read_text())["entries"]) == 1


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "7", '{"entries": 1}', "[" * 5000),
        HEAD + "}",
        *(f'{HEAD}, "entries": {{"/made-1.0.dist-info": {entry}}}}}' for entry in DAMAGED),
        '{"directory": "/elsewhere", "form": "length 1", "entries": {}}',
    ],
)
def test_a_damaged_index_is_ignored_and_replaced(record: Path, cache: Path, content: str) -> None:
    found(record)
    [index] = indexes(cache)
    index.write_text(content.replace("DIRECTORY", str(record.parent.parent)))
    assert found(record) == [record.read_text()]
    assert json.loads(index.read_text())["directory"] == str(record.parent.parent)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("status", ["not packed", "00ff", "\xe9" * 16])
def test_a_status_that_is_damaged_is_no_status(record: Path, cache: Path, status: str) -> None:
    found(record)
    (index,) = cache.iterdir()
    document = json.loads(index.read_text())
    (entry,) = document["entries"].values()
    entry[:] = [status, {"RECORD": "wrong"}]
    index.write_text(json.dumps(document))
    assert found(record) == [record.read_text()]


@pytest.mark.usefixtures("later")
def test_a_file_from_before_1970_is_read_every_time(record: Path) -> None:
    os.utime(record, (-1, -1))
    read = Reader()
    assert found(record, read=read) == found(record, read=read) == [record.read_text()]
    assert read.count == 2


@pytest.mark.usefixtures("later")
def test_an_index_that_others_can_write_is_not_used(record: Path, cache: Path) -> None:
    found(record)
    [index] = indexes(cache)
    forged = index.read_text().replace("sha256=abc", "sha256=bad")
    index.write_text(forged)
    assert found(record) == ["made.py,sha256=bad,1\n"], "so the forgery below would be believed"
    index.write_text(forged)
    index.chmod(0o666)
    assert found(record) == [record.read_text()]
    assert index.stat().st_mode & 0o777 == 0o600, "it is replaced by one of this user alone"


@pytest.mark.usefixtures("later")
def test_an_index_of_another_user_is_not_used(
    record: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(record)
    [index] = indexes(cache)
    index.write_text(index.read_text().replace("sha256=abc", "sha256=bad"))
    monkeypatch.setattr(file_index, "is_ours", lambda _: False)
    assert found(record) == [record.read_text()]


@pytest.mark.usefixtures("later")
def test_with_sudo_nothing_is_written_into_the_home_of_the_user(
    record: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setattr(user_files.os, "geteuid", lambda: record.stat().st_uid + 1)
    assert found(record) == [record.read_text()]
    assert indexes(cache) == []


@pytest.mark.usefixtures("later")
def test_where_nothing_can_be_written_everything_is_computed(record: Path, cache: Path) -> None:
    written(cache, "a file where the folder would be")
    read = Reader()
    assert found(record, read=read) == found(record, read=read) == [record.read_text()]
    assert read.count == 2


@pytest.mark.usefixtures("later")
def test_another_form_of_the_value_is_computed_again(record: Path) -> None:
    read = Reader()
    for form in (FORM, "length 2", FORM):
        assert found(record, form=form, read=read) == [record.read_text()]
    assert read.count == 2


@pytest.mark.usefixtures("later")
def test_what_was_removed_leaves_the_index(record: Path, cache: Path) -> None:
    other = written(record.parent.parent / "gone-1.0.dist-info/RECORD", "gone.py,,\n")
    found(record, other)
    found(record)
    [index] = indexes(cache)
    assert list(json.loads(index.read_text())["entries"]) == ["/made-1.0.dist-info"]


@pytest.mark.usefixtures("later")
def test_old_indexes_make_room(tmp_path: Path, cache: Path) -> None:
    for number in range(MAX_INDEXES + 3):
        found(written(tmp_path / f"{number}/made-1.0.dist-info/RECORD", "a"))
    assert len(indexes(cache)) == MAX_INDEXES
    assert not [path for path in cache.iterdir() if path not in indexes(cache)]


def test_writers_at_the_same_time_leave_a_whole_index_and_right_values(
    tmp_path: Path, cache: Path
) -> None:
    paths = [
        str(written(tmp_path / f"site/made-{number}.dist-info/RECORD", f"content {number}").parent)
        for number in range(200)
    ]
    program = (
        "import sys, os; from envprint.machine import file_index; file_index.RACY_S = -9\n"
        "def read(path): return {'text': open(path + '/RECORD').read()}, True\n"
        "for _ in range(20):\n"
        f"    found = file_index.values(sys.argv[1:], ['RECORD'], {FORM!r}, read)\n"
        "    assert [one for _, one in found] == [read(path)[0] for path in sys.argv[1:]]\n"
    )
    shares = [paths, paths[:120], paths[80:]]
    running = [subprocess.Popen([sys.executable, "-c", program, *share]) for share in shares]
    assert [one.wait(timeout=120) for one in running] == [0, 0, 0]
    [index] = indexes(cache)
    assert len(json.loads(index.read_text())["entries"]) in {200, 120}
    assert list(cache.iterdir()) == [index], "no half-written file is left"


# numpy/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
RECORD = (
    "made/a.py,sha256=abc,1\r\n"
    "made/__pycache__/a.cpython-311.pyc,,\r\n"
    "made-1.0.dist-info/RECORD,,\r\n"
)


def test_the_form_of_build_ids_changes_with_what_they_are_made_of() -> None:
    """If this fails because `build_id` changed, raise the number in `BUILD_ID_FORM`, too."""
    build = build_id(RECORD.encode(), "made-1.0.dist-info")
    assert (packages.BUILD_ID_FORM, build) == ("build id 1", "d3715d299811b824c7747c7f1630c1c1")


@pytest.fixture
def site(record: Path) -> Path:
    """A search directory with one distribution, for a host that looks only there."""
    for name in ("METADATA", "WHEEL", "INSTALLER"):
        written(record.with_name(name), "pip\n" if name == "INSTALLER" else "\n")
    return record.parent.parent


class OneDirectory(LiveHost):
    """This machine with one search directory."""

    def __init__(self, directory: Path, **how: bool) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        self._interpreter = {**self.interpreter(), "path": [str(directory)]}


def build_of(site: Path, **how: bool) -> str:
    facts = packages.collect(OneDirectory(site, **how))
    build: str = facts["distributions"]["made"]["build_id"]
    return build


@pytest.mark.usefixtures("later")
def test_a_capture_keeps_build_ids_and_a_deep_one_takes_none_from_there(
    site: Path, cache: Path
) -> None:
    right = build_of(site, cache=False)
    assert indexes(cache) == []
    assert build_of(site) == right
    [index] = indexes(cache)
    index.write_text(index.read_text().replace(right, "0" * 32))
    assert build_of(site) == "0" * 32, "so it was read, and a wrong one is found as below"
    assert build_of(site, verify_files=True) == right
    assert build_of(site, cache=False) == right


def metadata_of(site: Path) -> Path:
    return site / "made-1.0.dist-info/METADATA"


@pytest.mark.usefixtures("later")
def test_a_requirement_that_is_edited_counts_at_once(site: Path) -> None:
    for version in ("9", "8", "9"):
        head = f"Metadata-Version: 2.1\nName: made\nRequires-Dist: numpy>={version}\n\n"
        metadata_of(site).write_text(head)
        [missing] = packages.collect(OneDirectory(site))["unmet"]["made"]
        assert missing["specifier"] == f">={version}"


@pytest.mark.usefixtures("later")
def test_an_address_is_read_every_time_as_it_may_hold_a_secret(site: Path, cache: Path) -> None:
    url = site / "made-1.0.dist-info/direct_url.json"
    for name in ("made", "made", "other", "made"):
        address = f"https://example.org/{name}.whl"
        url.write_text(f'{{"url": "{address}", "archive_info": {{}}}}')
        found = packages.collect(OneDirectory(site))["distributions"]["made"]
        assert found["origin"]["url"] == address
    assert all("example.org" not in index.read_text() for index in indexes(cache))


@pytest.mark.usefixtures("later")
def test_the_build_of_what_has_an_address_is_in_the_index(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(site / "made-1.0.dist-info/direct_url.json", '{"url": "file:///made", "dir_info": {}}')
    right = build_of(site)
    monkeypatch.setattr(packages, "_record", lambda *_: pytest.fail("RECORD was read again"))
    assert build_of(site) == right


@pytest.mark.usefixtures("later")
def test_what_becomes_editable_has_no_build_whatever_the_index_holds(site: Path) -> None:
    url = site / "made-1.0.dist-info/direct_url.json"
    written(url, '{"url": "file:///made", "dir_info": {"editable": false}}')
    assert build_of(site)
    url.write_text('{"url": "file:///made", "dir_info": {"editable": true}}')
    assert packages.collect(OneDirectory(site))["distributions"]["made"]["build_id"] is None


@pytest.mark.usefixtures("later")
def test_what_could_not_be_read_is_tried_again(site: Path, cache: Path) -> None:
    wheel = site / "made-1.0.dist-info/WHEEL"
    wheel.unlink()
    wheel.mkdir()
    found = packages.collect(OneDirectory(site))["distributions"]["made"]
    assert isinstance(found["tags"], Unknown)
    assert indexes(cache) == []


@pytest.mark.usefixtures("later")
def test_an_entry_with_other_fields_is_not_believed(site: Path, cache: Path) -> None:
    before = packages.collect(OneDirectory(site))
    [index] = indexes(cache)
    index.write_text(index.read_text().replace('"requires"', '"required"'))
    assert packages.collect(OneDirectory(site)) == before


def test_no_cache_neither_reads_nor_writes_the_users_cache(tmp_path: Path, cache: Path) -> None:
    command = [sys.executable, "-m", "envprint", "capture", "-o", str(tmp_path / "f.json")]
    subprocess.run([*command, "--no-cache"], check=True, cwd=tmp_path)
    assert not cache.exists()
