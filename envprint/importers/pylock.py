"""`pylock.toml`: what is to be installed, by the form that all installers share.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._found import Found
from envprint.importers._packages import Package, origin_of, package, packages
from envprint.importers._source import Source
from envprint.importers._toml import parse_toml, tables, text_of

TITLE = "a pylock.toml"
_MARKS = (r"^lock-version\s*=", r"^\[\[packages\]\]")
_GAP = "a pylock.toml says what is to be installed"


def recognises(source: Source) -> bool:
    """Its version and its array of packages."""
    is_text = source.json is None
    return is_text and all(re.search(mark, source.text, re.MULTILINE) for mark in _MARKS)


def read(source: Source) -> Found:
    """The packages for whatever platform. Raises `DocumentError`."""
    data = parse_toml(source)
    if not str(data.get("lock-version", "")).startswith("1."):
        raise source.fault(f"lock-version {str(data.get('lock-version'))[:20]!r}; 1.x can be read")
    return packages(_packages(data), gap=_GAP)._replace(is_declared=True)


def _packages(data: dict[str, Any]) -> Iterator[Package]:
    for one in tables(data, "packages"):
        found = package(text_of(one, "name") or "", text_of(one, "version"), _origin(one))
        if found:
            yield found


def _origin(one: dict[str, Any]) -> dict[str, Any] | None:
    vcs, directory, archive = (one.get(key) for key in ("vcs", "directory", "archive"))
    if isinstance(vcs, dict):
        place = text_of(vcs, "url") or text_of(vcs, "path") or ""
        kind, commit = text_of(vcs, "type") or "git", text_of(vcs, "commit-id")
        return origin_of(f"git+{place}") | {"vcs": kind, "commit": commit}
    if isinstance(directory, dict):
        is_editable = directory.get("editable") is True
        return origin_of(text_of(directory, "path") or "", is_editable=is_editable)
    if isinstance(archive, dict):
        return origin_of(text_of(archive, "url") or "") | {"kind": "archive"}
    return {"kind": "index", "url": None, "vcs": None, "commit": None}
