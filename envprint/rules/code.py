"""The state of the project's own code: every verdict assumes the same code."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.workload import Workload, always

_COMMIT = "facts.code.commit"
_FIELDS = ("commit", "diff_digest", "submodules", "repository")
_FILE_SYSTEM = "facts.code.file_system"
_GIT = Evidence("What git compares with a commit", "https://git-scm.com/docs/git-status")


def _changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    changes = [change for name in _FIELDS if (change := comparison.change(f"facts.code.{name}"))]
    if changes:
        first = changes[0]
        if first.path == _COMMIT:
            text = f"the commit was {_short(first.before)}, is {_short(first.after)}"
        else:
            text = f"{first.path.rpartition('.')[2]} differs"
        yield Match(text, comparison.under("facts.code"), first.before, first.after)


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
        title="The code differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=tuple(f"facts.code.{name}" for name in (*_FIELDS, "branch")),
        why="The verdict is about the environment and assumes the same code and the same data.",
        not_when="The changes affect nothing that the job runs.",
        remedy="Check out the commit of the baseline, with a clean work tree.",
        evidence=(_GIT,),
        drift=_changed,
        # Advice: no difference of the environment, and the verdict presumes the same code.
        advice=True,
    ),
    Rule(
        id="code-dirty",
        title="The work tree has uncommitted changes",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.code.dirty", "facts.code.diff_digest"),
        why="The commit alone does not restore this code.",
        not_when="The changes affect nothing that the job runs.",
        remedy="Commit the changes, or stash them.",
        evidence=(_GIT,),
        state=_dirty,
        advice=True,
        yields_to=("code-changed",),
    ),
    Rule(
        id="code-file-system-changed",
        title="The working directory is on a different kind of file system",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_FILE_SYSTEM,),
        why="os.listdir, os.scandir and glob return names in the file system's own order. A "
        "different kind of file system, or a directory filled again, has a different order: "
        "unsorted samples come in a different order, and a split with a fixed seed picks "
        "different ones.",
        not_when="The program sorts names after listing them, reads them from a list, or keeps "
        "its data somewhere other than its working directory.",
        remedy="Sort the results of os.listdir(), glob.glob() and the like: then both sides read "
        "in the same order.",
        evidence=(
            Evidence("ext4 and tmpfs, files listed unsorted", measured="data.file-order"),
            Evidence(
                "fastai: splits with one seed agree only by chance until the files are sorted",
                "https://github.com/fastai/fastai/pull/2006",
            ),
            Evidence(
                "torchvision sorts the result of os.listdir, because machines differ",
                "https://github.com/pytorch/vision/pull/193",
            ),
        ),
        # Advice: it matters to a program that does not sort. data.file-order is measured with files
        # that are listed unsorted, and counts for such a program only.
        advice=True,
    ),
)
