"""Rows of conda's lists, and which of them are distributions of Python, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envprint import knowledge
from envprint.core.fingerprint import OTHERS
from envprint.core.typed import Any, NamedTuple
from envprint.importers._found import Found, combined
from envprint.importers._packages import CONDA, Package, package, packages, require_count

PYPI = ("pypi", "<pip>")
"""How conda calls the channel of what pip has installed; `<pip>` stood for the build before 4.6."""
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}"
_VERSION = r"(?=[^0-9]{0,20}[0-9])[A-Za-z0-9][A-Za-z0-9.!+_-]{0,98}"
"""With a number in it: `Could not collect` has the form of a row, too."""
_NOT_SAID = "conda's list does not say which of its packages are Python's"
_CUT_OFF = "the list has no python in it, so it may have been cut off"
# py39hf6e8229_1   py3.9_cuda12.1_cudnn8.9.2_0   pyhd8ed1ab_0   py_0   cuda118py310h5fbd6a9_0
_OF_PYTHON = re.compile(r"py(?:\d|hd|hc|_)|cuda\d+py\d|cpu_py\d|py\d+_")


class Row(NamedTuple):
    """One line: what conda has installed, or what pip has."""

    name: str
    version: str | None = None
    build: str | None = None
    channel: str | None = None

    @property
    def is_pip(self) -> bool:
        """Whether pip has installed it."""
        return self.channel in PYPI or self.build in PYPI


def row(name: str, version: str | None, build: str | None, channel: str | None) -> Row | None:
    """A row; None if it is no name that a package can have."""
    if not re.fullmatch(_NAME, name):
        return None
    known = version if version and re.fullmatch(_VERSION, version) else None
    return Row(name, known, build or None, channel or None)


# https://conda.example.org/conda-forge/linux-64/numpy-1.23.5-py39hf6e8229_1.conda#0f1c
_URL = re.compile(
    r"(?:https?|file)://\S{1,1000}/(?:[a-z]+-[a-z0-9]+|noarch)/([^/\s#]{3,300}?)"
    r"\.(?:conda|tar\.bz2)(?:#\S{0,200})?"
)


def row_of_url(url: str) -> Row | None:
    """The row in the address of a package; None if it is none. Hosts and folders are left out."""
    found = _URL.fullmatch(url)
    parts = found[1].rsplit("-", 2) if found else []
    return row(parts[0], parts[1], parts[2], None) if len(parts) == 3 else None


# numpy                     1.23.5           py39hf6e8229_1    conda-forge
def conda_rows(lines: Iterable[str], *, is_flat: bool = False) -> list[Row]:
    """The rows in lines of two to four columns; in a text without line breaks the channel may be
    any word.
    """
    found = []
    for line in lines:
        words = line.split()
        if len(words) >= 2:
            more = [*words[2:4], None, None]
            channel = None if is_flat and more[1] not in PYPI else more[1]
            one = row(words[0], words[1], more[0], channel)
            found += [one] if one and one.version else []
    return found


def packages_of_conda(rows: Sequence[Row], *, gap: str | None = None) -> Found:
    """Conda's packages, and of those the distributions; `gap` is why the list may not be whole."""
    require_count(len(rows) - 1)
    ours = {one.name: _entry(one) for one in rows if not one.is_pip}
    gap = gap or (None if "python" in ours else _CUT_OFF)
    unknown = {CONDA + OTHERS: gap} if gap and ours else {}
    facts: dict[str, Any] = {"packages": {"conda": ours}} if ours or not gap else {}
    if "python" in ours and "version" in ours["python"]:
        facts["python"] = {"version": ours["python"]["version"], "prefix_kind": "conda"}
    own = Found({**facts, "frameworks": _torch(ours)}, {}, unknown)
    return combined([own, packages(_distributions(rows), gap=gap or _NOT_SAID)])


def _entry(one: Row) -> dict[str, str]:
    fields = (("version", one.version), ("build", one.build), ("channel", one.channel))
    return {name: value for name, value in fields if value}


def _distributions(rows: Iterable[Row]) -> Iterator[Package]:
    named = knowledge.entries("conda_names")
    names = {entry["conda"]: entry["distribution"] for entry in named}
    for one in rows:
        name = names.get(one.name, one.name)
        is_python = one.is_pip or bool(one.build and _OF_PYTHON.search(one.build))
        # A name that envprint does not know may be another one on PyPI.
        if is_python and (one.is_pip or name != one.name or knowledge.about("roles", name)):
            found = package(name, one.version)
            if found:
                yield found


# py3.9_cuda12.1_cudnn8.9.2_0     py3.10_cpu_0
def _torch(ours: dict[str, dict[str, str]]) -> dict[str, Any]:
    build = ours.get("pytorch", {}).get("build", "")
    found = re.search(r"cuda(\d+\.\d+)_cudnn(\d+(?:\.\d+)+)", build)
    if found:
        return {"torch": {"build": "cuda", "cuda_version": found[1], "cudnn_version": found[2]}}
    return {"torch": {"build": "cpu"}} if re.search(r"_cpu(?:_|$)|^cpu_", build) else {}
