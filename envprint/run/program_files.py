"""What the file of a program is: an interpreter, a script of one, or something else."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence

from envprint.core.typed import NamedTuple
from envprint.machine.files import read_regular

SHEBANG_BYTES = 256
"""What the kernel reads of a first line. https://man7.org/linux/man-pages/man2/execve.2.html"""
READ_BYTES = 4096
ELF = b"\x7fELF"
DEFAULT_PATH = "/bin:/usr/bin"
"""Where execvp looks without the variable. https://man7.org/linux/man-pages/man3/exec.3.html"""

# python3.11, python3.13t, python3.11d, python3-dbg, python3.11-intel64, pypy3.10, graalpy
_INTERPRETER = re.compile(r"(python|pypy|graalpy)[\d.]*[dmtu]*(-dbg|-debug|-intel64|-arm64)?")


class Call(NamedTuple):
    """A program about to start: its words, its file, its variables, its working directory."""

    argv: tuple[str, ...]
    path: str
    variables: Mapping[str, str]
    directory: str

    def home(self, *below: str) -> str:
        """A path in the home directory."""
        return os.path.join(self.variables.get("HOME") or os.path.expanduser("~"), *below)


class Shebang(NamedTuple):
    """The first line of a script: a program and at most one argument."""

    program: str
    argument: str | None


def find(name: str, variables: Mapping[str, str], directory: str) -> str | None:
    """The path of the program that execvp would start as `name`, links not followed; or None."""
    if "/" in name:
        path = os.path.join(directory, name.removeprefix("./"))
        return path if _is_program(path) else None
    for path in search(name, variables, directory):
        if _is_program(path):
            return path
    return None


def search(name: str, variables: Mapping[str, str], directory: str) -> list[str]:
    """Where PATH makes the system look for `name`; an empty entry is the working directory."""
    entries = variables.get("PATH", DEFAULT_PATH).split(":")
    return [os.path.join(directory, entry, name) for entry in entries]


def _is_program(path: str) -> bool:
    try:
        return os.path.isfile(path) and os.access(path, os.X_OK)
    except ValueError:  # a null byte
        return False


def head(path: str) -> bytes:
    """The beginning of a file; empty if it cannot be read."""
    try:
        return read_regular(path, READ_BYTES)
    except OSError:
        return b""


def is_interpreter(path: str, content: bytes) -> bool:
    """Whether a program with this beginning is a Python interpreter, by the name of its file.

    The name of a link is no evidence: version managers link `python` to a program of their own.
    """
    name = os.path.basename(os.path.realpath(path))
    return content.startswith(ELF) and _INTERPRETER.fullmatch(name) is not None


def may_be_python(word: str) -> bool:
    """Whether a word of a command looks like an interpreter or a file of Python."""
    name = word.rpartition("/")[2]
    return name.endswith((".py", ".pyz")) or _INTERPRETER.fullmatch(name) is not None


# #!/usr/bin/env -S python3 -u
def shebang(content: bytes) -> Shebang | None:
    """The first line of a script, split as the kernel does; None if it has none that counts."""
    line, end, _ = content[:SHEBANG_BYTES].partition(b"\n")
    words = os.fsdecode(line[2:]).strip(" \t").split(None, 1) if line.startswith(b"#!") else []
    if not words or not (end or len(line) < SHEBANG_BYTES or len(words) > 1):
        return None
    # A line of Windows ends in a carriage return, which belongs to the last word.
    tail = "\r" if line.endswith(b"\r") else ""
    program = words[0] + (tail if len(words) == 1 else "")
    return Shebang(program, words[1].rstrip(" \t\r") + tail if len(words) > 1 else None)


# '''exec' /home/user/a very long path/.venv/bin/python "$0" "$@"
# '''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
_TRAMPOLINE = re.compile(r"""(?:'''|"|'|"":"?\s*)?exec['"]?\s+(.+?)\s+"\$0"\s+"\$@"\s*""")
_BESIDE = re.compile(r"""(?:"?\$\(.*dirname.*\$0.*\)"?|"?`.*dirname.*\$0.*`"?)/(.+)""")


def trampoline(path: str, content: bytes) -> list[str] | None:
    """The program and options that a script of the shell becomes in its second line, or None.

    Installers write that where the path of an interpreter is too long for a first line or has
    blanks, or is to be found beside the script.
    """
    lines = os.fsdecode(content).splitlines()[1:2]
    found = _TRAMPOLINE.fullmatch(lines[0].strip()) if lines else None
    if not found:
        return None
    if beside := _BESIDE.fullmatch(found[1]):
        name = "".join(_words(beside[1]) or [])
        return [os.path.join(os.path.dirname(os.path.realpath(path)), name)] if name else None
    words = _words(found[1])
    return words if words and not any(c in "".join(words) for c in "$`;|&<>") else None


def _words(text: str) -> list[str] | None:
    try:
        return shlex.split(text)
    except ValueError:
        return None


def shown(argv: Sequence[str], directory: str) -> str:
    """A command for a message: its program, and the file that it is given; no other argument."""
    name = os.path.basename(argv[0])
    files = [word for word in argv[1:2] if os.path.isfile(os.path.join(directory, word))]
    return " ".join([name, *files, *(["…"] if len(argv) > 1 + len(files) else [])])
