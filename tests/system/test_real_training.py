"""Generators, seeds and the callback with real frameworks, each in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import envprint
from tests.builders.frameworks import TENSORFLOW, TORCH
from tests.conftest import Build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STATE = "generator-state-differs"


class Ran:
    """How a script ended: the last line of its output as JSON, and what it said beside."""

    def __init__(self, python: str, script: str, *arguments: object, **variables: str) -> None:
        done = subprocess.run(
            [python, "-c", script, *map(str, arguments)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "PYTHONPATH": str(ROOT),
                "TF_CPP_MIN_LOG_LEVEL": "3",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.code, self.stderr = done.returncode, done.stderr
        self.said: Any = json.loads(done.stdout.splitlines()[-1]) if done.stdout else None


HEAD = """
import json, random, sys
import envprint
file, seed = sys.argv[1], sys.argv[2]
"""
OF_TORCH = (
    HEAD
    + """
import jax, numpy, torch
seeded = envprint.seed(int(seed)) if seed else ()
now = envprint.capture()
envprint.dump(now, file)
torch.set_num_interop_threads(3)  # refused once the pool is there
draws = [torch.rand(3).tolist(), torch.randn(3).tolist(), numpy.random.rand(3).tolist()]
draws += [random.random(), list(torch.utils.data.RandomSampler(range(9)))]
print(json.dumps({
    "seeded": {one.generator: [one.call, one.done] for one in seeded},
    "draws": draws, "cuda": torch.cuda.is_initialized(),
}))
"""
)
OF_TENSORFLOW = (
    HEAD
    + """
import keras, numpy, tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops
if "make" in sys.argv:
    tf.random.get_global_generator().normal([2])
seeded = envprint.seed(int(seed)) if seed else ()
before = [context._context is None, stateful_random_ops.global_generator is None]
now = envprint.capture()
envprint.dump(now, file)
after = [context._context is None, stateful_random_ops.global_generator is None]
draws = [tf.random.uniform([3]).numpy().tolist(), numpy.random.rand(3).tolist(), random.random()]
draws += [numpy.array(keras.random.uniform([3])).tolist()]
if "make" in sys.argv:
    draws += [tf.random.get_global_generator().normal([3]).numpy().tolist()]
print(json.dumps({
    "seeded": {one.generator: [one.call, one.done] for one in seeded},
    "draws": draws, "before": before, "after": after,
}))
"""
)


def states(file: Path) -> dict[str, str | None]:
    found = envprint.load(file).live["random"]["generators"]
    return {name: known["state"] for name, known in found.items()}


UNSEEDED_NUMPY = {"NumPy's generator had been given a seed, now it has none"}


def of_generators(before: Path, after: Path) -> set[str]:
    """What a diff says of generators."""
    findings = envprint.diff(before, after).findings
    return {finding.message for finding in findings if finding.rule == STATE}


@pytest.mark.long
def test_two_pytorch_processes_with_one_seed_draw_alike(environment: Build, tmp_path: Path) -> None:
    python = environment(*TORCH)
    one, two, other, bare = (tmp_path / name for name in ("one", "two", "other", "bare"))
    runs = [
        Ran(python, OF_TORCH, file, seed)
        for file, seed in ((one, "7"), (two, "7"), (other, "8"), (bare, ""))
    ]
    assert [run.code for run in runs] == [0, 0, 0, 0], runs[0].stderr
    first, second, third, fourth = (run.said for run in runs)
    assert first == second
    assert not first["cuda"]
    assert first["seeded"] == {
        "numpy": ["numpy.random.seed(7)", True],
        "torch": ["torch.manual_seed(7)", True],
        "python": ["random.seed(7)", True],
        "jax": ["key = jax.random.key(7)", False],
        "python-hash": ["PYTHONHASHSEED=7 python …", False],
    }
    assert states(one) == states(two)
    assert states(one).keys() == {"python", "numpy", "torch"}
    assert of_generators(one, two) == set()
    for run in (third, fourth):
        assert all(a != b for a, b in zip(first["draws"], run["draws"], strict=True))
    assert of_generators(one, other) == {
        "NumPy's generator was seeded with 7, is seeded with 8",
        "PyTorch's generator was seeded with 7, is seeded with 8",
    }
    assert (
        of_generators(one, bare)
        == {"PyTorch's generator had been given a seed, now it has none"} | UNSEEDED_NUMPY
    )
    assert envprint.diff(one, bare).impact == envprint.Impact.DIVERGES


@pytest.mark.long
def test_two_tensorflow_processes_with_one_seed_draw_alike(
    environment: Build, tmp_path: Path
) -> None:
    python = environment(*TENSORFLOW)
    one, two, bare = (tmp_path / name for name in ("one", "two", "bare"))
    runs = [Ran(python, OF_TENSORFLOW, file, seed) for file, seed in ((one, "7"), (two, "7"))]
    assert [run.code for run in runs] == [0, 0], runs[0].stderr
    assert runs[0].said == runs[1].said
    done = {name for name, (_, is_done) in runs[0].said["seeded"].items() if is_done}
    assert done == {"keras", "numpy", "tensorflow", "python"}
    assert states(one) == states(two)
    assert of_generators(one, two) == set()

    unseeded = Ran(python, OF_TENSORFLOW, bare, "").said
    # Looking has made neither TensorFlow's context nor its generator.
    assert unseeded["before"] == unseeded["after"] == [True, True]
    assert states(bare)["tensorflow"] is None
    assert all(a != b for a, b in zip(runs[0].said["draws"], unseeded["draws"], strict=True))
    assert (
        of_generators(one, bare)
        == {
            "Keras' generator had been given a seed, now it has none",
            "TensorFlow's generator had been given a seed, now it has none",
        }
        | UNSEEDED_NUMPY
    )


NUMPY_TELLS = """
import json, sys
import numpy
import envprint
def seeding():
    known = envprint.capture().live["random"]["generators"]["numpy"]
    return [known["seeded"], known.get("seed")]
