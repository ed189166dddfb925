"""What a process says of its own generators and thread pools, and what it leaves alone."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.core.fingerprint import NO_THREADPOOLCTL
from envprint.machine import process_state
from tests.builders.pretend import load, only_python, space

NAMES = {seat.module for seat in process_state.GENERATOR_SOURCES} | {
    "torch.cuda",
    *process_state.POOLED,
} - {"random"}


@pytest.fixture(autouse=True)
def no_framework(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with only_python(monkeypatch, NAMES - {"random"}):
        yield


class Array:
    """As much of an array as a state is made of."""

    def __init__(self, *values: int) -> None:
        self.dtype, self.shape, self._values = "uint32", (len(values),), values

    def tobytes(self) -> bytes:
        return bytes(self._values)


def generators() -> Any:
    return process_state.describe()["generators"]


def state(name: str) -> Any:
    return generators()[name]["state"]


def test_looking_draws_nothing_and_equal_states_have_equal_digests() -> None:
    random.seed(3)
    first = state("python")
    assert state("python") == first
    assert first.startswith("sha256:") and len(first) == 71
    drawn = random.random()
    assert state("python") != first
    random.seed(3)
    assert state("python") == first
    assert random.random() == drawn


def test_only_generators_of_loaded_modules_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(generators()) == ["python"]
    monkeypatch.delitem(sys.modules, "random")
    found = process_state.describe()
    assert (found["generators"], found["thread_pools"]) == ({}, [])
    assert "random" not in sys.modules


def test_numpys_state_is_its_arrays_and_its_position(monkeypatch: pytest.MonkeyPatch) -> None:
    def numpy(position: int) -> str:
        kept = {"bit_generator": "MT19937", "state": {"key": Array(1, 2), "pos": position}}
        load(monkeypatch, "numpy.random", get_state=lambda legacy: kept)
        return str(state("numpy"))

    assert numpy(624) == numpy(624)
    assert numpy(624) != numpy(1)


def tensorflow(monkeypatch: pytest.MonkeyPatch, context: object) -> None:
    load(monkeypatch, "tensorflow.python.eager.context", _context=context)


def test_tensorflow_without_a_seed_has_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorflow(monkeypatch, None)
    assert generators()["tensorflow"] == {"state": None, "seeded": False, "seed": None}
    tensorflow(monkeypatch, space(_seed=None))
    assert generators()["tensorflow"] == {"state": None, "seeded": False, "seed": None}


def test_tensorflows_state_is_its_seed_and_what_draws_seeds_for_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = space(_seed=7, _rng=random.Random(7))
    tensorflow(monkeypatch, context)
    first = state("tensorflow")
    context._rng.random()
    assert state("tensorflow") != first
    tensorflow(monkeypatch, space(_seed=7, _rng=random.Random(7)))
    assert state("tensorflow") == first
    tensorflow(monkeypatch, space(_seed="7", _rng=random.Random(7)))
    assert "error" in generators()["tensorflow"]


def test_tensorflows_global_generator_is_there_once_it_was_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = "tensorflow.python.ops.stateful_random_ops"
    load(monkeypatch, module, global_generator=None)
    assert "tensorflow-generator" not in generators()
    made = space(state=space(numpy=lambda: Array(1, 0, 0)))
    load(monkeypatch, module, global_generator=made)
    assert state("tensorflow-generator").startswith("sha256:")


def test_keras_3_has_a_seed_a_generator_or_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = space()
    load(monkeypatch, "keras.src.backend.common.global_state", GLOBAL_STATE_TRACKER=tracker)
    load(monkeypatch, "keras.src.backend")
    assert state("keras") is None
    tracker.global_random_seed = 7
    seeded = state("keras")
    tracker.global_seed_generator = space(state=space(numpy=lambda: Array(7, 0)))
    assert len({None, seeded, state("keras")}) == 3
    assert vars(tracker).keys() == {"global_random_seed", "global_seed_generator"}


@pytest.mark.parametrize(
    ("module", "name"), [("keras.src.backend", "keras"), ("tf_keras.src.backend", "tf-keras")]
)
def test_keras_2_keeps_a_generator_of_python(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = space()
    load(monkeypatch, module, _SEED_GENERATOR=kept)
    assert state(name) is None
    kept.generator = random.Random(7)
    assert state(name).startswith("sha256:")


class Tensor:
    def __init__(self, *values: int) -> None:
        self._values = list(values)

    def tolist(self) -> list[int]:
        return self._values


def test_a_gpu_is_asked_only_where_cuda_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> object:
        raise AssertionError("this would start CUDA")

    load(monkeypatch, "torch", get_rng_state=lambda: Tensor(1, 255))
    load(monkeypatch, "torch.cuda", is_initialized=lambda: False, get_rng_state=refuse)
    assert list(generators()) == ["python", "torch"]
    both = [space(get_state=lambda n=n: Tensor(n)) for n in (1, 2)]
    load(monkeypatch, "torch.cuda", is_initialized=lambda: True, default_generators=both)
    assert list(generators()) == ["python", "torch", "torch-cuda-0", "torch-cuda-1"]
    assert state("torch-cuda-0") != state("torch-cuda-1")


def test_one_that_refuses_is_an_error_in_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> object:
        raise RuntimeError("a graph is being captured\nC++ stack: …")

    load(monkeypatch, "torch", get_rng_state=refuse)
    load(monkeypatch, "torch.cuda")
    load(monkeypatch, "numpy.random")
    states = generators()
    assert states["torch"] == {"error": "RuntimeError: a graph is being captured"}
    assert states["numpy"]["error"].startswith("AttributeError: ")
    assert "state" in states["python"]


def test_an_error_of_tensorflow_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class OpError(Exception):
        pass

    def refuse() -> object:
        raise OpError("no device")

    load(monkeypatch, "tensorflow.python.framework.errors_impl", OpError=OpError)
    made = space(state=space(numpy=refuse))
    load(monkeypatch, "tensorflow.python.ops.stateful_random_ops", global_generator=made)
    assert generators()["tensorflow-generator"] == {"error": "OpError: no device"}


def test_digests_tell_types_and_ends_apart() -> None:
    values: list[object] = [
        *(None, 1, "1", 1.5, b"1", (1, 2), ((1,), 2), (1, (2,)), {"a": 1}, (("a", 1),), ()),
        *(Array(1), Array(1, 1)),
    ]
    assert len({process_state.digest(value) for value in values}) == len(values)
    assert process_state.digest({"a": 1, "b": 2}) == process_state.digest({"b": 2, "a": 1})
    with pytest.raises(TypeError, match="a object in the state"):
        process_state.digest((1, object()))


def test_pools_are_those_that_threadpoolctl_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, "numpy")
    load(monkeypatch, "threadpoolctl", threadpool_info=lambda: [{"internal_api": "openblas"}])
    assert process_state.thread_pools() == [{"internal_api": "openblas"}]


def test_without_threadpoolctl_pools_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert process_state.thread_pools() == []
    load(monkeypatch, "torch")
    assert process_state.thread_pools() == {"error": NO_THREADPOOLCTL}


def test_a_threadpoolctl_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> object:
        raise AttributeError("'NoneType' object has no attribute 'split'")

    load(monkeypatch, "numpy")
    load(monkeypatch, "threadpoolctl", threadpool_info=fail)
    assert process_state.thread_pools() == {
        "error": "threadpoolctl: AttributeError: 'NoneType' object has no attribute 'split'"
    }


def test_a_capture_of_this_process_has_its_generators() -> None:
    random.seed(5)
    known = envprint.capture().live["random"]["generators"]
    assert known["python"]["state"] == state("python")


def command(*arguments: str, folder: Path) -> Any:
    """A capture by command, with the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "envprint", "capture", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    "arguments",
    [lambda: (), lambda: ("--python", sys.executable)],
    ids=["this interpreter", "another interpreter"],
)
def test_a_command_has_no_generators_and_does_not_look_for_any(
    arguments: Callable[[], tuple[str, ...]], tmp_path: Path
) -> None:
    document, loaded = command(*arguments(), folder=tmp_path)
    assert document["live"]["random"] == {"drawn_by": {}, "generators": {}, "process": None}
    assert document["facts"]["math"]["thread_pools"] == []
    assert document["facts"]["math"]["loaded"] == []
    assert "envprint.machine.process_state" not in loaded


def test_another_interpreter_observed_from_inside_has_no_generators() -> None:
    seen = envprint.capture(python=sys.executable)
    assert seen.live["random"] == {"drawn_by": {}, "generators": {}, "process": None}
