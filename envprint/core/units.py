"""Sizes and times, formatted for people and parsed."""

from __future__ import annotations

import re

_NUMBER = r"[0-9]{1,18}(\.[0-9]+)?"
SIZE = rf"\s*({_NUMBER}\s*([KMGTkmgt]([Ii]?[Bb])?|[Bb])|0)\s*"
"""What `parse_size` accepts, in the regular expression dialect of JSON Schema."""
_FACTORS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def size(count_bytes: int) -> str:
    """Bytes in a readable unit: `996 MiB`, `23.5 GiB`."""
    if count_bytes >= 10 << 30:
        return f"{count_bytes / (1 << 30):.1f} GiB"
    return f"{round(count_bytes / (1 << 20)):,} MiB"


def _short(text: str) -> str:
    """The text without blanks around it. Raises `ValueError` for one longer than any number."""
    if len(text.strip()) > 100:
        raise ValueError(f"expected a number and a unit, found {text.strip()[:40]!r}…")
    return text.strip()


def parse_seconds(text: str) -> float:
    """The seconds in `90`, `45s`, `10m` or `1.5h`. Raises `ValueError`."""
    text = _short(text)
    match = re.fullmatch(r"\s*(\d{1,6}(?:\.\d+)?)\s*([smh]?)\s*", text, re.IGNORECASE)
    if not match:
        raise ValueError(f"expected a time such as '90', '45s', '10m' or '2h', found {text!r}")
    return float(match[1]) * _SECONDS[match[2].lower()]


def parse_size(text: str) -> int:
    """The bytes in `20 GiB`, `512M`, `1.5g`, `4096 B` or `0`. Raises `ValueError`.

    Units are powers of 1024 in any spelling, as is usual for GPU memory. A number without one is
    refused: 20 bytes are always free.
    """
    text = _short(text)
    if not re.fullmatch(SIZE, text, re.ASCII):
        if re.fullmatch(rf"\s*{_NUMBER}\s*", text, re.ASCII):
            raise ValueError(f"{text.strip()} needs a unit, such as 20GiB")
        raise ValueError(f"expected a size such as '20 GiB', found {text!r}")
    number, letter = re.findall(r"[0-9.]+|[A-Z]", f"{text.upper()}B")[:2]
    return int(float(number) * _FACTORS.get(letter, 1))
