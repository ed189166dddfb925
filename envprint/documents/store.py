"""The store of fingerprints: documents by content, an entry for each save, and names.

    objects/ab/abcd….json     a document, named by the SHA-256 of its bytes
    entries/20261122T….json   one save or promotion: object, time and kind; sorted by time
    names/monday              the object that `@monday` means
    runs/run-….json           the record of a run
    isolations/….json         what `isolate` has found

Only names are ever changed, and there is no index or lock: concurrent writers lose nothing.
docs/decisions/0011-a-store-without-an-index.md
"""

import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from envprint.core.errors import DocumentError, StoreError
from envprint.core.fields import FLAG, INTEGER, TEXT, Field, ShapeFault, record, require
from envprint.core.fingerprint import Fingerprint
from envprint.core.redact import safe_text
from envprint.core.typed import Any, NamedTuple
from envprint.documents.codec import dumps, parse_json, to_json
from envprint.documents.storage import open_folder
from envprint.machine.clock import utc
from envprint.machine.files import reason
from envprint.machine.owners import distrusted

HOME = "ENVPRINT_HOME"
FOLDER = ".envprint"
ENTRY_VERSION = "1.1"
PROMOTION = "promote"
LAST_GOOD = "last-good"
RESERVED = ("last", LAST_GOOD, "now")
"""Names reserved by the reference syntax."""

ENTRY = record(
    Field("schema_version", TEXT, "Version of this form, MAJOR.MINOR."),
    Field("object", TEXT, "SHA-256 of the document's bytes."),
    Field(
        "digest",
        TEXT,
        "The fingerprint's own digest, so that it is found without reading the object.",
    ),
    Field("saved_at", TEXT, "UTC, ISO 8601, in seconds."),
    Field(
        "kind",
        TEXT,
        "`capture`, `run` for the record of a command, or `promote` for an object that a user made "
        "`@last-good`.",
    ),
    Field("exit_code", INTEGER, "Of the command that was run; null for a capture."),
    Field("label", TEXT, "The fingerprint's label."),
    Field("program", TEXT, "Name of the program that was run; null for a capture."),
    Field(
        "good",
        FLAG,
        "Whether `@last-good` may mean this run; null for a capture, and for a run saved by "
        "version 1.0, which did not record it.",
    ),
    Field("reason", TEXT, "Why it may not; null if it may."),
)
_OBJECT = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_STAMP = re.compile(r"(\d{8}T\d{6}\.)(\d{9})Z-")


class Saved(NamedTuple):
    """One save, as recorded in its entry."""

    entry: str
    saved_at: str
    object: str
    """SHA-256 of the document's bytes."""
    digest: str
    """Digest of the fingerprint's facts."""
    kind: str = "capture"
    exit_code: int | None = None
    label: str | None = None
    program: str | None = None
    good: bool | None = None
    reason: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether `@last-good` may mean it. A run that version 1.0 saved may if it ended with 0."""
        is_good_run = self.kind == "run" and self.exit_code == 0 and self.good is not False
        return self.kind == PROMOTION or is_good_run

    def in_words(self) -> str:
        """What it is, inside a sentence."""
        when = self.saved_at.replace("T", " ").replace("Z", " UTC")
        if self.kind == PROMOTION:
            return f"a record promoted by hand, {when}"
        caveat = "" if self.good else ", not known to be checked"
        return (
            f"the run of {self.program}, {when}" if self.program else f"the run of {when}{caveat}"
        )


class Damaged(NamedTuple):
    """An entry that cannot be read, and the reason."""

    entry: str
    saved_at: str | None
    reason: str


def is_name(text: str) -> bool:
    """Whether `text` is a valid name for a save; a valid name cannot be a path."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED


def checked_name(name: str) -> str:
    """`name`, if it is valid and not reserved. Raises `StoreError` otherwise."""
    if name in RESERVED:
        raise StoreError(f"the name {name!r} has a special meaning; choose a different one")
    if not is_name(name):
        raise StoreError(
            f"{name[:60]!r} cannot be a name: expected letters a to z, digits, '_', '.' and '-', "
            "at most 100, starting with neither '.' nor '-'"
        )
    if safe_text(name) != name:
        raise StoreError(f"{name!r} cannot be a name: it looks like a secret, and names are shown")
    return name


