"""Every example of docs/recipes.md lets a training begin, and does not where something changed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from envprint.documents.store import Saved, Store
from tests.builders import slurm
from tests.builders.environments import put_framework

pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_spawn"), reason="NO POSIX HERE: the recipes are not run"
)
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/recipes.md").read_text()
BLOCKS = re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)
RECIPES = dict(BLOCKS)
TRAIN = """\
def main():
    open("trained", "w").close()

if __name__ == "__main__":
    main()
"""
MISSPELT = {"LD_PRELOD": "0"}
OTHER_PRECISION = {"JAX_ENABLE_X64": "1"}


class Bench:
    """A project to work in, with a store, the training and the baselines of `baseline.sh`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.environ = {
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ENVPRINT_HOME": str(self.store),
            "PYTHONPATH": str(put_framework(folder / "installed", "jax")),
        }
        self._command("python", f'exec {shlex.quote(sys.executable)} "$@"')
        self._command("envprint", 'exec python -m envprint "$@"')
        # Whatever this machine has, so that only what a test changes is found.
        (folder / "envprint.toml").write_text('device = "cpu"\nframeworks = ["jax"]\n')
        (folder / "train.py").write_text(TRAIN)
        assert self.run(["bash", "-eu", "-c", RECIPES["baseline.sh"]]).returncode == 0
        (folder / "trained").unlink()

    def _command(self, name: str, line: str) -> None:
        """A command of the examples, as that of the interpreter which runs this."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def run(
        self, argv: Sequence[str], environ: Mapping[str, str] = {}, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**self.environ, **environ},
            timeout=120,
            check=False,
        )

    @property
    def trained(self) -> bool:
        return (self.folder / "trained").exists()

    def last_saved(self) -> Saved:
        saved = next(Store(str(self.store)).saved())
        assert isinstance(saved, Saved)
        return saved


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class Step(NamedTuple):
    """A command of an example, and the variables that the example sets for it."""

    argv: Sequence[str]
    environ: Mapping[str, str] = {}
    stdin: str = ""


def bash(text: str, bench: Bench) -> list[Step]:
    return [Step(["bash", "-eu", "-c", text])]


def slurm_script(text: str, bench: Bench) -> list[Step]:
    """As Slurm calls it: a file with the job's variables."""
    assert text.startswith("#!/bin/bash\n")
    script = bench.folder / "script"
    script.write_text(text)
    script.chmod(0o755)
    return [Step([str(script)], {"SLURM_JOB_ID": "4242", "SLURM_PROCID": "0"})]


def python(text: str, bench: Bench) -> list[Step]:
    (bench.folder / "checked.py").write_text(text)
    return [Step(["python", "checked.py"])]


def cell(text: str, bench: Bench) -> list[Step]:
    code = "import sys; exec(compile(sys.stdin.read(), 'cell', 'exec'), {'__name__': '__main__'})"
    return [Step(["python", "-c", code], stdin=text)]


class Dockerfile:
    """What a Dockerfile of the instructions known here says, with paths of this machine."""

    def __init__(self, text: str, bench: Bench) -> None:
        self.runs: list[Step] = []
        self.copied: dict[str, str] = {}
        self.environ: dict[str, str] = {}
        self.started: dict[str, list[str]] = {}
        self.places: dict[str, Path] = {}
        self.bench = bench
        for line in text.splitlines():
            word, _, rest = line.partition(" ")
            getattr(self, f"_{word.lower()}")(rest)
        self.environ = {name: self._here(value) for name, value in self.environ.items()}

    def start(self) -> Step:
        return Step(self.started["ENTRYPOINT"] + self.started["CMD"], self.environ)

    def _here(self, text: str) -> str:
        return in_place(text, self.places)

    def _from(self, image: str) -> None:
        assert image.startswith("python:")

    def _workdir(self, path: str) -> None:
        self.places[path] = self.bench.folder

    def _volume(self, path: str) -> None:
        self.places[path] = self.bench.store

    def _env(self, pair: str) -> None:
        name, _, value = pair.partition("=")
        self.environ[name] = value

    def _copy(self, paths: str) -> None:
        source, target = paths.split()
        self.copied[target] = source
        known = ROOT if source == "envprint" else self.bench.folder / source
        assert known.exists()

    def _run(self, line: str) -> None:
        if line.startswith("pip install "):
            (named,) = (word for word in line.split()[2:] if not word.startswith("-"))
            assert self.copied[named] == "envprint"
            assert 'name = "envprint"\n' in (ROOT / "pyproject.toml").read_text()
        else:
            self.runs.append(Step(["sh", "-c", line], dict(self.environ)))

    def _entrypoint(self, words: str) -> None:
        self.started["ENTRYPOINT"] = json.loads(words)

    def _cmd(self, words: str) -> None:
        self.started["CMD"] = json.loads(words)


