"""Which pairs of installed packages do not run together, by `knowledge/package_conflicts.json`."""

from collections.abc import Container, Iterator, Mapping

from envprint import knowledge
from envprint.core.fingerprint import Fingerprint
from envprint.core.typed import Any, NamedTuple
from envprint.core.versions import meets
from envprint.core.workload import Workload
from envprint.rules.kit.packages import CONDA, DISTRIBUTIONS

UNMET = "facts.packages.unmet"
PYTHON = "facts.python.version"


class Side(NamedTuple):
    """One of two packages: its name, its version and where that is recorded."""

    name: str
    version: str
    path: str

    def __str__(self) -> str:
        return f"{'Python' if self.path == PYTHON else self.name} {self.version}"


class Present(NamedTuple):
    """What a fingerprint has installed."""

    now: Fingerprint
    names: Mapping[str, str]
    """Name of each distribution, and of others that install the same import package, to the one
    that is here."""

    @classmethod
    def of(cls, now: Fingerprint) -> "Present":
        """Raises `UnknownValueError` if the distributions are unknown."""
        installed = now.value(DISTRIBUTIONS) or {}
        if not installed:
            return cls(now, {})  # no table is needed
        names = {name: name for name in installed}
        here = {
            entry["package"]: entry["distribution"]
            for entry in knowledge.entries("package_owners")
            if entry["distribution"] in installed
        }
        for entry in knowledge.entries("package_owners"):
            if entry["package"] in here:
                names.setdefault(entry["distribution"], here[entry["package"]])
        return cls(now, names)

    def side(self, name: str, in_conda: bool = False) -> Side | None:
        """The package; None if it is not here. Raises `UnknownValueError`."""
        if name == "python":
            path = PYTHON
        elif in_conda:
            path = f"{CONDA}[{name}].version"
        elif name in self.names:
            path = f"{DISTRIBUTIONS}[{self.names[name]}].version"
        else:
            return None
        version = self.now.value(path)
        return Side(self.names.get(name, name), version, path) if version else None

    def requires(self, package: str, other: str) -> bool:
        """Whether the package asks for another version of `other` than the one that is here."""
        missing = self.now.get(f"{UNMET}[{package}]", ())
        wanted = {name for name, here in self.names.items() if here == self.names.get(other)}
        return any(one["name"] in wanted for one in missing)


class Pair(NamedTuple):
    """Two packages that are here, and what is known of them together."""

    package: Side
    other: Side
    entry: knowledge.Entry


def candidates(present: Present) -> Iterator[knowledge.Entry]:
    """The entries of which both packages are here, whatever their versions."""
    names = present.names
    conda = present.now.get(CONDA, {})
    if not names and not conda:
        return
    for package in knowledge.names("package_conflicts"):
        if package in names or package in conda:
            yield from _candidates(package, names, conda)


def _candidates(
    package: str, names: Container[str], conda: Container[str]
) -> Iterator[knowledge.Entry]:
    for entry in knowledge.about("package_conflicts", package):
        where = conda if entry.get("in_conda") else names
        if package in where and (entry["other"] in where or entry["other"] == "python"):
            yield entry


def matching(present: Present, entry: knowledge.Entry) -> Pair | None:
    """The pair, if the versions that are here are those of the entry.

    Raises `UnknownValueError` if a version is unknown.
    """
    in_conda = bool(entry.get("in_conda"))
    package = present.side(entry["package"], in_conda)
    other = present.side(entry["other"], in_conda)
    if not package or not other or not meets(package.version, entry["versions"]):
        return None
    if entry.get("unless") in present.names:
        return None
    if entry["with"] == "unmet":
        is_so = present.requires(package.name, other.name)
    else:
        is_so = bool(meets(other.version, entry["with"]))
    return Pair(package, other, entry) if is_so else None


def is_known(present: Present, package: str, other: str) -> bool:
    """Whether the table has an entry about these two in their versions: they fail, or they run."""
    listed = [name for name, here in present.names.items() if here == package]
    for entry in (one for name in listed for one in knowledge.about("package_conflicts", name)):
        if entry["with"] == "absent" and entry["other"] == other:
            return other not in present.names
        if entry["other"] in (other, *knowledge.owners(other)) and matching(present, entry):
            return True
    return False


def reaches(name: str, workload: Workload, entry: Mapping[str, Any] | None = None) -> bool:
    """Whether a job with this workload can import the package."""
    # Imported where a pair is found: most environments have none.
    from envprint.knowledge.roles import can_reach, is_for, listed

    if entry and "frameworks" in entry:
        return is_for(set(entry["frameworks"]), workload)
    role = listed(name)
    return role is None or can_reach(role, name, workload)


def takes_part(now: Fingerprint, name: str, workload: Workload, *, or_may: bool = False) -> bool:
    """Whether the package takes part in the result of the job; with `or_may`, unless it does not.

    For a package that no table lists, its own metadata tells, or leaves it open.
    """
    from envprint.knowledge.roles import can_reach, listed

    role = listed(name)
    if role is None:
        told: bool | None = now.get(f"{DISTRIBUTIONS}[{name}].takes_part")
        return told is True or (or_may and told is None)
    return not knowledge.NO_PART.issuperset(role["roles"]) and can_reach(role, name, workload)
