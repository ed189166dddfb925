"""How much an unmet requirement of a package says: that it cannot run, or that nobody tried.

Of 22 measured combinations that did not start 14 had an unmet requirement, and so had 6 that ran.
Those that ran lacked a later minor release of something, or had a later one than was foreseen.
"""

import re
from collections.abc import Mapping

from envprint.core.fingerprint import Fingerprint
from envprint.core.typed import Any, NamedTuple
from envprint.core.versions import numbers
from envprint.knowledge.roles import listed
from envprint.rules.kit.packages import CONDA, DISTRIBUTIONS

_REBUILDERS = frozenset(["conda", "debian", "rpm", "apk", "portage", "pacman"])
"""Installers whose packages are patched and built to fit, whatever their metadata says."""


class Requirement(NamedTuple):
    """Something required, and what is there instead."""

    name: str
    specifier: str
    installed: str | None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Requirement":
        """From a document."""
        return cls(entry.get("name") or "", entry.get("specifier") or "", entry.get("installed"))

    def __str__(self) -> str:
        here = f"{self.installed} is installed" if self.installed else "it is not installed"
        return f"{self.name}{self.specifier}, and {here}"


_LINKED = {"nvidia-cudnn-": "cudnn", "nvidia-cuda-runtime": "runtime", "cuda-toolkit": "runtime"}
"""Beginnings of names of distributions that PyTorch's CUDA builds are linked with."""


def is_linked(now: Fingerprint, package: str, requirement: Requirement) -> bool:
    """Whether the package is linked with what is required and is nowhere: it cannot be imported.

    So it is with PyTorch, on a CPU too. TensorFlow and JAX open these libraries at their first use
    of a GPU. Raises `UnknownValueError`.
    """
    if package != "torch" or requirement.installed is not None:
        return False
    keys = (key for name, key in _LINKED.items() if requirement.name.startswith(name))
    key = next(keys, None)
    places = (f"facts.cuda.{key}.installed", f"facts.cuda.{key}.loaded")
    return key is not None and not any(map(now.value, places))


def stops(now: Fingerprint, package: str, requirement: Requirement) -> bool | None:
    """Whether the package cannot run like this; None if its installer makes up for it."""
    entry = now.get(f"{DISTRIBUTIONS}[{package}]", {})
    installer = (entry.get("installer") or "").lower()
    if requirement.installed is None:
        if installer in _REBUILDERS or now.get(f"{CONDA}[{requirement.name}]"):
            return None
        return _is_imported(requirement.name) or is_linked(now, package, requirement)
    if installer in _REBUILDERS:
        return False
    compiled = any(not tag.endswith("-none-any") for tag in entry.get("tags") or ())
    return _is_out_of_reach(requirement, compiled)


def _is_imported(name: str) -> bool:
    """Whether what takes part would import it: not the libraries of a GPU, nor a tool."""
    role = listed(name)
    helps = {"records", "serves", "tooling"}
    return not (role and ("device" in role or helps.issuperset(role["roles"])))


def _is_out_of_reach(one: Requirement, compiled: bool) -> bool:
    here = numbers(one.installed or "")
    floor, ceiling = _bound(one.specifier, ">="), _bound(one.specifier, "<")
    if one.name == "numpy":
        # What is built for NumPy 1 does not load with NumPy 2; the reverse runs.
        return compiled and ceiling == (2,) and here >= (2,)
    if one.name.startswith("nvidia-"):
        # A later library of the same major release has all that the earlier one had.
        exact = _bound(one.specifier, "==")
        return bool(exact) and (here < exact or here[:1] != exact[:1])
    if compiled and _is_one_release(one.specifier, floor, ceiling):
        return True
    return bool(floor) and floor[0] > 0 and here[:1] < floor[:1]


def _is_one_release(specifier: str, floor: tuple[int, ...], ceiling: tuple[int, ...]) -> bool:
    """Whether it allows one release, or one minor release, alone."""
    if len(_bound(specifier, "==")) >= 2 or len(_bound(specifier, "~=")) >= 3:
        return True
    if not floor or len(ceiling) < 2:
        return False
    return ceiling[0] == floor[0] and ceiling[1] - (*floor, 0)[1] <= 1


def _bound(specifier: str, operator: str) -> tuple[int, ...]:
    found = re.search(rf"(?:^|,)\s*{operator}\s*(\d[\d.]*)", specifier)
    return numbers(found[1].rstrip(".")) if found else ()
