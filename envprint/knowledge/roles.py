"""Which part a distribution takes in training: by the table `roles.json`, else by its metadata."""

from envprint import knowledge
from envprint.core.report import UNKNOWN_PART
from envprint.core.typed import NamedTuple
from envprint.core.workload import Workload

_OWN_WORK = frozenset(["framework", "trains"])
_NEEDS_NUMPY = frozenset(["scikit-learn"])
"""Frameworks that compute with NumPy and SciPy."""


class Part(NamedTuple):
    """The part that a distribution takes in training."""

    role: str
    read: str | None = None
    is_derived: bool = False
    """Whether only its metadata, and no table, says that it takes part."""


def part(name: str, says_so: bool | None, workload: Workload) -> Part | None:
    """The part it takes in this workload; None if it takes none.

    `says_so` is whether its own metadata says so, which counts if the table does not list it; None
    if that is unknown.
    """
    entry = listed(name)
    if entry is None:
        return None if says_so is False else Part(UNKNOWN_PART, is_derived=says_so is True)
    role = main_role(entry)
    if role is None or "section" in entry or not can_reach(entry, name, workload):
        return None
    return Part(role, entry.get("read"))


def takes_part(entry: knowledge.Entry) -> bool:
    """Whether what the entry lists takes part in a training result."""
    return main_role(entry) is not None


def main_role(entry: knowledge.Entry) -> str | None:
    """The first role by which it takes part; None if it takes none."""
    return next((role for role in entry["roles"] if role not in knowledge.NO_PART), None)


def listed(name: str) -> knowledge.Entry | None:
    """Its entry in the table, else that of the longest beginning of its name."""
    found = knowledge.about("roles", name)
    if not found and name.startswith(kinds := knowledge.kinds("roles")):
        longest = max(filter(name.startswith, kinds), key=len)
        found = knowledge.about("roles", f"{longest}*")
    return found[0] if found else None


def can_reach(entry: knowledge.Entry, name: str, workload: Workload) -> bool:
    """Whether it can reach a job with these frameworks and libraries on this device."""
    device: str = entry.get("device", workload.device)
    if device != workload.device:
        return False
    own = knowledge.find("computing_distributions", distribution=name)
    frameworks = {own["framework"]} if own else set(entry.get("frameworks", ()))
    # What trains by kernels of its own reaches no job of another library; what draws or prepares
    # data may reach any.
    trains_itself = not frameworks and main_role(entry) in _OWN_WORK
    return is_for(frameworks, workload) and (not trains_itself or is_of_job(name, workload))


def is_of_job(name: str, workload: Workload) -> bool:
    """Whether the job computes with it; true where it is unknown which libraries a job uses."""
    return not workload.libraries or name in workload.libraries


def is_beside(name: str, workload: Workload) -> bool:
    """Whether the library belongs to no framework and the job names others: what the job names was
    imported itself, so that a failure of this one need not concern it.
    """
    if not workload.named or name in (*workload.named, *workload.libraries):
        return False
    entry = listed(name) or {}
    own = knowledge.find("computing_distributions", distribution=name)
    return own is None and "frameworks" not in entry


def is_neighbour(name: str, workload: Workload) -> bool:
    """Whether it trains on its own account beside the libraries that the job names, so that what
    fails in it need not concern the job.
    """
    entry = listed(name)
    trains = entry is not None and main_role(entry) in _OWN_WORK
    return trains and not is_of_job(name, workload)


def is_for(frameworks: set[str], workload: Workload) -> bool:
    """Whether something that only these frameworks use can reach the job; empty means all."""
    if "numpy" in frameworks:
        frameworks = frameworks | _NEEDS_NUMPY
    is_of_another = bool(frameworks and (workload.frameworks or workload.libraries))
    return not (is_of_another and frameworks.isdisjoint(workload.frameworks))
