"""What an installed distribution is imported by, as its own list of files says.

A distribution and its module may have different names (opencv-python and cv2). RECORD lists the
files of every wheel; what was installed otherwise has top_level.txt, or only its own name.
"""

from __future__ import annotations

import re
from collections import Counter

from envprint.collectors._dist_info import Installed
from envprint.core.typed import NamedTuple
from envprint.machine.attempt import text_or_none
from envprint.machine.host import Host

_BESIDE = frozenset(
    "benchmark benchmarks conftest doc docs example examples script scripts setup test tests tools"
    .split()
)  # fmt: skip
"""Modules that some distributions install by mistake."""
# numpy/__init__.py  six.py  torch/__init__.pyi  _cffi.cpython-311-x86_64-linux-gnu.so
_MODULE = re.compile(r"(?a)^([A-Za-z]\w*)(?:/__init__)?\.(?:py|(?:[\w-]+\.)?(?:so|pyd))$")


class ImportNames(NamedTuple):
    """The main modules of a distribution."""

    modules: tuple[str, ...]
    """Empty if it has none: it brings only data, programs or a part of a namespace."""
    is_guess: bool = False
    """Whether only its own name suggests the module."""


def import_names(host: Host, one: Installed) -> ImportNames:
    """The modules by which it is imported. Raises `OSError` if its list cannot be read."""
    path = f"{one.directory}/{one.entry}"
    is_directory = host.file_type(path) == "directory"
    record = text_or_none(host, f"{path}/RECORD") if is_directory else None
    if record is not None and not _is_editable(record):
        return ImportNames(_main(one.name, modules_in(record)))
    top = text_or_none(host, f"{path}/top_level.txt") if is_directory else None
    if top is not None:
        names = dict.fromkeys((name for name in top.split() if _is_main(name)), 1)
        return ImportNames(_main(one.name, Counter(names)))
    return ImportNames((one.name.replace("-", "_"),), is_guess=True)


# ../../../bin/tool,…  __editable___tool_1_0_finder.py,…  tool-1.0.dist-info/METADATA,…
def _is_editable(record: str) -> bool:
    """Whether it lists only pointers to the sources, in which the modules are."""
    lines = record.splitlines()
    return "__editable__" in record or not any(_is_content(line) for line in lines)


def _is_content(line: str) -> bool:
    file = line.partition(",")[0]
    return not (".dist-info/" in file or file.endswith(".pth") or file.startswith("../"))


def modules_in(record: str) -> Counter[str]:
    """The top-level modules in the content of a RECORD, each with the number of its files.

    A directory without `__init__` is part of a namespace, which others share.
    """
    files = [line.partition(",")[0].strip('"') for line in record.splitlines()]
    found = (_MODULE.match(file) for file in files)
    names = {match[1] for match in found if match and _is_main(match[1])}
    return Counter(
        top for top in (re.split(r"[/.]", file, maxsplit=1)[0] for file in files) if top in names
    )


def _is_main(name: str) -> bool:
    return name.isidentifier() and name[0] != "_" and name.lower() not in _BESIDE


def _main(distribution: str, modules: Counter[str]) -> tuple[str, ...]:
    """The module that is called like the distribution, else the largest."""
    like = [name for name in modules if name.lower().replace("_", "-") == distribution]
    return tuple(like[:1] or [name for name, _ in modules.most_common(1)])
