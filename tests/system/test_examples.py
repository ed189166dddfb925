"""Every console and Python block of the README and of the pages is run, or is one of a list.

Here a block runs in a project with a made environment, in the order of its page. A command has to
end without an error of its own (exit codes 0 and 1), and each line that a console shows has to be
printed in that order, up to `…`; lines that name the machine or the day are left out.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builders.environments import ROOT, with_envprint

LANGUAGES = ("console", "python", "bash", "pycon")
RUN_BY = {
    "recipes": "tests/system/test_recipes.py",
    "adapters": "tests/system/test_real_adapters.py",
    "isolate": "tests/system/test_isolate_guide.py",
}
"""Pages of which another test runs every block."""
OTHERS = {
    "README:$ envprint capture": "tests/system/test_readme.py, with a real TensorFlow",
    "README:python3 -m venv .venv && .venv/bin/pip install -q .": "tests/system/test_install.py",
    "README:python3 -m venv .venv && .venv/bin/pip install -q -e": "it starts the tests: .ci/run",
    "training-probe:>>> first": "tests/probes/test_training.py",
    "training-probe:>>> def": "tests/probes/test_training.py",
    "training-probe:envprint probe training": "tests/system/test_real_training_probe.py: minutes",
    "in-process:import numpy": "tests/system/test_real_training.py, with the frameworks",
    "in-process:import keras": "tests/system/test_real_training.py, with the frameworks",
    "in-process:from envprint.integrations": "tests/system/test_real_training.py, with Keras",
    "baselines:export ENVPRINT_HOME=s3": "tests/system/test_real_s3.py, with a server of its own",
    "fleet:$ DASK_SCHEDULER_ADDRESS": "tests/system/test_real_spreading.py, with Dask and Ray",
    "gather:import duckdb": "tests/system/test_real_parquet.py, with pyarrow and DuckDB",
    "tour:$ OPENBLAS_CORETYPE": "tests/system/test_real_diff.py, with a real NumPy",
    "recreate:": "tests/system/test_real_recreation.py: installs from an index",
    "probes:": "tests/system/test_real_probes.py, with real frameworks",
    "run:$ envprint run --baseline @last-good --fail-on": "tests/run/test_used_libraries.py",
    "report:": "tests/outputs: a report of two days and many kinds of difference",
}
"""Blocks, by page and beginning, that need more than that; and what does the same there."""


USUAL = ("jax==0.10.2", "numpy==2.4.6")
PACKAGES = {
    "conflicts": ((*USUAL[:1], "numpy==2.0.2", "pandas==2.1.4"),),
    "not-judged": ((*USUAL, "transformers==4.45.1"), (*USUAL, "transformers==4.45.2")),
    "tests-and-notebooks": ((*USUAL[:1], "numpy==2.0.2"), USUAL),
    "verdict": ((),),
}
"""What is installed for a page, where it matters: while its records are made, and then."""


PLACES = {"verdict": ".local/pipx/venvs/envprint"}
"""Where an environment lies that is not in `venvs/train`."""


UNRUN = ("start", "conflicts", "verdict", "baselines")
"""Pages that begin before the first run, or whose environment cannot have one."""


class Block(NamedTuple):
    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.text.strip().splitlines()[0]}"

    @property
    def others(self) -> list[str]:
        """The entries of `OTHERS` that it falls under."""
        return [begin for begin in OTHERS if self.name.startswith(begin)]

    @property
    def is_run_here(self) -> bool:
        return self.page not in RUN_BY and not self.others


def blocks_of(path: Path) -> list[Block]:
    found = re.findall(r"(?ms)^```(\w+)[^\n]*\n(.*?)^```$", path.read_text("utf-8"))
    return [Block(path.stem, *block) for block in found if block[0] in LANGUAGES]


PAGES = {
    path.stem: blocks
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if (blocks := blocks_of(path))
}
HERE = [page for page, blocks in PAGES.items() if any(block.is_run_here for block in blocks)]


def test_a_block_that_does_not_run_here_is_one_of_a_list_and_every_entry_is_used() -> None:
    blocks = [block for page in PAGES.values() for block in page if block.page not in RUN_BY]
    used = [begin for block in blocks for begin in block.others]
    assert set(used) == set(OTHERS)
    assert len(used) == len([block for block in blocks if not block.is_run_here])
    assert set(RUN_BY) < set(PAGES)
    named = [*RUN_BY.values(), *OTHERS.values()]
    paths = {found for text in named for found in re.findall(r"(?:tests|\.ci)/[\w/.]*\w", text)}
    assert [path for path in paths if not (ROOT / path).exists()] == []


def in_force(place: Path) -> dict[str, str]:
    """The variables by which an environment is active."""
    path = os.pathsep.join((str(place / "bin"), os.environ["PATH"]))
    return {"VIRTUAL_ENV": str(place), "PATH": path}


class Project:
    """A directory with records of another day, in an active environment with JAX."""

    def __init__(self, home: Path, page: str) -> None:
        names = (PLACES.get(page, "venvs/train"), "venvs/later")
        states = PACKAGES.get(page, (USUAL,))
        places = [
            with_envprint(home / name, *packages)
            for name, packages in zip(names, states, strict=False)
        ]
        for place in places:
            for name, text in (("pytest", PYTEST), ("srun", SRUN), ("ssh", SSH)):
                script = place / "bin" / name
                script.write_text(text.format(python=place / "bin" / "python"))
                script.chmod(0o755)
        self.folder = home / "project"
        self.folder.mkdir()
        self.variables = {
            **{"HOME": str(home), "LANG": "C.UTF-8", "HOSTS": "node0 node1"},
            **in_force(places[0]),
        }
        (self.folder / "train.py").write_text("print('loss 0.5')\n")
        for name in ("freeze.txt", "issue-a.txt", "issue-b.txt"):
            (self.folder / name).write_text("jax==0.9.0\nnumpy==2.4.6\n")
        query = "<nvidia_smi_log><driver_version>570.1</driver_version></nvidia_smi_log>"
        (self.folder / "nvidia-smi.xml").write_text(query)
        records = "after.json baseline.json monday.json"
        script = f"envprint capture -o before.json && cat before.json | tee {records} > /dev/null"
        done = self.run(
            f"{script} && envprint run -- python train.py" if page not in UNRUN else script
        )
        assert done.returncode == 0, done.stderr
        self.variables |= in_force(places[-1])

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.variables,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def python(self, text: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "test_it.py").write_text(PRELUDE + text)
        return self.run("python -W ignore test_it.py")


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


def commands_of(text: str) -> list[tuple[str, list[str]]]:
    """Each command of a console, with the lines that it shows."""
    if not text.startswith("$ "):
        return [(line, []) for line in text.splitlines() if line.strip()]
    parts = re.split(r"(?m)^\$ ", text)[1:]
    return [(part.splitlines()[0], part.splitlines()[1:]) for part in parts]


def shown_in_order(shown: list[str], printed: str) -> str | None:
    """The first line of a page that the command did not print, or not there; None if it did."""
    left = without_the_day(printed)
    for line in shown:
        if line not in ("…", "...") and not re.match(BY_MACHINE, line):
            _, found, left = left.partition(f"{without_the_day(line.rstrip())}\n")
            if not found:
                return line
    return None


BY_MACHINE = r"before |after |machine |runs on| {10}(?:3\.|now|unset|→)|\{'facts"


def without_the_day(text: str) -> str:
    """The text without digests, times, identities, the version of Python and the directory."""
    for pattern, stands in BY_DAY.items():
        text = re.sub(pattern, stands, text)
    return text


BY_DAY = {
    r"sha256:[0-9a-f]+": "DIGEST",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d": "TIME",
    r"\b(?:[0-9a-f]{12}|[0-9a-f]{8})\b": "DIGITS",
    r"Python 3\.\d+\.\d+": "PYTHON",
    r"(?<= in )/\S+(?=/\.envprint)": "PROJECT",
}


def run_console(project: Project, text: str) -> None:
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
        assert "Traceback" not in done.stderr
        printed = done.stdout + done.stderr
        missing = shown_in_order(shown, printed)
        assert missing is None, f"{command} does not print\n{missing}\nbut\n{printed}"
    project.variables |= dict(
        shlex.split(line)[1].split("=", 1) for line in exported if line.startswith("export ")
    )
    for line in exported:
        if line.startswith("unset "):
            project.variables.pop(line.split()[1], None)


@pytest.mark.parametrize("page", HERE)
def test_the_blocks_of_a_page_do_what_it_says(page: str, tmp_path: Path) -> None:
    project = Project(tmp_path, page)
    for block in PAGES[page]:
        if not block.is_run_here:
            continue
        if block.language == "python":
            done = project.python(block.text)
            assert done.returncode == 0, f"{block.text}\n{done.stderr}"
        elif block.language == "bash":
            done = project.run(f"set -e\n{block.text}")
            assert (done.returncode, done.stderr) == (0, ""), block.text
        else:
            run_console(project, block.text)
