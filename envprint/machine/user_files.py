"""Small files that envprint makes once for this user: the id of the machine, a key.

They are in the user's configuration directory and readable by that user only. Each is created
atomically, so that concurrent processes agree on one, and never changed. What may be lost at any
time is in the user's cache (`envprint.machine.file_index`).
"""

from __future__ import annotations

import os
import stat

from envprint.core.errors import suppress

MACHINE_ID = "machine-id"
OTHERS_READ_OR_WRITE = 0o077
OTHERS_WRITE = 0o022
_HEX_DIGITS = b"0123456789abcdef"


def machine_id() -> str | None:
    """A random id by which saved fingerprints of one machine are recognised.

    Random, because a serial number or a host name would identify the machine to everybody who
    reads a fingerprint. None if there is no directory to keep it in.
    """
    path = user_file(MACHINE_ID)
    made = f"{os.urandom(16).hex()}\n".encode("ascii")
    content = read_or_make(path, made, OTHERS_WRITE) if path else None
    if not content or content[-1:] != b"\n" or content[:-1].strip(_HEX_DIGITS):
        return None
    return content[:-1].decode("ascii")


def user_file(name: str, variable: str = "XDG_CONFIG_HOME", default: str = ".config") -> str | None:
    """The path of a file in the directory that `variable` names; None if the user has none.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    base = os.environ.get(variable, "")
    if not os.path.isabs(base):  # the specification ignores relative paths
        base = os.path.join(os.path.expanduser("~"), default)
    return os.path.join(base, "envprint", name) if os.path.isabs(base) else None


def read_or_make(path: str, made: bytes, forbidden: int) -> bytes | None:
    """The content of a file as long as `made`, which becomes its content if there is no file.

    None if it has another length, belongs to somebody else, has one of the `forbidden` permissions,
    or can be neither read nor made.
    """
    try:
        try:
            return _read(path, len(made), forbidden)
        except FileNotFoundError:
            _make(path, made)
            return _read(path, len(made), forbidden)
    except OSError:
        return None


def _read(path: str, length: int, forbidden: int) -> bytes | None:
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not is_ours(status) or status.st_mode & forbidden:
            return None
        content = os.read(descriptor, length + 1)
    finally:
        os.close(descriptor)
    return content if len(content) == length else None


def is_ours(status: os.stat_result) -> bool:
    """Whether the file with this status belongs to this user."""
    if not hasattr(os, "geteuid") or status.st_uid == os.geteuid():
        return True
    from envprint.machine.owners import own_ids  # hardly ever needed

    return status.st_uid in own_ids()


def make_folder(folder: str) -> None:
    """Create a folder for files of this user, if there is none. Raises `OSError`."""
    existing = folder
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    # With `sudo -E` the home directory is the user's, who could not read a file of root in it.
    if "SUDO_UID" in os.environ and os.stat(existing).st_uid != os.geteuid():
        raise PermissionError
    os.makedirs(folder, mode=0o700, exist_ok=True)


def _make(path: str, content: bytes) -> None:
    """Create the file; of concurrent processes the first one wins."""
    from envprint.machine.files import sweep, temporary_in  # hardly ever needed

    folder = os.path.dirname(path)
    make_folder(folder)
    sweep(folder)
    descriptor, beside = temporary_in(folder, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(beside, path)
    finally:
        os.unlink(beside)
