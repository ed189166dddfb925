"""The one door to the machine: everything envprint knows of it comes through a `Host`.

Collectors ask a host and never open a file themselves, so that a recorded machine
(`envprint.recording`) answers them as well as a live one, and a test of a collector is a test of
a whole machine. Errors are those of the operating system: `OSError` means that this one question
has no answer, and why.
"""

import os
import stat
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from envprint import interpreter, systems
from envprint.clock import utc
from envprint.errors import InterpreterError
from envprint.files import open_regular

if TYPE_CHECKING:
    from envprint.nvml.finding import Begun

COMMAND_TIMEOUT_S = 10.0
GPU_TIMEOUT_S = 10.0
GPU_AGAIN_S = 2.0
"""A driver that has just answered does so within this, or its first answers have to do."""


class Completed(NamedTuple):
    """How a command ended: its exit code and what it printed on stdout."""

    code: int
    stdout: bytes


class Host(Hashable, Protocol):
    """What can be asked of a machine. Paths are absolute; text is UTF-8 with replacements."""

    def read(self, path: str) -> bytes:
        """The content of a file. Raises `OSError`."""

    def text(self, path: str) -> str:
        """The content of a text file. Raises `OSError`."""

    def sha256(self, path: str) -> str:
        """The digest of a file's content in hexadecimal, however large it is. Raises `OSError`."""

    def names(self, path: str) -> list[str]:
        """The sorted names in a directory. Raises `OSError`."""

    def kind(self, path: str) -> str | None:
        """`file`, `directory` or `other`, links followed; None for nothing. Raises `OSError`."""

    def real_path(self, path: str) -> str:
        """`path` with every link followed."""

    def environ(self) -> Mapping[str, str]:
        """The environment variables of this process, as they are now."""

    def start_environ(self) -> Mapping[str, str]:
        """The variables this process was started with. Raises `OSError` where that is not kept."""

    def interpreter(self) -> Mapping[str, Any]:
        """What `envprint.interpreter.describe` says in the interpreter under observation."""

    def system(self) -> Mapping[str, str]:
        """`system`, `release`, `version` and `machine` of the kernel. Raises `OSError`."""

    def cpus(self) -> list[int]:
        """The processors this process may run on. Raises `OSError` where that is not known."""

    def disk(self, path: str) -> Mapping[str, int]:
        """`total_bytes` and `free_bytes` of the file system with `path`. Raises `OSError`."""

    def directory(self) -> str:
        """The working directory. Raises `OSError` when it is gone."""

    def identity(self) -> Mapping[str, str]:
        """`home`, `user` and `host_name` where known: not in a fingerprint unless asked for."""

    def now(self) -> str:
        """The time in UTC, ISO 8601, to the second."""

    def run(self, argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        """Run a command without a shell or stdin. Raises `OSError`, `TimeoutError` included."""

    def begin(self) -> float:
        """Start what takes long and needs no answer yet; in how many seconds it has one."""

    def gpu(self, again: bool = False) -> Mapping[str, Any]:
        """The raw NVML reading, see `envprint.nvml.reading`; `again`: another one, of now."""

    def process(self, pid: int) -> Mapping[str, Any]:
        """What `envprint.systems.process` says of a process. Raises `OSError` as it does."""

    def seal(self, word: str) -> str | None:
        """The mark of a hidden word with the user's seal, see `envprint.sealing`; None without."""

    def deep(self) -> bool:
        """Whether the user asked to look into every installed file (`--deep`)."""


class LiveHost:
    """This machine, seen through an interpreter: this one, or the one at `python`.

    Raises `InterpreterError` when `python` does not answer as an interpreter does.
    """

    def __init__(
        self, python: str | None = None, *, deep: bool = False, gpu_timeout_s: float = GPU_TIMEOUT_S
    ) -> None:
        self._deep = deep
        self._gpu_timeout_s = gpu_timeout_s
        self._interpreter = self._describe(python) if python is not None else None
        self._asked: Begun | None = None
        self._names: dict[str, list[str]] = {}

    def read(self, path: str) -> bytes:
        descriptor, size = open_regular(path)
        try:
            content = os.read(descriptor, size + 1)
            # Files of /proc and /sys say 0 bytes, and any file may have grown.
            while chunk := os.read(descriptor, 65536) if len(content) != size else b"":
                content += chunk
            return content
        finally:
            os.close(descriptor)

    def text(self, path: str) -> str:
        return self.read(path).decode("utf-8", "replace")

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

    def names(self, path: str) -> list[str]:
        # Several collectors list the same directories; one capture shows one moment.
        if path not in self._names:
            self._names[path] = sorted(os.listdir(path))
        return self._names[path]

    def kind(self, path: str) -> str | None:
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "other"

    def real_path(self, path: str) -> str:
        return os.path.realpath(path)

    def environ(self) -> Mapping[str, str]:
        return os.environ

    def start_environ(self) -> Mapping[str, str]:
        block = self.read("/proc/self/environ").decode("utf-8", "surrogateescape")
        pairs = (item.partition("=") for item in block.split("\0") if "=" in item)
        return {name: value for name, _, value in pairs}

    def interpreter(self) -> Mapping[str, Any]:
        if self._interpreter is None:
            self._interpreter = interpreter.describe()
        return self._interpreter

    def keep(self, probes: Mapping[str, Any]) -> None:
        """Have a capture hold what probes of the interpreter have told."""
        self._interpreter = {**self.interpreter(), "probes": probes}

    def look_inside(self) -> None:
        """Have a capture hold what only code in this process can say of itself."""
        from envprint.inside import describe

        self._interpreter = {**self.interpreter(), **describe()}

    def _describe(self, python: str) -> Mapping[str, Any]:
        import json

        source = self.text(interpreter.__file__) + "\nprint_description()\n"
        try:
            done = self.run([python, "-c", source], 30.0)
        except OSError as error:
            raise InterpreterError(f"--python {python}: {error.strerror or error}") from error
        _, mark, description = done.stdout.decode("utf-8", "replace").rpartition(interpreter.MARK)
        if done.code or not mark:
            raise InterpreterError(
                f"--python {python}: expected Python 3.6 or later, it ended with {done.code}"
            )
        try:
            return dict(json.loads(description))
        except (TypeError, ValueError, RecursionError) as error:
            raise InterpreterError(f"--python {python}: not understood: {error}") from None

    def system(self) -> Mapping[str, str]:
        return systems.system()

    def cpus(self) -> list[int]:
        return systems.cpus()

    def disk(self, path: str) -> Mapping[str, int]:
        return systems.disk(path)

    def directory(self) -> str:
        return os.getcwd()

    def identity(self) -> Mapping[str, str]:
        return systems.identity()

    def now(self) -> str:
        return utc()

    def run(self, argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        return Completed(*systems.run(argv, self.environ_for_children(), timeout_s))

    def environ_for_children(self) -> Mapping[str, str]:
        """The variables of this process, but for what this interpreter has set for itself."""
        # LC_CTYPE that this one has set (PEP 538) would keep an observed one out of its UTF-8 mode.
        try:
            coerced = "LC_CTYPE" not in self.start_environ()
        except OSError:
            coerced = False
        return {
            name: value for name, value in os.environ.items() if not coerced or name != "LC_CTYPE"
        }

    def begin(self) -> float:
        from envprint.nvml.finding import begin

        self._asked = begin(self._gpu_timeout_s)
        return self._gpu_timeout_s

    def gpu(self, again: bool = False) -> Mapping[str, Any]:
        if again:
            return LiveHost(gpu_timeout_s=min(self._gpu_timeout_s, GPU_AGAIN_S)).gpu()
        # Three sections ask, and a driver that hangs should be waited for once.
        if self._asked is None:
            self.begin()
        assert self._asked
        return self._asked.result()

    def process(self, pid: int) -> Mapping[str, Any]:
        return systems.process(pid)

    def seal(self, word: str) -> str | None:
        from envprint.sealing import seal

        return seal(word)

    def deep(self) -> bool:
        return self._deep
