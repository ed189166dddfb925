"""A fingerprint: what the collectors found out about one environment.

Also the paths of its values, and its digests.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, pairwise

from envprint.core.errors import UnknownValueError
from envprint.core.hidden import unsealed
from envprint.core.json_text import compact, quoted
from envprint.core.typed import Any, NamedTuple

# A bracket that is not closed takes the rest: else each of many would be looked for to the end.
STEP = r"\[([^\]]*)(?:\]|\Z)|([^.\[\]]+)"


def split_path(path: str) -> list[str]:
    """The keys of a path: `facts.environ.variables[TF_X]` has four."""
    return [name or key for key, name in re.findall(STEP, path)]


def is_inside(path: str, prefix: str) -> bool:
    """Whether `path` equals `prefix` or lies inside it."""
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", ".", "[")


SCHEMA_VERSION = "1.1"


class Unknown(NamedTuple):
    """A collector's result for a value that could not be determined."""

    reason: str


NOT_MEASURED = "not measured; `envprint probe` and `envprint capture --probe` do"
NOT_TRAINED = "not measured; `envprint probe training` does"
NOT_IMPORTED = "not measured; `envprint probe imports` and `envprint check --imports` do"
NOT_REQUESTED = frozenset([NOT_MEASURED, NOT_TRAINED, NOT_IMPORTED])
"""Reasons for which no rule calls a value unknown."""
"""Reasons recorded when a probe was not requested; rules ignore these."""

OTHERS = "[*]"
"""After the path of a map, in `unknown`: whatever the map does not list is unknown, not absent."""

IMPORTED = "import:"
"""How `captured_via` begins for somebody else's record, before the name of its form."""
DECLARED = " (declared)"
"""How it ends for a record of what is to be installed, which need not be what is."""

OWN = ("cli", "python")
"""How `captured_via` begins for a capture of envprint's own. After a colon stands the engine in
which the process ran, if it was one: `python:Dask`, `cli:srun`."""

NOT_RECORDED = "not recorded by envprint"
"""How the reason begins for a field that the document's version of envprint did not record."""

CAPTURE_TIMEOUT_S = 30.0
"""How long a capture may take as a whole, unless the user says otherwise."""
DEEP_TIMEOUT_S = 1800.0
"""The same for `--deep`, which reads every installed file: gigabytes, perhaps over a network."""
GPU_TIMEOUT_S = CAPTURE_TIMEOUT_S
"""How long the GPUs' driver is waited for, unless the user says otherwise; silence for this long is
a finding. Without persistence mode a driver takes up to three seconds for each GPU to start:
https://docs.nvidia.com/deploy/driver-persistence/overview.html"""

NO_THREADPOOLCTL = "threadpoolctl is not installed here; it tells kernels and thread counts"
"""Reason why thread pools are unknown; rules judge the settings that determine them instead."""

COARSE = " coarse"
"""Suffix of the name under which a probe reports the first digits of its random draws."""
_MAX_STEPS = 16
"""No declared path is deeper; a name in a hostile path may look like any number of steps."""


