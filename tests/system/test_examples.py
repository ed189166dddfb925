"""Every block of the README and of the pages does what it says there.

Blocks run in a project with a made or real environment, in the order of their page. A command has
to end without an error of its own (exit codes 0 and 1), and each line that a console shows has to
be printed in that order, up to `…`; lines that name the machine are left out. A `text` block is
what the Python block before it prints. What does not run here is one of a list.
"""

from __future__ import annotations

import _ctypes
import json
import re
import resource
import shutil
import sys
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.builders.environments import ROOT
from tests.builders.fleets import card, member, put, recorded, version
from tests.builders.page_blocks import (
    USUAL,
    Block,
    Project,
    Setting,
    blocks_of,
    must_show,
    run_console,
)

RUN_BY = {
    "recipes": "tests/system/test_recipes.py",
    "adapters": "tests/system/test_real_adapters.py",
    "isolate": "tests/system/test_isolate_guide.py",
}
"""Pages of which another test runs every block."""
OTHERS: dict[str, str] = {
    "README:python3 -m venv .venv && .venv/bin/pip install -q -e": "it starts the tests: .ci/run",
    "training-probe:>>> first": "tests/probes/test_training.py",
    "training-probe:>>> def": "tests/probes/test_training.py",
    "training-probe:envprint probe training": "tests/system/test_real_training_probe.py: minutes",
    "baselines:export ENVPRINT_HOME=s3": "tests/system/test_real_s3.py, with a server of its own",
    "fleet:$ DASK_SCHEDULER_ADDRESS": "tests/system/test_real_spreading.py, with Dask and Ray",
    "gather:import duckdb": "tests/system/test_real_parquet.py, with pyarrow and DuckDB",
}
"""Blocks, by page and beginning, that need more than that; and what does the same there."""

SET_UP = "README:python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/envprint check"
SK = ("numpy==2.4.6", "scikit-learn==1.9.1")
TENSORFLOW = ("tensorflow-cpu==2.21.0", "scikit-learn==1.9.1")
LOADS = """\
import ctypes, glob, sysconfig, time
for name in glob.glob(sysconfig.get_path("purelib") + "/*/_kernels.so"):
    if "xgboost" not in name:
        ctypes.CDLL(name)
time.sleep(1)
"""
"""A training that loads the compiled code of two libraries, and not of the third."""
GIT = "git init -qb main . && git add train.py && git commit -qm one"


def put_fleet(home: Path) -> None:
    """Two hundred machines: three with other packages, and one with a program on its GPU."""
    folder = home / "project"
    base = recorded()
    base["facts"]["cuda"]["cudnn"]["installed"].pop()  # an older copy, which breaks every machine
    for number in range(1, 201):
        changes = [version("tensorflow", "2.15.1"), version("numpy", "2.1.0")]
        document = member(base, card(number), *(changes if number in (7, 8, 9) else []))
        if number != 100:
            for state in document["live"]["gpu"]["devices"].values():
                state["processes"] = []
        path = put(folder / "runs", f"node{number:03}", document)
        if number < 4:
            put(folder / "nodes", path.stem, document)
    lines = [json.dumps(json.loads(path.read_text())) for path in (folder / "nodes").iterdir()]
    (folder / "fleet.jsonl").write_text("\n".join(lines))


def put_compiled(home: Path) -> None:
    """Compiled code in three libraries, as far as a run sees it."""
    for name in ("numpy", "lightgbm", "xgboost"):
        for module in home.glob(f"venvs/*/lib/python3*/site-packages/{name}"):
            shutil.copy(_ctypes.__file__, module / "_kernels.so")
        for info in home.glob(f"venvs/*/lib/python3*/site-packages/{name}-*.dist-info"):
            (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\n")


def put_checkout(home: Path) -> None:
    """A copy of what is installed from."""
    for name in ("envprint", "schemas"):
        shutil.copytree(ROOT / name, home / "project" / name)
    (home / "project" / "docs").mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "docs/envprint.1"):
        shutil.copy(ROOT / name, home / "project" / name)


def no_old_numpy() -> str | None:
    """Why NumPy 1.24 has no kernels here that could be switched off; None where it has."""
    processor = Path("/proc/cpuinfo")
    if not processor.exists() or "avx512f" not in processor.read_text():
        return "NO AVX-512 HERE"
    return None if sys.version_info < (3, 12) else "NO NUMPY 1.24 FOR THIS PYTHON"


