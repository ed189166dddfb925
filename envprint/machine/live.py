"""The machine this process runs on, as a `Host`."""

import _thread
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from envprint.core.errors import InterpreterError
from envprint.core.fingerprint import CAPTURE_TIMEOUT_S, GPU_TIMEOUT_S
from envprint.core.typed import TYPE_CHECKING, Any
from envprint.machine import interpreter, os_calls
from envprint.machine.clock import utc
from envprint.machine.deadline import within
from envprint.machine.files import open_regular
from envprint.machine.host import (
    COMMAND_TIMEOUT_S,
    MAX_ANSWER_BYTES,
    Completed,
    Compute,
    computed_now,
)

if TYPE_CHECKING:
    from envprint.machine.nvml import NoLibrary
    from envprint.machine.nvml.client import NvmlQuery

GPU_AGAIN_S = 2.0
"""Limit for a second NVML reading: a driver that just responded needs less."""


def _require_size(size: int, path: str) -> None:
    if size > MAX_ANSWER_BYTES:
        raise OSError(errno.EFBIG, f"larger than {MAX_ANSWER_BYTES >> 20} MiB", path)


class LiveHost:
    """This machine, seen from an interpreter: this one, or the one that `python` names.

    `python` is what `--python` takes; `source` says in errors where it comes from. With `variables`
    it is seen as a process that starts with them sees it. Without `cache`, or with `verify_files`,
    nothing comes from the user's cache. `trusts` tells whether the user trusts the repository at a
    path; without it none is trusted. Raises `InterpreterError` if it does not behave like an
    interpreter, or not within `timeout_s`.
    """

    def __init__(
        self,
        python: str | None = None,
        *,
        verify_files: bool = False,
        cache: bool = True,
        gpu_timeout_s: float = GPU_TIMEOUT_S,
        source: str = "--python",
        variables: Mapping[str, str] | None = None,
        timeout_s: float = CAPTURE_TIMEOUT_S,
        trusts: Callable[[str], bool] | None = None,
    ) -> None:
        begun_s = time.monotonic()
        self._variables = variables
        self._verify_files = verify_files
        self._cache = cache and not verify_files
        self._gpu_timeout_s = gpu_timeout_s
        self._trusts = trusts
        self._until_s = float("inf")
        self._query: NvmlQuery | NoLibrary | None = None
        self._querying = _thread.allocate_lock()
        self._names: dict[str, list[str]] = {}
        self._real_paths: dict[str, str] = {}
        self._interpreter = self._described(python, source, timeout_s) if python else None
        self.spent_s = time.monotonic() - begun_s
        """The part of a capture's time that the interpreter has taken already."""

    def read(self, path: str) -> bytes:
        descriptor, size = open_regular(path)
        try:
            _require_size(size, path)
            content = os.read(descriptor, size + 1)
            # Files in /proc and /sys report 0 bytes, and any file may have grown.
            while chunk := os.read(descriptor, 65536) if len(content) != size else b"":
                content += chunk
                _require_size(len(content), path)
            return content
        finally:
            os.close(descriptor)

    def read_text(self, path: str) -> str:
        return self.read(path).decode("utf-8", "replace")

    def computed(
        self, paths: Sequence[str], files: Sequence[str], form: str, compute: Compute
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        if not self._cache:
            return computed_now(paths, compute)
        from envprint.machine.file_index import values

        return values(paths, files, form, compute)

    def sha256(self, path: str) -> str:
        import hashlib

        digest = hashlib.sha256()
        descriptor, _ = open_regular(path)
        try:
            while chunk := os.read(descriptor, 1 << 20):
                digest.update(chunk)
        finally:
            os.close(descriptor)
        return digest.hexdigest()

    def list_dir(self, path: str) -> list[str]:
        # Several collectors list the same directories, and a capture shows one moment.
        if path not in self._names:
            self._names[path] = sorted(os.listdir(path))
        return self._names[path]

    def file_type(self, path: str) -> str | None:
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "other"

    def real_path(self, path: str) -> str:
        # Several collectors ask for the same paths, and most of these share their beginnings.
        if path not in self._real_paths:
            self._real_paths[path] = self._resolved(path)
        return self._real_paths[path]

    def _resolved(self, path: str) -> str:
        parent, name = os.path.split(path)
        if not name or not path.startswith("/") or path != os.path.normpath(path):
            return os.path.realpath(path)
        found = os.path.join(self.real_path(parent), name)
        return os.path.realpath(found) if os.path.islink(found) else found

    def linking(self, path: str) -> Mapping[str, Any]:
        from envprint.machine.elf import linking

        return linking(path)

    def absent_texts(self, path: str, texts: Sequence[str]) -> list[str]:
        from envprint.machine.elf import absent_texts

        return absent_texts(path, texts)

    def environ(self) -> Mapping[str, str]:
        return os.environ if self._variables is None else self._variables

    def start_environ(self) -> Mapping[str, str]:
        if self._variables is not None:
            return self._variables
        block = self.read("/proc/self/environ").decode("utf-8", "surrogateescape")
        pairs = (item.partition("=") for item in block.split("\0") if "=" in item)
        return {name: value for name, _, value in pairs}

    def interpreter(self) -> Mapping[str, Any]:
        if self._interpreter is None:
            self._interpreter = interpreter.describe()
        return self._interpreter

    def set_probe_results(self, probes: Mapping[str, Any]) -> None:
        """Add the results of probes of the interpreter to the capture."""
        self._interpreter = {**self.interpreter(), "probes": probes}

    def read_process_state(self) -> None:
        """Add to the capture what only code in this process can know."""
        from envprint.machine.process_state import describe

        self._interpreter = {**self.interpreter(), **describe()}

    def _described(self, python: str, source: str, timeout_s: float) -> Mapping[str, Any]:
        """What the interpreter says of itself; the time includes what stands before it on disk."""
        from envprint.machine.other_interpreter import describe

        what = f"{source} {python}"
        try:
            # Its own limit comes first, and says more.
            return within(timeout_s + 0.5, lambda: describe(self, python, what, timeout_s))
        except OSError as error:
            raise InterpreterError(f"{what}: {error.strerror or error}") from error

    def system(self) -> Mapping[str, str]:
        return os_calls.system()

    def cpus(self) -> list[int]:
        return os_calls.cpus()

    def disk(self, path: str) -> Mapping[str, int]:
        return os_calls.disk(path)

    def directory(self) -> str:
        return os.getcwd()

    def identity(self) -> Mapping[str, str]:
        return os_calls.identity()

    def machine_id(self) -> str | None:
        from envprint.machine.user_files import machine_id

        return machine_id()

    def now(self) -> str:
        return utc()

    def run(self, argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        limit_s = min(timeout_s, self._left_s())
        variables = self.environ_for_children()
        return Completed(*os_calls.run(argv, variables, limit_s, MAX_ANSWER_BYTES))

    def environ_for_children(self) -> Mapping[str, str]:
        """The variables of this process, without those that this interpreter set for itself."""
        if self._variables is not None:
            return self._variables
        # If this one set LC_CTYPE (PEP 538), it would keep an observed one out of its UTF-8 mode.
        try:
            coerced = "LC_CTYPE" not in self.start_environ()
        except OSError:
            coerced = False
        return {
            name: value for name, value in os.environ.items() if not coerced or name != "LC_CTYPE"
        }

    def limit(self, limit_s: float) -> None:
        self._until_s = time.monotonic() + limit_s

    def start_gpu_query(self) -> None:
        from envprint.machine.nvml import start_query

        self._query = start_query(min(self._gpu_timeout_s, self._left_s()))

    def _left_s(self) -> float:
        """What is left of the limit, as exactly as messages name it."""
        return round(max(self._until_s - time.monotonic(), 0.1), 2)

    def nvml(self, refresh: bool = False) -> Mapping[str, Any]:
        if refresh:
            limit_s = min(self._gpu_timeout_s, GPU_AGAIN_S, self._left_s())
            return LiveHost(gpu_timeout_s=limit_s).nvml()
        # Three sections need it, but a driver that hangs is waited for only once.
        with self._querying:
            if self._query is None:
                self.start_gpu_query()
            assert self._query
            return self._query.result()

    def process(self, pid: int) -> Mapping[str, Any]:
        return os_calls.process(pid)

    def may_filter(self, top: str) -> bool:
        return self._trusts is not None and self._trusts(top)

    def seal(self, word: str) -> str | None:
        from envprint.machine.sealing import seal

        return seal(word)

    def verify_files(self) -> bool:
        return self._verify_files