class Fingerprint(NamedTuple):
    """Everything found out about one environment at one moment."""

    facts: Mapping[str, Any]
    """Section to fields: what is stable between two captures of an unchanged machine."""
    live: Mapping[str, Any]
    """Section to fields: the state at the moment of the capture."""
    unknown: Mapping[str, str]
    """Path to the reason why its value could not be determined."""
    captured_at: str
    """UTC, ISO 8601, to the second."""
    captured_via: str
    """`cli` or `python`, and the engine that it ran in, such as `python:Dask`; of somebody else's
    record, `import:` and its form."""
    envprint_version: str
    digest: str
    """Over all facts but `code` and `probes`: equal for two captures of one environment."""
    section_digests: Mapping[str, str]
    schema_version: str = SCHEMA_VERSION
    digest_form: int = 2
    """How the digests are made (`DIGEST_FORM`)."""
    label: str | None = None
    note: str | None = None
    tags: Mapping[str, str] = {}
    identity: Mapping[str, str] | None = None
    """User, host name and home directory; only on request."""
    machine_id: str | None = None
    """A random id of the machine; None if it has none. In no digest, and never compared."""
    undeclared: tuple[str, ...] = ()
    """Paths of keys that this version does not declare: kept but never compared."""
    reference: str | None = None
    """How the user named it, for reports; not part of the document."""
    program: str | None = None
    """Name of the program whose run saved it, for reports; not part of the document."""
    chosen: str | None = None
    """Why this environment was captured, in words; not part of the document."""
    hint: str | None = None
    """Another environment that may be meant, and the command that looks at it; not part either."""
    is_here: bool = False
    """Whether its prefix has an interpreter on this machine; not part either."""

    def __repr__(self) -> str:
        """Short: the facts fill pages."""
        label = "" if self.label is None else f"{self.label!r}, "
        return f"<{type(self).__name__} {label}{self.captured_at}, {self.digest[:19]}>"

    @property
    def engine(self) -> str | None:
        """The engine in which the capture was made; None if it was none, or nobody knows."""
        way, _, engine = self.captured_via.partition(":")
        return engine or None if way in OWN else None

    def value(self, path: str) -> Any:
        """The value at `path`; None if it is known to be absent.

        Raises `UnknownValueError` if the value, or anything that contains it, is unknown.
        """
        value: Any = {"facts": self.facts, "live": self.live}
        unknown = self.unknown
        for reached, key, others in _steps(path):
            if reached in unknown:
                raise UnknownValueError(reached, unknown[reached])
            # `dict` first: the check against an abstract class costs several times as much.
            value = value.get(key) if isinstance(value, (dict, Mapping)) else None
            if value is None and others in unknown:
                raise UnknownValueError(reached, unknown[others])
        return value

    def get(self, path: str, default: Any = None) -> Any:
        """The value at `path`, or `default` if it is unknown or absent.

        For values that do not decide a verdict: a rule must not mistake unknown for absent.
        """
        try:
            value = self.value(path)
        except UnknownValueError:
            return default
        return default if value is None else value


NOT_OF_THE_DOCUMENT = ("undeclared", "reference", "program", "chosen", "hint", "is_here")
"""What belongs to one use of a fingerprint, and may not come from a document."""


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[tuple[str, str, str], ...]:
    """Each step of a path: the path up to it, its key, and where the others of its map are said to
    be unknown. Rules look at the same paths often.
    """
    # Most are an entry of a map, or a field of one, and the path up to it was looked at before.
    before, bracket, key = path.partition("[")
    if key[-1:] == "]" and "[" not in key and key.find("]") == len(key) - 1:
        return (*_steps(before), (path, key[:-1], before + OTHERS))
    entry, _, field = path.rpartition("].")
    if bracket and field.isidentifier() and "[" not in entry[len(before) + 1 :]:
        return (*_steps(entry + "]"), (path, field, f"{entry}].{OTHERS}"))
    steps = islice(re.finditer(STEP, path), _MAX_STEPS)
    return tuple((path[: m.end()], m[2] or m[1], path[: m.start()] + OTHERS) for m in steps)


def around(path: str) -> Iterator[str]:
    """`path` and the paths that contain it, outermost first, down to the deepest declared one."""
    for match in islice(re.finditer(STEP, path), _MAX_STEPS):
        yield path[: match.end()]
    yield path


