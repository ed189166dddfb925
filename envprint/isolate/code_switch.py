"""The code as a switch: each trial has the commit of one side, or the code that is here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from envprint.collectors import code
from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint, Unknown
from envprint.core.isolation import CHANGED, CODE, Fixed, Plan, Switch
from envprint.core.typed import Any, NamedTuple
from envprint.documents.inputs import NOW
from envprint.isolate.commands import clean_variables
from envprint.isolate.commits import differs_outside, is_here
from envprint.isolate.switches import THE_CODE
from envprint.machine.live import LiveHost

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Codes(NamedTuple):
    """The commit that each side runs; None for the directory as it is here."""

    before: str | None = None
    after: str | None = None
    imported: tuple[str, ...] = ()
    """Directories of it, relative, from which Python imports an editable installation."""


def with_code(
    plan: Plan, sides: tuple[Fingerprint, Fingerprint], directory: str, python: str
) -> tuple[Plan, Codes]:
    """The plan with the code as its first switch, if both sides' code can be had and differs."""
    fixed = tuple(one for one in plan.fixed if one.what != THE_CODE)
    here = code.collect(LiveHost())
    found = [_commit_of(side, here, directory) for side in sides]
    reasons = tuple(Fixed(THE_CODE, one.reason) for one in found if isinstance(one, Unknown))
    if reasons:
        return Plan(plan.switches, (*fixed, *dict.fromkeys(reasons))), Codes()
    first, second = (one for one in found if not isinstance(one, Unknown))
    codes = Codes(first, second, tuple(_imported(directory, python)))
    fixed = (*fixed, *_what_stays(sides, codes, directory))
    if codes.before == codes.after:
        return Plan(plan.switches, fixed), codes
    before, after = (one or _in_words(here) for one in codes[:2])
    switch = Switch(CODE, CODE, THE_CODE, before, after)
    return Plan((switch, *plan.switches), fixed), codes


def _commit_of(side: Fingerprint, here: Mapping[str, Any], directory: str) -> str | Unknown | None:
    """The commit that a side ran, None if it is the code that is here, or why it cannot be had."""
    if side.reference == NOW:
        return None
    commit = _recorded(side)
    changes = side.get("facts.code.diff_digest")
    if isinstance(commit, Unknown) or (commit, changes) == (here["commit"], here["diff_digest"]):
        return commit if isinstance(commit, Unknown) else None
    if side.get("facts.code.dirty"):
        return Unknown(
            f"a side ran commit {commit[:12]} with changes that were not committed, and no record "
            "holds those"
        )
    if here["commit"] is None:
        return Unknown("the working directory is in no Git repository, or in one without a commit")
    if not is_here(commit, directory):
        return Unknown(f"commit {commit[:12]} is not in the repository here; fetch it")
    return commit


def _recorded(side: Fingerprint) -> str | Unknown:
    paths = [f"facts.code.{name}" for name in ("commit", "diff_digest", "dirty")]
    if reason := next((side.unknown[path] for path in paths if path in side.unknown), None):
        return Unknown(f"what a side ran is unknown: {reason}")
    commit = side.get(paths[0])
    if isinstance(commit, str) and _COMMIT.fullmatch(commit):
        return commit
    return Unknown("a side names no commit: it did not run in a Git work tree")


def _in_words(here: Mapping[str, Any]) -> str:
    """The code that is here: a commit, and whether it was changed."""
    commit = here["commit"] if isinstance(here["commit"], str) else "no commit"
    return commit if here["dirty"] is False else f"{commit}{CHANGED}"


def _what_stays(
    sides: tuple[Fingerprint, Fingerprint], codes: Codes, directory: str
) -> Iterator[Fixed]:
    """What of the code no trial can have as recorded."""
    submodules = [side.get("facts.code.submodules") or {} for side in sides]
    for path in sorted(submodules[0].keys() | submodules[1].keys()):
        if submodules[0].get(path) != submodules[1].get(path):
            yield Fixed(f"the submodule {path}", "every trial has the one that is here")
    try:
        is_wider = any(commit and differs_outside(commit, directory) for commit in codes[:2])
    except EnvprintError as error:
        yield Fixed(THE_CODE, str(error))
        return
    if is_wider:
        yield Fixed(
            "the code outside of the working directory",
            "every trial has what is here; start in the repository's top directory to switch it",
        )
    is_elsewhere = any(codes[:2]) and not codes.imported
    for name in sorted(_editable(sides[1]) if is_elsewhere else ()):
        yield Fixed(
            f"the code of {name}",
            "an editable installation, imported from its own directory and not from a trial's copy",
        )


def _imported(directory: str, python: str) -> Iterator[str]:
    """Where Python finds modules below the directory, except in an environment there."""
    found = LiveHost(python, variables=clean_variables()).interpreter()
    top, prefix = os.path.realpath(directory), os.path.realpath(str(found["prefix"]))
    for path in map(os.path.realpath, map(str, found["path"])):
        if f"{path}{os.sep}".startswith(f"{top}{os.sep}") and not path.startswith(prefix + os.sep):
            yield os.path.relpath(path, top)


def _editable(side: Fingerprint) -> Iterator[str]:
    for name, entry in (side.get("facts.packages.distributions") or {}).items():
        if (entry.get("origin") or {}).get("kind") == "editable":
            yield name
