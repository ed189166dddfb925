"""What docs/jobs.md shows is what the ranks of a job say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.builders.environments import put_framework

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "jobs.md").read_text("utf-8")
(CHECK, _) = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)
REFUSED, SILENT = re.findall(r"(?ms)^```text\n(.*?)^```$", PAGE)
SIZE = 4


def job(folder: Path, ranks: range, script: str, *, misspelt: int | None = None) -> list[str]:
    """What each rank of a job of four on two nodes says on stderr."""
    jax = folder / "installed"
    if not jax.exists():
        put_framework(jax, "jax")
    started = []
    for rank in ranks:
        environ = {
            **{"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
            **{"PYTHONPATH": os.pathsep.join((str(ROOT), str(jax))), "SLURM_JOB_ID": "7"},
            **{"SLURM_STEP_ID": "0", "SLURM_NTASKS": str(SIZE), "SLURM_PROCID": str(rank)},
            **{"SLURMD_NODENAME": f"node{rank // 2}"},
            **({"LD_PRELOD": "0"} if rank == misspelt else {}),
        }
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", script],
                cwd=folder, env=environ, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
    return [one.communicate(timeout=60)[1] for one in started]


def test_all_ranks_say_which_of_them_is_refused_as_the_page_shows(tmp_path: Path) -> None:
    begin = "import envprint; envprint.dump(envprint.capture(), 'baseline.json')\n"
    job(tmp_path, range(1), begin)
    said = job(tmp_path, range(SIZE), CHECK, misspelt=2)
    assert [text.endswith(REFUSED) for text in said] == [True] * SIZE, said[0]


def test_those_that_answer_name_the_rank_that_does_not_as_the_page_shows(tmp_path: Path) -> None:
    script = "import envprint\nenvprint.fleet.check(fail_on='numeric', timeout_s=5)\n"
    said = job(tmp_path, range(SIZE - 1), script)
    said = [re.sub(r"(?<=files in ).*(?=\); those)", ".envprint/…", text) for text in said]
    assert [text.endswith(SILENT) for text in said] == [True] * (SIZE - 1), said[0]
