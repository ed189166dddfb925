"""Programs and environments on a disk, for what is followed through files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from envprint.run.command_interpreter import Started, follow


def venv(place: Path, *options: str) -> Path:
    """A virtual environment without pip, made at `place`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", *options, place], check=True)
    return place


def executable(path: Path, content: str | bytes) -> Path:
    """A file that may be executed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o755)
    return path


def binary(path: Path) -> Path:
    """A file that begins as a compiled program does."""
    return executable(path, b"\x7fELF")


def environment(prefix: Path, version: str = "3.11.7") -> Path:
    """The layout of an environment whose interpreter links to the one of the tests."""
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (prefix / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion_info = {version}\n")
    return prefix


class World:
    """A directory to work in, a home, and a directory of programs that stands first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.work, self.home, self.bin = folder / "work", folder / "home", folder / "bin"
        for place in (self.work, self.home, self.bin):
            place.mkdir()
        self.variables = {"HOME": str(self.home), "PATH": f"{self.bin}:/usr/bin:/bin"}

    def follow(self, *argv: str | Path, **variables: str) -> Started:
        """What the words start, from the working directory."""
        return follow([str(word) for word in argv], self.variables | variables, str(self.work))

    def python(self, *argv: str | Path, **variables: str) -> str | None:
        """The interpreter, which must be known."""
        started = self.follow(*argv, **variables)
        assert started.reason is None, started
        return started.python

    def reason(self, *argv: str | Path, **variables: str) -> str:
        """Why it is not known, which it must not be."""
        started = self.follow(*argv, **variables)
        assert started.python is None and started.reason is not None, started
        return started.reason

    def really(self, *argv: str | Path, env: Mapping[str, str] = {}) -> str:
        """What the words print when they are run."""
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=self.work,
            env=self.variables | dict(env),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout
