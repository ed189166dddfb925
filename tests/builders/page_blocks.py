"""The blocks of code in the pages, and a project in which they run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builders.environments import ROOT, SCRIPT, bare, install, packages_of, with_envprint

RUN = ("console", "python", "bash", "pycon")
"""The languages of blocks that do something; a `text` block shows something."""
USUAL = ("jax==0.10.2", "numpy==2.4.6")


class Block(NamedTuple):
    page: str
    language: str
    text: str
    after: str = ""
    """The line that follows."""

    @property
    def name(self) -> str:
        return f"{self.page}:{self.text.strip().splitlines()[0]}"


def blocks_of(path: Path) -> list[Block]:
    found = re.findall(r"(?ms)^```(\w+)[^\n]*\n(.*?)^```\n+([^\n]*)", path.read_text("utf-8"))
    return [Block(path.stem, *block) for block in found if block[0] in (*RUN, "text")]


class Setting(NamedTuple):
    """In what a block runs."""

    states: tuple[tuple[str, ...], ...] = (USUAL,)
    """The made packages, while the records are made and, if there are two, afterwards."""
    places: tuple[str, str] = ("venvs/train", "venvs/later")
    """Where these environments lie below the home directory."""
    real: tuple[str, ...] = ()
    """Requirements of a real environment instead."""
    is_apart: bool = False
    """Whether envprint is installed apart from it."""
    is_active: bool = True
    """Whether the environment is active when the blocks run, or only its `envprint` on PATH."""
    has_run: bool = True
    """Whether a run is among the records."""
    train: str = "print('loss 0.5')\n"
    prepare: str = "true"
    """What a shell does in the project first."""
    happens: str = "true"
    """What a shell does in it after the records were made."""
    put: Callable[[Path], None] | None = None
    """What puts files below the home directory before that."""

    marks: tuple[pytest.MarkDecorator, ...] = ()
    """Of its test; a real environment is `slow` without."""
    lacking: str | None = None
    """What this machine lacks for it."""


PYTEST = "#!{python}\nimport pytest\nraise SystemExit(pytest.main())\n"
SRUN = """#!/bin/sh
export SLURM_JOB_ID=1 SLURM_STEP_ID=0 SLURM_NTASKS=3
while case "$1" in -*) true ;; *) false ;; esac; do shift; done
for rank in 0 1 2; do SLURM_PROCID=$rank SLURMD_NODENAME=node$rank "$@" & done
wait
"""
SSH = '#!/bin/sh\nshift\nexec "$@"\n'
"""They stand for those of a cluster with three nodes; a machine may have one without a cluster."""
PRELUDE = """\
import envprint, pytest
before, now, train = envprint.load("before.json"), envprint.capture(), lambda: None
"""
"""What a Python block may have from the text before it."""
LABEL = "last good run"


def in_force(place: Path) -> dict[str, str]:
    """The variables by which an environment is active."""
    path = os.pathsep.join((str(place / "bin"), os.environ["PATH"]))
    return {"VIRTUAL_ENV": str(place), "PATH": path}


def real(place: Path, requirements: tuple[str, ...]) -> Path:
    """A real environment at `place`, which sees envprint and what it needs as well."""
    install(bare(place), *requirements, by="uv")
    needed = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    (packages_of(place) / "envprint.pth").write_text("\n".join(needed) + "\n")
    script = place / "bin" / "envprint"
    script.write_text(SCRIPT.format(python=place / "bin" / "python"))
    script.chmod(0o755)
    return place


class Project:
    """A directory with records of another day, in an active environment."""

    def __init__(self, home: Path, setting: Setting) -> None:
        places = self._environments(home, setting)
        self.home, self.folder = home, home / "project"
        self.folder.mkdir()
        self.variables = {
            **{"HOME": str(home), "LANG": "C.UTF-8", "HOSTS": "node0 node1"},
            **{"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.org"},
            **{"GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.org"},
            **in_force(places[0]),
        }
        if setting.real:
            self._may_install()
        self._records(setting)
        self.variables |= in_force(places[-1])
        self._done(setting.happens)
        if not setting.is_active:
            self._deactivate(places[-1])

    def _may_install(self) -> None:
        """Give it the index and the certificates of this test run."""
        shared = r"PIP_|UV_|SSL_|REQUESTS_CA|CURL_CA|(?i:https?_proxy|no_proxy)"
        self.variables |= {k: v for k, v in os.environ.items() if re.match(shared, k)}
        settings = Path.home() / ".config" / "pip" / "pip.conf"
        if settings.exists():
            (self.home / ".config" / "pip").mkdir(parents=True)
            shutil.copy(settings, self.home / ".config" / "pip" / "pip.conf")

    def _deactivate(self, place: Path) -> None:
        """As pipx leaves it: a link to the program, and no environment."""
        programs = self.home / ".local" / "bin"
        programs.mkdir()
        (programs / "envprint").symlink_to(place / "bin" / "envprint")
        del self.variables["VIRTUAL_ENV"]
        self.variables["PATH"] = f"{programs}:/usr/bin:/bin"

    def _environments(self, home: Path, setting: Setting) -> list[Path]:
        if setting.real:
            places = [real(home / setting.places[0], setting.real)]
        else:
            pairs = zip(setting.places, setting.states, strict=False)
            places = [with_envprint(home / name, *packages) for name, packages in pairs]
        for place in places:
            for name, text in (("pytest", PYTEST), ("srun", SRUN), ("ssh", SSH)):
                script = place / "bin" / name
                script.write_text(text.format(python=place / "bin" / "python"))
                script.chmod(0o755)
            if setting.is_apart:
                (packages_of(place) / "envprint.pth").unlink()
                (place / "bin" / "envprint").write_text(SCRIPT.format(python=sys.executable))
        return places

    def _records(self, setting: Setting) -> None:
        (self.folder / "train.py").write_text(setting.train)
        for name in ("freeze.txt", "issue-a.txt", "issue-b.txt"):
            (self.folder / name).write_text("jax==0.9.0\nnumpy==2.4.6\n")
        query = "<nvidia_smi_log><driver_version>570.1</driver_version></nvidia_smi_log>"
        (self.folder / "nvidia-smi.xml").write_text(query)
        if setting.put:
            setting.put(self.home)
        self._done(setting.prepare)
        self._done(f"envprint capture -o before.json --label '{LABEL}'")
        self._done(
            "cat before.json | tee after.json baseline.json monday.json there.json > /dev/null"
        )
        if setting.has_run:
            self._done("envprint run -- python train.py")

    def _done(self, script: str) -> None:
        done = self.run(script)
        assert done.returncode == 0, done.stderr

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.variables,
            capture_output=True, text=True, check=False, timeout=500,
        )  # fmt: skip

    def python(self, text: str, begin: str = "") -> subprocess.CompletedProcess[str]:
        (self.folder / "test_it.py").write_text(PRELUDE + begin + text)
        return self.run("python test_it.py")


def commands_of(text: str) -> list[tuple[str, list[str]]]:
    """Each command of a console, with the lines that it shows."""
    if not text.startswith("$ "):
        return [(line, []) for line in text.splitlines() if line.strip()]
    parts = re.split(r"(?m)^\$ ", text)[1:]
    return [(part.splitlines()[0], part.splitlines()[1:]) for part in parts]


def run_console(project: Project, text: str) -> None:
    """Run what a console shows, and hold it to what it shows of the output."""
    exported: list[str] = []
    code = 0
    for command, shown in commands_of(text):
        if re.match(r"(?:export|unset) ", command):
            exported.append(command)
            continue
        asked = command.replace("$?", str(code))
        # What belongs to a script, such as `|| exit 1`, would hide the exit code.
        done = project.run("\n".join((*exported, asked.replace(" || exit 1", ""))))
        code = done.returncode
        assert code in (0, 1), f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        must_show(shown, done.stdout + done.stderr, project.home, command)
    for line in exported:
        program, *words = shlex.split(line, comments=True)
        for word in words:
            name, _, value = word.partition("=")
            if program == "export":
                project.variables[name] = value
            else:
                project.variables.pop(name, None)


def must_show(shown: list[str], printed: str, home: Path, what: str) -> None:
    """Fail if lines of a page were not printed, or not in that order.

    What names the machine or the day may stand otherwise, so lines may break elsewhere after it.
    """
    left = neutral(printed.replace(str(home), "/home/me"))
    for part in parts_of(shown):
        _, found, left = left.partition(neutral(part))
        assert found, f"{what} does not print\n{part}\nbut\n{printed}"
        left = f" {left}"


def parts_of(shown: list[str]) -> Iterator[str]:
    """The lines that have to stand together: between those that are left out."""
    part: list[str] = []
    is_left_out = False
    for line in (*shown, "…"):
        is_left_out = bool(re.match(LEFT_OUT, line)) or (is_left_out and line.startswith(" " * 10))
        if not is_left_out:
            part.append(line)
        elif "".join(part).strip():
            yield "\n".join(part)
            part = []


LEFT_OUT = r"(?:…|\.\.\.)$|machine |runs on|\{'facts"


def neutral(text: str) -> str:
    """The text without digests, times, identities, the version of Python and the line breaks."""
    text = f" {' '.join(text.split())} "
    for pattern, stands in BY_DAY.items():
        text = re.sub(pattern, stands, text)
    return text


BY_DAY = {
    r"BLAS \d+ → 1\b|avx(?:512|2) → avx\b": "FEWER",
    r"\b\d+ other changes?": "OTHERS",
    r"sha256:[0-9a-f]+": "DIGEST",
    r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?": "TIME",
    r"\b(?:[0-9a-f]{12}|[0-9a-f]{8})\b": "DIGITS",
    r"\b[0-9a-f]{7}\b(?=,| →)|(?<=→ )[0-9a-f]{7}\b": "COMMIT",
    r"(?<=\.so)((?:\.\d+)*) \w+ \d+\b": r"\1 KERNEL",
    r"(?i)\bpython 3\.\d+\.\d+": "PYTHON",
}
