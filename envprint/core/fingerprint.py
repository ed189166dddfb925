"""A fingerprint: what collectors found out about one environment."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from envprint.core.errors import UnknownValueError
from envprint.core.paths import STEP

SCHEMA_VERSION = "1.0"


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
_MAX_STEPS = 16
"""No declared place lies deeper; a name in a hostile path may look like any number of steps."""


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
    undeclared: tuple[str, ...] = ()
    """Paths of keys that this version does not declare; kept, never compared."""

    def value(self, path: str) -> Any:
        """The value at `path`; None when it is known to be absent.

        Raises `UnknownValueError` when it is unknown, or lies inside something unknown.
        """
        value: Any = {"facts": self.facts, "live": self.live}
        reached = ""
        for match in re.finditer(STEP, path):
            reached = path[: match.end()]
            key = match[2] or match[1]
            if reached in self.unknown:
                raise UnknownValueError(reached, self.unknown[reached])
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def get(self, path: str, default: Any = None) -> Any:
        """The value at `path`, or `default` when it is unknown or absent.

        For what does not decide a verdict: a rule must not take unknown for absent.
        """
        try:
            value = self.value(path)
        except UnknownValueError:
            return default
        return default if value is None else value


def around(path: str) -> Iterator[str]:
    """`path` and the places that it lies in, as far as they are declared."""
    for match in islice(re.finditer(STEP, path), _MAX_STEPS):
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


FRAMEWORKS = ("jax", "numpy", "scikit-learn", "tensorflow", "torch")
"""The names used in options, policy files, documents and reports; TensorFlow includes Keras."""