def find_place(warn: Callable[[str], object] = warnings.warn) -> str:
    """The directory or URL that `ENVPRINT_HOME` names, else the project's `.envprint`.

    That is the nearest one upwards from the working directory, up to the directory that holds
    `.git`, where a new one is created. One that another user could have put there is skipped, and
    `warn` gets the reason. Raises `StoreError`, also if such a one is in the way of a new one.
    """
    if os.environ.get(HOME):
        place = os.environ[HOME]
        return place if "://" in place else os.path.abspath(os.path.expanduser(place))
    try:
        start = directory = os.getcwd()
    except OSError as error:
        raise StoreError(f"the working directory: {reason(error)}; {HOME} names a store") from None
    others: dict[str, str] = {}
    while not _may_be_used(os.path.join(directory, FOLDER), others):
        parent = os.path.dirname(directory)
        is_root = os.path.lexists(os.path.join(directory, ".git"))
        if is_root or parent == directory:
            directory = directory if is_root else start
            break
        directory = parent
    place = os.path.join(directory, FOLDER)
    if place in others:
        raise StoreError(others[place])
    for text in others.values():
        warn(text)
    return place


def _may_be_used(place: str, others: dict[str, str]) -> bool:
    """Whether `place` is a usable store; if its owner is not trusted, `others` gets the reason."""
    if not os.path.isdir(place):
        return False
    reason = "is a symbolic link" if os.path.islink(place) else distrusted(place)
    if reason:
        others[place] = (
            f"{place}: not used, because it {reason}; {HOME} names a store regardless of its owner"
        )
    return not reason


class Store:
    """The fingerprints saved at one place. Reading creates nothing there."""

    def __init__(
        self, place: str | None = None, warn: Callable[[str], object] = warnings.warn
    ) -> None:
        """Open the directory or URL `place`, else `find_place(warn)`. Raises `StoreError`."""
        place = find_place(warn) if place is None else place
        with _store_errors(f"cannot open {place}"):
            self._folder = open_folder(place, warn)
        self.place = self._folder.place

    def save(
        self,
        fingerprint: Fingerprint,
        name: str | None = None,
        *,
        content: bytes | None = None,
        kind: str = "capture",
        exit_code: int | None = None,
        program: str | None = None,
        good: bool | None = None,
        reason: str | None = None,
    ) -> Saved:
        """Save `fingerprint`, under `name` if given. If it raises `StoreError`, nothing is lost.

        `content` is the document that it was read from, if there is one.
        """
        content = dumps(fingerprint).encode("ascii") if content is None else content
        digest, label = fingerprint.digest, fingerprint.label
        what = (digest_of(content), digest, kind, exit_code, label, program, good, reason)
        saved = Saved("", "", *what)
        if name is not None:
            checked_name(name)
        # The document first: no entry ever refers to a missing object.
        with self._writing():
            self._folder.write(_object_path(saved.object), content)
            saved = self._enter(saved)
        if name is not None:
            self.give_name(name, saved.object)
        return saved

    def promote(self, object_id: str, fingerprint: Fingerprint) -> Saved:
        """Make a saved object `@last-good`, until a later run is good. Raises `StoreError`."""
        digest, label, program = fingerprint.digest, fingerprint.label, fingerprint.program
        with self._writing():
            return self._enter(Saved("", "", object_id, digest, PROMOTION, None, label, program))

    def give_name(self, name: str, object_id: str) -> None:
        """Let `name` mean a saved object. Raises `StoreError`."""
        with self._writing():
            path = f"names/{checked_name(name)}"
            self._folder.write(path, f"{object_id}\n".encode("ascii"))

    def keep_run(self, name: str, record: str) -> None:
        """Save the record of a run as `runs/NAME`. Raises `StoreError`."""
        with self._writing():
            self._folder.write(f"runs/{name}", record.encode("ascii"))

    def keep(self, path: str, text: str) -> None:
        """Save a text that is neither a fingerprint nor named. Raises `StoreError`."""
        with self._writing():
            self._folder.write(path, text.encode("ascii"))

    def content(self, path: str) -> bytes:
        """What `keep` has saved. Raises `StoreError`."""
        with _store_errors(f"cannot read {path} in {self.place}"):
            return self._folder.read(path)

    def listed(self, folder: str) -> list[str]:
        """The sorted names in a folder of the store. Raises `StoreError`."""
        return self._names(folder)

    def _writing(self) -> AbstractContextManager[None]:
        return _store_errors(f"cannot save in {self.place}", f"; {HOME} names a different store")

    def _enter(self, saved: Saved) -> Saved:
        """Write the entry that this becomes now. Raises `OSError`."""
        newest = ""
        with suppress(OSError):  # a place that can be written but not listed takes the save
            newest = max(filter(_STAMP.match, self._folder.names("entries")), default="")
        entry, saved_at = _stamp(time.time_ns(), after=newest)
        saved = saved._replace(entry=entry, saved_at=saved_at)
        document = {**saved._asdict(), "schema_version": ENTRY_VERSION}
        del document["entry"]
        self._folder.write(f"entries/{entry}", to_json(document).encode("ascii"))
        return saved

    def read(self, object_id: str) -> bytes:
        """The bytes of the object `object_id` (`sha256:…`). Raises `StoreError` when damaged."""
        where = f"{self.place}: {_object_path(object_id)}"
        with _store_errors(where):
            content = self._folder.read(_object_path(object_id))
        if digest_of(content) != object_id:
            raise StoreError(f"{where}: damaged, its content has a different digest")
        return content

    def saved(self) -> Iterator[Saved | Damaged]:
        """Every save, newest first, read lazily."""
        for entry in reversed(self._names("entries")):
            if entry.endswith(".json"):
                yield self._entry(entry)

    def objects(self, prefix: str) -> list[str]:
        """The objects whose digest begins with `prefix`, two or more hexadecimal digits."""
        found = (name.removesuffix(".json") for name in self._names(f"objects/{prefix[:2]}"))
        return [f"sha256:{digest}" for digest in found if digest.startswith(prefix)]

    def names(self) -> list[str]:
        """All names, sorted."""
        return self._names("names")

    def named(self, name: str) -> str | None:
        """The object with the name; None if there is none. Raises `StoreError` if damaged."""
        where = f"{self.place}: names/{name}"
        with _store_errors(where):
            try:
                text = self._folder.read(f"names/{name}").decode("utf-8", "replace").strip()
            except FileNotFoundError:
                return None
        if not _OBJECT.fullmatch(text):
            raise StoreError(f"{where}: damaged, expected sha256:… and found {text[:20]!r}")
        return text

    def _names(self, path: str) -> list[str]:
        with _store_errors(f"cannot read {self.place}"):
            return self._folder.names(path)

    def _entry(self, entry: str) -> Saved | Damaged:
        try:
            content = self._folder.read(f"entries/{entry}")
            return _read_entry(entry, parse_json(content, "entry"))
        except OSError as error:
            why = reason(error)
        except ShapeFault as fault:
            why = str(fault)
        except (DocumentError, ValueError) as error:
            why = str(error).removeprefix("entry: ")
        return Damaged(entry, _saved_at(entry), f"entries/{entry}: {why}")