numpy.random.get_state()
told = [seeding()]
before = numpy.random.get_state()[1].tolist()
told += [seeding()]
assert numpy.random.get_state()[1].tolist() == before
for call in (lambda: numpy.random.rand(3), lambda: numpy.random.seed(7),
             lambda: numpy.random.rand(3), lambda: numpy.random.seed([1, 2])):
    call()
    told.append(seeding())
print(json.dumps(told))
"""


@pytest.mark.parametrize(
    "version", [*(pytest.param(v, marks=pytest.mark.long) for v in ("1.26.4", "2.0.2")), "2.4.6"]
)
def test_numpys_generator_tells_whether_it_was_seeded(environment: Build, version: str) -> None:
    run = Ran(environment(f"numpy=={version}"), NUMPY_TELLS)
    assert run.code == 0, run.stderr
    assert run.said == [[False, None]] * 3 + [[True, "7"], [True, None], [True, None]]


KERNEL = """
import sys
import numpy, sklearn.ensemble
import envprint

folder, seed = sys.argv[1:]

def cell(file):
    if seed == "early":
        envprint.seed(7)
    envprint.dump(envprint.capture(), f"{folder}/{file}")
    if seed == "late":
        envprint.seed(7)
    x = numpy.arange(200.0).reshape(50, 4)
    model = sklearn.ensemble.RandomForestClassifier(5, random_state=0).fit(x, x.sum(1) > 300)
    numpy.random.rand(3)
    return model.predict_proba(x).tobytes()

assert cell("first.json") == cell("second.json")
"""


@pytest.mark.parametrize("seed", ["never", "early", "late"])
def test_a_script_and_a_second_run_of_a_cell_with_equal_bits_are_no_drift(
    environment: Build, tmp_path: Path, seed: str
) -> None:
    python = environment("numpy==2.4.6", "scikit-learn")
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        run = Ran(python, KERNEL, folder, seed)
        assert run.code == 0, run.stderr
    one, two = folders
    for before, after in (
        (one / "first.json", one / "second.json"),
        (one / "first.json", two / "first.json"),
        (one / "second.json", two / "second.json"),
    ):
        report = envprint.diff(before, after)
        assert report.impact is envprint.Impact.NONE, report.findings
        assert [entry for entry in report.undecided if entry.impact] == []


@pytest.mark.long
def test_tensorflows_global_generator_is_seeded_where_it_was_made(
    environment: Build, tmp_path: Path
) -> None:
    python = environment(*TENSORFLOW)
    files = [tmp_path / name for name in ("one", "two")]
    one, two = (Ran(python, OF_TENSORFLOW, file, "7", "make").said for file in files)
    call = "tensorflow.random.get_global_generator().reset_from_seed(7)"
    assert one["seeded"]["tensorflow-generator"] == [call, True]
    assert one == two
    assert states(files[0]) == states(files[1])
    assert states(files[0])["tensorflow-generator"]


SWITCHED = """
import json
import keras, tensorflow as tf
import envprint
envprint.capture()
# None of these would be heard once asking had fixed a default or started a device.
keras.config.set_floatx("float64")
tf.config.threading.set_inter_op_parallelism_threads(3)
tf.config.optimizer.set_jit(True)
keras.mixed_precision.set_global_policy("mixed_bfloat16")
now = envprint.capture()
math = now.facts["math"]
print(json.dumps({
    "switches": {k: v["value"] for k, v in now.facts["determinism"]["switches"].items()},
    "pools": math["thread_pools"], "loaded": math["loaded"],
}))
"""


@pytest.mark.long
def test_switches_pools_and_libraries_are_those_in_force(environment: Build) -> None:
    python = environment(*TENSORFLOW)
    run = Ran(python, SWITCHED, OPENBLAS_CORETYPE="Haswell", OPENBLAS_NUM_THREADS="1")
    assert run.code == 0, run.stderr
    assert run.said["switches"] == {
        "keras-backend": "tensorflow",
        "keras-dtype-policy": "mixed_bfloat16",
        "keras-floatx": "float64",
        "tensorflow-auto-jit": "on",
        "tensorflow-inter-op-threads": "3",
        "tensorflow-op-determinism": "off",
        "tensorflow-tf32": "on",
    }
    pools = {pool["library"].partition("/")[0]: pool for pool in run.said["pools"]}
    assert pools["numpy.libs"]["architecture"] == "Haswell"
    assert pools["numpy.libs"]["threads"] == 1
    loaded = {library["name"]: library for library in run.said["loaded"]}
    assert loaded["libtensorflow_framework"]["library"].startswith("tensorflow/")
    assert loaded["libscipy_openblas64_"]["version"] == pools["numpy.libs"]["version"]


FIT = """
import json, os, sys
import keras, numpy
import envprint
from envprint.integrations.keras import Fingerprint

