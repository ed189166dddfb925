"""What the project's own state says: every verdict presumes the same code."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.workload import always

_COMMIT = "facts.code.commit"
_FIELDS = ("commit", "diff_digest", "submodules", "repository")
_GIT = Evidence("What git compares with a commit", "https://git-scm.com/docs/git-status")


def _changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    changes = [change for name in _FIELDS if (change := comparison.change(f"facts.code.{name}"))]
    if changes:
        first = changes[0]
        if first.path == _COMMIT:
            told = f"the commit was {_short(first.before)}, is {_short(first.after)}"
        else:
            told = f"{first.path.rpartition('.')[2]} differs"
        yield Match(told, comparison.under("facts.code"), first.before, first.after)


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "none"


def _dirty(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value("facts.code.dirty"):
        commit = now.value(_COMMIT)
        yield Match(
            f"the work tree differs from commit {_short(commit)}",
            ("facts.code.dirty", "facts.code.diff_digest"),
            after=True,
        )


RULES = (
    Rule(
        id="code-changed",
        title="The code is not the same",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=tuple(f"facts.code.{name}" for name in (*_FIELDS, "branch")),
        why="The verdict speaks of the environment and presumes the same code on the same data.",
        not_when="The changes touch nothing that the job runs.",
        remedy="git checkout the commit of the baseline, with a clean work tree.",
        evidence=(_GIT,),
        drift=_changed,
        advice=True,
    ),
    Rule(
        id="code-dirty",
        title="The work tree has changes that are in no commit",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.code.dirty", "facts.code.diff_digest"),
        why="Nobody can get this code back from the commit alone.",
        not_when="The changes touch nothing that the job runs.",
        remedy="git commit, or git stash.",
        evidence=(_GIT,),
        state=_dirty,
        advice=True,
        yields_to=("code-changed",),
    ),
)
