"""A fingerprint: what the collectors found out about one environment.

Also the paths of its values, and its digests.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from envprint.core.errors import UnknownValueError
from envprint.core.hidden import unsealed

STEP = r"\[([^\]]*)\]|([^.\[\]]+)"


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
"""Reasons recorded when a probe was not requested; rules ignore these."""

NOT_RECORDED = "not recorded by envprint"
"""How the reason begins for a field that the document's version of envprint did not record."""

GPU_TIMEOUT_S = 30.0
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
    """`cli` or `python`."""
    envprint_version: str
    digest: str
    """Over all facts but `code` and `probes`: equal for two captures of one environment."""
    section_digests: Mapping[str, str]
    schema_version: str = SCHEMA_VERSION
    label: str | None = None
    note: str | None = None
    tags: Mapping[str, str] = {}
    identity: Mapping[str, str] | None = None
    """User, host name and home directory; only on request."""
    undeclared: tuple[str, ...] = ()
    """Paths of keys that this version does not declare: kept but never compared."""
    reference: str | None = None
    """How the user named it, for reports; not part of the document."""

    def value(self, path: str) -> Any:
        """The value at `path`; None if it is known to be absent.

        Raises `UnknownValueError` if the value, or anything that contains it, is unknown.
        """
        value: Any = {"facts": self.facts, "live": self.live}
        unknown = self.unknown
        for reached, key in _steps(path):
            if reached in unknown:
                raise UnknownValueError(reached, unknown[reached])
            # `dict` first: the check against an abstract class costs several times as much.
            value = value.get(key) if isinstance(value, (dict, Mapping)) else None
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


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[tuple[str, str], ...]:
    """Each step of a path: the path up to it, and its key. Rules look at the same paths often."""
    return tuple((path[: m.end()], m[2] or m[1]) for m in re.finditer(STEP, path))


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


def _canonical_digest(value: Any) -> str:
    import hashlib  # loads OpenSSL; a diff does not need it

    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    text = unsealed(text)  # seals depend on the user, not on the environment
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def digest_facts(facts: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The digest of each section, and of the environment: all sections but `NOT_IN_DIGEST`."""
    sections = {name: _canonical_digest(section) for name, section in facts.items()}
    return sections, _canonical_digest(
        {k: v for k, v in sections.items() if k not in NOT_IN_DIGEST}
    )
