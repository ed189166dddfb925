"""The effect of environment variables on a result: misspelt, late, and switches.

Switches of instruction sets are in `cpu`, those of mathematics libraries and threads in `math`,
determinism switches in `determinism`; the rest is in `framework_switches`.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Change, Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule, for_each
from envprint.core.shell import export, is_name, unset
from envprint.core.workload import Workload, always
from envprint.rules.kit.settings import READ_AT_START, readers, value_text, variable, variables_of


def _engines(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """What an engine set, where one side was captured in it and the other was not."""
    before, after = comparison.before, comparison.after
    if before.engine == after.engine:
        return
    from envprint.knowledge.engines import set_by  # few captures are made in an engine

    for side, word in ((before, "before"), (after, "after")):
        names = set_by(side.engine) if side.engine else ()
        changed = [name for name in names if comparison.change(variable(name))]
        if changed:
            yield Match(
                f"the side {word} was captured in {side.engine}, which sets "
                f"{', '.join(changed)} itself",
                (VIA,),
                before.captured_via,
                after.captured_via,
                about=word,
            )


VIA = "captured_via"
"""No fact: how a side was captured explains changes, and each is judged for itself."""

ALLOCATORS = ("jemalloc", "tcmalloc", "mimalloc", "hoard", "snmalloc", "rpmalloc")


def _misspelt(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for name, closest in sorted((now.value("facts.environ.misspelt") or {}).items()):
        yield Match(
            f"{name} is set, {closest} was probably meant",
            (f"facts.environ.misspelt[{name}]", variable(name)),
            after=name,
            impact=_impact_if_meant(now, workload, name, closest),
            remedy=unset(name) if is_name(closest) else None,
            note=f"Then set {closest}, before the interpreter starts.",
        )


def _newly_misspelt(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Both sides run without the setting, so they give the same bits."""
    before = comparison.before.value("facts.environ.misspelt") or {}
    for match in _misspelt(comparison.after, workload):
        if match.after not in before:
            yield match._replace(impact=Impact.NONE)


def _impact_if_meant(now: Fingerprint, workload: Workload, name: str, meant: str) -> Impact:
    """What it would do to this job that the variable is set which was meant; none below numeric."""
    from envprint.rules import applying  # needs this module

    path = variable(meant)
    rules = [rule for rule in applying(workload) if path in rule.watches and not rule.advice]
    sides = _without_and_with(now, meant, variables_of(now).get(name))
    found = (impact for rule in rules if rule.drift for impact in _impacts(rule, sides, workload))
    return max((impact for impact in found if impact >= Impact.NUMERIC), default=Impact.NONE)


def _without_and_with(now: Fingerprint, name: str, value: str | None) -> Comparison:
    """The machine as it is, and with the variable; a value that is not recorded is taken as 1."""
    environ = now.facts.get("environ") or {}
    variables = {**(environ.get("variables") or {}), name: value or "1"}
    then = now._replace(facts={**now.facts, "environ": {**environ, "variables": variables}})
    before = now.get(variable(name))
    return Comparison(now, then, (Change.between(variable(name), before, value or "1"),))


def _impacts(rule: Rule, sides: Comparison, workload: Workload) -> Iterator[Impact]:
    """The impact of each match of the rule; none for what it cannot decide."""
    for result in for_each((rule,), lambda one: one.drift(sides, workload) if one.drift else ()):
        if isinstance(result, Match):
            yield rule.impact if result.impact is None else result.impact


