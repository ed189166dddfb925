"""What of a recorded environment can be installed elsewhere: exact pins, and what has none.

The record is complete, so every distribution is pinned and none is resolved; a real environment
may contradict its own metadata. Only names and versions are taken from a document. A URL, a
directory or a repository of it is used if the user trusts it, and a name that was not installed
from an index is never looked up on one: anybody may have registered it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envprint.core.fingerprint import Fingerprint
from envprint.core.redact import HIDDEN, safe_text
from envprint.core.report import counted
from envprint.core.requirement import pinned
from envprint.core.shell import quoted
from envprint.core.typed import Any, NamedTuple
from envprint.knowledge.indexes import index_of

DISTRIBUTIONS = "facts.packages.distributions"


class Pin(NamedTuple):
    """A distribution to install, in exactly this version."""

    name: str
    version: str
    requirement: str
    """A line for pip and uv, such as `numpy==2.4.6`."""
    build_id: str | None = None
    """What the installed files must have; None if nothing is recorded to compare with."""
    tags: tuple[str, ...] = ()
    """The recorded tags of its wheel; empty if unknown."""
    published_at: str | None = None
    """Where its project publishes such local versions; None for the index in use."""


class Lacking(NamedTuple):
    """A distribution that cannot be had here, and why."""

    name: str
    version: str | None
    reason: str

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"{self.name}{version}: {self.reason}"


class Wanted(NamedTuple):
    """What an environment consists of."""

    python: str
    """Version of its interpreter; empty if the record does not tell."""
    pins: tuple[Pin, ...]
    lacking: tuple[Lacking, ...] = ()
    """What no installer could be given."""
    notes: tuple[str, ...] = ()
    """What to know about some pins."""
    hooks: tuple[str, ...] = ()
    """What ran at the interpreter's start."""


def wanted_of(fingerprint: Fingerprint, *, trust: bool = False) -> Wanted:
    """What the environment of a fingerprint consists of.

    With `trust`, what was installed from a repository or a URL is wanted from there.
    Raises `UnknownValueError` if the distributions are unknown.
    """
    python = fingerprint.get("facts.python.version")
    found = fingerprint.value(DISTRIBUTIONS) or {}
    pins, lacking, local = list[Pin](), list[Lacking](), list[str]()
    for name in sorted(found):
        one = _one(fingerprint, name, found[name], trust=trust)
        if isinstance(one, Lacking):
            lacking.append(one)
        else:
            pins.append(one)
            local += [_where(one)] if one.published_at or "+" in one.version else []
    return Wanted(
        python if isinstance(python, str) else "",
        tuple(pins),
        tuple(lacking),
        (*local, *_notes(found), *_only_there(fingerprint)),
        tuple(fingerprint.get("facts.python.startup_hooks") or ()),
    )


def _one(side: Fingerprint, name: str, entry: Mapping[str, Any], *, trust: bool) -> Pin | Lacking:
    version = entry.get("version")
    if f"{DISTRIBUTIONS}[{name}].version" in side.unknown or not isinstance(version, str):
        return Lacking(name, None, "its version is not recorded")
    requirement = pinned(name, version)
    if requirement is None:
        return Lacking(name, version, "its name or version is not valid")
    origin = entry.get("origin")
    if isinstance(origin, Mapping) and origin.get("kind") != "index":
        given = _direct(name, origin) if trust else None
        if given is None:
            return Lacking(name, version, _elsewhere(origin))
        requirement = given
    tags = entry.get("tags") or ()
    return Pin(
        name, version, requirement, entry.get("build_id"), tuple(tags), index_of(name, version)
    )


def _where(pin: Pin) -> str:
    local = pin.version.partition("+")[2]
    if pin.published_at:
        return (
            f"{pin.name} {pin.version}: the record does not name its index; builds with +{local} "
            f"are at {pin.published_at}"
        )
    return f"{pin.name} {pin.version}: no index is known that has builds with +{local}"


_FROM_URL = re.compile(r"https://[A-Za-z0-9._~:/?%+=&,@-]+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def _direct(name: str, origin: Mapping[str, Any]) -> str | None:
    """A requirement with the recorded address; None if it has none that reaches further."""
    url, vcs, commit = (origin.get(key) for key in ("url", "vcs", "commit"))
    if not isinstance(url, str) or not _FROM_URL.fullmatch(url) or safe_text(url) != url:
        return None
    if origin.get("kind") == "archive":
        return f"{name} @ {url}"
    is_commit = isinstance(commit, str) and _COMMIT.fullmatch(commit)
    return f"{name} @ git+{url}@{commit}" if vcs == "git" and is_commit else None


def _elsewhere(origin: Mapping[str, Any]) -> str:
    """Why it cannot be had from an index, in words."""
    kind, url, commit = (origin.get(key) for key in ("kind", "url", "commit"))
    place = quoted(url) if isinstance(url, str) and HIDDEN not in url else None
    at = f" {place}" if place else ""
    if kind == "vcs":
        revision = quoted(commit) if isinstance(commit, str) else None
        return f"installed from the repository{at}" + (f" at {revision}" if revision else "")
    if kind == "archive":
        return f"installed from the file{at}"
    what = "an editable installation of" if kind == "editable" else "installed from"
    return f"{what} the directory{at}, which only that machine has"


_FOREIGN = ("conda", "debian", "rpm", "apk", "portage", "pacman")


def _notes(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for installer in _FOREIGN:
        names = [name for name in sorted(found) if found[name].get("installer") == installer]
        if names:
            shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            text = (
                f"{len(names)} of the distributions were installed by {installer} ({shown}): an "
                "index has other builds of the same versions"
            )
            yield f"{text}; environment.yml names conda's" if installer == "conda" else text


def _only_there(side: Fingerprint) -> Iterator[str]:
    """What an installation from an index does not have."""
    for name, files in sorted((side.get("facts.packages.edited") or {}).items()):
        yield f"{name}: {counted(files or (), 'file')} edited there, which an index has unedited"
    for name in sorted(side.get("facts.packages.duplicates") or {}):
        yield f"{name}: several copies there; the one that an import finds first is installed"
