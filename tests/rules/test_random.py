"""Rules about generators of random numbers: the same state, another one, or no seed at all."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

GENERATORS = "live.random.generators"
RULE = "generator-state-differs"


def process(**states: str | None) -> Fingerprint:
    found = {name.replace("_", "-"): {"state": value} for name, value in states.items()}
    return fingerprint({GENERATORS: found})


def said(
    before: Fingerprint, after: Fingerprint, *frameworks: str, device: str = "cpu"
) -> list[str]:
    findings, undecided = drift(RULE, before, after, frameworks, device)
    assert undecided == []
    return [finding.message for finding in findings]


def test_another_state_is_another_run() -> None:
    findings, undecided = drift(
        RULE, process(numpy="sha256:a"), process(numpy="sha256:b"), ["numpy"]
    )
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.DIVERGES,
            "NumPy's generator was not in the same state",
            (f"{GENERATORS}[numpy].state",),
            "sha256:a",
            "sha256:b",
        )
    ]
    assert "envprint.seed(" in findings[0].remedy
    assert undecided == []


def test_each_generator_is_a_finding_of_its_own() -> None:
    names = ("python", "numpy", "tensorflow", "tensorflow_generator", "keras", "tf_keras")
    before, after = (process(**dict.fromkeys(names, side)) for side in ("a", "b"))
    assert said(before, after, "tensorflow") == [
        "Keras' generator was not in the same state",
        "NumPy's generator was not in the same state",
        "Python's generator was not in the same state",
        "TensorFlow's global tf.random.Generator was not in the same state",
        "TensorFlow's generator was not in the same state",
        "tf-keras' generator was not in the same state",
    ]


def test_equal_states_and_those_of_one_side_only_are_quiet() -> None:
    one = process(python="a", numpy="b", tensorflow=None)
    assert said(one, one, "tensorflow") == []
    assert said(process(), one, "tensorflow") == []
    assert said(one, process(torch="a"), "tensorflow", "torch") == []
    assert said(fingerprint(), one, "tensorflow") == []


def test_a_seed_on_one_side_only_is_said_so() -> None:
    without, seeded = process(tensorflow=None), process(tensorflow="a")
    assert said(without, seeded, "tensorflow") == [
        "TensorFlow's generator had been given no seed, now it has one"
    ]
    assert said(seeded, without, "tensorflow") == [
        "TensorFlow's generator had been given a seed, now it has none"
    ]


@pytest.mark.parametrize("framework", ["jax", "numpy", "tensorflow", "torch"])
def test_pythons_and_numpys_generators_reach_every_job(framework: str) -> None:
    before, after = process(python="a", numpy="a"), process(python="b", numpy="b")
    assert len(said(before, after, framework)) == 2


def test_a_framework_that_the_job_does_not_use_is_quiet() -> None:
    before, after = process(torch="a", keras="a"), process(torch="b", keras="b")
    assert said(before, after, "torch") == ["PyTorch's generator was not in the same state"]
    assert said(before, after, "jax") == []


def test_a_gpus_generator_is_nothing_to_a_job_on_the_cpu() -> None:
    before, after = process(torch_cuda_1="a"), process(torch_cuda_1="b")
    assert said(before, after, "torch") == []
    assert said(before, after, "torch", device="gpu") == [
        "PyTorch's generator of GPU 1 was not in the same state"
    ]


def test_one_that_could_not_be_told_is_a_doubt_beside_the_others() -> None:
    before, after = process(numpy="a", python="a"), process(numpy="b", python="b")
    path = f"{GENERATORS}[numpy].state"
    del after.live["random"]["generators"]["numpy"]["state"]
    findings, undecided = drift(RULE, before, after._replace(unknown={path: "busy"}), ["numpy"])
    assert [f.message for f in findings] == ["Python's generator was not in the same state"]
    assert [(entry.path, entry.reason) for entry in undecided] == [(path, "busy")]
    unknown = fingerprint(unknown={GENERATORS: "denied"})
    assert len(drift(RULE, before, unknown, ["numpy"])[1]) == 1


def test_every_generator_that_could_not_be_told_is_undecided_wherever_it_stands() -> None:
    before = process(numpy="a", python="a", torch="a", tensorflow="a")
    after = process(numpy="b", python="b", torch="b", tensorflow="b")
    paths = [f"{GENERATORS}[{name}].state" for name in ("numpy", "tensorflow")]
    unknown = after._replace(unknown=dict.fromkeys(paths, "busy"))
    findings, undecided = drift(RULE, before, unknown, ["torch", "tensorflow"])
    assert [f.message.partition("'")[0] for f in findings] == ["Python", "PyTorch"]
    assert [entry.path for entry in undecided] == paths


def test_tensorflow_without_a_seed_is_advised_to_take_one() -> None:
    rule = "tensorflow-seed-unset"
    advice, undecided = state(rule, process(tensorflow=None), ["tensorflow"])
    assert [f.message for f in advice] == [
        "TensorFlow has been given no seed, so each run draws other numbers"
    ]
    assert undecided == []
    assert state(rule, process(tensorflow="a"), ["tensorflow"]) == ([], [])
    assert state(rule, process(python="a"), ["tensorflow"]) == ([], [])
    assert state(rule, process(tensorflow=None), ["torch"]) == ([], [])
    refused = fingerprint(
        {GENERATORS: {"tensorflow": {}}}, {f"{GENERATORS}[tensorflow].state": "?"}
    )
    assert len(state(rule, refused, ["tensorflow"])[1]) == 1


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_keras_draws_for_the_framework_that_it_computes_with(backend: str) -> None:
    place = "facts.frameworks.keras.backend"
    sides = [{GENERATORS: {"keras": {"state": s}}, place: backend} for s in "ab"]
    told = ["Keras' generator was not in the same state"]
    before, after = (fingerprint(side) for side in sides)
    assert said(before, after, backend) == told
    assert said(before, after, "tensorflow") == []
    key = "facts.determinism.switches[keras-backend]"
    by_call = {key: {"value": backend, "source": "keras.config.backend()"}}
    before, after = (fingerprint({**side, place: "tensorflow", **by_call}) for side in sides)
    assert said(before, after, backend) == told
