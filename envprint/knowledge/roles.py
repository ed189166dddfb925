"""Which part a distribution takes in training: by the table `roles.json`, else by its metadata."""

from __future__ import annotations

from typing import NamedTuple

from envprint import knowledge
from envprint.core.report import UNKNOWN_PART
from envprint.core.workload import Workload

_NEEDS_NUMPY = frozenset(["scikit-learn"])
"""Frameworks that compute with NumPy and SciPy."""


class Part(NamedTuple):
    """The part that a distribution takes in training."""

    role: str
    read: str | None = None
    is_derived: bool = False
    """Whether only its metadata, and no table, says that it takes part."""


def part(name: str, takes_part: bool | None, workload: Workload) -> Part | None:
    """The part it takes in this workload; None if it takes none.

    `takes_part` is what its own metadata says, which counts if the table does not list it; None if
    that is unknown.
    """
    entry = listed(name)
    if entry is None:
        return None if takes_part is False else Part(UNKNOWN_PART, is_derived=takes_part is True)
    role = next((role for role in entry["roles"] if role not in knowledge.NO_PART), None)
    if role is None or "section" in entry or not can_reach(entry, name, workload):
        return None
    return Part(role, entry.get("read"))


def listed(name: str) -> knowledge.Entry | None:
    """Its entry in the table, else that of the longest beginning of its name."""
    found = knowledge.about("roles", name)
    if not found and name.startswith(kinds := knowledge.kinds("roles")):
        longest = max(filter(name.startswith, kinds), key=len)
        found = knowledge.about("roles", f"{longest}*")
    return found[0] if found else None


def can_reach(entry: knowledge.Entry, name: str, workload: Workload) -> bool:
    """Whether it can reach a job with these frameworks on this device."""
    own = knowledge.find("computing_distributions", distribution=name)
    frameworks = {own["framework"]} if own else set(entry.get("frameworks", ()))
    device: str = entry.get("device", workload.device)
    return is_for(frameworks, workload) and device == workload.device


def is_for(frameworks: set[str], workload: Workload) -> bool:
    """Whether something that only these frameworks use can reach the job; empty means all."""
    if "numpy" in frameworks:
        frameworks = frameworks | _NEEDS_NUMPY
    is_of_another = bool(frameworks and workload.frameworks)
    return not (is_of_another and frameworks.isdisjoint(workload.frameworks))
