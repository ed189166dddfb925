"""Which packages must be switched together, by what the versions of both sides require.

Only what is incompatible between the two recorded sides counts, in its direction: connected groups
of requirements would put most of an environment into one. Both ends are consistent, so a set that
is closed under these needs never has one side's requirement with the other side's version. Where
an end contradicts itself, as real environments do, only new contradictions count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial

from envprint.collectors._dist_info import distributions
from envprint.collectors._requirements import environment, requirements
from envprint.core.isolation import PACKAGE, PYTHON, Plan
from envprint.core.markers import applies
from envprint.core.typed import NamedTuple
from envprint.core.versions import meets, numbers
from envprint.isolate.commands import clean_variables
from envprint.machine.live import LiveHost

Versions = Mapping[str, str | None]


class Requirement(NamedTuple):
    """What a distribution asks for."""

    name: str
    specifier: str


class End(NamedTuple):
    """What is installed on one side, and what it asks for."""

    versions: Versions
    """Normalised name to version."""
    required: Mapping[str, tuple[Requirement, ...]]

    def accepts(self, requirement: Requirement, other: End) -> bool:
        """Whether what `other` has installed is what is asked for here, or may be."""
        version = other.versions.get(requirement.name)
        if version is None:
            return False
        return not requirement.specifier or meets(version, requirement.specifier) is not False


def read_end(python: str) -> End:
    """The end that an interpreter belongs to. Raises `OSError` and `EnvprintError`."""
    host = LiveHost(python, variables=clean_variables())
    here = environment(host)
    versions: dict[str, str | None] = {}
    required = {}
    for one in distributions(host):
        if one.name not in versions:
            versions[one.name] = one.version if isinstance(one.version, str) else ""
            required[one.name] = tuple(_required(host, f"{one.directory}/{one.entry}", here))
    return End(versions, required)


def _required(host: LiveHost, path: str, here: Mapping[str, str]) -> Iterator[Requirement]:
    file = os.path.join(path, "METADATA")
    if host.file_type(file) != "file":
        return
    for name, specifier, marker in requirements(host.read(file)):
        if not marker or applies(marker, here) is not False:
            yield Requirement(name, specifier)


def needs_of(plan: Plan, before: End, after: End) -> dict[str, frozenset[str]]:
    """What must be as in CURRENT together with each switch, directly."""
    packages = {one.what: one.name for one in plan.switches if one.kind == PACKAGE}
    needs: dict[str, set[str]] = {one.name: set() for one in plan.switches}
    for name, switch in packages.items():
        for other in _excluded(name, after, before):
            needs[switch].update(filter(None, [packages.get(other)]))
        for other in _excluded(name, before, after):
            if other in packages:
                needs[packages[other]].add(switch)
    python = next((one for one in plan.switches if one.kind == PYTHON), None)
    if python and numbers(python.before)[:2] != numbers(python.after)[:2]:
        # Another minor version takes other wheels of everything that is compiled.
        for switch in packages.values():
            needs[PYTHON].add(switch)
            needs[switch].add(PYTHON)
    return {name: frozenset(found) for name, found in needs.items()}


def _excluded(name: str, own: End, other: End) -> Iterator[str]:
    """What the version of `name` on its `own` side requires and the `other` side lacks."""
    for requirement in own.required.get(name, ()):
        accepts = partial(own.accepts, requirement)
        if accepts(own) and not accepts(other):
            yield requirement.name
