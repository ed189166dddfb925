"""What two machines computed, measured on both sides: evidence and no forecast.

Without probes these rules report nothing; the other rules forecast what to expect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from envprint.core.comparison import Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import (
    COARSE,
    NOT_IMPORTED,
    NOT_MEASURED,
    NOT_TRAINED,
    Fingerprint,
)
from envprint.core.impact import Confidence, Impact
from envprint.core.report import DEVICES
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue, for_each
from envprint.core.shell import Command
from envprint.core.typed import Any
from envprint.core.workload import Workload, always
from envprint.knowledge.roles import is_beside, is_neighbour
from envprint.rules.kit.packages import DISTRIBUTIONS

# What the rules of `probes` look for.
NUMERIC = "facts.probes.numeric"
TRAINING = "facts.probes.training"
IMPORTS = "facts.probes.imports"
RANDOM = "random"
"""The class of operations that draw random numbers."""
_NOT_REQUESTED = (NOT_MEASURED, NOT_TRAINED)
MAX_OPERATIONS = 4
"""Operations named per class; further ones are only counted."""


Digests = Mapping[str, str]
Probe = Mapping[str, Any]
"""The results of one probe on one side."""


def arithmetic(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    """Operations of each probe with different bits; what one side could not compute is unknown."""
    return _digests(comparison, workload, is_random=False)


def random(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    """Random streams of each probe that gave different numbers."""
    return _digests(comparison, workload, is_random=True)


def _digests(comparison: Comparison, workload: Workload, *, is_random: bool) -> Iterator[Result]:
    def look(key: str, before: Probe, after: Probe) -> Iterator[Result]:
        return _differing(comparison, key, before, after, is_random=is_random)

    return _of_each_probe(comparison, workload, NUMERIC, look)


def _differing(
    comparison: Comparison, key: str, before: Probe, after: Probe, *, is_random: bool
) -> Iterator[Result]:
    place = f"{NUMERIC}[{key}]"
    digests = before.get("digests") or {}, after.get("digests") or {}
    on_one_side = _of_class(digests[0].keys() ^ digests[1].keys(), is_random)
    yield from _unknown_values(comparison, [f"{place}.digests[{name}]" for name in on_one_side])
    both = sorted(name for name in digests[0].keys() & digests[1] if not name.endswith(COARSE))
    differing = [name for name in both if digests[0][name] != digests[1][name]]
    chosen = _of_class(differing, is_random)
    if chosen:
        agreeing = {class_of(name) for name in both} - {class_of(name) for name in differing}
        rounded = is_random and all(_is_rounded(name, *digests) for name in chosen)
        how = ", in the last digits only" if rounded else ""
        yield Match(
            f"{probe_name(key)}: {_listed(chosen, both)}{how}; {_agreeing(agreeing)}",
            (
                *(f"{place}.digests[{name}]" for name in chosen),
                *comparison.under(f"{place}.settings", f"{place}.version"),
            ),
            impact=Impact.NUMERIC if rounded else None,
        )


def _of_class(names: Iterable[str], is_random: bool) -> list[str]:
    """The operations that draw random numbers, or all others."""
    return sorted(name for name in names if (class_of(name) == RANDOM) == is_random)


def _is_rounded(name: str, before: Digests, after: Digests) -> bool:
    """Whether the coarse digests of random draws are equal, if both sides have them."""
    coarse = f"{name}{COARSE}"
    return coarse in before and coarse in after and before[coarse] == after[coarse]


def class_of(operation: str) -> str:
    """The class in `matmul/large float32`."""
    return operation.partition("/")[0]


def workload_uses(workload: Workload) -> Callable[[str], bool]:
    """Whether the probe of a key is relevant to the job.

    Every job uses Python's functions, and a job on a GPU prepares data and weights on the CPU.
    """

    def uses(key: str) -> bool:
        framework, _, device = key.partition(" on ")
        is_used = framework == "python" or framework in (workload.frameworks or (framework,))
        return is_used and (not device or workload.device == "gpu")

    return uses


def probe_name(key: str) -> str:
    """`torch on the CPU` and `torch on gpu:0` for their keys."""
    return key if " on " in key else f"{key} on {DEVICES['cpu']}"


def _listed(chosen: list[str], both: Iterable[str]) -> str:
    """`matmul (large float32; large float64) and softmax differ`: a whole class by its name."""
    classes: dict[str, list[str]] = {}
    for name in chosen:
        classes.setdefault(class_of(name), []).append(name.partition("/")[2])
    parts = []
    for name, operations in classes.items():
        whole = [one for one in both if class_of(one) == name]
        if len(operations) == len(whole):
            parts.append(name)
            continue
        more = len(operations) - MAX_OPERATIONS
        shown = "; ".join(operations[:MAX_OPERATIONS]) + (f"; {more} more" if more > 0 else "")
        parts.append(f"{name} ({len(operations)} of {len(whole)}: {shown})")
    verb = "differ" if len(chosen) > 1 else "differs"
    return f"{_joined(parts)} {verb}"


def _agreeing(classes: set[str]) -> str:
    verb = "agree" if len(classes) > 1 else "agrees"
    return f"{_joined(sorted(classes))} {verb}" if classes else "nothing else agrees fully"


def _joined(parts: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _of_each_probe(
    comparison: Comparison,
    workload: Workload,
    place: str,
    look: Callable[[str, Probe, Probe], Iterable[Result]],
) -> Iterator[Result]:
    """What `look` finds in each probe of both sides; what one side could not do is unknown."""
    sides = comparison.before, comparison.after
    if any(side.unknown.get(place) in _NOT_REQUESTED for side in sides):
        return
    before, after = (side.value(place) or {} for side in sides)

    def look_at(key: str) -> Iterator[Result]:
        path = f"{place}[{key}]"
        if key not in before or key not in after:
            yield from _unknown_values(comparison, [path])
        elif before[key].get("revision") != after[key].get("revision"):
            yield UnknownValue(path, "measured by different programs on the two sides")
        else:
            yield from look(key, before[key], after[key])

    keys = before.keys() | after.keys()
    yield from for_each(sorted(filter(workload_uses(workload), keys)), look_at)


def _unknown_values(comparison: Comparison, paths: Iterable[str]) -> Iterator[UnknownValue]:
    """Those of `paths` that are unknown on a side, except where no probe was requested."""
    for path in paths:
        for side in (comparison.before, comparison.after):
            try:
                side.value(path)
            except UnknownValueError as error:
                yield UnknownValue.of(error)


def varying(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Operations that differed between processes."""
    for key, reported in _measured(now, workload, NUMERIC):
        names = reported.get("varying") or []
        if names:
            runs = f"{reported.get('runs')} runs"
            yield Match(
                f"{probe_name(key)}: {_joined(names[:MAX_OPERATIONS])} gave different results in "
                f"{runs}",
                tuple(f"{NUMERIC}[{key}].digests[{name}]" for name in names),
            )


