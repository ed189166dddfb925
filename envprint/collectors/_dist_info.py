"""The installed distributions, found by listing the directories of the search path.

The names of `*.dist-info` and `*.egg-info` entries contain name and version, so one listing serves
300 distributions. importlib.metadata takes several times as long as a whole capture; a test uses it
as the oracle. Entries that begin with `~`, which pip leaves after an interrupted removal, are
skipped, as no import finds them.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from envprint.collectors._search_path import search_directories
from envprint.core.fingerprint import Unknown
from envprint.core.redact import safe_text
from envprint.core.typed import NamedTuple
from envprint.machine.attempt import attempt, names_or_empty, text_or_none
from envprint.machine.host import Host


class Installed(NamedTuple):
    """One installed distribution."""

    name: str
    """Normalised: lower case, words joined by `-`."""
    version: str | Unknown | None
    """None if neither the directory nor its metadata has it."""
    directory: str
    """The search directory."""
    entry: str
    """Name of its `.dist-info` or `.egg-info` there."""


@lru_cache(maxsize=1)  # three collectors need it
def distributions(host: Host) -> tuple[Installed, ...]:
    """All copies in import order; within a directory sorted by entry name.

    Zip files on the search path and missing entries contain none. Raises `OSError` if a search
    directory cannot be listed.
    """
    return tuple(found for directory in search_directories(host) for found in _in(host, directory))


def _in(host: Host, directory: str) -> Iterator[Installed]:
    for entry in names_or_empty(host, directory):
        if entry.endswith((".dist-info", ".egg-info")) and entry[0] != "~":
            name, version = parse_entry(entry) or _described(host, f"{directory}/{entry}")
            yield Installed(normalised(name), version, directory, entry)


# scikit_learn-1.9.1.dist-info, PyGObject-3.42.2.egg-info, six-1.16.0-py3.11.egg-info
# https://packaging.python.org/en/latest/specifications/recording-installed-packages/
_ENTRY = r"(?a)(\w[\w.]*?)-(\d[\w.+!]*)(?:-py\d[\d.]*(?:-[\w.-]+)?)?\.(?:dist|egg)-info"


def parse_entry(entry: str) -> tuple[str, str] | None:
    """Name and version in an entry's name; None if they are not both there."""
    stem, is_dist_info, _ = entry.partition(".dist-info")
    name, _, version = stem.partition("-")
    # Names written by current installers need no regular expression.
    if is_dist_info and version[:1].isdigit() and "-" not in version:
        return name, version
    match = re.fullmatch(_ENTRY, entry)
    return (match[1], match[2]) if match else None


def _described(host: Host, path: str) -> tuple[str, str | Unknown | None]:
    name = path.rpartition("/")[2].rpartition(".")[0]
    headers = attempt(lambda: parse_headers(text_or_none(host, _metadata(host, path)) or ""))
    if isinstance(headers, Unknown):
        return name, headers
    # Before lower-casing, which would destroy the form of a token.
    return safe_text(headers.get("name", name)), headers.get("version")


def _metadata(host: Host, path: str) -> str:
    if host.file_type(path) != "directory":
        return path
    return f"{path}/{'METADATA' if path.endswith('.dist-info') else 'PKG-INFO'}"


# Metadata-Version: 2.1
# Name: jaraco.functools
# https://packaging.python.org/en/latest/specifications/core-metadata/
def parse_headers(text: str) -> dict[str, str]:
    """The headers before the first empty line: the first of each name, in lower case."""
    headers: dict[str, str] = {}
    for line in text.splitlines():
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon and value.strip():
            headers.setdefault(name.lower(), value.strip())
    return headers


def normalised(name: str) -> str:
    """The normalised name (PEP 503)."""
    # Most names have none; a regular expression for each would cost more than the listing.
    if "." in name or "__" in name or "--" in name:
        name = re.sub(r"[-_.]+", "-", name)
    return name.replace("_", "-").lower()
