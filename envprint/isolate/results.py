"""What a job's result is, where to find it, and whether two results are the same.

`stdout:REGEX` is the last match in what the job printed, `metrics.json:loss` a value in a JSON
file, `probe` what the training probe computes, and any other text a file or directory. A job that
fails has its failure as the result: the exit code, the exception and the function it came from,
without paths and addresses.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable

from envprint.core.errors import EnvprintError, UsageError
from envprint.core.isolation import Distance
from envprint.core.redact import safe_text
from envprint.core.text import one_line
from envprint.core.typed import Any, NamedTuple
from envprint.isolate.contents import Array, Contents, contents
from envprint.isolate.distance import distance

STDOUT = "stdout:"
PROBE = "probe"
SHOWN = 40
"""Characters of a result that a line of output shows."""
SHOWN_OF_FAILURE = 100
"""The same of a failure, which is for reading and not for comparing."""
FAILED = "failure"


class Selector(NamedTuple):
    """Where a result is found."""

    text: str
    """As the user wrote it."""
    path: str | None = None
    """The file or directory, relative to the working directory; None for stdout."""
    pattern: str | None = None
    keys: tuple[str, ...] | None = None
    """The way to a value in a JSON file; None for the whole file."""

    @property
    def is_probe(self) -> bool:
        """Whether it is what the training probe computes."""
        return self.path is None and self.pattern is None


class Result(NamedTuple):
    """A result, or the failure that stands for it."""

    parts: Contents
    shown: str
    raw: str = ""
    """Digest of the file as it is, with its container."""
    is_failure: bool = False

    @property
    def digest(self) -> str:
        """Equal for equal contents."""
        lines = [part.line() for part in self.parts]
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


class NoResult(EnvprintError):
    """The job ended well and left no result."""


def selector(text: str) -> Selector:
    """The result that `--result` names. Raises `UsageError`."""
    if text == PROBE:
        return Selector(text)
    if text.startswith(STDOUT):
        pattern = text[len(STDOUT) :]
        try:
            re.compile(pattern)
        except re.error as error:
            raise UsageError(
                f"isolate: --result {text}: not a regular expression: {error}"
            ) from None
        if not pattern:
            raise UsageError("isolate: --result stdout: names no pattern, as in 'stdout:loss (.*)'")
        return Selector(text, pattern=pattern)
    file, colon, way = text.rpartition(":")
    if colon and file.endswith(".json"):
        keys = tuple(filter(None, re.split(r"[.\[\]]+", way)))
        if not keys:
            raise UsageError(f"isolate: --result {text}: no key follows the colon")
        return Selector(text, os.path.normpath(file), keys=keys)
    return Selector(text, _file(text))


def _file(text: str) -> str:
    if not text or text.endswith("/.."):
        raise UsageError(f"isolate: --result {text!r} names no file")
    if text in ("stdout", "stderr"):
        raise UsageError(
            f"isolate: --result {text}: expected stdout:REGEX, as in 'stdout:loss (.*)'; "
            f"a file of that name is ./{text}"
        )
    return os.path.normpath(text)


def read(
    wanted: Selector, directory: str, out: str, program: Callable[[str], list[dict[str, Any]]]
) -> Result:
    """The result of a job that ended well. Raises `NoResult` and `EnvprintError`."""
    if wanted.path is None:
        return _from_stdout(wanted, out)
    path = os.path.join(directory, wanted.path)
    if not os.path.exists(path):
        raise NoResult(f"it ended without writing {wanted.path}")
    if wanted.keys is not None:
        return _from_json(wanted, path)
    found = contents(path, program)
    raw = "" if os.path.isdir(path) else _digest_of(path)
    names = f"{len(found)} parts, " if len(found) > 1 else ""
    shown = hashlib.sha256(json.dumps([one.line() for one in found]).encode()).hexdigest()[:12]
    return Result(found, f"{names}sha256 {shown}", raw)


def _from_stdout(wanted: Selector, out: str) -> Result:
    assert wanted.pattern
    with open(out, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        printed = file.read()
    matches = deque(re.finditer(wanted.pattern, printed, re.MULTILINE), maxlen=1)
    if not matches:
        raise NoResult(f"nothing in its output matches {wanted.pattern}")
    last = matches[0]
    text = last[1] if last.re.groups and last[1] is not None else last[0]
    data = text.strip().encode()
    return Result((Array("stdout", "text", (1,), data),), _shown(text))


def _from_json(wanted: Selector, path: str) -> Result:
    assert wanted.path and wanted.keys
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            value = json.load(file)
    except (OSError, ValueError) as error:
        raise NoResult(f"{wanted.path}: {error}") from None
    for key in wanted.keys:
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NoResult(f"{wanted.path} has no {'.'.join(wanted.keys)}") from None
    text = json.dumps(value, sort_keys=True)
    return Result((Array(wanted.keys[-1], "json", (1,), text.encode()),), _shown(text))


def _digest_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:  # noqa: PTH123
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _shown(text: str, longest: int = SHOWN) -> str:
    """A short form for one line; what looks like a secret is hidden."""
    line = one_line(safe_text(text))
    return line if len(line) <= longest else line[: longest - 1] + "…"


# Traceback (most recent call last):
#   File "/home/me/job/train.py", line 3, in <module>
# ModuleNotFoundError: No module named 'cloudpickle'
_FRAME = re.compile(r'^\s*File ".*", line \d+, in (.+)$', re.MULTILINE)
_EXCEPTION = re.compile(
    r"^([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)\b)(: .*)?$", re.M
)
_ELSEWHERE = re.compile(
    r"No space left on device|Disk quota exceeded|name resolution|Name or service not known"
    r"|Network is unreachable|Connection (?:refused|reset|aborted|timed out)|Max retries exceeded"
    r"|Read timed out|Cannot allocate memory|MemoryError|Too many open files|URLError",
    re.IGNORECASE,
)
"""Faults of a network, a disk or the memory, which are no evidence about an environment."""


def failure(code: int, stderr: str) -> Result | None:
    """The failure as a result; None if it may have nothing to do with the environment."""
    tail = stderr[-20000:]
    if code == -9 or _ELSEWHERE.search(tail):  # killed from outside, or by the kernel for memory
        return None
    exceptions = _EXCEPTION.findall(tail)
    name, message = exceptions[-1] if exceptions else ("", "")
    frames = _FRAME.findall(tail)
    function = frames[-1] if frames else ""
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    shown = f"fails: {name.rpartition('.')[2]}{message}" if name else f"fails: {ended}"
    text = f"{ended} {name} {function}"
    return Result(
        (Array(FAILED, "text", (1,), text.encode()),),
        _shown(shown, SHOWN_OF_FAILURE),
        is_failure=True,
    )


def reason_of(code: int, stderr: str) -> str:
    """Why a job gave no result, in a few words."""
    lines = [line for line in stderr[-20000:].splitlines() if line.strip()]
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ended}: {_shown(lines[-1], SHOWN_OF_FAILURE)}" if lines else ended


def apart(first: Result, second: Result) -> Distance | None:
    """How far apart two results are; None if they are no numbers of the same shape."""
    if first.is_failure or second.is_failure:
        return None
    return distance(first.parts, second.parts)


def is_same(first: Result, second: Result, tolerance: float) -> bool:
    """Whether the contents are equal, or no number is further apart than `tolerance`."""
    if first.digest == second.digest:
        return True
    if not tolerance or first.is_failure != second.is_failure:
        return False
    found = apart(first, second)
    return found is not None and found.absolute <= tolerance
