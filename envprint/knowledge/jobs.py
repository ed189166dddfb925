"""What a job may be named after, and what a library computes with, by the table `roles.json`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from envprint import knowledge
from envprint.core.fingerprint import FRAMEWORKS
from envprint.core.workload import ALIASES, Workload
from envprint.knowledge import roles


def job_named(name: str) -> str:
    """The framework or library that a user names, by its own name, an alias or a module's name.

    A library counts if it takes part in a result. Raises `ValueError`.
    """
    if name in FRAMEWORKS or name in ALIASES:
        return ALIASES.get(name, name)
    known = {entry["distribution"]: entry for entry in knowledge.entries("roles")}
    modules = {entry["import_as"]: entry for entry in known.values() if "import_as" in entry}
    entry = known.get(name.lower().replace("_", "-")) or modules.get(name)
    if entry is None or "*" in name:
        from envprint.core.suggest import did_you_mean

        takers = (one for one in known if roles.takes_part(known[one]) and "*" not in one)
        near = did_you_mean(name.lower(), (*FRAMEWORKS, *ALIASES, *takers), _OTHERWISE)
        raise ValueError(f"no framework or library {name[:60]!r}; {near}")
    library: str = entry["distribution"]
    if not roles.takes_part(entry):
        raise ValueError(f"{library} takes no part in a training result; {_OTHERWISE}")
    return library


_OTHERWISE = f"name what trains: {', '.join(FRAMEWORKS)}, or a library such as transformers"


def workload_of(names: Iterable[str], device: str) -> Workload:
    """The workload of these frameworks and libraries, whatever is installed."""
    everything = set(with_all(names))
    return Workload(
        frameworks=tuple(sorted(everything.intersection(FRAMEWORKS))),
        libraries=tuple(sorted(everything.difference(FRAMEWORKS))),
        device=device,
    )


def imported_as(modules: Collection[str]) -> tuple[str, ...]:
    """The libraries that take part and of which a process has imported the module; sorted."""
    return tuple(
        sorted(
            entry["distribution"]
            for entry in knowledge.entries("roles")
            if roles.takes_part(entry)
            and entry["distribution"] not in FRAMEWORKS
            and entry.get("import_as", entry["distribution"].replace("-", "_")) in modules
        )
    )


def with_all(libraries: Iterable[str]) -> tuple[str, ...]:
    """The libraries and all that they compute with, themselves and by what they use; sorted."""
    found, left = set[str](), list(libraries)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _computes_with(name)
    return tuple(sorted(found))


def _computes_with(library: str) -> Iterable[str]:
    own = knowledge.find("computing_distributions", distribution=library)
    if own:
        return [own["framework"]]
    entry = roles.listed(library) or {}
    listed: list[str] = entry.get("computes_with", entry.get("frameworks", []))
    return listed