@contextmanager
def _store_errors(what: str, advice: str = "") -> Iterator[None]:
    """Turn errors of the storage into a one-line `StoreError` that begins with `what`."""
    try:
        yield
    except OSError as error:
        raise StoreError(safe_text(f"{what}: {reason(error)}{advice}")) from None


def digest_of(content: bytes) -> str:
    """The name of an object with this content."""
    from envprint.core.sha256 import sha256

    return f"sha256:{sha256(content).hexdigest()}"


def _object_path(object_id: str) -> str:
    digest = object_id.removeprefix("sha256:")
    return f"objects/{digest[:2]}/{digest}.json"


# 20261122T005625.123456789Z-1f9c2ab07d3e.json
def _stamp(time_ns: int, *, after: str) -> tuple[str, str]:
    """The name of an entry, and the time in readable form. No two writers make one name.

    It sorts after the newest name so far: a clock may have been set back, and that of another
    machine may be ahead.
    """
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    saved_at = utc(seconds)
    stamp = f"{re.sub('[:Z-]', '', saved_at)}.{nanoseconds:09d}"
    if (found := _STAMP.match(after)) and found[1] + found[2] >= stamp:
        stamp = f"{found[1]}{min(int(found[2]) + 1, 999_999_999):09d}"
    return f"{stamp}Z-{os.urandom(6).hex()}.json", saved_at


def _saved_at(entry: str) -> str | None:
    """The time in an entry's name, for entries that cannot be read."""
    found = re.match(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.", entry)
    return "{}-{}-{}T{}:{}:{}Z".format(*found.groups()) if found else None


def _read_entry(entry: str, document: Any) -> Saved:
    """Raises `ShapeFault`, and `ValueError` for what no type can express."""
    require(ENTRY, document)
    if not isinstance(document, dict):
        raise ValueError("empty, expected a JSON object")
    version = str(document.get("schema_version"))
    if version.partition(".")[0] != ENTRY_VERSION.partition(".")[0]:
        raise ValueError(f"schema_version {version[:20]!r} cannot be read")
    if not _OBJECT.fullmatch(document.get("object") or ""):
        raise ValueError("it names no object")
    known = {field: document[field] for field in Saved._fields if document.get(field) is not None}
    return Saved(**{"saved_at": _saved_at(entry) or "", "digest": "", **known, "entry": entry})
