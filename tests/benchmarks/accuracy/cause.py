"""Whether what a report names first is what made the results differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from envprint.core.fingerprint import is_inside, split_path
from envprint.core.report import Report


def is_cause_first(report: Report, causes: Collection[str]) -> bool | None:
    """Whether the first suspect is one of `causes`; None if no cause is known.

    A cause is a package, a variable, or a path. The first suspect is the first of the likely
    causes; where nothing was found, it is the first library that is not judged.
    """
    if not causes:
        return None
    suspects = _first(report)
    return any(_is_about(path, cause) for path in suspects for cause in causes)


def _first(report: Report) -> tuple[str, ...]:
    """The paths of the first suspect."""
    for rule in report.likely_causes[:1]:
        return next(finding.paths for finding in report.findings if finding.rule == rule)
    return tuple(entry.path for entry in report.unjudged[:1])


def _is_about(path: str, cause: str) -> bool:
    if cause.startswith("facts."):
        return is_inside(path, cause)
    return cause in _names(split_path(path))


def _names(keys: Iterable[str]) -> set[str]:
    """What the keys of a path call the same thing: sections write `_` where packages have `-`."""
    bare = {key.removesuffix("_version") for key in keys}
    names = {name for key in bare for name in (key, key.replace("_", "-"))}
    # Several distributions have one framework.
    return names | {"tensorflow-cpu"} if "tensorflow" in names else names