folder, seed, baseline, change = sys.argv[1:]
if seed:
    envprint.seed(int(seed))
x = numpy.arange(64 * 4, dtype="float32").reshape(64, 4) / 256
y = (x.sum(axis=1) > 2).astype("int32")
model = keras.Sequential([
    keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.5),
    keras.layers.Dense(2, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")

class Other(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        Other.steps += 1
        if change:
            os.environ["PYTHONASHSEED"] = "0"

callback = Fingerprint(folder, baseline=baseline or None, fail_on="diverges", label="a fit")
assert isinstance(callback, keras.callbacks.Callback)
place = os.path.join(folder, "{epoch}.weights.h5")
kept = keras.callbacks.ModelCheckpoint(place, save_weights_only=True)
error = None
try:
    model.fit(x, y, epochs=2, batch_size=16, verbose=0, callbacks=[callback, kept, Other()])
except envprint.DriftError as drift:
    error = str(drift)
weights = [w.tolist() for w in model.get_weights()] if Other.steps else None
print(json.dumps({
    "error": error, "steps": Other.steps, "weights": weights, "files": sorted(os.listdir(folder)),
}))
"""
DOCUMENTS = ["fingerprint-001-end.json", "fingerprint-001-start.json"]
CHECKPOINTS = ["1.weights.h5", "2.weights.h5"]


def test_a_fit_is_captured_checked_and_kept_beside_its_checkpoints(
    environment: Build, tmp_path: Path
) -> None:
    python = environment(*TENSORFLOW)
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    baseline = one / "fingerprint-001-start.json"
    first = Ran(python, FIT, one, "7", "", "")
    assert first.code == 0, first.stderr
    assert first.said["error"] is None
    assert first.said["files"] == [*CHECKPOINTS, *DOCUMENTS]
    assert "changed during training" not in first.stderr
    start, end = envprint.load(baseline), envprint.load(one / "fingerprint-001-end.json")
    assert (start.label, start.tags["moment"], end.tags["moment"]) == ("a fit", "start", "end")
    assert start.facts["frameworks"]["imported"] == ["numpy", "scikit-learn", "tensorflow"]

    again = Ran(python, FIT, two, "7", baseline, "change").said
    assert again["error"] is None
    assert again["weights"] == first.said["weights"]
    assert states(two / "fingerprint-001-start.json") == states(baseline)

    refused = Ran(python, FIT, three, "", baseline, "").said
    assert refused["steps"] == 0
    assert refused["files"] == ["fingerprint-001-start.json"]
    assert refused["error"].startswith("the training did not start: diverges: ")
    assert "NumPy's generator had been given a seed, now it has none" in refused["error"]


@pytest.mark.long
def test_what_changes_during_a_fit_is_a_warning(environment: Build, tmp_path: Path) -> None:
    run = Ran(environment(*TENSORFLOW), FIT, tmp_path / "fit", "", "", "change")
    assert run.code == 0, run.stderr
    assert run.said["steps"] == 8
    assert "UserWarning: envprint: changed during training: PYTHONASHSEED is set" in run.stderr
