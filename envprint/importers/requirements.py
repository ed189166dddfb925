"""Requirements for pip: what is to be installed, with ranges, options, hashes and markers.

    numpy==2.4.6 \\
        --hash=sha256:… \\
        --hash=sha256:…
    torch>=2.1 ; python_version < "3.12"    # via mine
    -r base.txt

https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.importers._found import Found
from envprint.importers._packages import (
    NAME,
    VERSION,
    Package,
    named_by_file,
    origin_of,
    package,
    packages,
)
from envprint.importers._source import Source

TITLE = "a list of requirements"
_OPTION = re.compile(
    r"--?(?:r|c|e|f|i|requirement|constraint|editable|index-url|extra-index-url|find-links|no-index"
    r"|no-binary|only-binary|prefer-binary|require-hashes|pre|trusted-host|use-feature)\b.{0,2000}"
)
_ONE = re.compile(
    rf"({NAME})\s*(?:\[[^\]]{{0,200}}\])?\s*(?:\(?([<>=!~][^;@)]{{0,200}})\)?|@\s*(\S{{1,2000}}))?"
    r"\s*(?:;.{0,500})?"
)
_EXACT = re.compile(rf"==\s*({VERSION})")
_GAP = "a list of requirements names what is wanted, not all that is installed"


def recognises(source: Source) -> bool:
    """Nothing but requirements and options, and at least one version, hash or address. Of a list
    of pins alone, a `pip freeze` comes first by name.
    """
    if source.json is not None:
        return False
    lines = list(_lines(source.text))
    ones = [line for line in lines if _ONE.fullmatch(line)]
    is_one = any(re.search(r"[<>=~]=|\s--hash=|^\S+ @ ", line) for line in lines)
    return bool(ones) and is_one and all(_ONE.fullmatch(one) or _OPTION.match(one) for one in lines)


def read(source: Source) -> Found:
    """The versions of what is pinned. Raises `DocumentError`."""
    for line in _lines(source.text):
        if not (_ONE.fullmatch(line) or _OPTION.match(line)):
            raise source.fault(f"not a requirement: {line[:60]!r}")
    return packages(_packages(source.text), gap=_GAP)._replace(is_declared=True)


def _lines(text: str) -> Iterator[str]:
    """Lines without comments and hashes; a backslash at the end continues one."""
    for line in text.replace("\\\n", " ").split("\n"):
        # With single spaces no pattern has to look at a place twice.
        bare = re.sub(r"(?:^| )#.*", "", " ".join(line.split()))
        bare = re.sub(r" --hash[= ]\S+", "", bare).strip()
        if bare:
            yield bare


def _packages(text: str) -> Iterator[Package]:
    for line in _lines(text):
        one = _ONE.fullmatch(line)
        if one is None:
            continue
        exact = _EXACT.fullmatch((one[2] or "").strip())
        in_file = named_by_file(one[3]) if one[3] else None
        origin = origin_of(one[3]) if one[3] else None
        number = exact[1] if exact else in_file[1] if in_file else None
        found = package(one[1], number, origin)
        if found:
            yield found
