"""`envprint.seed`: what it sets, in the words of each framework, and what it cannot set."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

import envprint
from envprint import Seeded
from envprint.machine import seeding
from tests.builders.pretend import load, only_python, space

MODULES = ("keras", "tf_keras", "numpy", "tensorflow", "torch", "jax")
GENERATOR = "tensorflow.python.ops.stateful_random_ops"
HASH = "python-hash"


@pytest.fixture(autouse=True)
def no_framework(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with only_python(monkeypatch, (*MODULES, GENERATOR)):
        yield


def test_pythons_generator_is_always_set() -> None:
    seeded = envprint.seed(1234)
    first = random.random()
    assert [one for one in seeded if one.done] == [Seeded("python", "random.seed(1234)", True)]
    envprint.seed(1234)
    assert random.random() == first


def test_every_imported_framework_is_seeded_by_its_own_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[tuple[str, int]] = []

    def note(name: str) -> object:
        return lambda value: called.append((name, value))

    load(monkeypatch, "keras", utils=space(set_random_seed=note("keras")))
    load(monkeypatch, "tf_keras", utils=space(set_random_seed=note("tf_keras")))
    load(monkeypatch, "numpy", random=space(seed=note("numpy")))
    load(monkeypatch, "tensorflow", random=space(set_seed=note("tensorflow")))
    load(monkeypatch, GENERATOR, global_generator=space(reset_from_seed=note("generator")))
    load(monkeypatch, "torch", manual_seed=note("torch"), version=space(cuda="13.0"))
    seeded = envprint.seed(7)
    assert [(one.generator, one.call) for one in seeded if one.done] == [
        ("keras", "keras.utils.set_random_seed(7)"),
        ("tf-keras", "tf_keras.utils.set_random_seed(7)"),
        ("numpy", "numpy.random.seed(7)"),
        ("tensorflow", "tensorflow.random.set_seed(7)"),
        ("tensorflow-generator", "tensorflow.random.get_global_generator().reset_from_seed(7)"),
        ("torch", "torch.manual_seed(7)"),
        ("torch-cuda", "torch.manual_seed(7)"),
        ("python", "random.seed(7)"),
    ]
    assert called == [
        (name, 7) for name in ("keras", "tf_keras", "numpy", "tensorflow", "generator", "torch")
    ]


def test_a_build_without_cuda_has_no_generator_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, "torch", manual_seed=lambda value: None, version=space(cuda=None))
    assert "torch-cuda" not in [one.generator for one in envprint.seed(7)]


def test_a_generator_that_has_not_been_made_is_left_to_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load(monkeypatch, "tensorflow", random=space(set_seed=lambda value: None))
    load(monkeypatch, GENERATOR, global_generator=None)
    found = {one.generator: one for one in envprint.seed(7)}["tensorflow-generator"]
    assert not found.done and "does not exist yet" in (found.reason or "")
    assert found.call == (
        "tensorflow.random.set_global_generator(tensorflow.random.Generator.from_seed(7))"
    )


def test_a_framework_that_refuses_is_told_and_the_others_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(value: int) -> None:
        raise TypeError("can only re-seed a MT19937 BitGenerator\nmore")

    load(monkeypatch, "numpy", random=space(seed=refuse))
    load(monkeypatch, "torch")
    found = {one.generator: one for one in envprint.seed(7)}
    refused = "TypeError: can only re-seed a MT19937 BitGenerator"
    assert found["numpy"] == Seeded("numpy", "numpy.random.seed(7)", False, refused)
    assert "AttributeError" in (found["torch"].reason or "")
    assert found["python"].done


def test_jax_has_nothing_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, "jax")
    found = {one.generator: one for one in envprint.seed(7)}["jax"]
    assert (found.call, found.done) == ("key = jax.random.key(7)", False)
    assert "no global generator" in (found.reason or "")


@pytest.mark.parametrize(
    ("variable", "is_set"), [("0", False), ("7", True), ("random", False), (None, False)]
)
def test_the_hash_seed_is_set_only_if_the_process_was_started_with_it(
    variable: str | None, is_set: bool
) -> None:
    script = "import envprint; print(*envprint.seed(7)[-1], sep='|')"
    environ = {"PATH": ""} | ({"PYTHONHASHSEED": variable} if variable else {})
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    generator, call, told, reason = done.stdout.strip().split("|")
    assert (generator, call, told) == (HASH, "PYTHONHASHSEED=7 python …", str(is_set))
    assert ("too late" in reason) != is_set
    assert ("envprint run --hash-seed 7 -- COMMAND" in reason) != is_set


@pytest.mark.parametrize("value", [-1, 2**32, 1.0, "1", None, True])
def test_what_no_generator_takes_is_refused_before_any_is_set(value: object) -> None:
    random.seed(1)
    first = random.getstate()
    with pytest.raises(envprint.EnvprintError, match="expected a seed from 0 to 4294967295"):
        envprint.seed(value)  # type: ignore[arg-type]
    assert random.getstate() == first


@pytest.mark.parametrize("value", [0, 2**32 - 1])
def test_the_ends_of_the_range_are_seeds(value: int) -> None:
    assert {one.generator: one.done for one in envprint.seed(value)}["python"]


def test_names_are_those_of_the_section_that_tells_states() -> None:
    from envprint.machine.process_state import GENERATOR_SOURCES

    named = {seat.name for seat in GENERATOR_SOURCES} | {"torch-cuda", "jax", HASH}
    assert {call.generator for call in seeding._CALLS} <= named
