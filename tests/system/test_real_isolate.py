"""`envprint isolate` with real frameworks: one cause among more than forty changed things."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builders.commands import call
from tests.builders.isolated import active, answer_of, document_of
from tests.conftest import Build

pytestmark = pytest.mark.long

REQUIREMENTS = Path(__file__).parents[1] / "benchmarks" / "accuracy" / "requirements"
UNUSED = {f"TF_UNUSED_{number}": str(number) for number in range(12)}

NUMPY_JOB = """\
import numpy as np

rng = np.random.default_rng(0)
x = rng.standard_normal((300, 300)).astype("f4")
for _ in range(6):
    x = np.tanh(x @ x.T / 20)
np.save("result.npy", x)
"""
KERAS_JOB = """\
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.standard_normal((128, 16, 16, 3)).astype("f4")
y = rng.integers(0, 4, 128)
model = keras.Sequential(
    [
        keras.Input((16, 16, 3)),
        keras.layers.Conv2D(8, 3, activation="tanh"),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(4, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=3, batch_size=32, shuffle=False, verbose=0)
np.save("result.npy", np.concatenate([one.ravel() for one in model.get_weights()]))
"""
TORCH_JOB = """\
import numpy as np
import torch

torch.manual_seed(1)
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.GELU(), torch.nn.Flatten(),
                            torch.nn.Linear(8 * 14 * 14, 4))
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randn(64, 3, 16, 16), torch.randint(0, 4, (64,))
for _ in range(3):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
np.save("result.npy", torch.cat([p.detach().flatten() for p in model.parameters()]).numpy())
"""


class Pair(NamedTuple):
    """Two environments, a job, and what changes its result."""

    before: str
    after: str
    job: str
    variable: str
    value: str


PAIRS = {
    "numpy": Pair("npsk.txt", "npsk.txt", NUMPY_JOB, "OPENBLAS_CORETYPE", "Nehalem"),
    "tensorflow": Pair("tf221.txt", "tf221.txt", KERAS_JOB, "TF_ENABLE_ONEDNN_OPTS", "0"),
    "torch": Pair("pt213.txt", "pt213.txt", TORCH_JOB, "ATEN_CPU_CAPABILITY", "default"),
}


def pins(file: str) -> list[str]:
    return (REQUIREMENTS / file).read_text().split()


def unrelated(taken: Sequence[str], count: int) -> list[str]:
    """Distributions that the job does not use."""
    names = {pin.partition("==")[0] for pin in taken}
    return [pin for pin in pins("unrel.txt") if pin.partition("==")[0] not in names][:count]


@pytest.mark.timeout(1800)
def test_without_a_job_the_training_probe_shows_what_changes_pytorch(
    environment: Build, tmp_path: Path
) -> None:
    pair = PAIRS["torch"]
    there = active(environment("--no-deps", *pins(pair.before)))
    there["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    assert call("capture", "-o", "old.json", env=there, cwd=tmp_path).returncode == 0
    options = ("--result", "probe", "--format", "json", "--repeat", "2")
    now = {**there, "TF_UNUSED": "1", pair.variable: pair.value}
    done = call("isolate", "old.json", *options, env=now, cwd=tmp_path, timeout_s=1700)
    answer, found = answer_of(done), document_of(done)
    assert answer.needed == answer.fix == [pair.variable]
    assert found["result"]["kind"] == "probe"
    assert found["command"] == ["envprint", "probe", "training", "--framework", "torch"]
    assert 0 < found["apart"]["relative"] < 0.1


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PAIRS)
def test_one_cause_among_forty_is_found_in_at_most_twelve_trials(
    name: str, environment: Build, tmp_path: Path
) -> None:
    pair = PAIRS[name]
    before, after = pins(pair.before), pins(pair.after)
    after += unrelated([*before, *after], 30)
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(pair.job)
    old = {**active(environment("--no-deps", *before)), **cache}
    done = call("capture", "-o", "old.json", env=old, cwd=project)
    assert done.returncode == 0, done.stderr
    new = {**active(environment("--no-deps", *after)), **cache, **UNUSED}
    new[pair.variable] = pair.value
    options = ["--result", "result.npy", "--format", "json", "--repeat", "2"]
    words = ["isolate", "old.json", *options, "--", "python", "train.py"]
    done = call(*words, env=new, cwd=project, timeout_s=3000)
    answer, found = answer_of(done), document_of(done)
    assert len(found["switches"]) >= 40
    assert answer.needed == answer.fix == [pair.variable]
    assert answer.rest == "baseline"
    ends_and_checks = 2 * 2 + 3
    assert found["runs"] - ends_and_checks <= 12
    assert all(step["outcome"] != "did not run" for step in found["steps"])