def in_place(text: str, places: Mapping[str, Path]) -> str:
    """`text` with the paths of a container as those that stand for them here."""
    for path, here in places.items():
        text = re.sub(rf"^{re.escape(path)}(?=/|$)", lambda _, here=here: str(here), text)
    return text


def docker_build(text: str, bench: Bench) -> list[Step]:
    return Dockerfile(text, bench).runs


def docker_run(text: str, bench: Bench) -> list[Step]:
    return [Dockerfile(text, bench).start()]


def pod(text: str, bench: Bench) -> list[Step]:
    spec = yaml.safe_load(text)["spec"]
    assert spec["restartPolicy"] == "Never"
    (first,), (then,) = spec["initContainers"], spec["containers"]
    for same in ("image", "env", "resources"):
        assert first[same] == then[same]
    volumes = {volume["name"] for volume in spec["volumes"]}
    return [_container(first, volumes, bench), _container(then, volumes, bench)]


def _container(container: dict[str, Any], volumes: set[str], bench: Bench) -> Step:
    mounts = container.get("volumeMounts", [])
    assert {mount["name"] for mount in mounts} <= volumes
    places = {mount["mountPath"]: bench.folder for mount in mounts}
    environ = {pair["name"]: pair["value"] for pair in container["env"]}
    return Step([in_place(word, places) for word in container["command"]], environ)


def workflow(text: str, bench: Bench) -> list[Step]:
    """Its steps, each in the shell that GitHub's runner takes for `run`."""
    (job,) = yaml.safe_load(text)["jobs"].values()
    checkout, *steps = job["steps"]
    assert checkout == {"uses": "actions/checkout@v4"}
    return [Step(["bash", "-e", "-c", step["run"]]) for step in steps]


def hook(text: str, bench: Bench) -> list[Step]:
    """As pre-commit calls a local hook of the system: its words, and no file names."""
    (repo,) = yaml.safe_load(text)["repos"]
    (only,) = repo["hooks"]
    assert (repo["repo"], only["language"], only["pass_filenames"]) == ("local", "system", False)
    return [Step(shlex.split(only["entry"]))]


class Example(NamedTuple):
    """How a block of the page is executed, and what it does where something changed."""

    title: str
    steps: Callable[[str, Bench], list[Step]]
    refusal: int
    """Its exit code then."""
    trains: bool = True
    """Whether the training is part of it."""
    change: Mapping[str, str] = MISSPELT
    compares: bool = True
    """Whether with a baseline."""

    def run(
        self, bench: Bench, environ: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        """One step after the other, as long as they end well; the last that ran."""
        for step in self.steps(RECIPES[self.title], bench):
            done = bench.run(step.argv, {**step.environ, **environ}, step.stdin)
            if done.returncode:
                break
        return done


EXAMPLES = (
    Example("train.sh", bash, 1),
    Example("train-recorded.sh", bash, 125),
    Example("checked.py", python, 1, change=OTHER_PRECISION),
    Example("cell.py", cell, 1, trains=False),
    Example("train.sbatch", slurm_script, 125),
    Example("task-prolog.sh", slurm_script, 1, trains=False),
    Example("Dockerfile", docker_build, 1, trains=False, compares=False),
    Example("Dockerfile", docker_run, 125),
    Example("pod.yaml", pod, 1),
    Example(".github/workflows/train.yml", workflow, 1),
    Example(".pre-commit-config.yaml", hook, 1, trains=False),
)


def named(example: Example) -> str:
    return f"{example.title}-{example.steps.__name__}"


every_example = pytest.mark.parametrize("example", EXAMPLES, ids=named)


def example_of(title: str) -> Example:
    return next(example for example in EXAMPLES if example.title == title)


def test_every_block_of_the_page_is_executed() -> None:
    assert len(BLOCKS) == len(RECIPES) == PAGE.count("```") / 2
    assert set(RECIPES) == {"baseline.sh", *(example.title for example in EXAMPLES)}


@every_example
def test_where_nothing_changed_the_training_begins(example: Example, bench: Bench) -> None:
    done = example.run(bench)
    assert done.returncode == 0, done.stdout + done.stderr
    assert bench.trained == example.trains


@every_example
def test_where_something_changed_the_training_does_not_begin(
    example: Example, bench: Bench
) -> None:
    done = example.run(bench, example.change)
    assert done.returncode == example.refusal, done.stdout + done.stderr
    (variable,) = example.change
    assert variable in done.stdout + done.stderr or "DriftError: " in done.stderr
    assert not bench.trained


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.compares], ids=named)
def test_where_there_is_no_baseline_the_training_does_not_begin(
    example: Example, bench: Bench
) -> None:
    shutil.rmtree(bench.store)
    (bench.folder / "baseline.json").unlink()
    assert example.run(bench).returncode in (1, 2, 125)
    assert not bench.trained


