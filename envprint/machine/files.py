"""Reads a document from a path, stdin or a pipe, and writes one atomically.

Input may be a file, `-`, or a pipe fed by another command; a FIFO without a writer, a directory or
an endless file raises instead of blocking. Output replaces the target atomically; a target that
cannot be replaced is written in place, with a warning.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable
from itertools import islice

from envprint.core.errors import DocumentError, OutputError, suppress, warn
from envprint.core.typed import NamedTuple


class TakenError(FileExistsError):
    """Another file has the name that a new one was to get."""


class Input(NamedTuple):
    """The bytes of a document, its name, and what was skipped to find it."""

    content: bytes
    name: str
    """Its name in error messages."""
    skipped: tuple[str, ...] = ()
    """Damaged entries that were skipped before it was found."""
    program: str | None = None
    """Name of the program whose run saved it."""
    caveat: str | None = None
    """What to know about it; the user should read it."""


MAX_BYTES = 64 * 1024 * 1024
"""Far above the size of any fingerprint."""
PIPE_TIMEOUT_S = 60.0
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
"""Not needed on Windows, which has no FIFOs in the file system."""


def read_input(path: str, kind: str = "fingerprint") -> bytes:
    """The bytes at `path` (`-` is stdin), at most `MAX_BYTES` + 1. Raises `DocumentError`.

    `kind` is the expected document in its messages.
    """
    name = input_name(path)
    try:
        if path == "-":
            return _read_all(_stdin(), name)
        # Otherwise, opening a FIFO without a writer would block.
        descriptor = os.open(path, os.O_RDONLY | NONBLOCK)
    except (OSError, ValueError) as error:
        raise DocumentError(f"{name}: {reason(error)}") from None
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise DocumentError(f"{name}: is a directory, expected a {kind} file")
        return _read_all(descriptor, name)
    except OSError as error:
        raise DocumentError(f"{name}: {reason(error)}") from None
    finally:
        os.close(descriptor)


def read_file(path: str) -> bytes:
    """The bytes of a file that is known to exist. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def open_regular(path: str) -> tuple[int, int]:
    """A descriptor and the size of the file at `path`. Raises `OSError`, also for pipes."""
    descriptor = os.open(path, os.O_RDONLY | NONBLOCK)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, status.st_size
    os.close(descriptor)
    raise OSError(errno.EINVAL, "is not a regular file", path)


def read_regular(path: str, limit: int = MAX_BYTES) -> bytes:
    """The beginning of a file that anybody may have put there.

    Raises `OSError`, also for pipes and devices.
    """
    descriptor, size = open_regular(path)
    try:
        return os.read(descriptor, min(size, limit))
    finally:
        os.close(descriptor)


def input_name(path: str) -> str:
    """The name that error messages use for `path`."""
    return {"-": "<stdin>", "": "an empty name"}.get(path, path)


def _stdin() -> int:
    if sys.stdin is None:
        raise DocumentError("<stdin>: it is closed")
    return sys.stdin.fileno()


def _read_all(descriptor: int, name: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while size <= MAX_BYTES:
        try:
            # Read first: a FIFO without a writer is at its end here, but select would block.
            chunk = os.read(descriptor, min(1 << 20, MAX_BYTES + 1 - size))
        except BlockingIOError:
            import select

            if not select.select([descriptor], [], [], PIPE_TIMEOUT_S)[0]:
                raise DocumentError(f"{name}: nothing came for {PIPE_TIMEOUT_S:g} s") from None
            continue
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


def write_output(path: str, text: str, warn: Callable[[str], object] = warn) -> None:
    """Replace the file at `path` by `text` in one step. Raises `OutputError`.

    A symbolic link stays one and its target is replaced; a device or pipe is written to directly,
    because renaming a file over it would destroy it. A file that is writable but cannot be replaced
    is written in place after a call to `warn`.
    """
    # A Linux file name may not be valid UTF-8; Python keeps such bytes as lone surrogates.
    content = text.encode("utf-8", "backslashreplace")
    if not path:
        raise OutputError("cannot write: the file name is empty")
    try:
        mode = _mode(path)
        if mode is not None and stat.S_ISDIR(mode):
            raise OutputError(f"{path}: is a directory, expected a file name")
        if mode is not None and not stat.S_ISREG(mode):
            # By the given name: the real path of a pipe in /dev/fd does not exist.
            _write_through(path, content)
        elif (opened := _descriptor(path)) is not None:
            _write_all(opened, content)
        else:
            _replace_or_overwrite(path, content, mode, warn)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from None


_FIXED = frozenset({errno.EACCES, errno.EBUSY, errno.EPERM, errno.EROFS, errno.EXDEV})
"""Errors of a directory that allows no new file, and of a mount point that cannot be replaced."""


def _replace_or_overwrite(
    path: str, content: bytes, mode: int | None, warn: Callable[[str], object]
) -> None:
    real = os.path.realpath(path)
    try:
        _replace(real, content, mode, warn)
    except OSError as error:
        if mode is None or error.errno not in _FIXED:
            raise
        try:
            descriptor = os.open(real, os.O_WRONLY)
        except OSError:
            raise error from None
        try:
            warn(f"{path}: cannot be replaced ({reason(error)}), so it is overwritten in place")
            _overwrite(descriptor, content)
        finally:
            os.close(descriptor)


def _overwrite(descriptor: int, content: bytes) -> None:
    """Overwrite a file in place, or leave it unchanged if the new content does not fit."""
    before = os.fstat(descriptor).st_size
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, len(content))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                os.ftruncate(descriptor, before)
                raise
            # Not every file system supports preallocation.
    _write_all(descriptor, content)
    os.ftruncate(descriptor, len(content))
    _is_granted(lambda: os.fsync(descriptor))


