"""Where many machines write at once: a file named by its host, which no other host replaces."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping

from envprint.core.errors import EnvprintError, OutputError, suppress
from envprint.core.fingerprint import Fingerprint
from envprint.core.redact import safe_text
from envprint.documents.codec import dumps, loads
from envprint.knowledge.launchers import process_of
from envprint.machine.files import TakenError, create_file, read_regular, reason, write_output

NODE = "{node}"
_LENGTH = 100
_MOST = 1000
"""How many machines of one name get a number."""


def node_name(variables: Mapping[str, str], host_name: str | None) -> str:
    """The name of this machine: as its scheduler calls it, else its host name; empty if unknown.

    Several nodes may be on one machine, and a scheduler has names for them.
    """
    process = process_of(variables)
    return (process.node if process else None) or host_name or ""


def file_name(name: str) -> str:
    """`name` as the beginning of a file name, whatever it is: no path, no option, no command."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", safe_text(name))[:_LENGTH]
    return re.sub(r"^[.-]+", "_", plain) or "node"


def numbered(name: str) -> Iterator[str]:
    """`name`, `name-2`, `name-3`: for hosts that have one name."""
    yield name
    yield from (f"{name}-{number}" for number in range(2, _MOST))


def is_named_by_host(target: str) -> bool:
    """Whether the file gets the name of its host: `DIR/`, or `{node}` in the name.

    A directory without the slash is more often a mistake.
    """
    return NODE in target or target.endswith(("/", os.sep))


def write_by_host(
    fingerprint: Fingerprint, target: str, name: str, warn: Callable[[str], object]
) -> str:
    """Write the document to `target`; returns the path. Raises `OutputError`.

    In a directory, which is made if necessary, an older document of this machine is replaced, and
    that of another one with the same name is not.
    """
    plain = file_name(name)
    if NODE in target:
        path = target.replace(NODE, plain)
        if not os.path.isdir(path):
            with suppress(OSError):  # writing says what is wrong
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            write_output(path, dumps(fingerprint), warn)
            return path
        target = path
    for each in numbered(plain):
        path = os.path.join(target, f"{each}.json")
        try:
            create_file(path, dumps(fingerprint).encode("ascii"), warn)
        except TakenError:
            if not _is_of(fingerprint.machine_id, path):
                continue
            write_output(path, dumps(fingerprint), warn)
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write {path}: {reason(error)}") from None
        return path
    raise OutputError(f"{target}: has {_MOST} documents of hosts called {plain}; take a new one")


def _is_of(machine: str | None, path: str) -> bool:
    """Whether the document at `path` is of the machine with this id."""
    if machine is None:
        return False
    try:
        return loads(read_regular(path), path).machine_id == machine
    except (OSError, EnvprintError):
        return False