def test_the_python_script_lets_through_what_is_below_its_threshold(bench: Bench) -> None:
    assert example_of("checked.py").run(bench, MISSPELT).returncode == 0
    assert bench.trained


def test_a_notebook_stops_with_a_drift_error_that_says_why(bench: Bench) -> None:
    done = example_of("cell.py").run(bench, MISSPELT)
    error, note = done.stderr.splitlines()[-2:]
    assert error.startswith("envprint.results.DriftError: numeric: ")
    assert "misspelt" in error and error.endswith("; do: unset LD_PRELOD")
    assert note == "Then set LD_PRELOAD, before the interpreter starts."


def test_a_slurm_job_is_found_by_its_number(bench: Bench) -> None:
    example_of("train.sbatch").run(bench)
    saved = bench.last_saved()
    assert (saved.kind, saved.exit_code, saved.label) == ("run", 0, "4242")


def test_slurm_is_given_only_lines_to_print_by_the_task_prolog(bench: Bench) -> None:
    example = example_of("task-prolog.sh")
    assert example.run(bench).stdout == ""
    done = example.run(bench, MISSPELT)
    assert all(line.startswith("print ") for line in done.stdout.splitlines())
    assert "LD_PRELOD" in done.stdout
    assert done.stderr == ""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm.Cluster]:
    if lacking := slurm.missing():
        pytest.skip(f"NO SLURM HERE: its scripts were called without it ({lacking[0]} is missing)")
    with ExitStack() as stack:
        cluster = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
        if why := cluster.start(stack):
            pytest.skip(f"SLURM DID NOT START: its scripts were called without it ({why})")
        yield cluster


@pytest.mark.parametrize("change", [{}, MISSPELT], ids=["good", "changed"])
def test_slurm_itself_runs_the_batch_script(
    change: dict[str, str], cluster: slurm.Cluster, bench: Bench
) -> None:
    (bench.folder / "train.sbatch").write_text(RECIPES["train.sbatch"])
    submit = ["sbatch", "--wait", "--parsable", "--output=job.out", "train.sbatch"]
    done = bench.run(submit, {**cluster.environ, **change})
    assert done.returncode == (125 if change else 0), (bench.folder / "job.out").read_text()
    assert bench.trained == (not change)
    assert (bench.last_saved().label == done.stdout.strip()) == (not change)


@pytest.mark.parametrize("change", [{}, MISSPELT], ids=["good", "changed"])
def test_slurm_itself_runs_a_task_only_after_its_prolog(
    change: dict[str, str], cluster: slurm.Cluster, bench: Bench
) -> None:
    prolog = bench.folder / "task-prolog.sh"
    prolog.write_text(RECIPES["task-prolog.sh"])
    prolog.chmod(0o755)
    step = ["srun", f"--task-prolog={prolog}", "python", "train.py"]
    done = bench.run(step, {**cluster.environ, **change})
    assert (done.returncode != 0) == bool(change), done.stdout + done.stderr
    assert bench.trained == (not change)
    assert ("LD_PRELOD" in done.stdout) == bool(change)