SETTINGS = {
    "fleet": Setting(put=put_fleet, prepare="envprint capture --save monday"),
    "knowledge": Setting(states=((*USUAL, "timm==1.0.26"), (*USUAL, "timm==1.0.32"))),
    "run": Setting(prepare="echo python train.py > train.sh"),
    "run:$ envprint run --baseline @last-good --fail-on breaks -- python train.py": Setting(
        states=(
            ("numpy==2.4.6", "lightgbm==4.6.0", "xgboost==2.1.2"),
            ("numpy==2.4.6", "lightgbm==4.6.0", "xgboost==3.2.0"),
        ),
        train=LOADS,
        put=put_compiled,
    ),
    "recreate": Setting(real=SK, is_apart=True),
    "recreate:$ envprint diff before.json after.json --remedy": Setting(
        states=(
            ("jax==0.10.2", "numpy==2.2.6", "six==1.16.0", "pip==26.1"),
            (*USUAL, "six==1.17.0", "pip==26.1"),
        ),
        happens="JAX_ENABLE_X64=1 JAX_DEFAULT_PRNG_IMPL=rbg envprint capture -o after.json",
    ),
    "probes": Setting(real=SK, marks=(pytest.mark.slow, pytest.mark.long)),
    "probes:$ envprint capture --probe -o before.json": Setting(
        real=("numpy==1.24.4",), lacking=no_old_numpy()
    ),
    "tour": Setting(real=SK),
    "in-process": Setting(real=TENSORFLOW, marks=(pytest.mark.slow, pytest.mark.long)),
    "README:$ envprint capture -o monday.json --label monday": Setting(
        real=TENSORFLOW, marks=(pytest.mark.slow, pytest.mark.long)
    ),
    SET_UP: Setting(put=put_checkout, marks=(pytest.mark.slow,)),
    "start": Setting(has_run=False),
    "baselines": Setting(has_run=False),
    "conflicts": Setting(states=((*USUAL[:1], "numpy==2.0.2", "pandas==2.1.4"),), has_run=False),
    "not-judged": Setting(
        states=((*USUAL, "transformers==4.45.1"), (*USUAL, "transformers==4.45.2"))
    ),
    "tests-and-notebooks": Setting(states=((*USUAL[:1], "numpy==2.0.2"), USUAL)),
    "verdict": Setting(states=((),), places=(".local/pipx/venvs/envprint", ""), has_run=False),
    "report": Setting(
        states=(
            ("jax==0.10.1", "tensorflow==2.18.1", "transformers==4.45.1"),
            ("jax==0.10.2", "tensorflow==2.21.0", "transformers==4.45.2"),
        ),
        prepare=GIT,
        happens="git commit -q --allow-empty -m two && echo >> train.py && cp train.py other.py",
    ),
    "environments:$ envprint check --details none": Setting(
        states=((),),
        places=(".local/pipx/venvs/envprint", ""),
        has_run=False,
        is_active=False,
        happens="python -m venv --without-pip .venv",
    ),
    "environments:$ envprint check monday.json": Setting(
        states=(("jax==0.10.2", "numpy==2.4.6"), ("ruff==0.14.6",)),
        places=("venvs/train", "venvs/lint"),
    ),
}
"""Of pages that need another than the usual one."""


PAGES = {
    path.stem: blocks
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if (blocks := blocks_of(path))
}


MODEL = """
import subprocess, sys
import keras, numpy
import envprint
x, y = numpy.ones((8, 4)), numpy.ones(8)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(loss="mse")
"""
MONDAY = f"""{MODEL}
from envprint.integrations.keras import Fingerprint
envprint.seed(1234)
saved = keras.callbacks.ModelCheckpoint("monday/{{epoch}}.keras")
model.fit(x, y, epochs=2, verbose=0, callbacks=[saved, Fingerprint("monday")])
"""
BEGINS = {
    "in-process:from envprint.integrations.keras import Fingerprint": f"""{MODEL}
subprocess.run([sys.executable, "-c", {MONDAY!r}], check=True)
""",
    "in-process:import tensorflow": f"""{MODEL}
from envprint.integrations.keras import Fingerprint
""",
}
"""What the text before a Python block says that there is."""


