"""The effect of the interpreter on a result: hash seed, version, float environment, hooks."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import FRAMEWORKS, VARIABLES, Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.report import OTHER_ENVIRONMENT
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command, command, export, path_word
from envprint.core.versions import numbers
from envprint.core.workload import Workload, always
from envprint.rules.kit.packages import DISTRIBUTIONS, version_path

_SEED = "facts.python.hash_seed"
_VERSION = "facts.python.version"
_FLUSHED = "facts.python.subnormals_flushed"
_PREFIX = "facts.python.prefix"

_HASHES = Evidence(
    "Hashes of str and bytes are salted unless PYTHONHASHSEED is set",
    "https://docs.python.org/3/reference/datamodel.html#object.__hash__",
)


def _seed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_SEED)
    if change and change.before and change.after:
        fixed = change.before if change.before != "random" else change.after
        yield Match(
            f"the hash seed was {change.before}, is {change.after}: it matters only to code that "
            "iterates over sets of text or depends on hashes in other ways",
            (_SEED, *comparison.under(f"{VARIABLES}[PYTHONHASHSEED]")),
            change.before,
            change.after,
            remedy=export("PYTHONHASHSEED", fixed),
            note="On both sides, before the process starts.",
        )


def _random_seed(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(_SEED) == "random":
        yield Match(
            "each start orders sets of text differently: it matters only to code that iterates "
            "over them",
            (_SEED,),
            after="random",
        )


_SAME_BITS = (
    frozenset([(3, 8), (3, 9)]),
    frozenset([(3, 10), (3, 11)]),
    frozenset([(3, 12), (3, 13)]),
)
"""Minor versions that were measured to give the same bits as each other."""


def _minor(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_VERSION)
    sides = {numbers(side or "")[:2] for side in change[2:]} if change else set()
    if change and len(sides) > 1:
        yield Match(
            f"Python was {change.before}, is {change.after}",
            (_VERSION, *comparison.under("facts.python.compiler")),
            change.before,
            change.after,
            was_equal=any(sides <= alike for alike in _SAME_BITS),
        )


HARMLESS = ("distutils-precedence", "_virtualenv", "a1_coverage")
"""Hooks of packaging tools and coverage, which do not affect arithmetic."""


def _is_harmless(hook: str) -> bool:
    name = hook.removesuffix(".pth")
    return name in HARMLESS or name.startswith("__editable__") or name.endswith("-nspkg")


def _hooks(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change("facts.python.startup_hooks")
    if change:
        moved = set(change.before or []) ^ set(change.after or [])
        strange = sorted(name for name in moved if not _is_harmless(name))
        if strange:
            text = f"on one side only: {', '.join(strange)}"
            yield Match(text, (change.path,), change.before, change.after)


def _flushed(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(_FLUSHED):
        yield Match(
            "half of the smallest normal float is 0 in this process", (_FLUSHED,), after=True
        )


_NAMES_SHOWN = 3
_INSTALLERS = {"pip", "setuptools", "wheel"}
"""What nearly every environment has."""
_OF_THIS_ONE = "If this is the environment that trains, compare with a baseline that is its own."
_NO_FILE = (None, "-", "now")
"""References that name nothing which a second command could read."""


def _environment(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_PREFIX)
    if not change or not change.before or not change.after:
        return
    sides = (comparison.before, comparison.after)
    before, after = ({n for n in FRAMEWORKS if side.value(version_path(n))} for side in sides)
    if before == after:
        return
    old, new = (set(side.value(DISTRIBUTIONS) or ()) - _INSTALLERS for side in sides)
    if _is_mostly_shared(before, after) and _is_mostly_shared(old, new):
        return
    gone = sorted(before - after)
    missing, where = (old - new, change.after) if gone else (new - old, change.before)
    yield Match(
        f"{change.before} → {change.after}: {_listed(missing, before ^ after)} not in {where}",
        (_PREFIX, *map(version_path, gone)),
        change.before,
        change.after,
        remedy=_look_there(*sides) if gone else _OF_THIS_ONE,
    )


def _is_mostly_shared(one: set[str], other: set[str]) -> bool:
    """Whether at least half of all names are on both sides."""
    return 2 * len(one & other) >= len(one | other)


def _listed(names: set[str], frameworks: set[str]) -> str:
    """`numpy, keras and 29 more are`, the frameworks first; their own names if there are no others:
    files may be there that no distribution owns.
    """
    first = sorted(
        names or frameworks, key=lambda name: (not name.startswith(tuple(frameworks)), name)
    )
    more = len(first) - _NAMES_SHOWN
    text = ", ".join(first[:_NAMES_SHOWN])
    verb = "is" if len(first) == 1 else "are"
    return f"{text} and {more} more are" if more > 0 else f"{text} {verb}"


def _look_there(before: Fingerprint, after: Fingerprint) -> Command | None:
    """The command that looks at the baseline's environment, if that is on this machine."""
    if after.chosen is None or not before.is_here or before.reference in _NO_FILE:
        return None
    place = path_word(before.get(_PREFIX, ""))
    known = command("envprint check {}", before.reference)
    return Command(f"{known} --python {place}") if known and place else None


