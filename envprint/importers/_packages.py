"""Lists of packages as the sections `packages` and `frameworks` of a fingerprint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from envprint import knowledge
from envprint.collectors._dist_info import normalised
from envprint.core.fingerprint import OTHERS
from envprint.core.redact import safe_text
from envprint.core.typed import Any, NamedTuple
from envprint.importers._found import Found

DISTRIBUTIONS = "facts.packages.distributions"
CONDA = "facts.packages.conda"
# https://packaging.python.org/en/latest/specifications/name-normalization/#name-format
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
# https://packaging.python.org/en/latest/specifications/version-specifiers/#version-scheme
VERSION = r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,98}"
MAX_PACKAGES = 10_000
"""Ten times those of a large environment."""
LOCAL_PATH = "a path of that machine, which is not taken over"
SEVERAL = "several versions are listed"

# numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl   numpy-1.26.4.tar.gz
# https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
_WHEEL = re.compile(rf"({NAME})-({VERSION}?)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl")
_SDIST = re.compile(rf"({NAME})-(\d[A-Za-z0-9.!+_]*)\.(?:tar\.gz|zip)")
_VCS = re.compile(r"(git|hg|svn|bzr)\+(.*)", re.DOTALL)


class Package(NamedTuple):
    """One line of a list."""

    name: str
    version: str | None = None
    """None if the list does not say."""
    origin: Mapping[str, Any] | None = None
    """None if the list does not say."""
    installer: str | None = None


def package(
    name: str,
    version: str | None = None,
    origin: Mapping[str, Any] | None = None,
    installer: str | None = None,
) -> Package | None:
    """A package by its normalised name; None if it is no name that a package can have."""
    if not re.fullmatch(NAME, name):
        return None
    known = version if version and re.fullmatch(VERSION, version) else None
    return Package(normalised(name), known, origin, installer)


def packages(listed: Iterable[Package], *, gap: str | None = None) -> Found:
    """What a list of distributions says; `gap` is why it may leave others out, None if it does not.

    The versions of frameworks stand in their own section too, as a capture has them. Raises
    `ValueError` for too many.
    """
    entries: dict[str, dict[str, Any]] = {}
    unknown: dict[str, str] = {}
    for count, one in enumerate(listed):
        require_count(count)
        place = f"{DISTRIBUTIONS}[{one.name}]"
        if one.name in entries:
            _again(entries[one.name], one, place, unknown)
        else:
            entries[one.name] = _entry(one, place, unknown)
    if gap:
        unknown[DISTRIBUTIONS + OTHERS] = gap
    frameworks = _frameworks(entries, is_whole=gap is None)
    return Found({"packages": {"distributions": entries}, "frameworks": frameworks}, {}, unknown)


def require_count(count: int) -> None:
    """Raise `ValueError` for more packages than any environment has."""
    if count >= MAX_PACKAGES:
        raise ValueError(f"more than {MAX_PACKAGES:,} packages")


def _entry(one: Package, place: str, unknown: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if one.version is not None:
        entry["version"] = one.version
    if one.installer is not None:
        entry["installer"] = one.installer
    if one.origin is not None:
        entry["origin"] = dict(one.origin)
        if "url" not in one.origin:
            unknown[f"{place}.origin.url"] = LOCAL_PATH
    return entry


def _again(entry: dict[str, Any], one: Package, place: str, unknown: dict[str, str]) -> None:
    """A name that is listed twice: what the two lines do not agree on is unknown."""
    if entry.get("version") != one.version:
        entry.pop("version", None)
        unknown[f"{place}.version"] = SEVERAL
    if entry.get("origin") != one.origin:
        entry.pop("origin", None)


_FIELDS = {"numpy": "numpy", "scipy": "scipy", "scikit-learn": "scikit_learn"}
_FIELDS |= {"keras": "keras", "torch": "torch", "jax": "jax"}
"""Distributions that are a framework, and the field of the section."""


def _frameworks(entries: Mapping[str, Mapping[str, Any]], *, is_whole: bool) -> dict[str, Any]:
    """A framework that a whole list lacks is absent."""
    fields = {**_FIELDS, **dict.fromkeys(knowledge.owners("tensorflow"), "tensorflow")}
    found: dict[str, Any] = dict.fromkeys(fields.values()) if is_whole else {}
    for name in sorted(fields.keys() & entries.keys()):
        field = fields[name]
        found[field] = {**(found.get(field) or {}), **_version(entries[name])}
        if field == "tensorflow":
            found[field]["distribution"] = name
    for framework, name, field in _WITHIN:
        if found.get(framework) and name in entries and "version" in entries[name]:
            found[framework][field] = entries[name]["version"]
    return found


_WITHIN = (("jax", "jaxlib", "jaxlib_version"), ("keras", "tf-keras", "legacy_version"))
"""Framework, distribution, and the field for the version of that."""


def _version(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": entry["version"]} if "version" in entry else {}


def named_by_file(url: str) -> tuple[str, str] | None:
    """Name and version in the file name of a wheel or a source archive."""
    file = re.split(r"[/\\]", re.split(r"[?#]", url)[0])[-1].replace("%2B", "+").replace("%2b", "+")
    found = _WHEEL.fullmatch(file) or _SDIST.fullmatch(file)
    return (found[1], found[2]) if found else None


def origin_of(url: str, *, is_editable: bool = False) -> dict[str, Any]:
    """The origin that a URL or a path tells, without users, hosts' directories and credentials.

    `url` is left out where it is a path of that machine.
    """
    vcs = _VCS.fullmatch(url)
    place = (vcs[2] if vcs else url).partition("#")[0]
    commit = None
    if vcs:
        place, _, commit = _apart(place)
    scheme, colon, rest = place.partition("://")
    is_remote = bool(colon) and scheme not in ("file", "")
    kind = "vcs" if vcs else "local"
    if is_editable:
        kind = "editable"
    elif not vcs and (is_remote or named_by_file(place)):
        kind = "archive"
    found = {"kind": kind, "vcs": vcs[1] if vcs else None, "commit": commit or None}
    if is_remote:
        # A user's name, and what would follow it, stand before the host.
        rest = rest.rpartition("@")[2] if "@" in rest.partition("/")[0] else rest
        found["url"] = safe_text(f"{scheme}://{rest}")
    return found


def _apart(place: str) -> tuple[str, str, str]:
    """`https://host/o/r` and `7e1c…`; an `@` before the last slash belongs to the host."""
    start = place.rfind("/")
    at = place.find("@", start)
    return (place[:at], "@", place[at + 1 :]) if at > 0 else (place, "", "")
