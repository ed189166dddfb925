"""The TOML of a policy file: its text, its data, and where in it the policy stands."""

from __future__ import annotations

import re
import sys
from typing import Any

from envprint.errors import PolicyError

TABLE = ("tool", "envprint")
"""Where a policy stands in a file that is not its own."""


def is_pyproject(name: str) -> bool:
    """Whether the file holds the settings of other tools, too."""
    return re.split(r"[/\\]", name)[-1] == "pyproject.toml"


def has_table(content: bytes, name: str) -> bool:
    """Whether the pyproject.toml `content` has anything at `[tool.envprint]`.

    Raises `PolicyError` when it is not valid TOML.
    """
    data: Any = parse_toml(decoded(content, name), name)
    for key in TABLE:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


def decoded(content: bytes, name: str) -> str:
    """The text of a policy file. Raises `PolicyError`."""
    try:
        return content.decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: not UTF-8 text (byte {error.start})") from None


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The data in `text`. Raises `PolicyError`."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is no TOMLDecodeError
        raise PolicyError(f"{name}: not valid TOML: {error}") from None
