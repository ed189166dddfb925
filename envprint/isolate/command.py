"""Whether a command runs the Python of each trial, and what to write if it does not."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from envprint.core.errors import UsageError
from envprint.machine.files import read_regular
from envprint.run.command_interpreter import follow
from envprint.run.program_files import may_be_python, shown

_MANAGERS = (
    "conda", "hatch", "mamba", "micromamba", "pdm", "pipenv", "pipx", "pixi", "poetry", "pyenv",
    "rye", "uv", "uvx",
)  # fmt: skip
"""Programs that choose an environment themselves, and some of which set it back first."""
# conda run -n train python train.py      "$HOME/venv/bin/python" train.py
_IN_SCRIPT = re.compile(
    rf"^[^#\n]*?(\b(?:{'|'.join(_MANAGERS)})\s+(?:run|exec)\b|\S*/bin/(?:python|conda)[\d.]*\b"
    r"|\b(?:conda|source|\.)\s+\S*activate\b)",
    re.MULTILINE,
)
_READ_BYTES = 1 << 16


def check(
    command: Sequence[str],
    variables: Mapping[str, str],
    directory: str,
    prefix: str,
    warn: Callable[[str], object],
) -> None:
    """Raises `UsageError` for a command that would run another Python than that of the trial."""
    manager = next((word for word in command[:1] if os.path.basename(word) in _MANAGERS), None)
    if manager:
        raise UsageError(
            f"isolate: `{os.path.basename(manager)}` chooses an environment of its own, and each "
            f"trial has one: write {_instead(command)}"
        )
    for word in command:
        if found := _in_script(os.path.join(directory, word)):
            raise UsageError(
                f"isolate: {word} names an environment of its own ({found}), and each trial has "
                "one: let it call `python`"
            )
    started = follow(command, variables, directory)
    if started.python is None and started.reason is None:
        raise UsageError(f"isolate: {command[0]}: there is no such command in {prefix} or on PATH")
    if started.python is not None and not _lies_in(started.python, prefix):
        raise UsageError(
            f"isolate: `{shown(command, directory)}` starts {started.python}, and each trial has a "
            f"Python of its own: write {_instead(command)}"
        )
    if started.python is None and started.is_python:
        warn(
            f"which Python `{shown(command, directory)}` starts is unknown ({started.reason}); "
            "trials only count if it is the first `python` on PATH"
        )


def _lies_in(python: str, prefix: str) -> bool:
    folder = os.path.dirname(os.path.abspath(python))
    return os.path.realpath(folder) == os.path.realpath(os.path.join(prefix, "bin"))


def _instead(command: Sequence[str]) -> str:
    """The command with `python` in place of whatever started it."""
    first = next((at for at, word in enumerate(command) if may_be_python(word)), None)
    if first is None:
        return "the command behind it, such as `python train.py`"
    rest = list(command[first:])
    is_file = rest[0].endswith((".py", ".pyz"))
    words = ["python", *(rest if is_file else rest[1:])]
    return f"`{shlex.join(words)}`"


def _in_script(path: str) -> str | None:
    """What a script of a shell names instead of `python`, if anything."""
    try:
        if not os.path.isfile(path):
            return None
        text = read_regular(path, _READ_BYTES)
    except (OSError, ValueError):
        return None
    is_shell = text.startswith(b"#!") and b"sh" in text.split(b"\n", 1)[0]
    if not is_shell and not path.endswith((".sh", ".bash")):
        return None
    found = _IN_SCRIPT.search(text.decode("utf-8", "replace"))
    return found[1].strip() if found else None
