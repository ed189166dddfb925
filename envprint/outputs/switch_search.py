"""The search of the probe `training` for people: each trial, the smallest set, lines to copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.core.report import counted
from envprint.core.text import block, heading
from envprint.core.typed import Any
from envprint.outputs.training import NAMES, title
from envprint.probes.smallest_switches import Search, Trial
from envprint.probes.snippets import Lines, in_one_call, lines_for
from envprint.probes.training import Series, Switches, TrainingJob, raw, settings_of

INDENT = "    "
NOT_NEEDED = "equal, so it is not needed"


def raw_search(search: Search) -> dict[str, Any]:
    """The same as JSON types; includes lines to copy if there is a smallest set."""
    last, smallest = search.last, search.smallest
    lines = lines_for(last) if smallest else Lines((), ())
    return {
        "trials": [_raw_trial(trial, last.job) for trial in search.trials],
        "smallest": smallest and settings_of(last.job, smallest),
        "code": list(lines.code),
        "in_one_call": (in_one_call(last) if smallest else "") or None,
        "shell": list(lines.shell),
    }


def _raw_trial(trial: Trial, job: TrainingJob) -> dict[str, Any]:
    return {
        "settings": settings_of(job, trial.switches),
        "runs": trial.runs,
        "left_out": trial.dropped,
        "repeats": trial.repeats,
        "parted_at_step": trial.series.parted_at_step if trial.series else None,
        "refused": trial.refused or None,
    }


def explained(search: Search, colour: bool = False) -> str:
    """The whole search as text that ends with a newline."""
    return "\n".join(_lines(search, colour)) + "\n"


def _lines(search: Search, colour: bool) -> Iterator[str]:
    last = search.last
    what = title(last.job.framework, raw(last))
    yield from list(heading(f"What makes {what.replace(',', '', 1)} repeat itself", colour))[1:]
    yield ""
    for number, trial in enumerate(search.trials, start=1):
        text = f"{_set_of(search.trials, number - 1)}: {_outcome(trial)}"
        yield from block(f"trial {number}", text)
    yield ""
    yield from _answer(search)
    yield from block(
        "limits",
        f"seen in {counted(last.runs, 'run')} of {last.job.steps} steps of this small network; "
        "what varies rarely, or in other operations, sizes and devices, may need more: "
        "--repeat N, --epochs N, --device gpu",
    )


def _set_of(trials: Sequence[Trial], at: int) -> str:
    """What a trial set, where possible as the change from an earlier trial."""
    trial = trials[at]
    names = _names(trial.series.job.framework) if trial.series else _names_of_any(trials)
    if at == 0:
        return "nothing set"
    if trial.dropped:
        return f"without {names[trial.dropped]}"
    if at == 1:
        return "all seeds and deterministic operations"
    if trials[at - 1].dropped is None:
        before = trials[at - 1].switches._asdict()
        more = [name for name, value in trial.switches._asdict().items() if value != before[name]]
        return f"with {_joined([names[name] for name in more])} as well"
    return f"what is left, {_joined(_listed(trial.switches, names))}"


def _names(framework: str) -> dict[str, str]:
    return {
        "hash": "the hash seed",
        "python": "Python's seed",
        "numpy": "NumPy's seed",
        "framework": f"{NAMES[framework]}'s seed",
        "op_determinism": "deterministic operations",
        "threads": "one thread",
    }


def _names_of_any(trials: Sequence[Trial]) -> dict[str, str]:
    return _names(next(trial.series.job.framework for trial in trials if trial.series))


def _listed(switches: Switches, names: dict[str, str]) -> list[str]:
    return [names[key] for key, value in switches._asdict().items() if value is not None]


def _joined(names: Sequence[str]) -> str:
    *most, last = names or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _outcome(trial: Trial) -> str:
    if trial.series is None:
        return f"it does not run, so it is needed ({trial.refused})"
    needed = ", so it is needed" if trial.dropped else ""
    if not trial.repeats:
        return f"{_parted(trial.series)}{needed}"
    return NOT_NEEDED if trial.dropped else f"equal in {counted(trial.series.runs, 'run')}"


def _parted(series: Series) -> str:
    step = series.parted_at_step
    return f"parted after step {step}" if step else "weights differ before the first step"


def _answer(search: Search) -> Iterator[str]:
    last = search.last
    if search.smallest is None:
        yield from block(
            "result",
            "no set of switches makes this machine repeat itself: with all of them and one "
            f"thread, weights {_parted(last).removeprefix('weights ')} of {last.job.steps}",
        )
        return
    names = _joined(_listed(search.smallest, _names(last.job.framework)))
    yield from block("result", f"{names}: the smallest set with which this machine repeats itself")
    lines, one = lines_for(last), in_one_call(last)
    yield from _copyable("before the network is built", lines.code)
    if one:
        yield f"or in one call, which seeds NumPy too: {one}"
        yield ""
    yield from _copyable("in the shell, before the program starts", lines.shell)


def _copyable(where: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{where}:"
        yield ""
        yield from (f"{INDENT}{line}".rstrip() for line in lines)
        yield ""