class Places:
    """A set of paths, to test whether another path equals, contains or lies inside one of them."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._around = {place for path in self._paths for place in around(path)}

    def touch(self, path: str) -> bool:
        """Whether `path` equals, contains or lies inside one of them."""
        return path in self._around or any(place in self._paths for place in around(path))


FRAMEWORKS = ("jax", "numpy", "scikit-learn", "tensorflow", "torch")
"""The names used in options, policy files, documents and reports; TensorFlow includes Keras."""


NOT_IN_DIGEST = ("code", "probes")
"""Sections left out of the environment's digest: `code` depends on the working directory, `probes`
exists only on request."""


VARIABLES = "facts.environ.variables"
REQUESTED = "facts.packages.requested"
"""How the packages came, which changes when an equal environment is installed from a list: in no
digest and no comparison."""


DIGEST_FORM = 2
"""How digests are made: in form 1, which earlier versions wrote, they depended on where an
environment lies."""

_PREFIX, _SCRATCH = "\\u0000prefix", "\\u0000scratch"
"""Marks inside JSON text. An escaped NUL is in no path, so no value looks like one."""

_OF_NAMES, _AFTER_NAMES = frozenset("_.~/-"), frozenset('/":;, \\')
"""Around a path in JSON text: what it would be a part of, and what may follow it."""

# Engines give each worker a directory of its own and put it on the search path.
# Dask:  /tmp/dask-scratch-space-1000/worker-k3l2x0a1
# Ray:   /tmp/ray/session_2026-11-20_09-12-44_123456_789/runtime_resources/…
# Spark: /tmp/spark-1c5f…/userFiles-7a2d…
_SCRATCH_DIRECTORY = (
    r'(?<=[":])[^":\\]*/'
    r"(?:dask-(?:scratch|worker)-space(?:-\d+)?/worker-[\w-]+"
    r"|session_\d{4}-\d\d-\d\d_[\d_-]+"
    r"|spark-[0-9a-f-]{36}/userFiles-[0-9a-f-]{36})"
)
_SCRATCH_WORDS = ("-space", "session_", "userFiles-")


class Location(NamedTuple):
    """Where an environment lies; without it, texts of two places can be compared."""

    prefix: str
    """Inside JSON text; empty if it is unknown."""

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Location":
        """The location of the environment that `facts` describe."""
        prefix = (facts.get("python") or {}).get("prefix")
        # Everything lies below the root directory, whatever the environment.
        known = isinstance(prefix, str) and prefix.strip("/")
        return cls(quoted(str(prefix))[1:-1] if known else "")

    def removed(self, text: str) -> str:
        """JSON text with marks instead of the prefix and of engines' scratch directories."""
        if self.prefix and self.prefix in text:
            text = _PREFIX.join(self._around_prefix(text))
        if any(word in text for word in _SCRATCH_WORDS):
            text = re.sub(_SCRATCH_DIRECTORY, lambda _: _SCRATCH, text)
        return text

    def _around_prefix(self, text: str) -> Iterator[str]:
        """What lies between the places where the prefix is a path, or the beginning of one.

        A regular expression that looks at what stands before takes ten times as long.
        """
        prefix, pieces = self.prefix, text.split(self.prefix)
        gathered, previous = pieces[0], ""
        for before, after in pairwise(pieces):
            previous = before[-1:] or previous
            is_inside = previous.isalnum() or previous in _OF_NAMES
            if is_inside or (after or prefix)[0] not in _AFTER_NAMES:
                gathered += prefix + after
            else:
                yield gathered
                gathered = after
            previous = prefix[-1]  # an empty piece has the prefix itself on both sides
        yield gathered


def alike(before: Any, after: Any, places: tuple[Location, Location]) -> bool:
    """Whether two JSON values are equal, wherever the two environments lie."""
    return places[0].removed(_canonical(before)) == places[1].removed(_canonical(after))


def _digest(text: str) -> str:
    from envprint.core.sha256 import sha256  # a diff does not need it

    # Seals depend on the user, not on the environment.
    return "sha256:" + str(sha256(unsealed(text).encode("ascii")).hexdigest())


def _canonical(value: Any) -> str:
    return quoted(value) if type(value) is str else compact(value)


def _covered(name: str, section: Any) -> Any:
    """The part of a section that a digest covers."""
    *_, outer, left_out = REQUESTED.split(".")
    if name != outer or not isinstance(section, Mapping) or left_out not in section:
        return section
    return {key: value for key, value in section.items() if key != left_out}


def digest_facts(facts: Mapping[str, Any], form: int = DIGEST_FORM) -> tuple[dict[str, str], str]:
    """The digest of each section, and of the environment: all sections but `NOT_IN_DIGEST`.

    In form 2 they do not depend on where the environment lies.
    """
    location = Location.of(facts) if form >= 2 else None
    sections = {name: section_digest(name, section, location) for name, section in facts.items()}
    covered = {name: digest for name, digest in sections.items() if name not in NOT_IN_DIGEST}
    return sections, _digest(_canonical(covered))


def section_digest(name: str, section: Any, location: Location | None) -> str:
    """The digest of a section, of an environment at `location`; without one, that of form 1."""
    text = _canonical(_covered(name, section))
    return _digest(text if location is None else location.removed(text))
