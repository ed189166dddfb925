"""Requirements as pip takes them, made of names and versions that somebody else may have written.

Nothing gets into such a line but a name, and what `packaging` reads as a version or as a version
specifier: no option, no address, no second requirement. What is not that makes no line at all.
"""

from __future__ import annotations

import re

# https://packaging.python.org/en/latest/specifications/name-normalization/#name-format
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
# 2.4.6   2.16.0rc1   2.8.0+cu128   The most usual of what the specification of versions allows.
_USUAL_VERSION = (
    r"[0-9]{1,18}(?:\.[0-9]{1,18}){0,8}(?:(?:a|b|rc)[0-9]{1,18})?(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?"
)
_CLAUSE = r"[<>=!~]{1,3}\s*[vV]?[0-9][A-Za-z0-9.+!_-]*(?:\.\*)?"
"""Of a specifier; `packaging` takes any text for a version behind `===`."""


def pinned(name: str, version: str, extra: str = "") -> str | None:
    """`numpy==2.4.6`; None where that is no name, or no version."""
    text = _version(version)
    return f"{name}{extra}=={text}" if text and _is_name(name) else None


def specified(name: str, specifier: str) -> str | None:
    """`numpy>=2.4,<3`; None where that is no name, or no version specifier."""
    from packaging.specifiers import SpecifierSet

    clauses = [clause.strip() for clause in specifier.split(",") if clause.strip()]
    if not _is_name(name) or not all(re.fullmatch(_CLAUSE, clause) for clause in clauses):
        return None
    text = ",".join("".join(clause.split()) for clause in clauses)
    try:
        SpecifierSet(text)
    except ValueError:
        return None
    return f"{name}{text}"


def _is_name(text: str) -> bool:
    return re.fullmatch(_NAME, text) is not None


def _version(text: str) -> str | None:
    """`text` as it is, or as `packaging` spells it."""
    if re.fullmatch(_USUAL_VERSION, text):
        return text
    # Imported here: it costs as much as a bare start of the interpreter, and is seldom needed.
    from packaging.version import Version

    try:
        return str(Version(text))
    except ValueError:
        return None
