"""What a job may be named after, and what a library computes with, by the table `roles.json`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from envprint import knowledge
from envprint.core.fingerprint import FRAMEWORKS
from envprint.core.typed import Any
from envprint.core.workload import ALIASES, Workload
from envprint.knowledge import roles


def job_named(name: str) -> str:
    """The framework or library that a user names, by its own name, an alias or a module's name.

    A library counts if it takes part in a result. Raises `ValueError`.
    """
    if name in FRAMEWORKS:
        return name
    known = names()
    if name in known:
        return known[name]
    if "*" not in name and (entry := roles.listed(name)) and not roles.takes_part(entry):
        raise ValueError(f"{name} takes no part in a training result; {_OTHERWISE}")
    from envprint.core.suggest import did_you_mean

    # A module's name is suggested only where it is another word than the distribution's.
    spelt = [one for one in known if "_" not in one or one.replace("_", "-") not in known]
    near = did_you_mean(name.lower(), spelt, _OTHERWISE)
    raise ValueError(f"no framework or library {name[:60]!r}; {near}")


def names() -> Mapping[str, str]:
    """Every name of a job to the framework or library that it means."""
    found = dict.fromkeys(FRAMEWORKS) | ALIASES
    for entry in knowledge.entries("roles"):
        name: str = entry["distribution"]
        if "*" not in name and roles.takes_part(entry):
            for one in (name, _module(entry)):
                found.setdefault(one, name)
    return {name: meant or name for name, meant in found.items()}


def _module(entry: knowledge.Entry) -> str:
    name: str = entry["distribution"]
    module: str = entry.get("import_as", name.replace("-", "_"))
    return module


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
            and _module(entry) in modules
        )
    )


def frameworks_of(modules: Collection[str]) -> tuple[str, ...]:
    """The frameworks of which a process has loaded one of these modules; sorted."""
    named = {ALIASES.get(module, module) for module in modules}
    named |= {"jax"} if "jaxlib" in named else set()  # jax itself is Python alone
    return tuple(sorted(named.intersection(FRAMEWORKS)))


def may_have_used(modules: Collection[str], installed: Mapping[str, Any]) -> tuple[str, ...]:
    """The installed libraries that take part, unless they hold compiled code that a process with
    these modules has not loaded; sorted. Of one that is Python alone no file shows.
    """
    return tuple(
        name
        for name in sorted(set(installed).difference(FRAMEWORKS))
        if (entry := roles.listed(name)) and roles.takes_part(entry)
        if _module({**entry, "distribution": name}) in modules or not _is_compiled(installed[name])
    )


def _is_compiled(distribution: Mapping[str, Any]) -> bool:
    """Whether it was built for one platform; false if that is unknown."""
    tags: Collection[str] = distribution.get("tags") or ()
    return bool(tags) and not any(tag.endswith("-any") for tag in tags)


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
