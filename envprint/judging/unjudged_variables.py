"""Which changes of variables nobody has judged: those that a library of the job may read.

`knowledge/variables.json` says which libraries read a variable, and which variables have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint import knowledge
from envprint.core.comparison import Change, Comparison
from envprint.core.fingerprint import FRAMEWORKS, VARIABLES, split_path
from envprint.core.report import UNKNOWN_PART, Unjudged
from envprint.core.workload import Workload
from envprint.knowledge import roles
from envprint.rules import applying
from envprint.rules.kit.packages import DISTRIBUTIONS

_LONGEST = 80
"""No beginning of a name in the table is longer; a name in a hostile document may be."""


def unjudged_variables(
    comparison: Comparison, unexplained: Sequence[Change], workload: Workload
) -> list[Unjudged]:
    """The changed variables that a library of the job may read, and that no rule looks at."""
    changed = [change for change in unexplained if change.path.startswith(f"{VARIABLES}[")]
    if not changed:
        return []
    watched = {path for rule in applying(workload) for path in rule.watches}
    left = (change for change in changed if change.path not in watched)
    return [entry for change in left for entry in _entry(comparison, change, workload)]


def _entry(comparison: Comparison, change: Change, workload: Workload) -> Iterator[Unjudged]:
    name = split_path(change.path)[3]
    known = listed(name)
    if known is None or "effect" in known or known.get("device", "") not in ("", workload.device):
        return
    readers = (library for library in known["libraries"] if _is_used(comparison, library, workload))
    library = next(readers, None)
    if library is not None:
        entry = roles.listed(library)
        role = (entry and roles.main_role(entry)) or UNKNOWN_PART
        read = known["source"]
        yield Unjudged(name, change.path, change.before, change.after, "variable", role, read)


def listed(name: str) -> knowledge.Entry | None:
    """The entry of a variable in the table, else that of the longest beginning of its name."""
    table = knowledge.names("variables")
    lengths = range(min(len(name), _LONGEST), 0, -1)
    kinds = (kind for length in lengths if (kind := f"{name[:length]}*") in table)
    found = name if name in table else next(kinds, None)
    return None if found is None else knowledge.about("variables", found)[0]


def _is_used(comparison: Comparison, library: str, workload: Workload) -> bool:
    """Whether the library is installed on a side and can reach the job."""
    if library in FRAMEWORKS:
        return library in workload.frameworks
    sides = (comparison.before, comparison.after)
    if not any(side.get(f"{DISTRIBUTIONS}[{library}]") for side in sides):
        return False
    entry = roles.listed(library)
    return entry is None or roles.can_reach(entry, library, workload)
