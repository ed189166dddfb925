"""Where to look when the environment does not explain why two results differ.

A training result also depends on the code, the data and the seeds. A fingerprint records a little
about the code and the seeds, enough to suggest which to check first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from envprint.core.comparison import Change, Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.report import (
    VARIABLE,
    Ignored,
    Undecided,
    Unjudged,
    counted,
    undecided_rules,
)
from envprint.core.summary import code_in_words, code_of
from envprint.core.typed import Any

_SINCE_COMMIT = ("diff_digest", "submodules", "dirty")


class _Code(Enum):
    """What two fingerprints show about the project's code, and what to check because of it."""

    SAME = "look at the data and the seeds: the code is the same"
    DIFFERS = "the code differs: look there first, then at the data and the seeds"
    UNCLEAR = "look at the code, the data and the seeds"


def hint(comparison: Comparison) -> str:
    """Where to look when no finding explains a different result, as the end of a sentence."""
    return _code(comparison)[0].value


def steps(
    comparison: Comparison,
    undecided: Iterable[Undecided],
    ignored: Iterable[Ignored],
    unexplained: Iterable[Change],
    unjudged: Sequence[Unjudged] = (),
) -> tuple[str, ...]:
    """What to check, in this order; each text begins with its subject."""
    state, text = _code(comparison)
    code = () if state is _Code.SAME else (f"the code: {text}",)
    left_open = tuple(_left_open(undecided, ignored))
    return (
        # Code that is known to differ explains more than anything that is merely open.
        *_unjudged(unjudged),
        *(code + left_open if state is _Code.DIFFERS else left_open + code),
        "the data: the files, their order and how they are read; envprint does not check them",
        _seeds(comparison),
        *_unexplained(unexplained),
    )


def _unjudged(entries: Sequence[Unjudged]) -> Iterator[str]:
    if entries:
        first = entries[0]
        listed = "described" if first.kind == VARIABLE else "listed"
        read = f", whose changes are {listed} at {first.read}" if first.read else ""
        yield f"what is not judged: {counted(entries, 'change')}, first {first.name}{read}"


def _left_open(undecided: Iterable[Undecided], ignored: Iterable[Ignored]) -> Iterator[str]:
    rules = undecided_rules(undecided)
    if rules:
        yield f"what is undecided: {counted(rules, 'rule')}"
    left_out = {entry.rule for entry in ignored}
    if left_out:
        yield f"what the policy leaves out: {', '.join(sorted(left_out))}"


def _unexplained(changes: Iterable[Change]) -> Iterator[str]:
    lasting = [change for change in changes if not change.path.startswith("live.")]
    if lasting:
        yield f"what else changed: {counted(lasting, 'value')} with no known effect"


def _code(comparison: Comparison) -> tuple[_Code, str]:
    """Whether both sides ran the same code, and the evidence for it."""
    sides = comparison.before, comparison.after
    try:
        commits = [side.value("facts.code.commit") for side in sides]
        if None in commits:
            return _Code.UNCLEAR, "no commit to compare; capture in the project's Git work tree"
        if len(set(commits)) > 1:
            return _Code.DIFFERS, _in_words(comparison)
        since = [name for name in _SINCE_COMMIT if comparison.change(f"facts.code.{name}")]
        if since:
            others = ", with other submodules" if "submodules" in since else ""
            return _Code.DIFFERS, _in_words(comparison) + others
        if comparison.after.value("facts.code.dirty"):
            # The digest of the differences covers the content of tracked files only.
            text = "the same commit and changes, but untracked files were compared by name only"
            return _Code.UNCLEAR, text
    except UnknownValueError as error:
        return _Code.UNCLEAR, f"it could not be compared ({error.reason})"
    return _Code.SAME, "the same commit, with nothing changed since"


def _in_words(comparison: Comparison) -> str:
    before, after = code_of(comparison.before), code_of(comparison.after)
    return code_in_words(before, after) if before and after else "it differs"


def _seeds(comparison: Comparison) -> str:
    steps = ["the seeds: run the job twice here to see whether it repeats itself"]
    if alike := _generators_alike(comparison):
        names = ", ".join(alike)
        steps.append(
            "these generators were in the same state when captured, so check what seeds them or "
            f"draws from them later: {names}"
        )
    if "random" in _on_both_sides(comparison, "facts.python.hash_seed"):
        steps.append(
            "the hash seed is random, so sets of text have a different order at each start"
        )
    return "; ".join(steps)


def _generators_alike(comparison: Comparison) -> list[str]:
    """The generators known to be in the same state on both sides; none without a seed."""
    sides = _on_both_sides(comparison, "live.random.generators")
    before, after = (
        {name: state["state"] for name, state in (known or {}).items() if state.get("state")}
        for known in sides or ({}, {})
    )
    return sorted(name for name, state in before.items() if after.get(name) == state)


def _on_both_sides(comparison: Comparison, path: str) -> tuple[Any, ...]:
    """The values at `path` before and after; empty if either is unknown."""
    try:
        return comparison.before.value(path), comparison.after.value(path)
    except UnknownValueError:
        return ()
