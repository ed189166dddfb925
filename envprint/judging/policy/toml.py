"""The TOML of a policy file: its text, its data, and the line of each entry."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from envprint.core.errors import PolicyError
from envprint.core.typed import Any

# The line of a key, which the TOML parser does not report. It serves messages and `policy show`
# only: for syntax not recognised here, no line number is shown. https://toml.io/en/v1.0.0


_HEADER = re.compile(r"\s*(\[\[?)([^\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*=""")

Path = tuple[str, ...]


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The number of the line where the entry at `path`, or the nearest one around it, begins.

    Items of a list are counted in the path: `("ignore", "0", "rule")`.
    """
    lines = lines_of(text)
    whole = tuple(path)
    for length in range(len(whole), 0, -1):
        if whole[:length] in lines:
            return lines[whole[:length]]
    return None


def lines_of(text: str) -> dict[Path, int]:
    """The line of every table, and of every key at the start of a line, by path."""
    found: dict[Path, int] = {}
    counts: dict[str, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        key = _KEY.match(line)
        if header:
            name = header[2].strip()
            table = tuple(part.strip().strip("\"'") for part in name.split("."))
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                found.setdefault(table, number)
                table = (*table, str(counts[name]))
            found.setdefault(table, number)
        elif key:
            quoted = key[1] or key[2]
            steps = (quoted,) if quoted is not None else tuple(key[3].split("."))
            found.setdefault((*table, *steps), number)
    return found


TABLE = ("tool", "envprint")
"""Path of the policy in a pyproject.toml."""


def is_pyproject(name: str) -> bool:
    """Whether the file also holds the settings of other tools."""
    return re.split(r"[/\\]", name)[-1] == "pyproject.toml"


def has_table(content: bytes, name: str) -> bool:
    """Whether the pyproject.toml `content` has anything at `[tool.envprint]`.

    Raises `PolicyError` if it is not valid TOML.
    """
    data: Any = parse_toml(decoded(content, name), name)
    for key in TABLE:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


MAX_POLICY_BYTES = 1 << 20
"""A thousand times a long policy; the parser of TOML is Python, and slow."""


def decoded(content: bytes, name: str) -> str:
    """The text of a policy file. Raises `PolicyError`."""
    if len(content) > MAX_POLICY_BYTES:
        raise PolicyError(f"{name}: larger than {MAX_POLICY_BYTES >> 20} MiB, not a policy")
    try:
        return content.decode("utf-8-sig")  # some editors write a byte order mark
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
    except (ValueError, RecursionError) as error:  # ValueError: a number of 5,000 digits
        raise PolicyError(f"{name}: not valid TOML: {error}") from None