def _late(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    late = now.value("facts.environ.changed_since_start") or {}
    for name in READ_AT_START:
        if name in late:
            start, value = late[name].get("start"), late[name].get("now")
            yield Match(
                f"{name} was {value_text(start)} when the process started and was then set to "
                f"{value_text(value)}: {value_text(start)} stays in effect",
                (f"facts.environ.changed_since_start[{name}]",),
                start,
                value,
                remedy=export(name, value or ""),
                note="In the shell, before the process starts.",
            )


def _in_process(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    late = now.value("facts.environ.changed_since_start") or {}
    for name in sorted(late):
        there = readers(now, name)
        if there:
            yield Match(
                f"the process itself set {name} to {value_text(late[name].get('now'))}, possibly "
                f"after the import of {' and '.join(there)}",
                (f"facts.environ.changed_since_start[{name}]",),
                late[name].get("start"),
                late[name].get("now"),
            )


def _preload(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(variable("LD_PRELOAD"))
    if change:
        sides = (comparison.before, comparison.after)
        before, after = (variables_of(side).get("LD_PRELOAD") for side in sides)
        moved = _libraries(before) ^ _libraries(after)
        if moved:
            yield Match(
                f"preloaded on one side only: {', '.join(sorted(moved))}",
                (change.path,),
                change.before,
                change.after,
            )


def _libraries(value: str | None) -> set[str]:
    """File names in LD_PRELOAD, except memory allocators."""
    names = {path.rpartition("/")[2] for path in (value or "").replace(":", " ").split()}
    return {name for name in names if not any(a in name for a in ALLOCATORS)}


_LOADER = Evidence(
    "The dynamic loader's variables", "https://man7.org/linux/man-pages/man8/ld.so.8.html"
)

RULES = (
    Rule(
        id="environ-name-misspelt",
        title="A variable's name is misspelt",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.environ.misspelt",),
        why="No program reads a variable under a name it does not know: the intended setting has "
        "no effect, and nothing reports it. A result is as it would be without the variable, so "
        "between two sides the misspelt name changes nothing.",
        not_when="The name belongs to a program that envprint does not know. The impact is none "
        "unless the variable that was meant would change this job's results.",
        remedy="Set the variable under its correct name before the interpreter starts.",
        evidence=(
            Evidence(
                "PYTHONHASHSEED is the name that CPython reads",
                "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
            ),
        ),
        drift=_newly_misspelt,
        state=_misspelt,
    ),
    Rule(
        id="environ-set-too-late",
        title="A variable was set after the process had read it",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.environ.changed_since_start",),
        why="The hash seed, the loader's search path, preloaded libraries and glibc's tunables "
        "are read before the first line of the program; a later change has no effect in this "
        "process.",
        not_when="The variable is meant for child processes, which do read it.",
        remedy="Set the variable before the process starts.",
        evidence=(
            Evidence(
                "PYTHONHASHSEED is read when the interpreter starts",
                "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
            ),
            Evidence(
                "The same in the guide to deterministic TensorFlow",
                ""
                "https://github.com/NVIDIA/framework-reproducibility/blob/master/doc/d9m/tensorflow.md",
            ),
            _LOADER,
        ),
        state=_late,
    ),
    Rule(
        id="environ-set-in-process",
        title="The program set a variable itself",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.environ.changed_since_start", "facts.frameworks.imported"),
        why="Frameworks read their variables once, at import: a variable set after that has no "
        "effect.",
        not_when="It was set before the import; the order cannot be seen afterwards.",
        remedy="Set the variable in the shell, or before the first import.",
        evidence=(
            Evidence(
                "OpenBLAS reads its variables when it is loaded",
                "https://github.com/OpenMathLib/OpenBLAS"
                "#setting-the-number-of-threads-using-environment-variables",
            ),
        ),
        state=_in_process,
        advice=True,
    ),
    Rule(
        id="environ-engine-sets",
        title="One side was captured in an engine that sets variables itself",
        impact=Impact.NONE,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.environ.variables",),
        why="Dask, Ray and torchrun set the number of threads in the processes that they start, "
        "and Dask the hash seed: a capture outside of them has other values.",
        not_when="The job itself runs as the one side does on one day and as the other on the "
        "next: then the variables do differ. Each of them is judged by a rule of its own.",
        remedy="Capture both sides in the same way, in the engine that runs the job.",
        note="`envprint fleet gather` captures through an engine.",
        evidence=(
            Evidence(
                "What Dask sets in its workers",
                "https://github.com/dask/distributed/blob/main/distributed/distributed.yaml",
            ),
            Evidence(
                "torchrun sets OMP_NUM_THREADS",
                "https://github.com/pytorch/pytorch/blob/main/torch/distributed/run.py",
            ),
        ),
        drift=_engines,
    ),
    Rule(
        id="environ-preload-changed",
        title="Different libraries are preloaded",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=(variable("LD_PRELOAD"),),
        why="A preloaded library replaces functions of every other one: mathematics, OpenMP or "
        "BLAS may differ.",
        not_when="Only memory allocators differ: jemalloc and tcmalloc gave the same bits. Other "
        "libraries that compute nothing change nothing either.",
        remedy="Give LD_PRELOAD the same value on both sides.",
        evidence=(_LOADER, Evidence("An allocator changes nothing", measured="os.jemalloc")),
        drift=_preload,
    ),
    Rule(
        id="environ-library-path-changed",
        title="The loader searches different directories",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=(variable("LD_LIBRARY_PATH"),),
        why="A directory in LD_LIBRARY_PATH can put a different library ahead of the one in a "
        "package.",
        not_when="The directories contain no library that the job loads; facts.cuda.shadowed "
        "lists the CUDA libraries they contain.",
        remedy="Give LD_LIBRARY_PATH the same value on both sides, preferably none.",
        evidence=(_LOADER,),
        # Advice: a path computes nothing. The libraries that are found there, and the BLAS and CUDA
        # that are in force, are compared by rules of their own.
        advice=True,
    ),
)
