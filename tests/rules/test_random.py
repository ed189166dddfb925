"""Rules about generators of random numbers: the same state, another one, or no seed at all."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

GENERATORS = "live.random.generators"
RULE = "generator-state-differs"


UNSEEDED = "random-generator-unseeded"
MAY = "random-generator-may-differ"
OS = "from the operating system"
"""Stands for a generator without a seed."""


def generator(state: str | None, seed: str | None) -> dict[str, Any]:
    """What a process tells of a generator; without `seed` nothing but its state."""
    known = {} if seed is None else {"seeded": seed != OS, "seed": None if seed == OS else seed}
    return {"state": state, **known}


def process(
    seed: str | None = "7",
    *,
    drawn_by: tuple[str, ...] = (),
    name: str | None = None,
    **states: str | None,
) -> Fingerprint:
    """A process with generators in these states, all of them seeded with `seed`."""
    found = {one.replace("_", "-"): generator(state, seed) for one, state in states.items()}
    table = {one: list(drawn_by) for one in ("python", "numpy")} if drawn_by else {}
    live = {"generators": found, "drawn_by": table, "process": name}
    return fingerprint({"live.random": live})


def all_said(
    before: Fingerprint, after: Fingerprint, *frameworks: str, device: str = "cpu"
) -> dict[str, list[str]]:
    """The messages of each rule about two processes; what is undecided under `?`."""
    said: dict[str, list[str]] = {}
    for rule in (RULE, UNSEEDED, MAY):
        findings, undecided = drift(rule, before, after, frameworks, device)
        said[rule] = [finding.message for finding in findings]
        said["?"] = said.get("?", []) + [entry.path for entry in undecided]
    return {rule: messages for rule, messages in said.items() if messages}


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
            "NumPy's generator was in a different state",
            (f"{GENERATORS}[numpy].state",),
            "sha256:a",
            "sha256:b",
        )
    ]
    assert "envprint.seed(" in findings[0].remedy
    assert undecided == []


def test_two_seeds_are_named() -> None:
    findings, _ = drift(RULE, process("7", torch="a"), process("8", torch="b"), ["torch"])
    assert [(f.message, f.before, f.after) for f in findings] == [
        ("PyTorch's generator was seeded with 7, is seeded with 8", "7", "8")
    ]


def test_each_generator_of_the_job_is_a_finding_of_its_own() -> None:
    names = ("python", "numpy", "tensorflow", "tensorflow_generator", "keras", "tf_keras")
    before, after = (process(**dict.fromkeys(names, side)) for side in ("a", "b"))
    assert said(before, after, "numpy", "tensorflow") == [
        "Keras' generator was in a different state",
        "NumPy's generator was in a different state",
        "TensorFlow's global tf.random.Generator was in a different state",
        "TensorFlow's generator was in a different state",
        "tf-keras' generator was in a different state",
    ]


def test_equal_states_and_those_of_one_side_only_are_quiet() -> None:
    one = process(python="a", numpy="b", tensorflow=None)
    for before, after in (
        (one, one),
        (process(), one),
        (one, process(torch="a")),
        (fingerprint(), one),
    ):
        assert all_said(before, after, "numpy", "tensorflow", "torch") == {}


def test_a_seed_on_one_side_only_is_said_so() -> None:
    without, seeded = process(OS, tensorflow=None), process(tensorflow="a")
    assert said(without, seeded, "tensorflow") == [
        "TensorFlow's generator had been given no seed, now it has one"
    ]
    assert said(seeded, without, "tensorflow") == [
        "TensorFlow's generator had been given a seed, now it has none"
    ]
    assert said(process(numpy="b"), process(OS, numpy="a"), "scikit-learn") == [
        "NumPy's generator had been given a seed, now it has none"
    ]


@pytest.mark.parametrize(
    ("name", "framework"),
    [("numpy", "numpy"), ("numpy", "scikit-learn"), ("torch", "torch"), ("keras", "tensorflow")],
)
def test_generators_that_are_unseeded_on_both_sides_are_advice(name: str, framework: str) -> None:
    before, after = process(OS, **{name: "a"}), process(OS, **{name: "b"})
    found = all_said(before, after, framework)
    assert found.keys() == {UNSEEDED}
    assert "is unseeded on both sides" in found[UNSEEDED][0]
    assert all_said(before, before, framework) == {}


@pytest.mark.parametrize("framework", ["jax", "tensorflow", "torch"])
def test_unseeded_generators_outside_the_job_are_quiet(framework: str) -> None:
    before, after = process(OS, numpy="a", python="a"), process(OS, numpy="b", python="b")
    assert all_said(before, after, framework) == {}


def test_pythons_generator_does_not_tell_and_is_no_drift() -> None:
    before, after = process(None, python="a"), process(None, python="b")
    for framework in ("jax", "numpy", "scikit-learn", "tensorflow", "torch"):
        assert all_said(before, after, framework) == {}


@pytest.mark.parametrize("name", ["python", "numpy"])
def test_two_seeds_outside_the_job_count_if_an_imported_library_draws(name: str) -> None:
    state = {name: "a"}, {name: "b"}
    assert all_said(process("7", **state[0]), process("8", **state[1]), "torch") == {}
    before = process("7", drawn_by=("ray", "timm"), **state[0])
    after = process("8", drawn_by=("ray",), **state[1])
    (text,) = all_said(before, after, "torch")[RULE]
    assert text.endswith("was seeded with 7, is seeded with 8; ray and timm draw from it")


def test_a_library_that_draws_from_what_may_be_unseeded_is_advice() -> None:
    before = process(None, python="a", drawn_by=("keras",))
    after = process(None, python="b", drawn_by=("keras",))
    found = all_said(before, after, "tensorflow")
    assert found.keys() == {MAY}
    assert "keras draws from it" in found[MAY][0]
    assert all_said(before, before, "tensorflow") == {}


def test_in_one_process_a_generator_that_has_drawn_is_advice() -> None:
    kernel = {"name": "k1"}
    for first, second in (("7", "7"), (OS, "7"), ("7", OS)):
        before, after = process(first, torch="a", **kernel), process(second, torch="b", **kernel)
        assert all_said(before, after, "torch").keys() == {MAY}, (first, second)
    before, after = process(OS, torch="a", **kernel), process(OS, torch="b", **kernel)
    assert all_said(before, after, "torch").keys() == {UNSEEDED}
    # Another process that began from another position draws other numbers.
    assert all_said(process(torch="a", name="k1"), process(torch="b", name="k2"), "torch") == {
        RULE: ["PyTorch's generator was in a different state"]
    }
    # And two seeds are two seeds.
    seeds = process("7", torch="a", **kernel), process("8", torch="b", **kernel)
    assert all_said(*seeds, "torch").keys() == {RULE}


def test_a_state_of_which_the_seeding_is_unknown_is_undecided_for_the_job_alone() -> None:
    before, after = process(None, torch="a", numpy="a"), process(None, torch="b", numpy="b")
    assert all_said(before, after, "torch") == {"?": [f"{GENERATORS}[torch].seeded"]}
    assert all_said(before, after, "jax") == {}


def test_a_framework_that_the_job_does_not_use_is_quiet() -> None:
    before, after = process(torch="a", keras="a"), process(torch="b", keras="b")
    assert said(before, after, "torch") == ["PyTorch's generator was in a different state"]
    assert said(before, after, "jax") == []


def test_a_gpus_generator_is_nothing_to_a_job_on_the_cpu() -> None:
    before, after = process(torch_cuda_1="a"), process(torch_cuda_1="b")
    assert said(before, after, "torch") == []
    assert said(before, after, "torch", device="gpu") == [
        "PyTorch's generator of GPU 1 was in a different state"
    ]


def test_one_that_could_not_be_told_is_undecided_beside_the_others() -> None:
    before, after = process(numpy="a", torch="a"), process(numpy="b", torch="b")
    path = f"{GENERATORS}[numpy].state"
    del after.live["random"]["generators"]["numpy"]["state"]
    findings, undecided = drift(
        RULE, before, after._replace(unknown={path: "busy"}), ["numpy", "torch"]
    )
    assert [f.message for f in findings] == ["PyTorch's generator was in a different state"]
    assert [(entry.path, entry.reason) for entry in undecided] == [(path, "busy")]
    unknown = fingerprint(unknown={GENERATORS: "denied"})
    assert len(drift(RULE, before, unknown, ["numpy"])[1]) == 1


def test_one_outside_the_job_that_could_not_be_told_is_quiet() -> None:
    before, after = process(numpy="a"), process(numpy="b")
    unknown = after._replace(unknown={f"{GENERATORS}[numpy].state": "busy"})
    assert all_said(before, unknown, "torch") == {}


def test_every_generator_that_could_not_be_told_is_undecided_wherever_it_stands() -> None:
    before = process(numpy="a", python="a", torch="a", tensorflow="a")
    after = process(numpy="b", python="b", torch="b", tensorflow="b")
    paths = [f"{GENERATORS}[{name}].state" for name in ("numpy", "tensorflow")]
    unknown = after._replace(unknown=dict.fromkeys(paths, "busy"))
    findings, undecided = drift(RULE, before, unknown, ["numpy", "torch", "tensorflow"])
    assert [f.message.partition("'")[0] for f in findings] == ["PyTorch"]
    assert [entry.path for entry in undecided] == paths


def test_tensorflow_without_a_seed_is_advised_to_take_one() -> None:
    rule = "tensorflow-seed-unset"
    advice, undecided = state(rule, process(OS, tensorflow=None), ["tensorflow"])
    assert [f.message for f in advice] == [
        "TensorFlow has no seed, so each run draws different numbers"
    ]
    assert undecided == []
    assert state(rule, process(tensorflow="a"), ["tensorflow"]) == ([], [])
    assert state(rule, process(python="a"), ["tensorflow"]) == ([], [])
    assert state(rule, process(OS, tensorflow=None), ["torch"]) == ([], [])
    refused = fingerprint(
        {GENERATORS: {"tensorflow": {}}}, {f"{GENERATORS}[tensorflow].state": "?"}
    )
    assert len(state(rule, refused, ["tensorflow"])[1]) == 1


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_keras_draws_for_the_framework_that_it_computes_with(backend: str) -> None:
    place = "facts.frameworks.keras.backend"
    sides = [{GENERATORS: {"keras": generator(s, "7")}, place: backend} for s in "ab"]
    told = ["Keras' generator was in a different state"]
    before, after = (fingerprint(side) for side in sides)
    assert said(before, after, backend) == told
    assert said(before, after, "tensorflow") == []
    key = "facts.determinism.switches[keras-backend]"
    by_call = {key: {"value": backend, "source": "keras.config.backend()"}}
    before, after = (fingerprint({**side, place: "tensorflow", **by_call}) for side in sides)
    assert said(before, after, backend) == told
