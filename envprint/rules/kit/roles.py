"""The roles of distributions, and whether one can reach a job; by `knowledge/roles.json`."""

from __future__ import annotations

from collections.abc import Mapping

from envprint import knowledge
from envprint.core.workload import Workload

_LONGEST_KIND = 40
"""No beginning of a name in the table is longer; a name in a hostile document may be."""
_NEEDS_NUMPY = frozenset(["scikit-learn"])
"""Frameworks that compute with NumPy and SciPy."""
Roles = Mapping[str, knowledge.Entry]


def table() -> Roles:
    """Every entry by its name."""
    return {entry["distribution"]: entry for entry in knowledge.entries("roles")}


def listed(roles: Roles, name: str) -> knowledge.Entry | None:
    """Its entry in the table, else that of the longest beginning of its name."""
    lengths = range(min(len(name), _LONGEST_KIND), 0, -1)
    kinds = (roles.get(f"{name[:length]}*") for length in lengths)
    return roles.get(name) or next(filter(None, kinds), None)


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
