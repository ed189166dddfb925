"""`pixi.lock`: conda's and PyPI's packages of each environment and platform.

The platform that is read is linux-64 if it is locked, else the first one; of environments it is
`default`. https://pixi.sh/latest/workspace/lockfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._conda import PYPI, Row, packages_of_conda, row, row_of_url
from envprint.importers._found import Found
from envprint.importers._packages import named_by_file
from envprint.importers._source import Source
from envprint.importers._yaml import parse_yaml

TITLE = "a pixi.lock"
_MARKS = (r"^version: \d+$", r"^environments:$", r"^packages:$")
_GAP = "a pixi.lock says what is to be installed"
_DEFAULT, _PLATFORM = "default", "linux-64"


def recognises(source: Source) -> bool:
    """The number of its form, its environments and its packages."""
    is_text = source.json is None
    return is_text and all(re.search(mark, source.text, re.MULTILINE) for mark in _MARKS)


def read(source: Source) -> Found:
    """The packages of one environment on one platform. Raises `DocumentError`."""
    data = parse_yaml(source)
    named = _first(data.get("environments"), _DEFAULT) if isinstance(data, dict) else None
    listed = _first(named.get("packages"), _PLATFORM) if isinstance(named, dict) else None
    if not isinstance(listed, list):
        raise source.fault("no environment with packages in this pixi.lock")
    described = {url: one for one in _maps(data.get("packages")) for url in _urls(one)}
    rows = [_row(url, described.get(url, {})) for one in _maps(listed) for url in _urls(one)]
    listed = [one for one in rows if one]
    return packages_of_conda(listed, gap=_GAP)._replace(is_declared=True)


def _first(data: Any, wanted: str) -> Any:
    if not isinstance(data, dict) or not data:
        return None
    return data[wanted] if wanted in data else next(iter(data.values()))


def _maps(data: Any) -> Iterator[dict[str, Any]]:
    yield from (one for one in data if isinstance(one, dict)) if isinstance(data, list) else ()


def _urls(one: dict[str, Any]) -> Iterator[str]:
    """The address by which a package is named, in any version of the form."""
    for key in ("conda", "pypi", "url", "path"):
        if isinstance(one.get(key), str):
            yield one[key]
            return


def _row(url: str, described: dict[str, Any]) -> Row | None:
    found = row_of_url(url)
    if found:
        return found
    name, version = described.get("name"), described.get("version")
    if isinstance(name, str) and isinstance(version, str):
        return row(name, version, None, PYPI[0])
    in_file = named_by_file(url)
    return row(*in_file, None, PYPI[0]) if in_file else None
