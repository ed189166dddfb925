"""`conda list --explicit`: the address of every package, which names version and build.

    # platform: linux-64
    @EXPLICIT
    https://conda.example.org/main/linux-64/numpy-1.23.5-py39hf6e8229_1.conda#0f1c…

https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html
"""

from __future__ import annotations

import re

from envprint.importers._conda import packages_of_conda, row_of_url
from envprint.importers._found import Found
from envprint.importers._source import Source

TITLE = "an explicit conda list"
_MARK = "@EXPLICIT"
_GAP = "an explicit conda list leaves out what pip has installed"


def recognises(source: Source) -> bool:
    """Its mark on a line of its own."""
    return bool(re.search(rf"^{_MARK}\s*$", source.text, re.MULTILINE))


def read(source: Source) -> Found:
    """Conda's packages. Raises `DocumentError`."""
    lines = [line.strip() for line in source.text.split("\n")]
    urls = [line for line in lines if line and not line.startswith(("#", _MARK))]
    rows = [row_of_url(url) for url in urls]
    for url, one in zip(urls, rows, strict=True):
        if one is None:
            raise source.fault(f"not the address of a conda package: {url[-60:]!r}")
    found = packages_of_conda([one for one in rows if one], gap=_GAP)
    whole = {path: why for path, why in found.unknown.items() if "packages.conda" not in path}
    return found._replace(unknown=whole)
