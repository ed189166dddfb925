"""Which of its compiled loops NumPy runs, by the names of features in its variables.

The table lists the loops of each release, best first. A loop asks for some features only, so that
disabling others changes nothing.
"""

from __future__ import annotations

from envprint import knowledge
from envprint.model import Fingerprint
from envprint.rules._dials import LEVELS, Variables
from envprint.versions import numbers

_ENABLES_FROM = (1, 25)
"""The first release that obeys NPY_ENABLE_CPU_FEATURES, which disables what it does not name."""
_NEWEST = (2, 4)
"""Taken where NumPy's version is not known."""


def loops(side: Fingerprint, level: str, variables: Variables) -> str:
    """The class of the loops in use on a processor of class `level`."""
    disabled = _listed(variables, "NPY_DISABLE_CPU_FEATURES")
    if level not in LEVELS:
        return " ".join([level, *(f"-{name}" for name in sorted(disabled))])
    version = _version(side)
    enabled = _listed(variables, "NPY_ENABLE_CPU_FEATURES")
    if enabled and version >= _ENABLES_FROM:
        disabled = _features() - enabled
    known = knowledge.covering("numpy_loops", version)
    found: str = next(entry["loops"] for entry in known if _runs(entry, level, disabled))
    return found


def _runs(entry: knowledge.Entry, level: str, disabled: frozenset[str]) -> bool:
    is_able = LEVELS.index(level) >= LEVELS.index(entry["level"])
    return is_able and disabled.isdisjoint(entry["needs"])


def _features() -> frozenset[str]:
    """Every feature that some loop asks for."""
    listed = knowledge.entries("numpy_loops")
    return frozenset(name for entry in listed for name in entry["needs"])


def _listed(variables: Variables, name: str) -> frozenset[str]:
    return frozenset(variables.get(name, "").replace(",", " ").split())


def _version(side: Fingerprint) -> tuple[int, ...]:
    return numbers(side.value("facts.frameworks.numpy.version") or "") or _NEWEST


def pin(side: Fingerprint, level: str) -> tuple[str, str] | None:
    """The variable, and its value, that holds NumPy at `level`; None where there is none."""
    for entry in knowledge.covering("numpy_loops", _version(side), loops=level):
        if "disable" in entry:
            return "NPY_DISABLE_CPU_FEATURES", " ".join(entry["disable"])
    return None
