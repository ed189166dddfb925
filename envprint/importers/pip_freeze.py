"""`pip freeze`, and what writes the same lines: `uv pip freeze`, W&B's requirements.txt.

    numpy==2.4.6
    envprint @ file:///home/me/envprint-0.1.0-py3-none-any.whl
    -e git+https://github.com/o/r@7e1c0ffee#egg=r
    # Editable install with no version control (mine==0.1)
    -e /home/me/mine

https://pip.pypa.io/en/stable/cli/pip_freeze/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envprint.importers._found import Found
from envprint.importers._packages import (
    DISTRIBUTIONS,
    NAME,
    VERSION,
    Package,
    named_by_file,
    origin_of,
    package,
    packages,
)
from envprint.importers._source import Source

TITLE = "a pip freeze"
LEFT_OUT = ("pip", "setuptools", "wheel", "distribute")
"""What `pip freeze` does not list without `--all`."""
PIN = re.compile(rf"({NAME})==({VERSION})")
_DIRECT = re.compile(rf"({NAME})(?:\[[^\]]*\])? @ (\S+)")
_EDITABLE = re.compile(r"-e (\S.*)")
_COMMENT = re.compile(rf"# Editable .{{0,200}}\(({NAME})(?:==({VERSION}))?[^)]*\)")
_EGG = re.compile(rf"[#&]egg=({NAME})")
_REMARKS = ("## ", "WARNING: ", "DEPRECATION: ", "[notice] ")
"""How pip begins what it could not find out, and what else it has to say."""


def recognises(source: Source) -> bool:
    """Nothing but such lines, and at least one with a version."""
    if source.json is not None:
        return False
    lines = lines_of(source.text)
    return any(map(PIN.fullmatch, lines)) and all(map(_is_one, lines))


def read(source: Source) -> Found:
    """Distributions, with their versions or where they came from."""
    lines = lines_of(source.text)
    odd = next((line for line in lines if not _is_one(line)), None)
    if odd is not None:
        raise source.fault(f"not a line of a pip freeze: {odd[:60]!r}")
    listed = list(_packages(lines))
    gap = _gap(source, lines, listed)
    found = packages(listed, gap=gap)
    unknown = found.unknown if gap else {**found.unknown, **_left_out(listed)}
    return found._replace(unknown=unknown)


def _gap(source: Source, lines: Sequence[str], listed: Sequence[Package]) -> str | None:
    """Why the list may leave packages out; None if it does not."""
    if sum(not line.startswith((*_REMARKS, "# ")) for line in lines) > len(listed):
        return "an editable installation is listed without its name"
    if source.is_named or is_whole([one.name for one in listed]):
        return None
    return "a short list of pins may leave packages out"


def lines_of(text: str) -> list[str]:
    """The lines that are not empty."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def is_whole(names: Sequence[str]) -> bool:
    """Whether a list of pins is that of a whole environment.

    Nobody lists by hand what other packages bring with them; a list without those holds what
    somebody wants, such as the requirements of a project or of a model.
    """
    from envprint.knowledge import roles

    brought = [name for name in names if (roles.listed(name) or {}).get("roles") == ["transitive"]]
    return len(brought) >= 4 and len(brought) * 8 >= len(names)


def _left_out(listed: Iterable[Package]) -> dict[str, str]:
    names = {one.name for one in listed}
    reason = "a pip freeze leaves it out"
    return {f"{DISTRIBUTIONS}[{name}]": reason for name in LEFT_OUT if name not in names}


def _is_one(line: str) -> bool:
    forms = (PIN.fullmatch, _DIRECT.fullmatch, _EDITABLE.fullmatch, _COMMENT.fullmatch)
    return line.startswith(_REMARKS) or any(form(line) for form in forms)


def _packages(lines: Iterable[str]) -> Iterator[Package]:
    before = ""
    for line in lines:
        found = _package(line, before)
        if found:
            yield found
        before = line


def _package(line: str, before: str) -> Package | None:
    if pin := PIN.fullmatch(line):
        return package(pin[1], pin[2])
    if direct := _DIRECT.fullmatch(line):
        in_file = named_by_file(direct[2])
        return package(direct[1], in_file and in_file[1], origin_of(direct[2]))
    if editable := _EDITABLE.fullmatch(line):
        origin = origin_of(editable[1], is_editable=True)
        if egg := _EGG.search(editable[1]):
            return package(egg[1], None, origin)
        comment = _COMMENT.fullmatch(before)
        return package(comment[1], comment[2], origin) if comment else None
    return None
