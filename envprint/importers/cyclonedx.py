"""A CycloneDX bill of materials in JSON: components with a purl of PyPI or conda.

    {"bomFormat": "CycloneDX", "specVersion": "1.6",
     "components": [{"name": "numpy", "version": "2.4.6", "purl": "pkg:pypi/numpy@2.4.6"}]}

https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from envprint.core.typed import Any
from envprint.importers._conda import Row, packages_of_conda, row
from envprint.importers._found import Found, combined
from envprint.importers._packages import Package, package, packages
from envprint.importers._source import Source

TITLE = "a CycloneDX bill of materials"
_GAP = "a bill of materials names the components of one thing, not all that is installed"
# pkg:pypi/numpy@2.4.6     pkg:conda/numpy@2.4.6?build=py311h64a7726_0&subdir=linux-64
# https://github.com/package-url/purl-spec
_PURL = re.compile(r"pkg:(pypi|conda)/([^@?#]{1,200})@([^?#]{1,200})(?:\?([^#]{0,500}))?.*")
MAX_LEVELS = 8
"""Components inside components."""


def recognises(source: Source) -> bool:
    """An object that says so."""
    return isinstance(source.json, dict) and source.json.get("bomFormat") == "CycloneDX"


def read(source: Source) -> Found:
    """The packages of Python and conda among the components. Raises `DocumentError`."""
    if not recognises(source):
        raise source.fault("not a CycloneDX document: expected bomFormat CycloneDX")
    found = [one for one in map(_purl, _components(source.json, 0)) if one]
    ours = [one for one in found if isinstance(one, Package)]
    rows = [one for one in found if isinstance(one, Row)]
    listed = packages(ours, gap=_GAP)
    both = [listed, packages_of_conda(rows, gap=_GAP)] if rows else [listed]
    return combined(both)._replace(is_declared=True)


def _components(data: dict[str, Any], level: int) -> Iterator[dict[str, Any]]:
    listed = data.get("components")
    for one in listed if isinstance(listed, list) and level < MAX_LEVELS else ():
        if isinstance(one, dict):
            yield one
            yield from _components(one, level + 1)


def _purl(component: dict[str, Any]) -> Package | Row | None:
    purl = component.get("purl")
    found = _PURL.fullmatch(purl) if isinstance(purl, str) else None
    if found is None:
        return None
    name, number = unquote(found[2]), unquote(found[3])
    if found[1] == "pypi":
        return package(name, number)
    build = re.search(r"(?:^|&)build=([^&]+)", found[4] or "")
    return row(name, number, unquote(build[1]) if build else None, None)
