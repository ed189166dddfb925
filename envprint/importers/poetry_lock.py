"""`poetry.lock`: what Poetry would install on any platform that the project supports.

    [[package]]
    name = "numpy"
    version = "2.4.6"
    python-versions = ">=3.11"

    [metadata]
    lock-version = "2.1"
    content-hash = "…"

https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._found import Found
from envprint.importers._packages import Package, origin_of, package, packages
from envprint.importers._source import Source
from envprint.importers._toml import parse_toml, tables, text_of

TITLE = "a poetry.lock"
_MARKS = (r"^\[\[package\]\]", r"^\[metadata\]", r"^content-hash\s*=")
_GAP = "a poetry.lock says what is to be installed"


def recognises(source: Source) -> bool:
    """Packages, and the digest of what they were resolved for."""
    is_text = source.json is None
    return is_text and all(re.search(mark, source.text, re.MULTILINE) for mark in _MARKS)


def read(source: Source) -> Found:
    """The packages for whatever platform. Raises `DocumentError`."""
    return packages(_packages(parse_toml(source)), gap=_GAP)._replace(is_declared=True)


def _packages(data: dict[str, Any]) -> Iterator[Package]:
    for one in tables(data, "package"):
        found = package(text_of(one, "name") or "", text_of(one, "version"), _origin(one))
        if found:
            yield found


# [package.source]  type = "git"  url = "https://…"  resolved_reference = "7e1c…"
def _origin(one: dict[str, Any]) -> dict[str, Any]:
    source = one.get("source")
    kind, url = text_of(source, "type"), text_of(source, "url") or ""
    if kind == "git":
        return origin_of(f"git+{url}") | {"commit": text_of(source, "resolved_reference")}
    if kind in ("directory", "file"):
        return origin_of(url, is_editable=one.get("develop") is True)
    if kind == "url":
        return origin_of(url) | {"kind": "archive"}
    return {"kind": "index", "url": None, "vcs": None, "commit": None}
