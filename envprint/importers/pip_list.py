"""`pip list`, in columns or as JSON; `uv pip list` prints the same.

    Package           Version   Editable project location
    ----------------- --------- -------------------------
    numpy             2.4.6
    mine              0.1       /home/me/mine

    [{"name": "numpy", "version": "2.4.6"}]

https://pip.pypa.io/en/stable/cli/pip_list/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._found import Found
from envprint.importers._packages import NAME, VERSION, Package, origin_of, package, packages
from envprint.importers._source import Source

TITLE = "a pip list"
IS_PART = True
_HEAD = re.compile(r"^Package +Version\b[^\n]*\n-[- ]*\n", re.MULTILINE)
_ROW = re.compile(rf"({NAME}) +({VERSION})(?: +(\S.*))?")


def recognises(source: Source) -> bool:
    """Its two headings, or a list of objects with the name and the version of a package."""
    if source.json is not None:
        return _is_json(source.json)
    return bool(_HEAD.search(source.text))


def read(source: Source) -> Found:
    """Every distribution with its version. Raises `DocumentError`."""
    if source.json is not None:
        return packages(_of_json(source))
    head = _HEAD.search(source.text)
    if head is None:
        raise source.fault("no headings of a pip list in it: Package, Version")
    return packages(_rows(source.text[head.end() :]))


def _is_json(data: Any) -> bool:
    return isinstance(data, list) and all(
        isinstance(one, dict) and {"name", "version"} <= one.keys() <= _KEYS for one in data
    )


_KEYS = {"name", "version", "location", "installer", "editable_project_location"}
_KEYS |= {"latest_version", "latest_filetype"}
"""What pip writes of each, with `--verbose` and `--outdated`, too."""


def _of_json(source: Source) -> Iterator[Package]:
    if not _is_json(source.json):
        raise source.fault("not a pip list: expected a list of objects with name and version")
    for one in source.json:
        place = one.get("editable_project_location")
        origin = origin_of(str(place), is_editable=True) if place else None
        found = package(str(one["name"]), str(one["version"]), origin, one.get("installer") or None)
        if found:
            yield found


def _rows(text: str) -> Iterator[Package]:
    for line in text.split("\n"):
        row = _ROW.fullmatch(line.strip())
        if row is None:
            return
        # The column behind the version is the place of an editable installation.
        is_place = row[3] and re.match(r"[/~]|[A-Za-z]:\\", row[3])
        origin = origin_of(row[3], is_editable=True) if is_place else None
        found = package(row[1], row[2], origin)
        if found:
            yield found
