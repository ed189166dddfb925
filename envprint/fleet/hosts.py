"""One capture for each host: what tells hosts apart, and where their documents go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

from envprint.core.errors import EnvprintError, OutputError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import counted
from envprint.core.text import one_line
from envprint.core.typed import NamedTuple
from envprint.documents.codec import dumps, loads
from envprint.documents.naming import file_name, node_name, numbered
from envprint.documents.store import digest_of
from envprint.machine.files import read_regular, reason, replace_file
from envprint.machine.live import LiveHost

BOOT = "/proc/sys/kernel/random/boot_id"


class Host(NamedTuple):
    """A host, as a process on it sees it."""

    name: str
    key: str
    """Equal for all processes of one host and different for two hosts, whatever their names."""


class Lost(NamedTuple):
    """A host or process without a document, and why."""

    name: str
    reason: str


class Gathered(NamedTuple):
    """What a gather has written, and what it has not."""

    directory: str
    paths: tuple[str, ...]
    lost: tuple[Lost, ...] = ()

    def in_words(self) -> str:
        """`3 documents in fleet/`, and who is lost."""
        text = f"{counted(self.paths, 'document')} in {self.directory}"
        return f"{text}; {counted(self.lost, 'host')} lost" if self.lost else text


class Captured(NamedTuple):
    """The document of a host, or why there is none."""

    host: Host
    document: str = ""
    failed: str = ""


def this_host() -> Host:
    """The host of this process. Containers and virtual nodes on one machine are hosts of their
    own; two machines with one name are, too.
    """
    live = LiveHost()
    variables, host_name = live.environ(), live.identity().get("host_name")
    boot = ""
    with suppress(OSError):
        boot = live.read_text(BOOT).strip()
    name = node_name(variables, host_name)
    marks = "\n".join((name, host_name or "", boot))
    return Host(name, digest_of(marks.encode("utf-8", "surrogateescape"))[7:23])


def keep(directory: str, found: Iterable[Captured], lost: Iterable[Lost] = ()) -> Gathered:
    """Write every document into `directory`, named by its host. Raises `OutputError`.

    Nothing that is no fingerprint is replaced, and a document that cannot be read is not written.
    """
    paths: list[str] = []
    missing = list(lost)
    for each in sorted(found, key=lambda one: (one.host.name, one.host.key)):
        try:
            if each.failed:
                raise EnvprintError(each.failed)
            fingerprint = loads(each.document.encode("utf-8"), each.host.name)
        except (EnvprintError, UnicodeError) as error:
            missing.append(Lost(each.host.name, str(error)))
            continue
        paths.append(_written(directory, each.host.name, fingerprint, paths))
    plain = (Lost(one_line(one.name)[:100] or "a host", one_line(one.reason)) for one in missing)
    return Gathered(directory, tuple(paths), tuple(plain))


def _written(directory: str, name: str, fingerprint: Fingerprint, taken: Iterable[str]) -> str:
    others = {path.casefold() for path in taken}
    for each in numbered(file_name(name)):
        path = os.path.join(directory, f"{each}.json")
        if path.casefold() not in others and _may_be_replaced(path):
            break
    try:
        replace_file(path, dumps(fingerprint).encode("ascii"))
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from None
    return path


def _may_be_replaced(path: str) -> bool:
    """Whether there is no file, or an older document."""
    if not os.path.lexists(path):
        return True
    try:
        loads(read_regular(path), path)
    except (OSError, EnvprintError):
        return False
    return True


def role_tag(tags: Mapping[str, str], role: str) -> dict[str, str]:
    """The tags of a capture, with the role that its process has; a given one stays."""
    return {"role": role, **tags}