_DESCRIPTORS = "/dev/fd"
_MAX_LINKS = 40
"""Linux' own limit."""


def _descriptor(path: str) -> int | None:
    """The open descriptor that `path` names, such as 1 for /dev/stdout; else None.

    If stdout is a file, replacing that file would lose the output of other writers, and reopening
    it would overwrite what they have written.
    """
    folders = {_DESCRIPTORS, os.path.realpath(_DESCRIPTORS)}
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(path)
        if name.isdecimal() and {folder, os.path.realpath(folder)} & folders:
            return int(name)
        if not os.path.islink(path):
            return None
        path = os.path.join(folder, os.readlink(path))
    return None


def replace_file(path: str, content: bytes, warn: Callable[[str], object] = warn) -> None:
    """Write a file atomically, in its folder or a new one; `warn` gets what the mount refuses."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _replace(path, content, None, warn)


def create_file(path: str, content: bytes, warn: Callable[[str], object] = warn) -> None:
    """The same for a file that does not exist yet. Raises `TakenError`, and other `OSError`."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        _replace(path, content, None, warn, _take_name)
    except FileExistsError as error:
        raise TakenError(*error.args) from None


def _take_name(temporary: str, path: str) -> None:
    try:
        os.link(temporary, path)
        os.unlink(temporary)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        # A mount without hard links: an empty file takes the name first.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        os.replace(temporary, path)


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _write_through(path: str, content: bytes) -> None:
    # Opening a FIFO without a reader fails instead of blocking, possibly forever.
    descriptor = os.open(path, os.O_WRONLY | NONBLOCK)
    try:
        os.set_blocking(descriptor, True)
        _write_all(descriptor, content)
    finally:
        os.close(descriptor)


def _replace(
    path: str,
    content: bytes,
    mode: int | None,
    warn: Callable[[str], object],
    rename: Callable[[str, str], None] | None = None,
) -> None:
    """The old content or the new, never a part: also after a power cut, where the mount allows."""
    folder = os.path.dirname(path)
    sweep(folder)
    for left in range(_TRIES, 0, -1):
        descriptor, temporary = temporary_in(folder)
        try:
            try:
                refused = _fill(descriptor, content, mode)
                (rename or os.replace)(temporary, path)
            finally:
                os.close(descriptor)
            break
        except (OSError, KeyboardInterrupt) as error:
            with suppress(OSError):
                os.unlink(temporary)
            # On a mount whose locks are not shared, another machine may have swept it.
            if not isinstance(error, FileNotFoundError) or left == 1 or not os.path.isdir(folder):
                raise
    refused += _synced_folder(folder)
    if refused:
        warn(f"{path}: written, but the mount refuses {', '.join(refused)}")


_TRIES = 3
_LISTED = 10_000
"""Names of a directory that are looked at for what a killed writer left."""
_REFUSED = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM", "EROFS")
)
"""What a mount answers to a request that it does not know, as against a disk that fails."""


def temporary_in(folder: str, mode: int = 0o666) -> tuple[int, str]:
    """A new file beside the target, locked as long as its writer lives."""
    while True:
        # Not by pid: in a container every start may have the same one.
        path = os.path.join(folder, f"{_BEGINS}{os.urandom(8).hex()}{_ENDS}")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        # Swept between these two calls, it has no name any more.
        if not _lock(descriptor, is_patient=True) or os.fstat(descriptor).st_nlink:
            return descriptor, path
        os.close(descriptor)


_BEGINS, _ENDS = ".envprint-", ".tmp"


def _lock(descriptor: int, *, is_patient: bool) -> bool:
    """Whether the file is now locked by this process; never on a mount without locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _fill(descriptor: int, content: bytes, mode: int | None) -> list[str]:
    """Write and flush; returns the requests that the mount refuses."""
    refused = []
    if mode is not None and not _is_granted(lambda: os.fchmod(descriptor, stat.S_IMODE(mode))):
        refused.append("fchmod")
    _write_all(descriptor, content)
    if not _is_granted(lambda: os.fsync(descriptor)):
        refused.append("fsync")
    return refused


def _is_granted(request: Callable[[], object]) -> bool:
    """Whether the mount knows the request. Raises `OSError` if it fails for another reason."""
    try:
        request()
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        return False
    return True


def _synced_folder(folder: str) -> list[str]:
    """Flush the new name too; returns what the mount refuses. The content is there by now."""
    try:
        descriptor = os.open(folder or ".", os.O_RDONLY)
    except OSError:  # it may be written and not listed; Windows opens no directories
        return []
    try:
        return [] if _is_granted(lambda: os.fsync(descriptor)) else ["fsync of the directory"]
    except OSError as error:
        return [f"fsync of the directory ({reason(error)})"]
    finally:
        os.close(descriptor)


def sweep(folder: str) -> int:
    """Remove what killed writers left in a directory; returns how many files."""
    removed = 0
    with suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in islice(entries, _LISTED):
            if entry.name.startswith(_BEGINS) and entry.name.endswith(_ENDS):
                removed += _is_swept(entry.path)
    return removed


def _is_swept(path: str) -> bool:
    """Whether the file had no living writer, and is removed."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
        try:
            if _lock(descriptor, is_patient=False):
                os.unlink(path)
                return True
        finally:
            os.close(descriptor)
    return False


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def reason(error: Exception) -> str:
    """The text of an operating system error, to follow a colon."""
    if isinstance(error, FileNotFoundError):
        return "no such file or directory"
    return (getattr(error, "strerror", None) or str(error)).lower()