def _measured(
    now: Fingerprint, workload: Workload, place: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if now.unknown.get(place) not in _NOT_REQUESTED:
        reported = now.value(place) or {}
        for key in sorted(filter(workload_uses(workload), reported)):
            yield key, reported[key]


def training(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    """Trainings with equal settings but different final weights, each side repeating itself."""
    return _of_each_probe(comparison, workload, TRAINING, _other_weights)


def _other_weights(key: str, before: Probe, after: Probe) -> Iterator[Match]:
    sides = (before, after)
    ends = [_end(side) for side in sides if side.get("repeats")]
    if before.get("settings") != after.get("settings") or len(set(ends)) < 2 or None in ends:
        return
    losses = [side["runs"][0]["first_epoch_loss"] for side in sides]
    words, impact = _apart(*losses)
    yield Match(
        f"{key}: different weights; losses after the first epoch are {words}",
        (f"{TRAINING}[{key}].runs",),
        losses[0],
        losses[1],
        impact,
    )


def _apart(before: float | None, after: float | None) -> tuple[str, Impact]:
    """How far two losses are apart, in words, and the resulting impact of different weights."""
    if before is None and after is None:
        return "not finite", Impact.NUMERIC
    if before is None or after is None:
        return "finite on one side only", Impact.DIVERGES
    apart = abs(after - before) / max(abs(before), abs(after), 1e-12)
    return f"{apart:.2g} apart", Impact.NUMERIC if apart <= 0.01 else Impact.DIVERGES


def _end(reported: Mapping[str, Any]) -> str | None:
    """The digest of the final weights; None if it or the loss was not reported."""
    run: Mapping[str, Any] = next(iter(reported.get("runs") or []), {})
    weights: str | None = run.get("weights") if "first_epoch_loss" in run else None
    return weights


def unrepeated(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Trainings whose runs ended with different weights although nothing was left random."""
    for key, reported in _measured(now, workload, TRAINING):
        settings = reported.get("settings") or {}
        chance = [name for name in settings if name.endswith("seed") and settings[name] == "off"]
        if reported.get("repeats") is False and not chance:
            yield Match(
                f"{key}: weights diverged after step {reported.get('parted_at_step')}",
                (f"{TRAINING}[{key}].parted_at_step",),
            )


def unimported(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    """Libraries that take part in the job, and that cannot be imported."""
    if now.unknown.get(IMPORTS) == NOT_IMPORTED:
        return
    found = now.value(IMPORTS) or {}
    names = {*found, *(path[len(IMPORTS) + 1 : -1] for path in now.unknown if _is_import(path))}

    def look(name: str) -> Iterator[Match]:
        if not takes_part(now, name, workload):
            return
        one = now.value(f"{IMPORTS}[{name}]") or {}
        if one.get("ok") is False:
            what = "the first use of" if one.get("used") is False else "import"
            yield Match(
                f"{what} {one.get('module')} fails ({name} {one.get('version')}): "
                f"{one.get('error')}",
                (f"{IMPORTS}[{name}]",),
                is_conditional=is_neighbour(name, workload) or is_beside(name, workload),
                about=name,
            )

    yield from for_each(sorted(names), look)


def _is_import(path: str) -> bool:
    return path.startswith(f"{IMPORTS}[") and path.endswith("]")


def takes_part(now: Fingerprint, name: str, workload: Workload) -> bool:
    """Whether the distribution can matter to the job; one that was named to the probe may not."""
    from envprint.knowledge import roles  # needed only after imports

    says = now.get(f"{DISTRIBUTIONS}[{name}].takes_part")
    return roles.part(name, says, workload) is not None


_KERNELS = Evidence("A different kernel of one BLAS on one machine", measured="np.ct_Haswell")
_THREADS = Evidence("NumPy with one thread and with two", measured="np.omp1")

RULES = (
    Rule(
        id="probe-arithmetic-differs",
        title="The same arithmetic gave different bits",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(NUMERIC,),
        why="Both sides computed the same operations on the same numbers, and some results differ "
        "in their bits: a training that uses these operations rounds differently.",
        not_when="The job uses none of the operations that differ, or uses them in sizes and types "
        "for which they agree.",
        remedy="Check the other findings for what chooses the kernels: versions, instruction set, "
        "threads. If nothing else is found, use the same model of processor or GPU.",
        evidence=(_KERNELS, _THREADS),
        drift=arithmetic,
    ),
    Rule(
        id="probe-random-differs",
        title="The same seed gave different random numbers",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(NUMERIC,),
        why="Both sides drew from the same streams with the same seeds, and some of the numbers "
        "differ: initial weights, dropout or the order of the data differ too.",
        not_when="The job does not draw from the streams that differ. If all of them agree in "
        "their first digits, the difference counts as rounding.",
        remedy="Install the same version of the framework on both sides, or draw from the streams "
        "that agree.",
        evidence=(Evidence("One key in JAX 0.4.38 and 0.5.0", measured="jax.0-5"),),
        drift=random,
    ),
    Rule(
        id="probe-does-not-repeat",
        title="This machine did not repeat its own arithmetic",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(NUMERIC,),
        why="The same operation on the same numbers, in one environment, gave different bits in "
        "different processes, so two runs of a training that uses it differ too.",
        not_when="The job does not use the operation.",
        remedy="Turn on the framework's deterministic operations, fix the number of threads, and "
        "probe again.",
        evidence=(_THREADS,),
        state=varying,
    ),
    Rule(
        id="probe-import-fails",
        title="A library was seen not to start",
        impact=Impact.BREAKS,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(IMPORTS,),
        why="A library that takes part in training was imported in a process of its own, in this "
        "environment, and some were used once, such as a model fitted to 24 samples. It ended with "
        "an error: a job that does the same fails, too.",
        not_when="The job does not import the library, has no such use for it, or sets a variable "
        "before it does.",
        remedy="Install versions that fit together: the last line of the error names the module "
        "or library that does not.",
        note="`envprint diff` with a fingerprint in which it starts shows what has changed.",
        evidence=(
            Evidence(
                "A module built for NumPy 1 does not start beside NumPy 2",
                "https://numpy.org/doc/stable/dev/depending_on_numpy.html",
            ),
        ),
        state=unimported,
    ),
    Rule(
        id="probe-training-differs",
        title="The same small training ended with different weights",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(TRAINING,),
        why="Both sides trained the same network on the same data with the same seeds and "
        "switches, and their weights differ at the end.",
        not_when="The job shares no kernels with the small network. If losses are within 1 % "
        "after the first epoch, the difference counts as rounding.",
        remedy=Command("envprint probe"),
        note="It shows which operations differ; the other findings show why.",
        evidence=(_KERNELS,),
        drift=training,
    ),
    Rule(
        id="probe-training-does-not-repeat",
        title="A small training did not repeat itself here",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(TRAINING,),
        why="One network was trained several times with the same seeds and switches, and ended "
        "with different weights.",
        not_when="Seeds or switches were left off on purpose.",
        remedy=Command("envprint probe training --explain"),
        note="It finds the switches that make it repeat.",
        evidence=(_THREADS,),
        state=unrepeated,
    ),
)