RULES = (
    Rule(
        id=OTHER_ENVIRONMENT,
        title="Another environment is looked at",
        impact=Impact.NONE,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_PREFIX, *map(version_path, FRAMEWORKS), DISTRIBUTIONS),
        why="The two sides are two installations with different packages. What is missing from "
        "one of them was not removed; it was never there.",
        not_when="Both sides have the same frameworks, or at least half of their frameworks and "
        "half of their packages in common: then one environment was changed or moved. "
        "This finding has no impact of its own; those of the packages count.",
        remedy="Check the environment of the baseline: activate it, or name it with --python.",
        evidence=(
            Evidence(
                "Packages are installed in one environment, and found in that one only",
                "https://docs.python.org/3/library/venv.html",
            ),
        ),
        drift=_environment,
    ),
    Rule(
        id="python-hash-seed-changed",
        title="Sets of text are ordered differently",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_SEED,),
        why="The order of a set of str or bytes follows the hash seed: labels, vocabularies or "
        "file names that come from a set are then in a different order.",
        not_when="The code depends neither on the order of sets nor on hashes. Dictionaries keep "
        "insertion order.",
        remedy="Start both sides with the same PYTHONHASHSEED.",
        evidence=(
            _HASHES,
            Evidence("File names kept in a set", measured="ord.set_hash1"),
            Evidence("No effect without such code", measured="tf.hash0"),
        ),
        drift=_seed,
        advice=True,
    ),
    Rule(
        id="python-hash-seed-unset",
        title="The hash seed is left to chance",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_SEED,),
        why="With a random seed, a set of str or bytes has a different order at every start.",
        not_when="The code depends neither on the order of sets nor on hashes.",
        remedy=Command("export PYTHONHASHSEED=0"),
        note="Before the process starts.",
        evidence=(_HASHES, Evidence("No effect without such code", measured="tf.hash0")),
        state=_random_seed,
        advice=True,
        yields_to=("python-hash-seed-changed",),
    ),
    Rule(
        id="python-minor-version-changed",
        title="Python's minor version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_VERSION,),
        why="Between versions, the module random promises only random(); shuffle, sample, choice "
        "and others may draw differently. Since 3.12, sum() of floats rounds less than before.",
        not_when="The job draws its random numbers from a framework and adds no floats with "
        "sum(): small networks gave the same bits with 3.11, 3.12 and 3.13. From 3.8 to "
        "3.13, functions of random drew the same, except paretovariate() since 3.10. "
        "Steps that gave the same bits are advice: 3.8 and 3.9, 3.10 and 3.11, 3.12 and "
        "3.13. Patch versions are not reported.",
        remedy="Use the same minor version of Python.",
        evidence=(
            Evidence("sum() of floats in 3.11 and 3.12", measured="python.3-12"),
            Evidence(
                "What the module random keeps reproducible",
                "https://docs.python.org/3/library/random.html#notes-on-reproducibility",
            ),
            Evidence(
                "sum() of floats compensates rounding errors",
                "https://github.com/python/cpython/issues/100425",
            ),
            Evidence("3.10 and 3.11", measured="py.py310"),
            Evidence("3.8 and 3.9", measured="python.3-9"),
            Evidence("3.12 and 3.13", measured="python.3-13"),
        ),
        drift=_minor,
    ),
    Rule(
        id="python-implementation-changed",
        title="The Python implementation differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.python.implementation", "facts.python.byte_order"),
        why="A different implementation orders sets and collects garbage differently, and needs "
        "different builds of every extension.",
        not_when="The job is plain Python that depends on neither.",
        remedy="Use the same implementation of Python.",
        evidence=(
            Evidence(
                "Differences between PyPy and CPython",
                "https://doc.pypy.org/en/latest/cpython_differences.html",
            ),
        ),
    ),
    Rule(
        id="python-gil-switched",
        title="The global interpreter lock is switched differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.python.gil_enabled",),
        why="Without the lock, threads of the program run at the same time, so shared random "
        "generators and sums may be used in a different order.",
        not_when="The program starts no threads of its own.",
        remedy="Start both sides with the same PYTHON_GIL and the same build of Python.",
        evidence=(
            Evidence(
                "Free threading", "https://docs.python.org/3/howto/free-threading-python.html"
            ),
        ),
    ),
    Rule(
        id="python-subnormals-flushed",
        title="Very small numbers are flushed to zero",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_FLUSHED,),
        why="A library linked with -ffast-math turned subnormal numbers off for the thread that "
        "loaded it: results below 2.3e-308 (float32: 1.2e-38) become 0.",
        not_when="No value in the job is that small. Threads started later may differ.",
        remedy="Import packages one by one to find the library, and install a newer build of it.",
        evidence=(
            Evidence(
                "How shared libraries set the mode, and how compilers changed that",
                "https://github.com/llvm/llvm-project/issues/57589",
            ),
        ),
        state=_flushed,
    ),
    Rule(
        id="python-startup-hooks-changed",
        title="Different code runs when the interpreter starts",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.python.startup_hooks",),
        why="A .pth file or a sitecustomize module runs before the program and may replace or set "
        "anything.",
        not_when="The hook only adds to the search path or watches imports, as hooks of editable "
        "installations and coverage tools do.",
        remedy="Look at the named files in site-packages.",
        evidence=(Evidence("The module site", "https://docs.python.org/3/library/site.html"),),
        drift=_hooks,
        # Advice: a hook acts through what it sets, and variables, the float environment and the
        # libraries that are loaded are compared by rules of their own.
        advice=True,
    ),
)