RAISE = ("in-process:from envprint.integrations.keras import Fingerprint",)
"""Blocks that end in the error which the page shows next."""


SHOWN_BY = {
    "architecture:Host ->": "a diagram",
    "api:": "tests/system/test_docs.py, which generates it",
    "cli:": "tests/system/test_docs.py, which generates it",
    "jobs:": "tests/fleet/test_page.py, with four processes",
    "tests-and-notebooks:%load_ext": "tests/system/test_real_notebook.py, in a real kernel",
    "tests-and-notebooks:envprint:": "tests/integrations/test_ipython.py",
    "training-probe:": "tests/system/test_real_training_probe.py, with real frameworks",
}
"""`text` blocks that no block before them prints, and what holds them to the truth."""


def others(block: Block) -> list[str]:
    """The entries of `OTHERS` that it falls under."""
    named = SHOWN_BY if block.language == "text" else OTHERS
    return [begin for begin in named if block.name.startswith(begin)]


def is_run_here(block: Block) -> bool:
    return block.page not in RUN_BY and not others(block)


def part_of(block: Block) -> str:
    """The key of the setting in which it runs."""
    return block.name if block.name in SETTINGS else block.page


HERE = [page for page, blocks in PAGES.items() if any(map(is_run_here, blocks))]


def test_a_block_that_does_not_run_here_is_one_of_a_list_and_every_entry_is_used() -> None:
    blocks = [block for page in PAGES.values() for block in page if block.page not in RUN_BY]
    used = [begin for block in blocks for begin in others(block)]
    assert set(used) == {*OTHERS, *SHOWN_BY}
    assert len(used) == len([block for block in blocks if not is_run_here(block)])
    assert set(RUN_BY) < set(PAGES)
    assert {part.partition(":")[0] for part in SETTINGS} <= set(HERE)
    assert {part for part in SETTINGS if ":" in part} <= {block.name for block in blocks}
    named = [*RUN_BY.values(), *OTHERS.values(), *SHOWN_BY.values()]
    paths = {found for text in named for found in re.findall(r"(?:tests|\.ci)/[\w/.]*\w", text)}
    assert [path for path in paths if not (ROOT / path).exists()] == []


def settings_of(page: str) -> list[str]:
    """Blocks with a setting of their own, and the page for the others."""
    return [page, *(name for name in SETTINGS if name.startswith(f"{page}:"))]


QUICK_S = 6.0
"""What takes less than a third of it, on the slowest machine that runs the tests, needs no time."""
MEASURED = r"Measured on \d{4}-\d\d-\d\d: about (\d+) s of processor time"
"""The line behind a block that takes longer."""


def processor_s() -> float:
    """Processor time of all ended children so far; a busy machine changes it little."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def parameter(part: str) -> ParameterSet:
    setting = SETTINGS.get(part, Setting())
    marks = setting.marks or ((pytest.mark.slow,) if setting.real else ())
    return pytest.param(part, marks=marks)


PARTS = [parameter(part) for page in HERE for part in settings_of(page)]


@pytest.mark.parametrize("part", PARTS)
def test_the_blocks_of_a_page_do_what_it_says(part: str, tmp_path: Path) -> None:
    setting = SETTINGS.get(part, Setting())
    if setting.lacking:
        pytest.skip(setting.lacking)
    project = Project(tmp_path, setting)
    printed, before_s = "", processor_s()
    for block in PAGES[part.partition(":")[0]]:
        if part_of(block) != part or not is_run_here(block):
            continue
        if block.language == "python":
            done = project.python(block.text, BEGINS.get(block.name, ""))
            printed = done.stdout + done.stderr
            assert done.returncode == 0 or block.name in RAISE, f"{block.text}\n{done.stderr}"
        elif block.language == "bash":
            done = project.run(f"set -e\n{block.text}")
            assert (done.returncode, done.stderr) == (0, ""), block.text
        elif block.language == "console":
            run_console(project, block.text)
        else:
            must_show(block.text.splitlines(), printed, project.home, "the Python block before it")
        before_s, took_s = processor_s(), processor_s() - before_s
        if block.page != "README":  # which says what takes minutes
            measured = re.match(MEASURED, block.after)
            limit_s = float(measured[1]) * 3 if measured else QUICK_S
            assert took_s < limit_s, f"{block.name} took {took_s:.1f} s: {block.after}"
