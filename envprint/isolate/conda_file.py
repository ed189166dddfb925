"""`environment.yml`: the packages of a conda environment, which no index of Python's has.

A channel of a document is an address to install from, so only the well-known ones are named; the
others are listed as comments, unless the record is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from envprint.core.fingerprint import Fingerprint
from envprint.core.redact import safe_text
from envprint.core.text import one_line
from envprint.core.typed import Any

ENVIRONMENT = "environment.yml"
_ELSEWHERE = "What pip has installed into it is in requirements.txt, beside the packages below."
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.!+-]*")
_CHANNEL = re.compile(
    r"https://(?:conda\.anaconda\.org|repo\.anaconda\.com/pkgs)/([a-z0-9-]+)(?:/[a-z0-9-]+)?/?"
)
_KNOWN = ("conda-forge", "defaults", "main", "bioconda", "nvidia", "pytorch")
_ADDRESS = re.compile(r"https://[A-Za-z0-9._~:/-]+")


def conda_file(
    side: Fingerprint, mark: str, *, pins: Sequence[str] | None = None, trust: bool = False
) -> str | None:
    """The text of the file; None if the record is of no conda environment.

    `pins` are what pip installs into it; without them, they are in a file of their own.
    """
    found = side.get("facts.packages.conda") or {}
    if not found:
        return None
    lines = [f"# {mark}. Create with: conda env create --file {ENVIRONMENT} --prefix DIR"]
    if pins is None:
        lines.append(f"# {_ELSEWHERE}")
    lines += _lines(found, trust=trust)
    lines += ["  - pip:", *(f"      - {pin}" for pin in pins)] if pins else []
    return "\n".join(lines) + "\n"


def _lines(found: Mapping[str, Any], *, trust: bool) -> Iterator[str]:
    channels, others = dict[str, None](), dict[str, None]()
    specs, left = list[str](), list[str]()
    for name in sorted(found):
        entry = found[name] if isinstance(found[name], Mapping) else {}
        spec = _spec(name, entry)
        (specs if spec else left).append(spec or str(name))
        channel = _channel(entry.get("channel"), trust=trust)
        (others if channel is None else channels)[channel or str(entry.get("channel"))] = None
    yield from (f"# no channel of this name is used: {one_line(safe_text(o))}" for o in others)
    yield from (f"# not valid: {one_line(name)}" for name in left)
    yield "channels:"
    yield from (f"  - {channel}" for channel in channels)
    yield "  - nodefaults" if "defaults" not in channels else "  # and no others"
    yield "dependencies:"
    yield from (f"  - {spec}" for spec in specs)


def _spec(name: str, entry: Mapping[str, Any]) -> str | None:
    """`numpy=1.26.4=py311h64a7726_0`; None if a part of it has another form."""
    parts = [name, entry.get("version"), entry.get("build")]
    words = [part for part in parts if isinstance(part, str) and _WORD.fullmatch(part)]
    return "=".join(words) if len(words) == 3 else None


def _channel(url: object, *, trust: bool) -> str | None:
    """The name of a channel, or its address if it is trusted; None if it is not to be used."""
    if not isinstance(url, str):
        return None
    match = _CHANNEL.fullmatch(url)
    name = match[1] if match else url
    if name in _KNOWN:
        return "defaults" if name == "main" else name
    is_plain = _ADDRESS.fullmatch(url) and safe_text(url) == url
    return url if trust and is_plain else None
