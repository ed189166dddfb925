"""Every example of docs/adapters.md is a real training or run, and refuses where it should."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import envprint
from tests.builders.environments import put_entry_points
from tests.conftest import Build

pytestmark = [pytest.mark.slow, pytest.mark.long]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adapters.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE))
PACKAGES = (
    *("torch==2.13.0", "numpy", "lightning==2.6.6", "transformers==5.24.0", "accelerate==1.15.0"),
    *("hydra-core==1.3.8", "mlflow==3.17.2", "wandb==0.31.0", "pytorch-ignite==0.5.5"),
    *("tensorboard==2.21.0", "optuna==5.0.0", "dvclive==3.49.1"),
)
RECIPES = [name for name in EXAMPLES if name.startswith("with_")]
DOCUMENTS = ["fingerprint-001-end.json", "fingerprint-001-start.json"]
MISSPELT = {"LD_PRELOD": "0"}
REFUSED = "the training did not start: numeric: LD_PRELOD is set"


class Bench:
    """A directory, and an environment with the packages, in which envprint is installed."""

    def __init__(self, python: str, folder: Path) -> None:
        self.python, self.folder = python, folder
        put_entry_points(folder / "installed")

    def run(self, name: str, text: str | None = None, **more: str) -> Any:
        """Run an example of the page, or a text instead of it."""
        (self.folder / name).write_text(EXAMPLES[name] if text is None else text)
        command = (
            ["bash", "-eu", name] if name.endswith(".sh") else [self.python, "-W", "default", name]
        )
        return subprocess.run(
            command,
            cwd=self.folder,
            env={
                "PATH": f"{Path(self.python).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(self.folder / "installed"))),
                "HF_HUB_OFFLINE": "1",
                "DVC_NO_ANALYTICS": "1",
                "WANDB_SILENT": "true",
                **more,
            },
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def documents(self, folder: str = "documents") -> list[str]:
        return sorted(path.name for path in (self.folder / folder).glob("fingerprint-*.json"))


@pytest.fixture
def bench(environment: Build, tmp_path: Path) -> Bench:
    return Bench(environment(*PACKAGES), tmp_path)


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_lightning_trains_and_its_checkpoint_names_the_environment(
    package: str, bench: Bench
) -> None:
    text = EXAMPLES["lightning.py"].replace("lightning.pytorch", package)
    done = bench.run("train.py", text)
    assert done.returncode == 0, done.stderr
    assert bench.documents() == DOCUMENTS
    start = envprint.load(bench.folder / "documents" / DOCUMENTS[1])
    assert done.stdout.splitlines()[-1] == start.digest


def test_a_refused_check_stops_lightning_before_the_first_step(bench: Bench) -> None:
    text = EXAMPLES["lightning.py"].replace(
        "return self.layer", "open('step', 'w'); return self.layer"
    )
    done = bench.run("train.py", text, **MISSPELT)
    assert REFUSED in done.stderr and done.returncode == 1
    assert not (bench.folder / "step").exists()


def test_two_processes_of_lightning_are_refused_alike_though_one_alone_is_misspelt(
    bench: Bench,
) -> None:
    text = EXAMPLES["lightning.py"].replace(
        'accelerator="cpu",', 'accelerator="cpu", strategy="ddp", devices=2,'
    )
    head = "import os\nif os.environ.get('LOCAL_RANK') == '1': os.environ['LD_PRELOD'] = '0'\n"
    done = bench.run("train.py", head + text)
    assert done.returncode != 0
    assert done.stderr.count("DriftError: the training did not start: 1 of 2 ranks is refused") == 2
    assert bench.documents() == DOCUMENTS[1:]


def test_the_trainer_of_transformers_keeps_its_documents_beside_the_model(bench: Bench) -> None:
    done = bench.run("trainer.py")
    assert done.returncode == 0, done.stderr
    assert bench.documents() == DOCUMENTS
    done = bench.run("trainer.py", **MISSPELT)
    assert REFUSED in done.stderr and done.returncode == 1
    assert bench.documents() == [*DOCUMENTS, "fingerprint-002-start.json"]


def test_hydra_runs_a_job_that_passes_and_not_one_that_is_refused(bench: Bench) -> None:
    (bench.folder / "app.py").write_text(EXAMPLES["app.py"])
    done = bench.run("hydra.sh")
    assert done.returncode == 0, done.stderr
    assert bench.documents() == DOCUMENTS
    (bench.folder / "trained").unlink()
    done = bench.run("hydra.sh", **MISSPELT)
    assert f"envprint: {REFUSED}" in done.stderr and done.returncode == 1
    assert not (bench.folder / "trained").exists()


def test_jobs_of_a_multirun_have_documents_of_their_own(bench: Bench) -> None:
    (bench.folder / "app.py").write_text(EXAMPLES["app.py"])
    text = EXAMPLES["hydra.sh"].replace(
        "hydra.run.dir=documents",
        "-m hydra.sweep.dir=all hydra.sweep.subdir='${hydra.job.num}' +x=1,2",
    )
    done = bench.run("multi.sh", text)
    assert done.returncode == 0, done.stderr
    assert [bench.documents(f"all/{number}") for number in (0, 1)] == [DOCUMENTS] * 2


def test_a_run_of_mlflow_is_found_by_the_digest_and_has_the_document_byte_for_byte(
    bench: Bench,
) -> None:
    text = EXAMPLES["mlflow_run.py"] + (
        "envprint.dump(now, 'now.json')\n"
        "uri = f'runs:/{run.info.run_id}/envprint/fingerprint.json'\n"
        "path = mlflow.artifacts.download_artifacts(uri)\n"
        "assert open(path, 'rb').read() == open('now.json', 'rb').read()\n"
        "print(run.info.run_id)\n"
    )
    done = bench.run("run.py", text)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("switch", "tagged"), [("", False), ("1", True)])
def test_mlflow_gets_tags_by_itself_only_if_that_is_switched_on(
    switch: str, tagged: bool, bench: Bench
) -> None:
    text = (
        "import json, mlflow\n"
        "mlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
        "with mlflow.start_run(), mlflow.start_run(nested=True) as run: pass\n"
        "print(json.dumps(mlflow.get_run(run.info.run_id).data.tags))\n"
    )
    done = bench.run("run.py", text, ENVPRINT_MLFLOW=switch)
    assert done.returncode == 0, done.stderr
    tags = json.loads(done.stdout.splitlines()[-1])
    assert ("envprint.digest" in tags, "envprint.section.packages" in tags) == (tagged, tagged)


def test_an_offline_run_of_wandb_has_the_digests_and_the_document(bench: Bench) -> None:
    text = "logged = []\n" + EXAMPLES["wandb_run.py"].replace(
        "as run:\n",
        "as run:\n    real = run.log_artifact\n"
        "    run.log_artifact = lambda one: logged.append(one) or real(one)\n",
    )
    text += (
        "entry = logged[0].manifest.entries['fingerprint.json']\n"
        "from envprint.documents.codec import dumps\n"
        "assert open(entry.local_path, 'rb').read() == dumps(now).encode()\n"
        "assert logged[0].metadata['envprint_digest'] == now.digest\n"
    )
    done = bench.run("run.py", text)
    assert done.returncode == 0, done.stderr
    (written,) = (bench.folder / "wandb").glob("offline-run-*/*.wandb")
    assert b"envprint_digest" in written.read_bytes()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs(name: str, bench: Bench) -> None:
    done = bench.run(name)
    assert done.returncode == 0, done.stderr
    assert envprint.load(bench.folder / "fingerprint.json").digest


@pytest.mark.parametrize("name", ["with_accelerate.py", "with_ignite.py"])
def test_a_recipe_that_checks_refuses(name: str, bench: Bench) -> None:
    done = bench.run(name, **MISSPELT)
    assert "LD_PRELOD is set" in done.stderr and done.returncode == 1


def test_a_run_of_mlflow_is_a_reference(bench: Bench) -> None:
    text = EXAMPLES["mlflow_run.py"] + (
        "import subprocess, sys\n"
        "name = f'mlflow:{run.info.run_id}'\n"
        "assert envprint.load(name) == envprint.load(name)\n"
        "assert envprint.load(name).digest == now.digest\n"
        "done = subprocess.run([sys.executable, '-m', 'envprint', 'diff', name, 'now'])\n"
        "assert done.returncode == 0\n"
        "done = subprocess.run([sys.executable, '-m', 'envprint', 'show', 'mlflow:nope'])\n"
        "assert done.returncode == 2\n"
    )
    done = bench.run("run.py", text, MLFLOW_TRACKING_URI="sqlite:///mlflow.db")
    assert done.returncode == 0, done.stderr
    assert "envprint: mlflow:nope: " in done.stderr and "\nTraceback" not in done.stderr
