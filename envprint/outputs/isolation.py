"""What `isolate` plans, runs and finds, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.core import shell
from envprint.core.isolation import (
    AFFINITY,
    CAP,
    CHANGED,
    CODE,
    EQUAL,
    NOT_REPEATABLE,
    PACKAGE,
    PYTHON,
    Answer,
    Isolation,
    Outcome,
    Plan,
    Switch,
    Trial,
    most_trials,
)
from envprint.core.report import counted
from envprint.core.requirement import pinned
from envprint.core.text import block, one_line, paint

SHOWN = 3
"""Names in one line; of more, how many there are."""
INDENT = 12
"""Columns before a text: the longest topic is `not needed`."""


def plan_text(plan: Plan, repeat: int) -> str:
    """What will be switched, what cannot be, and how many runs that takes."""
    return "\n".join(_plan_lines(plan, repeat)) + "\n"


def _plan_lines(plan: Plan, repeat: int) -> Iterator[str]:
    first, *others = plan.switches
    shown = [one.in_words() for one in (first, *others)[:8]]
    more = len(plan.switches) - len(shown)
    yield from _block("switches", f"{len(plan.switches)}, the likeliest first")
    for line in shown:
        yield from _block("", line)
    if more:
        yield from _block("", f"and {more} more")
    for fixed in plan.fixed:
        yield from _block("fixed", f"{fixed.what}: {fixed.reason}")
    yield from _block("runs", f"{2 * repeat} of both sides, then {_expected(len(plan.switches))}")
    yield ""


def _expected(count: int) -> str:
    """How many trials a search of one cause takes: at first place, and anywhere."""
    return f"2 to {most_trials(count)} for one cause, more for several"


def trial_line(trial: Trial, plan: Plan) -> str:
    """One line: the number, what is as in CURRENT, the outcome, the result, the time."""
    everything = len(trial.switched) == len(plan.switches)
    what = "CURRENT" if everything else _names(plan.named(trial.switched)) or "BASELINE"
    seconds = "remembered" if trial.is_remembered else f"{trial.seconds:.1f} s"
    text = f"{what}: {trial.outcome.value}, {trial.value} ({seconds})"
    return f"{trial.number:>3}  {one_line(text)}\n"


def _block(topic: str, text: str, painted: str | None = None) -> Iterator[str]:
    return block(topic, text, painted, indent=INDENT)


def _names(switches: Sequence[Switch]) -> str:
    names = [one.what for one in switches[:SHOWN]]
    more = len(switches) - len(names)
    return " + ".join([*names, *([f"{more} more"] if more else [])])


def render(found: Isolation, colour: bool = False) -> str:
    """The answer as text that ends with a newline."""
    return "\n".join(_lines(found, colour)) + "\n"


def _lines(found: Isolation, colour: bool) -> Iterator[str]:
    answer = found.answer
    if found.outcome == EQUAL:
        yield from _same(found, colour)
    elif answer is None:
        word = "NOT STEADY" if found.outcome == NOT_REPEATABLE else "NOT FOUND"
        yield from _block(word, found.reason, paint(word, "1", colour))
    else:
        yield from _answer(found, answer, colour)
    yield ""
    for topic, side in (("baseline", found.baseline), ("current", found.current)):
        yield from _block(topic, f"{side.reference or side.digest[:19]}: {side.value or 'unknown'}")
    yield from _block(
        "runs", f"{found.runs}, of `{' '.join(found.command)}`, result {found.result}"
    )
    for name in found.noise:
        text = f"the file differs from run to run on {name}, its content does not"
        yield from _block("note", text)
    for note in found.notes:
        yield from _block("note", note)


def _same(found: Isolation, colour: bool) -> Iterator[str]:
    heading = paint("THE SAME", "1", colour)
    yield f"{heading}  Both sides give the same result here, with everything switched together."
    yield ""
    if found.plan.fixed:
        yield from _block("look at", "what cannot be switched here:")
        for fixed in found.plan.fixed:
            yield from _block("", f"{fixed.what}: {fixed.reason}")
    else:
        yield from _block("look at", "the code, the data and the seeds of the run that differed")


def _answer(found: Isolation, answer: Answer, colour: bool) -> Iterator[str]:
    plan = found.plan
    cause = plan.named(answer.cause)
    named = _listed([one.in_words() for one in cause])
    heading = paint("FOUND" if answer.is_minimal else "NOT FINISHED", "1", colour)
    if answer.is_minimal:
        yield from _block("FOUND", f"With {named}, the baseline gives the current result.", heading)
    else:
        yield from _block(
            "NOT FINISHED",
            f"CURRENT's result comes with {counted(cause, 'difference')}, maybe with fewer: "
            f"{_names(cause)}. More runs or more time are needed.",
            heading,
        )
    yield ""
    yield from _fix(plan, answer)
    yield from _along(plan, answer)
    yield from _contributions(plan, answer)
    yield from _not_needed(plan, answer)
    if found.apart:
        apart = found.apart
        yield from _block(
            "apart",
            f"{apart.absolute:.3g} (relative {apart.relative:.3g}), in {apart.differing} of "
            f"{counted(range(apart.total), 'number')}",
        )
    for rule, verdict in found.rules:
        yield from _block("rule", f"{rule}: {verdict}")


def _fix(plan: Plan, answer: Answer) -> Iterator[str]:
    if not answer.is_minimal:
        return
    if not answer.fix:
        yield from _block("fix", "none was found within the limits")
        return
    names = _listed([one.what for one in plan.named(answer.fix)])
    if set(answer.fix) < set(answer.cause):
        yield from _block("to undo", f"{names} is enough")
    elif set(answer.fix) != set(answer.cause):
        yield from _block("to undo", f"it takes {names}: the cause alone, put back, is not enough")
    for switch in plan.named([*answer.fix, *answer.fix_along]):
        yield from _block("fix", remedy(switch) or _in_words(switch))


def _in_words(switch: Switch) -> str:
    """What to do where no single command does it."""
    if switch.kind == PYTHON:
        return f"use Python {switch.before}: `envprint recreate` builds the baseline's environment"
    return f"have {switch.what} as on the baseline"


def remedy(switch: Switch) -> shell.Command | None:
    """The command that puts one difference back; None if no command can."""
    if switch.kind == CAP and switch.before is None:
        return None  # what the other processor lacks cannot be added there
    if switch.kind == PYTHON:
        return None
    if switch.kind == CODE:
        return _commit(str(switch.before), str(switch.after))
    if switch.before is None:
        is_package = switch.kind == PACKAGE
        removed = shell.command("pip uninstall -y {}", switch.what)
        return removed if is_package else shell.unset(switch.what)
    return _set(switch.kind, switch.what, str(switch.before))


def _commit(before: str, after: str) -> shell.Command | None:
    """What brings the code back; None if it had changes that no commit holds."""
    if before.endswith(CHANGED):
        return None
    is_other = after.removesuffix(CHANGED) != before
    steps = [shell.command("git stash")] if after.endswith(CHANGED) else []
    return shell.in_turn(*steps, *([shell.command("git checkout {}", before)] if is_other else []))


def _set(kind: str, what: str, value: str) -> shell.Command | None:
    if kind == AFFINITY:
        return shell.command("taskset -c {} COMMAND", f"0-{int(value) - 1}")
    if kind == PACKAGE:
        return shell.command("pip install --no-deps {}", pinned(what, value))
    return shell.export(what, value)


def _along(plan: Plan, answer: Answer) -> Iterator[str]:
    if answer.along:
        names = _listed([one.what for one in plan.named(answer.along)])
        yield from _block("with it", f"{names}, because the versions need each other")


def _contributions(plan: Plan, answer: Answer) -> Iterator[str]:
    """What each of several causes does by itself."""
    if len(answer.cause) < 2:
        return
    words = {
        Outcome.BASELINE: "acts only together with the others",
        Outcome.CURRENT: "is enough alone",
        Outcome.OTHER: "contributes: alone it gives a third result",
    }
    for switch in plan.named(answer.cause):
        outcome = answer.alone.get(switch.name)
        if outcome in words:
            yield from _block("", f"{switch.what} {words[outcome]}")


def _not_needed(plan: Plan, answer: Answer) -> Iterator[str]:
    others = len(plan.switches) - len(answer.cause) - len(answer.along)
    if not others or not answer.is_minimal:
        return
    rest = f"{counted(range(others), 'other difference')}"
    if answer.rest is Outcome.BASELINE:
        yield from _block("not needed", f"{rest}, verified together: they change nothing")
    elif answer.rest is Outcome.CURRENT:
        text = f"{rest}; without the cause they give the same result: there is a second cause"
        yield from _block("not needed", text)
    else:
        yield from _block("not needed", rest)


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
