"""The documents of a fleet: files, directories, patterns, JSON Lines, Parquet, references.

One after the other, so that memory does not grow with their number.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Mapping

from envprint.core.errors import DocumentError, EnvprintError
from envprint.core.fleet import Unread
from envprint.core.redact import safe_text
from envprint.core.text import one_line, unicode_text
from envprint.core.typed import Any, NamedTuple
from envprint.documents.inputs import take
from envprint.machine.ends import Ends
from envprint.machine.files import MAX_BYTES, read_regular, reason

LINES = (".jsonl", ".ndjson")
PARQUET = ".parquet"
IN_FOLDERS = (".json", *LINES, PARQUET)
"""How the names of files end that are looked for in a directory."""
COLUMN = "document"
"""The column of a Parquet export that holds the text of each fingerprint."""
_OF_PYARROW = (OSError, ValueError, LookupError, TypeError, ArithmeticError, NotImplementedError)
"""Its errors are among these, and those of values that Python has no type for."""
MEMBER = "member"
"""The column that says what each is called, if there is one."""


class Document(NamedTuple):
    """Where one document is; its content is read when it is needed."""

    source: str
    """As errors name it."""
    stem: str
    """What it is called without a host."""
    path: str | None = None
    start: int = 0
    """Where its line begins in a file of several."""
    length: int = -1
    content: bytes = b""
    """Where no file can be read again."""

    def ends(self) -> Ends | None:
        """The file, to read its ends; None if it is no file of its own. Raises `OSError`."""
        return Ends(self.path) if self.path is not None and self.length < 0 else None

    def whole(self) -> bytes:
        """All of it. Raises `OSError`."""
        if self.path is None:
            return self.content
        if self.length < 0:
            return read_regular(self.path, MAX_BYTES + 1)
        with open_at(self.path, self.start) as file:
            content: bytes = file.read(self.length)
            return content


def open_at(path: str, start: int) -> Any:
    """A binary file at this place. Raises `OSError`."""
    file = open(path, "rb")  # noqa: PTH123
    file.seek(start)
    return file


def documents(sources: Iterable[str]) -> Iterator[Document | Unread]:
    """Every document of the sources, in their order; files of a directory in order of name.

    A file that is named twice is read once.
    """
    seen: set[str] = set()
    for source in dict.fromkeys(sources):
        for found in _expanded(source):
            if isinstance(found, Unread):
                yield found
            elif found.place not in seen:
                seen.add(found.place)
                yield from _in_file(found.path)


class _Found(NamedTuple):
    """A file, and where it is without symbolic links."""

    path: str
    place: str


def _expanded(source: str) -> Iterator[_Found | Unread]:
    """The files of a directory or pattern; anything else as it is."""
    if os.path.isdir(source):
        yield from _in_folder(source)
    elif re.search(r"[*?\[]", source) and "://" not in source and not os.path.lexists(source):
        paths = sorted(glob.iglob(source, recursive=True))
        for path in sorted(paths, key=os.path.islink):
            yield from _in_folder(path) if os.path.isdir(path) else _alone(path)
        if not paths:
            yield from _alone(source)
    else:
        yield from _alone(source)


def _alone(source: str) -> Iterator[_Found]:
    """What is no file is only itself."""
    is_there = os.path.lexists(source)
    yield _Found(source, os.path.realpath(source) if is_there else f"{source}\0")


def _in_folder(folder: str) -> Iterator[_Found | Unread]:
    """The documents below a directory, without hidden files and directories.

    Linked directories are entered, each once. Of a file and a link to it, the file comes first.
    """
    pending, entered = [folder], {os.path.realpath(folder)}
    while pending:
        place = pending.pop()
        try:
            with os.scandir(place) as listed:
                entries = sorted(listed, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            yield Unread(_shown(place), reason(error))
            continue
        real = os.path.realpath(place)
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        for entry in shown:
            if entry.name.endswith(IN_FOLDERS) and not _is_folder(entry):
                own = os.path.join(real, entry.name)
                yield _Found(entry.path, os.path.realpath(own) if entry.is_symlink() else own)
        pending += reversed([one.path for one in shown if _may_enter(one, entered)])


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # Of links in a circle, `is_dir` raises.
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _may_enter(entry: os.DirEntry[str], entered: set[str]) -> bool:
    """Whether this is a directory, and no link to one that was entered already."""
    if not _is_folder(entry):
        return False
    if entry.is_symlink():
        real = os.path.realpath(entry.path)
        if real in entered:
            return False
        entered.add(real)
    return True


def _shown(path: str) -> str:
    return safe_text(unicode_text(path))


def _in_file(path: str) -> Iterator[Document | Unread]:
    name = _shown(path)
    if path.endswith(LINES) and os.path.isfile(path):
        yield from _lines(path, name)
    elif path.endswith(PARQUET) and os.path.isfile(path):
        yield from _rows(path, name)
    elif os.path.isfile(path):
        yield Document(name, _stem(path), path)
    else:
        try:
            found = take(path)
        except EnvprintError as error:
            yield Unread(name, _without(name, str(error)))
            return
        yield Document(name, _stem(path), content=found.content)


def _stem(path: str) -> str:
    """`node003` of `runs/node003.json`; of a reference all but what is before the last slash."""
    base = unicode_text(path.rstrip("/").rpartition("/")[2] or path)
    return base.removesuffix(".json") or base


def _without(name: str, text: str) -> str:
    return text.removeprefix(f"{name}: ")


def _lines(path: str, name: str) -> Iterator[Document | Unread]:
    """A document for each line that is not empty; one that fills all lines is one document."""
    start, stem, is_first = 0, unicode_text(os.path.basename(path)).rpartition(".")[0], True
    try:
        with open_at(path, 0) as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_BYTES + 1), b""), 1):
                if is_first and line.strip() in (b"{", b"["):
                    yield Document(name, stem, path)
                    return
                if line.strip():
                    is_first = False
                    place = f"{name}:{number}"
                    yield Document(place, f"{stem}:{number}", path, start, len(line))
                start += len(line)
    except OSError as error:
        yield Unread(name, reason(error))


def _rows(path: str, name: str) -> Iterator[Document | Unread]:
    """A document for each row of a Parquet export."""
    try:
        from pyarrow import parquet
    except ImportError:
        hint = "Parquet needs pyarrow: pip install 'envprint[fleet]'"
        yield Unread(name, hint)
        return
    stem, number = unicode_text(os.path.basename(path)).removesuffix(PARQUET), 0
    try:
        with parquet.ParquetFile(path) as file:
            wanted = [one for one in (COLUMN, MEMBER) if one in file.schema_arrow.names]
            if COLUMN not in wanted:
                yield Unread(name, f"not a Parquet export: no column {COLUMN!r}")
                return
            for batch in file.iter_batches(batch_size=64, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield _in_row(row, f"{name}:{number}", f"{stem}:{number}")
    except _OF_PYARROW as error:
        yield Unread(name, one_line(f"not a Parquet export: {error}")[:200])


def _in_row(row: Mapping[str, Any], name: str, stem: str) -> Document | Unread:
    text, member = row[COLUMN], row.get(MEMBER)
    if not isinstance(text, (str, bytes)):
        return Unread(name, f"expected a document as text, found {type(text).__name__}")
    content = text.encode("utf-8") if isinstance(text, str) else text
    return Document(name, member if isinstance(member, str) and member else stem, content=content)


def read_error(document: Document, error: Exception) -> Unread:
    """What could not be read, and why."""
    if isinstance(error, DocumentError):
        return Unread(document.source, _without(document.source, str(error)))
    text = reason(error) if isinstance(error, OSError) else str(error)
    return Unread(document.source, text)
