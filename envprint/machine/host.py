"""The one door to the machine: everything envprint knows of it comes through a `Host`.

Collectors ask a host and never open a file themselves, so that a recorded machine
(`envprint.machine.recorded`) answers them as well as a live one, and a test of a collector is a
test of a whole machine. Errors are those of the operating system: `OSError` means that this one
question has no answer, and why.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    pass


COMMAND_TIMEOUT_S = 10.0


class Completed(NamedTuple):
    """How a command ended: its exit code and what it printed on stdout."""

    code: int
    stdout: bytes


class Host(Hashable, Protocol):
    """What can be asked of a machine. Paths are absolute; text is UTF-8 with replacements."""

    def read(self, path: str) -> bytes:
        """The content of a file. Raises `OSError`."""

    def read_text(self, path: str) -> str:
        """The content of a text file. Raises `OSError`."""

    def sha256(self, path: str) -> str:
        """The digest of a file's content in hexadecimal, however large it is. Raises `OSError`."""

    def list_dir(self, path: str) -> list[str]:
        """The sorted names in a directory. Raises `OSError`."""

    def file_type(self, path: str) -> str | None:
        """`file`, `directory` or `other`, links followed; None for nothing. Raises `OSError`."""

    def real_path(self, path: str) -> str:
        """`path` with every link followed."""

    def environ(self) -> Mapping[str, str]:
        """The environment variables of this process, as they are now."""

    def start_environ(self) -> Mapping[str, str]:
        """The variables this process was started with. Raises `OSError` where that is not kept."""

    def interpreter(self) -> Mapping[str, Any]:
        """What `envprint.machine.interpreter.describe` says in the interpreter under
        observation."""

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

    def start_gpu_query(self) -> float:
        """Start what takes long and needs no answer yet; in how many seconds it has one."""

    def nvml(self, refresh: bool = False) -> Mapping[str, Any]:
        """The raw NVML reading, see `envprint.machine.nvml.client`; `again`: another one, of
        now."""

    def process(self, pid: int) -> Mapping[str, Any]:
        """What `envprint.machine.os_calls.process` says of a process. Raises `OSError` as it
        does."""

    def seal(self, word: str) -> str | None:
        """The mark of a hidden word with the user's seal, see `envprint.machine.sealing`; None
        without."""

    def verify_files(self) -> bool:
        """Whether the user asked to look into every installed file (`--deep`)."""
