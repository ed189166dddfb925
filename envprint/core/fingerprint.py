"""A fingerprint: what the collectors found out about one environment.

Also the paths of its values, the marks of hidden words in them, and its digests.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from envprint.core.errors import UnknownValueError

# A mark stands for a hidden word. If the word has the form of a random token, a seal follows: the
# id of one user's key and an HMAC of the word. Two marks without a seal, or with seals of two keys,
# cannot be compared: the words may be equal or not.
MARK = "<hidden>"
REASON = "hidden on both sides, as it looks like a secret; whether it is the same cannot be told"
"""Why a value hidden on both sides is undecided."""

# <hidden>#1f9c2ab0-6ff086661856fa7ac132ce1a1f9c2ab0
_SEALED = r"<hidden>(?:#([0-9a-f]{8})-([0-9a-f]{32}))?"


def sealed(key_id: str, code: str) -> str:
    """A mark with its seal: a key id of 8 and a code of 32 hexadecimal digits."""
    return f"{MARK}#{key_id}-{code}"


def unsealed(text: str) -> str:
    """`text` without seals: equal in two users' documents of the same environment."""
    return re.sub(_SEALED, MARK, text) if MARK in text else text


def is_inside_of(value: Any) -> bool:
    """Whether any text in `value` (JSON types) contains a mark."""
    if type(value) is str:
        return MARK in value
    if type(value) is dict:
        value = value.values()
    elif type(value) is not list:
        return False
    for item in value:
        kind = type(item)
        # Most items are strings; a call for each would double the cost.
        if (MARK in item) if kind is str else (kind in (dict, list) and is_inside_of(item)):
            return True
    return False


def differ(before: Any, after: Any) -> bool | None:
    """Whether two values differ; None if that depends on hidden words that cannot be compared."""
    answers: Iterator[bool | None]
    if isinstance(before, str) and isinstance(after, str):
        if MARK not in before or MARK not in after:
            return before != after
        if unsealed(before) != unsealed(after):
            return True
        marks = re.findall(_SEALED, before), re.findall(_SEALED, after)
        answers = (_seals_differ(*pair) for pair in zip(*marks, strict=True))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        if before.keys() != after.keys():
            return True
        answers = (differ(value, after[key]) for key, value in before.items())
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        answers = (differ(*pair) for pair in zip(before, after, strict=True))
    else:
        return bool(before != after)
    found = set(answers)
    return True if True in found else None if None in found else False


def _seals_differ(before: tuple[str, str], after: tuple[str, str]) -> bool | None:
    """Whether the words differ; None unless both have a seal of the same key."""
    (key_id, code), (other_id, other_code) = before, after
    return code != other_code if key_id and key_id == other_id else None


STEP = r"\[([^\]]*)\]|([^.\[\]]+)"


def split_path(path: str) -> list[str]:
    """The keys of a path: `facts.environ.variables[TF_X]` has four."""
    return [name or key for key, name in re.findall(STEP, path)]


def is_inside(path: str, prefix: str) -> bool:
    """Whether `path` equals `prefix` or lies inside it."""
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", ".", "[")


SCHEMA_VERSION = "1.0"


class Unknown(NamedTuple):
    """A collector's result for a value that could not be determined."""

    reason: str


NOT_MEASURED = "not measured; `envprint probe` and `envprint capture --probe` do"
NOT_TRAINED = "not measured; `envprint probe training` does"
"""Reasons recorded when a probe was not requested; rules ignore these."""

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
