"""The only access to the machine: everything envprint knows about it comes from a `Host`.

Collectors query a host and never open files themselves, so they work on a recorded machine
(`envprint.machine.recorded`) as well as on a live one, and their tests run on whole machines. A
query that fails raises the operating system's `OSError`.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

from envprint.core.typed import Any, NamedTuple, Protocol

Compute = Callable[[str], tuple[dict[str, Any], bool]]
"""From the path of a directory to what its files say, in JSON types, and whether to keep that."""
COMMAND_TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Limit of an answer: ten times the largest list of files that a package brings."""


class Completed(NamedTuple):
    """How a command ended: its exit code and what it printed on stdout."""

    code: int
    stdout: bytes


class Host(Hashable, Protocol):
    """The queries a machine answers. Paths are absolute; text is UTF-8 with replacements.

    Several threads may ask at a time.
    """

    def read(self, path: str) -> bytes:
        """The content of a file. Raises `OSError`."""

    def read_text(self, path: str) -> str:
        """The content of a text file. Raises `OSError`."""

    def computed(
        self, paths: Sequence[str], files: Sequence[str], form: str, compute: Compute
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each directory with `compute` of it, which reads `files` in it.

        A host may know the result from before, if nothing has changed; `form` names the
        computation and changes with it.
        """

    def sha256(self, path: str) -> str:
        """The hexadecimal digest of a file of any size. Raises `OSError`."""

    def list_dir(self, path: str) -> list[str]:
        """The sorted names in a directory. Raises `OSError`."""

    def file_type(self, path: str) -> str | None:
        """`file`, `directory` or `other`, links followed; None if missing. Raises `OSError`."""

    def real_path(self, path: str) -> str:
        """`path` with every link followed."""

    def linking(self, path: str) -> Mapping[str, Any]:
        """The result of `envprint.machine.elf.linking`. Raises `OSError` or `ValueError`."""

    def absent_texts(self, path: str, texts: Sequence[str]) -> list[str]:
        """Those of `texts` that are no constant of a library, by `envprint.machine.elf`.

        Raises `OSError` or `ValueError`.
        """

    def environ(self) -> Mapping[str, str]:
        """The environment variables of this process, as they are now."""

    def start_environ(self) -> Mapping[str, str]:
        """The variables this process was started with. Raises `OSError` if they are not known."""

    def interpreter(self) -> Mapping[str, Any]:
        """The result of `envprint.machine.interpreter.describe` in the observed interpreter."""

    def system(self) -> Mapping[str, str]:
        """`system`, `release`, `version` and `machine` of the kernel. Raises `OSError`."""

    def cpus(self) -> list[int]:
        """The processors this process may run on. Raises `OSError` if that is not known."""

    def disk(self, path: str) -> Mapping[str, int]:
        """`total_bytes` and `free_bytes` of the file system with `path`. Raises `OSError`."""

    def directory(self) -> str:
        """The working directory. Raises `OSError` if it no longer exists."""

    def identity(self) -> Mapping[str, str]:
        """`home`, `user` and `host_name` as far as known; in a fingerprint only on request."""

    def machine_id(self) -> str | None:
        """The random id of this machine, or None: `envprint.machine.user_files`."""

    def now(self) -> str:
        """The time in UTC, ISO 8601, to the second."""

    def run(self, argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        """Run a command without a shell or stdin. Raises `OSError`, `TimeoutError` included."""

    def limit(self, limit_s: float) -> None:
        """What is started from now on ends within `limit_s`."""

    def start_gpu_query(self) -> None:
        """Start the slow queries in the background."""

    def nvml(self, refresh: bool = False) -> Mapping[str, Any]:
        """The raw NVML reading, see `envprint.machine.nvml.client`; a new one with `again`."""

    def process(self, pid: int) -> Mapping[str, Any]:
        """The result and the errors of `envprint.machine.os_calls.process`."""

    def may_filter(self, top: str) -> bool:
        """Whether Git may run the filters that the repository at `top` configures.

        Raises `OSError` if the user's policy cannot be read.
        """

    def seal(self, word: str) -> str | None:
        """The mark of a hidden word with the user's seal, or None: `envprint.machine.sealing`."""

    def verify_files(self) -> bool:
        """Whether to read every installed file (`--deep`)."""


def computed_now(paths: Sequence[str], compute: Compute) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answer of `Host.computed`, from every file anew."""
    for path in paths:
        yield path, compute(path)[0]
