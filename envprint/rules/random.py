"""The effect of random generators: from a different state they produce different numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.workload import Workload, always, uses
from envprint.rules.kit.settings import keras_backends

GENERATORS = "live.random.generators"

_OWNERS = {
    "python": "Python's generator",
    "numpy": "NumPy's generator",
    "tensorflow": "TensorFlow's generator",
    "tensorflow-generator": "TensorFlow's global tf.random.Generator",
    "keras": "Keras' generator",
    "tf-keras": "tf-keras' generator",
    "torch": "PyTorch's generator",
}
_SHARED = ("python", "numpy")
"""Data pipelines, scikit-learn and Keras draw from these, whatever framework trains."""
_HOW = {
    "added": "had been given no seed, now it has one",
    "removed": "had been given a seed, now it has none",
    "changed": "was not in the same state",
}
"""What each kind of change of a state means."""
_REMEDY = "envprint.seed(N) at the same place on both sides, before anything draws"


def _spoken(name: str) -> str:
    on_gpu = re.fullmatch(r"torch-cuda-(\d+)", name)
    return f"PyTorch's generator of GPU {on_gpu[1]}" if on_gpu else _OWNERS.get(name, name)


def _acts(name: str, comparison: Comparison, workload: Workload) -> bool:
    """Whether the job draws from the generator: it uses its framework and its device."""
    owner = "tensorflow" if name == "tf-keras" else name.partition("-")[0]
    frameworks = keras_backends(comparison) if owner == "keras" else {owner}
    used = owner in _SHARED or not frameworks.isdisjoint(workload.frameworks)
    return used and (workload.device == "gpu" or "-cuda-" not in name)


def _states(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    before, after = (side.value(GENERATORS) or {} for side in (comparison.before, comparison.after))

    def look(name: str) -> Iterator[Match]:
        change = comparison.change(_state(name)) if _acts(name, comparison, workload) else None
        if change:
            message = f"{_spoken(name)} {_HOW[change.kind]}"
            yield Match(message, (change.path,), change.before, change.after)

    return for_each(sorted(before.keys() & after.keys()), look)


def _state(name: str) -> str:
    return f"{GENERATORS}[{name}].state"


def _unseeded(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    generators = now.value(GENERATORS) or {}
    if "tensorflow" in generators and now.value(_state("tensorflow")) is None:
        yield Match(
            "TensorFlow has been given no seed, so each run draws other numbers",
            (_state("tensorflow"),),
        )


_KERAS = Evidence(
    "What Keras seeds to make a program repeat itself: Python, NumPy and its backend",
    "https://www.tensorflow.org/api_docs/python/tf/keras/utils/set_random_seed",
)
_TENSORFLOW = Evidence(
    "Without a seed, operations give other numbers in each run of the program",
    "https://www.tensorflow.org/api_docs/python/tf/random/set_seed",
)

RULES = (
    Rule(
        id="generator-state-differs",
        title="A generator of random numbers was in another state",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(GENERATORS,),
        why="From another state come other numbers: other initial weights, other batches, another "
        "dropout.",
        not_when="The program seeds its generators after this look, or draws from none of them. "
        "Both sides must have captured from inside the process, at the same place; generators "
        "that the program has made itself, such as numpy.random.default_rng(), are not seen.",
        remedy=_REMEDY,
        evidence=(
            Evidence(
                "Python's generator repeats its numbers from the same state",
                "https://docs.python.org/3/library/random.html#random.seed",
            ),
            Evidence(
                "NumPy's global generator, its state and its seed",
                "https://numpy.org/doc/stable/reference/random/legacy.html",
            ),
            Evidence(
                "Which generators PyTorch asks to seed",
                "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            ),
            _TENSORFLOW,
            _KERAS,
        ),
        drift=_states,
    ),
    Rule(
        id="tensorflow-seed-unset",
        title="TensorFlow has been given no seed",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(_state("tensorflow"),),
        why="Without a seed an operation takes one from the operating system, so no run has the "
        "numbers of another.",
        not_when="The program sets the seed after this look, gives each operation its own, or "
        "draws nothing from TensorFlow: Keras 3 draws its seeds from Python's generator.",
        remedy="envprint.seed(N), or tf.random.set_seed(N)",
        evidence=(_TENSORFLOW,),
        state=_unseeded,
        advice=True,
    ),
)
