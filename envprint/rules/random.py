"""The effect of random generators: from a different state they produce different numbers."""

import re
from collections.abc import Callable, Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue, for_each
from envprint.core.shell import Code
from envprint.core.typed import NamedTuple
from envprint.core.workload import Workload, always, uses
from envprint.rules.kit.settings import keras_backends

GENERATORS = "live.random.generators"
DRAWN_BY = "live.random.drawn_by"
PROCESS = "live.random.process"

_NOT_KNOWN = "the state differs, and how it was seeded is unknown"

_OWNERS = {
    "python": "Python's generator",
    "numpy": "NumPy's generator",
    "tensorflow": "TensorFlow's generator",
    "tensorflow-generator": "TensorFlow's global tf.random.Generator",
    "keras": "Keras' generator",
    "tf-keras": "tf-keras' generator",
    "torch": "PyTorch's generator",
}
_ADAPTED = {"scikit-learn": "numpy", "tf-keras": "tensorflow"}
"""Frameworks that draw from another one's generator, and generators of another one's framework."""
_SEED = Code("envprint.seed(1234)")


_HOW: dict[tuple[bool | None, bool | None], str] = {
    (False, True): "had been given no seed, now it has one",
    (True, False): "had been given a seed, now it has none",
    (True, True): "was in a different state",
}
"""What a change of the state means, by whether each side is seeded."""


class _Generator(NamedTuple):
    """One generator on one side."""

    state: str | None
    is_seeded: bool | None
    """None if it is unknown."""
    seed: str | None


class _Pair(NamedTuple):
    """One generator on both sides, in two states."""

    name: str
    before: _Generator
    after: _Generator
    is_own: bool
    """Whether the frameworks of the job draw from it themselves."""
    is_same_process: bool
    drawn_by: tuple[str, ...]
    """Imported libraries that draw from it."""

    @property
    def seeds_differ(self) -> bool:
        """Whether both seeds are known, and are two numbers."""
        seeds = (self.before.seed, self.after.seed)
        return None not in seeds and seeds[0] != seeds[1]

    @property
    def are_seeded(self) -> tuple[bool | None, bool | None]:
        """Whether each side is seeded."""
        return self.before.is_seeded, self.after.is_seeded


def _generator_name(name: str) -> str:
    on_gpu = re.fullmatch(r"torch-cuda-(\d+)", name)
    return f"PyTorch's generator of GPU {on_gpu[1]}" if on_gpu else _OWNERS.get(name, name)


def _is_own(name: str, comparison: Comparison, workload: Workload) -> bool:
    """Whether the job's frameworks draw from the generator, on the job's device."""
    owner = _ADAPTED.get(name, name.partition("-")[0])
    frameworks = keras_backends(comparison) if owner == "keras" else {owner}
    used = {_ADAPTED.get(framework, framework) for framework in workload.frameworks}
    return not frameworks.isdisjoint(used) and (workload.device == "gpu" or "-cuda-" not in name)


def _place(name: str) -> str:
    return f"{GENERATORS}[{name}]"


def _state(name: str) -> str:
    return f"{_place(name)}.state"


def _on(side: Fingerprint, name: str) -> _Generator:
    """The generator. A document from before its seed was recorded tells of none only."""
    state = side.get(_state(name))
    is_seeded = side.get(f"{_place(name)}.seeded", False if state is None else None)
    return _Generator(state, is_seeded, side.get(f"{_place(name)}.seed"))


def _pair(name: str, comparison: Comparison, workload: Workload) -> _Pair | None:
    """The generator in two states; None if it is in one, or if the job does not draw from it.

    Raises `UnknownValueError` for one of the job's own whose state or process is unknown.
    """
    sides = (comparison.before, comparison.after)
    before, after = (_on(side, name) for side in sides)
    is_own = _is_own(name, comparison, workload)
    drawn_by = [side.get(f"{DRAWN_BY}[{name}]", ()) for side in sides]
    if is_own:
        if not comparison.change(_state(name)):
            return None
    elif before.state is None or after.state in (None, before.state) or not any(drawn_by):
        return None
    processes = {side.value(PROCESS) if is_own else side.get(PROCESS) for side in sides}
    is_same_process = len(processes) == 1 and None not in processes
    libraries = tuple(sorted({library for names in drawn_by for library in names}))
    return _Pair(name, before, after, is_own, is_same_process, libraries)


def _each(
    kind: Callable[[_Pair], Result | str | None],
) -> Callable[[Comparison, Workload], Iterator[Result]]:
    """A drift check: what `kind` has to say of each generator in two states."""

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        sides = (comparison.before, comparison.after)
        before, after = (side.value(GENERATORS) or {} for side in sides)

        def look(name: str) -> Iterator[Result]:
            pair = _pair(name, comparison, workload)
            said = pair and kind(pair)
            if pair and isinstance(said, str):
                yield _match(pair, said, comparison)
            elif said and not isinstance(said, str):
                yield said

        return for_each(sorted(before.keys() & after.keys()), look)

    return drift


def _match(pair: _Pair, text: str, comparison: Comparison) -> Match:
    values: tuple[str | None, str | None] = (pair.before.state, pair.after.state)
    if pair.seeds_differ:
        values = (pair.before.seed, pair.after.seed)
    paths = comparison.under(_place(pair.name))
    return Match(f"{_generator_name(pair.name)} {text}", paths, *values)


