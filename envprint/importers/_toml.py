"""TOML, as locks of packages are written in it."""

from __future__ import annotations

import sys

from envprint.core.typed import Any
from envprint.importers._source import Source


def parse_toml(source: Source) -> dict[str, Any]:
    """The data of a lock. Raises `DocumentError`."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(source.text)
    except (ValueError, RecursionError) as error:  # ValueError: a number of 5,000 digits
        raise source.fault(f"not valid TOML: {str(error)[:200]}") from None


def tables(data: Any, name: str) -> list[dict[str, Any]]:
    """The tables of an array; none where there is something else."""
    found = data.get(name) if isinstance(data, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text_of(table: Any, name: str) -> str | None:
    """A text in a table; None where there is something else."""
    value = table.get(name) if isinstance(table, dict) else None
    return value if isinstance(value, str) else None
