"""The values that travel through envprint: frozen, typed, free of I/O.

A `Fingerprint` is what collectors found; a `Comparison` is two of them with their `Change`s. What
is asked of those is in `envprint.rule`, what comes of it in `envprint.report`. The words are those
of docs/glossary.md.
"""

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import Any, NamedTuple

from envprint.errors import Undetermined
from envprint.hidden import REASON, differ

SCHEMA_VERSION = "1.0"


class Impact(enum.IntEnum):
    """What a difference does to a training result, from nothing to "does not run"."""

    NONE = 0
    PERF = 1
    NUMERIC = 2
    DIVERGES = 3
    BREAKS = 4

    @property
    def word(self) -> str:
        """The name used in documents, options and policy files."""
        return self.name.lower()


IMPACT_WORDS = tuple(impact.word for impact in Impact)


class Confidence(enum.Enum):
    """How well an impact is known."""

    DOCUMENTED = "documented"
    MEASURED = "measured"
    INFERRED = "inferred"


class Unknown(NamedTuple):
    """Stands in a collector's answer for a value that could not be determined."""

    reason: str


NOT_MEASURED = "not measured; `envprint probe` and `envprint capture --probe` do"
NOT_TRAINED = "not measured; `envprint probe training` does"
"""The reasons of a probe's results that nobody has asked for: no doubt, and nothing to report."""

NO_THREADPOOLCTL = "threadpoolctl is not installed here; it tells kernels and thread counts"
"""The reason of thread pools that nobody could ask: rules judge what sets them anyway."""

COARSE = " coarse"
"""The end of the name under which a probe tells the first digits of its random draws."""

_STEP = r"\[([^\]]*)\]|([^.\[\]]+)"
_MOST_STEPS = 16
"""No declared place lies deeper; a name in a hostile path may look like any number of steps."""


def split_path(path: str) -> list[str]:
    """The keys of a path: `facts.environ.variables[TF_X]` has four."""
    return [name or key for key, name in re.findall(_STEP, path)]


class Fingerprint(NamedTuple):
    """All that was found out about one environment at one moment."""

    facts: Mapping[str, Any]
    """Section to fields: what stays between two captures of an unchanged machine."""
    live: Mapping[str, Any]
    """Section to fields: what belongs to the moment."""
    unknown: Mapping[str, str]
    """Path to the reason why the value there could not be determined."""
    captured_at: str
    """UTC, ISO 8601, to the second."""
    captured_via: str
    """`cli` or `python`."""
    envprint_version: str
    digest: str
    """Of all facts but `code` and `probes`: equal for two captures of an unchanged environment."""
    section_digests: Mapping[str, str]
    schema_version: str = SCHEMA_VERSION
    label: str | None = None
    note: str | None = None
    tags: Mapping[str, str] = {}
    identity: Mapping[str, str] | None = None
    """User, host name and home directory, only when asked for."""
    foreign: tuple[str, ...] = ()
    """Paths of keys that this version does not declare; kept, never compared."""

    def value(self, path: str) -> Any:
        """The value at `path`; None when it is known to be absent.

        Raises `Undetermined` when it is unknown, or lies inside something unknown.
        """
        value: Any = {"facts": self.facts, "live": self.live}
        reached = ""
        for match in re.finditer(_STEP, path):
            reached = path[: match.end()]
            key = match[2] or match[1]
            if reached in self.unknown:
                raise Undetermined(reached, self.unknown[reached])
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def get(self, path: str, default: Any = None) -> Any:
        """The value at `path`, or `default` when it is unknown or absent.

        For what does not decide a verdict: a rule must not take unknown for absent.
        """
        try:
            value = self.value(path)
        except Undetermined:
            return default
        return default if value is None else value


class Change(NamedTuple):
    """Two known values disagree at one path; `kind` is added, removed or changed."""

    path: str
    kind: str
    before: Any
    after: Any

    @classmethod
    def between(cls, path: str, before: Any, after: Any) -> "Change":
        """The change at `path` from one value to another; None stands for absent."""
        kind = "added" if before is None else "removed" if after is None else "changed"
        return cls(path, kind, before, after)


class Comparison(NamedTuple):
    """Two fingerprints and where they differ. What is unknown on a side is never compared."""

    before: Fingerprint
    after: Fingerprint
    changes: tuple[Change, ...]
    """In order of path."""
    hidden: tuple[str, ...] = ()
    """Paths where only words that are hidden on both sides could tell a difference."""

    def change(self, path: str) -> Change | None:
        """What changed at `path`, or None; raises `Undetermined` when a side is unknown there, or
        both are hidden.

        Looks at the values, so that a map entry which appears or goes is seen through its fields.
        """
        before, after = self.before.value(path), self.after.value(path)
        is_other = differ(before, after)
        if is_other is None:
            raise Undetermined(path, REASON)
        return Change.between(path, before, after) if is_other else None

    def under(self, *prefixes: str) -> tuple[str, ...]:
        """The paths of all changes at, inside or around any of `prefixes`, in order.

        A map that is null on one side has changed as a whole, and so has each entry in it.
        """
        found: set[str] = set()
        for prefix in prefixes:
            found.update(c.path for c in self._from(prefix) if is_inside(c.path, prefix))
            wholes = ((place, next(self._from(place), None)) for place in around(prefix))
            found.update(place for place, change in wholes if change and change.path == place)
        return tuple(sorted(found))

    def _from(self, prefix: str) -> Iterator[Change]:
        """The changes whose paths begin with `prefix`; quick, as rules ask for each entry."""
        if not self.changes:
            return iter(())
        from bisect import bisect_left  # a diff without changes does without it

        start = bisect_left(self.changes, prefix, key=lambda change: change.path)
        following = (self.changes[number] for number in range(start, len(self.changes)))
        return takewhile(lambda change: change.path.startswith(prefix), following)


def is_inside(path: str, prefix: str) -> bool:
    """Whether `path` is `prefix` or a place inside it."""
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", ".", "[")


def around(path: str) -> Iterator[str]:
    """`path` and the places that it lies in, as far as they are declared."""
    for match in islice(re.finditer(_STEP, path), _MOST_STEPS):
        yield path[: match.end()]
    yield path


class Places:
    """Paths, to be asked whether another one is, lies in or lies around any of them."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._around = {place for path in self._paths for place in around(path)}

    def touch(self, path: str) -> bool:
        """Whether `path` is one of them, inside one or around one."""
        return path in self._around or any(place in self._paths for place in around(path))


class Requirements(NamedTuple):
    """The state that a team's policy asks of every machine."""

    min_free_gpu_bytes: int | None = None
    """Of each visible GPU."""
    gpus: int | None = None
    """How many must be visible."""
    variables: Mapping[str, str] = {}
    switches: tuple[str, ...] = ()
    """Names of `facts.determinism.switches` that must be on."""
    packages: Mapping[str, str] = {}
    """Name to version specifier, or `*` for any version."""


FRAMEWORKS = ("jax", "numpy", "scikit-learn", "tensorflow", "torch")
"""The names used in options, policy files, documents and reports; TensorFlow includes Keras."""


class Workload(NamedTuple):
    """The job a difference is judged for."""

    frameworks: tuple[str, ...] = ()
    """Sorted names, of `FRAMEWORKS`."""
    device: str = "cpu"
    """`cpu` or `gpu`."""
    machine: str = ""
    """Architecture as the kernel names it, such as x86_64; empty when unknown."""
    min_free_gpu_bytes: int | None = None
    batch_size: int | None = None
    replicas: int | None = None
    required: Requirements = Requirements()
