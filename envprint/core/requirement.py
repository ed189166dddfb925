"""Requirements for pip, made of names and versions from documents that anyone may have written.

A requirement consists of a name and what `packaging` parses as a version or specifier: no option,
no URL, no second requirement can get in. Anything else gives None.
"""

from __future__ import annotations

import re

# https://packaging.python.org/en/latest/specifications/name-normalization/#name-format
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
# 2.4.6   2.16.0rc1   2.8.0+cu128   The most common forms that the specification allows.
_USUAL_VERSION = (
    r"[0-9]{1,18}(?:\.[0-9]{1,18}){0,8}(?:(?:a|b|rc)[0-9]{1,18})?(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?"
)
_CLAUSE = r"[<>=!~]{1,3}\s*[vV]?[0-9][A-Za-z0-9.+!_-]*(?:\.\*)?"
"""One clause of a specifier; `packaging` accepts any text after `===`."""


def pinned(name: str, version: str, extra: str = "") -> str | None:
    """`numpy==2.4.6`; None if the name or the version is invalid."""
    text = _version(version)
    return f"{name}{extra}=={text}" if text and _is_name(name) else None


def specified(name: str, specifier: str) -> str | None:
    """`numpy>=2.4,<3`; None if the name or the specifier is invalid."""
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
    """`text` itself or, in a rare form, as `packaging` spells it; None if it is invalid."""
    if re.fullmatch(_USUAL_VERSION, text):
        return text
    # Imported here: it costs as much as starting the interpreter, and is rarely needed.
    from packaging.version import Version

    try:
        return str(Version(text))
    except ValueError:
        return None
