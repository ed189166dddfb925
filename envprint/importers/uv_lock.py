"""`uv.lock`: what uv would install on any platform that the project supports.

    version = 1
    requires-python = ">=3.11"

    [[package]]
    name = "numpy"
    version = "2.4.6"
    source = { registry = "https://…" }

https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._found import Found
from envprint.importers._packages import Package, origin_of, package, packages
from envprint.importers._source import Source
from envprint.importers._toml import parse_toml, tables, text_of

TITLE = "a uv.lock"
_MARKS = (r"^version = \d+$", r"^\[\[package\]\]", r"^source = \{")
_GAP = "a uv.lock says what is to be installed"
_VERSION = 1


def recognises(source: Source) -> bool:
    """The number of its form, and packages with a source in one line."""
    is_text = source.json is None
    return is_text and all(re.search(mark, source.text, re.MULTILINE) for mark in _MARKS)


def read(source: Source) -> Found:
    """The packages for whatever platform, without the project itself. Raises `DocumentError`."""
    data = parse_toml(source)
    if data.get("version") != _VERSION:
        raise source.fault(f"version {str(data.get('version'))[:20]} of uv.lock; 1 can be read")
    return packages(_packages(data), gap=_GAP)._replace(is_declared=True)


def _packages(data: dict[str, Any]) -> Iterator[Package]:
    for one in tables(data, "package"):
        source = one.get("source")
        if isinstance(source, dict) and "virtual" not in source:
            found = package(text_of(one, "name") or "", text_of(one, "version"), _origin(source))
            if found:
                yield found


# { git = "https://github.com/o/r?rev=main#7e1c…" }   { url = "https://…whl" }   { editable = "." }
def _origin(source: dict[str, Any]) -> dict[str, Any]:
    git, url = text_of(source, "git"), text_of(source, "url")
    if git:
        place, _, commit = git.partition("#")
        return origin_of(f"git+{place.partition('?')[0]}") | {"commit": commit or None}
    if url:
        return origin_of(url) | {"kind": "archive"}
    for key, is_editable in (("editable", True), ("directory", False), ("path", False)):
        if key in source:
            return origin_of(text_of(source, key) or "", is_editable=is_editable)
    return {"kind": "index", "url": None, "vcs": None, "commit": None}
