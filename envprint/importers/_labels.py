"""Texts made of `Label: value`, also where all line breaks were lost on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NOT_KNOWN = frozenset(
    {"", "n/a", "na", "could not collect", "unknown", "<fill in>", "not found", "?"}
)


def labelled(text: str, labels: Iterable[str]) -> dict[str, str]:
    """The text behind each label, up to the next one; of a label that comes again, the first.

    A label stands at the beginning of a line or behind a space, and before a colon.
    """
    words = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    places = list(re.finditer(rf"(?:^|(?<=\s)|(?<=[-*] ))({words})[ \t]*:(?=\s|$)", text))
    ends = [place.start() for place in places[1:]] + [len(text)]
    found: dict[str, str] = {}
    for place, end in zip(places, ends, strict=True):
        if place[1] in found:
            continue
        # Headings between lines of = end a value, too.
        value = re.split(r"={5,}|-{5,}|```|<details", text[place.end() : end], maxsplit=1)[0]
        found[place[1]] = value.strip()
    return found


def known(found: Mapping[str, str], label: str) -> str | None:
    """The value of a label; None where the text says that it is not known, or nothing."""
    value = found.get(label, "").strip()
    return None if value.lower() in NOT_KNOWN else value


def first_line(text: str | None) -> str | None:
    """The first line of a value."""
    return text.split("\n")[0].strip() or None if text else None