def _differs(pair: _Pair) -> Result | str | None:
    """A state that gives other numbers, as far as the job draws from it."""
    if pair.seeds_differ:
        by = "" if pair.is_own else f"; {_who_draws(pair)}"
        return f"was seeded with {pair.before.seed}, is seeded with {pair.after.seed}{by}"
    if not pair.is_own or pair.is_same_process or pair.are_seeded == (False, False):
        return None
    if None in pair.are_seeded:
        return UnknownValue(f"{_place(pair.name)}.seeded", _NOT_KNOWN)
    return _HOW[pair.are_seeded]


def _unseeded_on_both(pair: _Pair) -> str | None:
    is_said = pair.is_own and pair.are_seeded == (False, False)
    return "is unseeded on both sides, so each run has different numbers" if is_said else None


def _may_differ(pair: _Pair) -> str | None:
    """A state that gives other numbers unless the program seeds it again, or never draws."""
    if pair.seeds_differ or pair.are_seeded == (False, False):
        return None
    if pair.is_same_process:
        return "is not in the state of the baseline, which was captured in the same process"
    if pair.is_own:
        return None
    return f"was in a different state; {_who_draws(pair)}, and how it was seeded is unknown"


def _who_draws(pair: _Pair) -> str:
    draws = "draws" if len(pair.drawn_by) == 1 else "draw"
    return f"{' and '.join(pair.drawn_by)} {draws} from it"


def _unseeded(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    generators = now.value(GENERATORS) or {}
    if "tensorflow" in generators and now.value(_state("tensorflow")) is None:
        yield Match(
            "TensorFlow has no seed, so each run draws different numbers",
            (_state("tensorflow"),),
        )


_KERAS = Evidence(
    "What Keras seeds to make a program repeat itself: Python, NumPy and its backend",
    "https://www.tensorflow.org/api_docs/python/tf/keras/utils/set_random_seed",
)
_TENSORFLOW = Evidence(
    "Without a seed, operations give different numbers in each run of the program",
    "https://www.tensorflow.org/api_docs/python/tf/random/set_seed",
)

_NUMPY = Evidence(
    "NumPy's global generator, its state and its seed",
    "https://numpy.org/doc/stable/reference/random/legacy.html",
)

RULES = (
    Rule(
        id="generator-state-differs",
        title="A random number generator was in a different state",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(GENERATORS, DRAWN_BY, PROCESS),
        why="A different state gives different numbers: different initial weights, batches and "
        "dropout.",
        not_when="The program seeds its generators after the capture, or draws from none of them. "
        "Both sides must be captured from inside the process, at the same place; "
        "generators that the program creates itself, such as numpy.random.default_rng(), "
        "are not seen. A generator outside the job's frameworks counts only if both "
        "seeds are known and differ, and an imported library draws from it.",
        remedy=_SEED,
        note="With the same number, at the same place on both sides, before anything draws.",
        evidence=(
            Evidence(
                "Python's generator repeats its numbers from the same state",
                "https://docs.python.org/3/library/random.html#random.seed",
            ),
            _NUMPY,
            Evidence(
                "Which generators PyTorch recommends seeding",
                "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            ),
            _TENSORFLOW,
            _KERAS,
        ),
        drift=_each(_differs),
    ),
    Rule(
        id="random-generator-unseeded",
        title="A random number generator is unseeded on both sides",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(GENERATORS, PROCESS),
        why="Without a seed, a generator takes its state from the operating system. Two runs then "
        "differ in every environment, so this is no difference between these two.",
        not_when="The program seeds it later, or draws nothing from it, as scikit-learn with a "
        "random_state does.",
        remedy=_SEED,
        note="Before anything draws.",
        evidence=(_NUMPY, _TENSORFLOW),
        drift=_each(_unseeded_on_both),
        # Advice: it is so at each start in one and the same environment, so nothing differs here.
        advice=True,
    ),
    Rule(
        id="random-generator-may-differ",
        title="A random number generator may give different numbers",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(GENERATORS, DRAWN_BY, PROCESS),
        why="Within one process, a generator continues where the last run ended. Between two "
        "processes, Python's generator does not show whether it was seeded, and a library "
        "draws from it.",
        not_when="The program seeds it again before each run, or nothing that it runs draws from "
        "it.",
        remedy=_SEED,
        note="Before each run, at the same place.",
        evidence=(
            Evidence(
                "The operating system seeds Python's generator unless a program does",
                "https://docs.python.org/3/library/random.html#random.seed",
            ),
        ),
        drift=_each(_may_differ),
        # Advice: whether the numbers differ is not known; a program that seeds gets the same ones.
        advice=True,
    ),
    Rule(
        id="tensorflow-seed-unset",
        title="TensorFlow has no seed",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(_state("tensorflow"),),
        why="Without a seed, an operation takes one from the operating system, so each run has "
        "different numbers.",
        not_when="The program sets the seed after the capture, gives each operation its own, or "
        "draws nothing from TensorFlow: Keras 3 draws its seeds from Python's generator.",
        remedy=_SEED,
        note="Or call tf.random.set_seed().",
        evidence=(_TENSORFLOW,),
        state=_unseeded,
        advice=True,
    ),
)
