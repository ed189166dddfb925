"""Recorded machines: a host that answers from a recording, and one that makes a recording.

A recording is a JSON object: query to argument to answer. Text is a list of lines, so that it reads
and diffs like the original file; `{"error": "EACCES"}` is the machine's own error. Anything else
does not exist there, and directories follow from their files, so a few entries describe a machine.
Only answers to actual queries are recorded, and of variables what
`envprint.machine.recorded_environ` keeps.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256

from envprint.core.typed import Any, TypeVar
from envprint.machine.host import COMMAND_TIMEOUT_S, Completed, Compute, Host, computed_now
from envprint.machine.recorded_environ import kept_variables

Answers = dict[str, dict[str, Any]]
T = TypeVar("T")


def _os_error(name: str, path: str) -> OSError:
    code = getattr(errno, name, None)
    return OSError(name) if code is None else OSError(code, os.strerror(code), path)


class RecordedHost:
    """Answers every query from `answers`, never from the machine it runs on."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._directories: dict[str, set[str]] = {}
        for question in ("read", "kind", "names", "sha256"):
            for path in answers.get(question, {}):
                self._add_parents(path)

    def _add_parents(self, path: str) -> None:
        parent, name = os.path.split(path)
        while name:
            self._directories.setdefault(parent, set()).add(name)
            parent, name = os.path.split(parent)

    def _answer(self, question: str, argument: str = "") -> Any:
        if (answer := self._answers.get(question, {}).get(argument)) is None:
            raise _os_error("ENOENT", argument)
        if isinstance(answer, dict) and "error" in answer:
            raise _os_error(answer["error"], argument)
        return answer

    def read(self, path: str) -> bytes:
        answer = self._answer("read", path)
        return bytes.fromhex(answer["hex"]) if isinstance(answer, dict) else _joined(answer)

    def read_text(self, path: str) -> str:
        return self.read(path).decode("utf-8", "replace")

    def computed(
        self, paths: Sequence[str], files: Sequence[str], form: str, compute: Compute
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        return computed_now(paths, compute)

    def sha256(self, path: str) -> str:
        if path not in self._answers.get("sha256", {}):
            return sha256(self.read(path)).hexdigest()
        digest: str = self._answer("sha256", path)
        return digest

    def list_dir(self, path: str) -> list[str]:
        if path in self._answers.get("names", {}):
            names: list[str] = self._answer("names", path)
            return names
        if path not in self._directories:
            raise _os_error("ENOENT", path)
        return sorted(self._directories[path])

    def file_type(self, path: str) -> str | None:
        if self._answers.get("kind", {}).get(path, ...) is None:
            return None
        if path in self._answers.get("kind", {}):
            kind: str = self._answer("kind", path)
            return kind
        real = self.real_path(path)
        if path in self._answers.get("read", {}) or real in self._answers.get("read", {}):
            return "file"
        known = self._directories.keys() | self._answers.get("names", {}).keys()
        return "directory" if path in known or real in known else None

    def real_path(self, path: str) -> str:
        target: str = self._answers.get("real_path", {}).get(path, path)
        return target

    def linking(self, path: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._answer("linking", path)
        return answer

    def absent_texts(self, path: str, texts: Sequence[str]) -> list[str]:
        known: list[str] = self._answer("absent_texts", path)
        return [text for text in texts if text in known]

    def environ(self) -> Mapping[str, str]:
        return self._answers.get("environ", {})

    def start_environ(self) -> Mapping[str, str]:
        answer = self._answers.get("start_environ", self._answers.get("environ", {}))
        if "error" in answer:
            raise _os_error(answer["error"], "/proc/self/environ")
        return answer

    def interpreter(self) -> Mapping[str, Any]:
        described: Mapping[str, Any] = self._answer("interpreter")
        return described

    def system(self) -> Mapping[str, str]:
        system: Mapping[str, str] = self._answer("system")
        return system

    def cpus(self) -> list[int]:
        cpus: list[int] = self._answer("cpus")
        return cpus

    def disk(self, path: str) -> Mapping[str, int]:
        sizes: Mapping[str, int] = self._answer("disk", path)
        return sizes

    def directory(self) -> str:
        directory: str = self._answer("directory")
        return directory

    def identity(self) -> Mapping[str, str]:
        identity: Mapping[str, str] = self._answer("identity")
        return identity

    def machine_id(self) -> None:
        """None: a recording describes a kind of machine, and people share it."""

    def now(self) -> str:
        now: str = self._answer("now")
        return now

    def run(self, argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        answer = self._answer("run", " ".join(argv))
        return Completed(answer["code"], _joined(answer["stdout"]))

    def limit(self, limit_s: float) -> None:
        """Nothing to do: a recording answers at once."""

    def start_gpu_query(self) -> None:
        """Nothing to do."""

    def nvml(self, refresh: bool = False) -> Mapping[str, Any]:
        reading: Mapping[str, Any] = self._answer("gpu_again" if refresh else "gpu")
        return reading

    def process(self, pid: int) -> Mapping[str, Any]:
        process: Mapping[str, Any] = self._answer("process", str(pid))
        return process

    def may_filter(self, top: str) -> bool:
        return bool(self._answers.get("may_filter", {}).get(top))

    def seal(self, word: str) -> None:
        """None: a recording contains no user's key."""

    def verify_files(self) -> bool:
        return bool(self._answers.get("deep", {}).get(""))


class RecordingHost:
    """Passes every query on to `host` and keeps the answers in `answers`.

    `variables` are kept beside those that `kept_variables` knows.
    """

    def __init__(self, host: Host, variables: Collection[str] = ()) -> None:
        self._host = host
        self._variables = variables
        self.answers: Answers = {}

    def _note(
        self,
        question: str,
        argument: str,
        ask: Callable[[], T],
        form: Callable[[T], Any] | None = None,
    ) -> T:
        try:
            answer = ask()
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, str(error))
            self.answers.setdefault(question, {})[argument] = {"error": name}
            raise
        self.answers.setdefault(question, {})[argument] = form(answer) if form else answer
        return answer

    def read(self, path: str) -> bytes:
        return self._note("read", path, lambda: self._host.read(path), _lines)

    def read_text(self, path: str) -> str:
        return self.read(path).decode("utf-8", "replace")

    def computed(
        self, paths: Sequence[str], files: Sequence[str], form: str, compute: Compute
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        return computed_now(paths, compute)

    def sha256(self, path: str) -> str:
        return self._note("sha256", path, lambda: self._host.sha256(path))

    def list_dir(self, path: str) -> list[str]:
        return self._note("names", path, lambda: self._host.list_dir(path))

    def file_type(self, path: str) -> str | None:
        return self._note("kind", path, lambda: self._host.file_type(path))

    def real_path(self, path: str) -> str:
        return self._note("real_path", path, lambda: self._host.real_path(path))

    def linking(self, path: str) -> Mapping[str, Any]:
        return self._note("linking", path, lambda: self._host.linking(path))

    def absent_texts(self, path: str, texts: Sequence[str]) -> list[str]:
        return self._note("absent_texts", path, lambda: self._host.absent_texts(path, texts))

    def environ(self) -> Mapping[str, str]:
        self.answers["environ"] = kept_variables(self._host.environ(), self._variables)
        return self._host.environ()

    def start_environ(self) -> Mapping[str, str]:
        try:
            variables = self._host.start_environ()
        except OSError as error:
            self.answers["start_environ"] = {"error": errno.errorcode.get(error.errno or 0, "EIO")}
            raise
        self.answers["start_environ"] = kept_variables(variables, self._variables)
        return variables

    def interpreter(self) -> Mapping[str, Any]:
        return self._note("interpreter", "", self._host.interpreter)

    def system(self) -> Mapping[str, str]:
        return self._note("system", "", self._host.system)

    def cpus(self) -> list[int]:
        return self._note("cpus", "", self._host.cpus)

    def disk(self, path: str) -> Mapping[str, int]:
        return self._note("disk", path, lambda: self._host.disk(path))

    def directory(self) -> str:
        return self._note("directory", "", self._host.directory)

    def identity(self) -> Mapping[str, str]:
        return self._note("identity", "", self._host.identity)

    def machine_id(self) -> None:
        """None, as from the recording."""

    def now(self) -> str:
        return self._note("now", "", self._host.now)

    def run(self, argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        return self._note(
            "run",
            " ".join(argv),
            lambda: self._host.run(argv, timeout_s),
            lambda c: {"code": c.code, "stdout": _lines(c.stdout)},
        )

    def limit(self, limit_s: float) -> None:
        self._host.limit(limit_s)

    def start_gpu_query(self) -> None:
        self._host.start_gpu_query()

    def nvml(self, refresh: bool = False) -> Mapping[str, Any]:
        return self._note("gpu_again" if refresh else "gpu", "", lambda: self._host.nvml(refresh))

    def process(self, pid: int) -> Mapping[str, Any]:
        return self._note("process", str(pid), lambda: self._host.process(pid))

    def may_filter(self, top: str) -> bool:
        return self._note("may_filter", top, lambda: self._host.may_filter(top))

    def seal(self, word: str) -> None:
        """None, as from the recording, which people share."""

    def verify_files(self) -> bool:
        return self._note("deep", "", self._host.verify_files)


def _lines(content: bytes) -> Any:
    try:
        return content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return {"hex": content.hex()}


def _joined(lines: list[str]) -> bytes:
    return "\n".join(lines).encode("utf-8")
