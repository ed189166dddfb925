"""Where pip looks for packages by its own configuration, as variables for uv, which reads none.

A team that works behind a mirror has often set up pip alone. What is set for uv itself counts
first. The addresses may hold credentials: they go into variables of the installer and nowhere else.
https://pip.pypa.io/en/stable/topics/configuration/
https://docs.astral.sh/uv/reference/environment/
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

_OF_UV = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
}
"""Option of pip: the variables of uv that say the same, the first of which is set."""
_SEPARATORS = {"UV_FIND_LINKS": ","}
_STRATEGY = "UV_INDEX_STRATEGY"


def for_uv(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell uv what pip knows; none of those that are set already."""
    told = {name for names in _OF_UV.values() for name in names if variables.get(name)}
    found: dict[str, str] = {}
    for option, value in _options(variables).items():
        names = _OF_UV[option]
        if told.isdisjoint(names):
            found[names[0]] = _SEPARATORS.get(names[0], " ").join(value.split())
    if "UV_INDEX" in found and not variables.get(_STRATEGY):
        # pip takes the best version of all indexes, uv those of the first that knows the name.
        found[_STRATEGY] = "unsafe-best-match"
    return found


def _options(variables: Mapping[str, str]) -> dict[str, str]:
    """The options in force: of files, the later ones first, and of variables before those."""
    import configparser

    found: dict[str, str] = {}
    for path in _files(variables):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):  # pip itself would refuse it
            continue
        for section in ("global", "install"):
            for option in _OF_UV:
                if parser.has_option(section, option):
                    found[option] = parser.get(section, option)
    for option in _OF_UV:
        name = f"PIP_{option.upper().replace('-', '_')}"
        if name in variables:
            found[option] = variables[name]
    return {option: value for option, value in found.items() if value.strip()}


def _files(variables: Mapping[str, str]) -> Iterator[str]:
    named = variables.get("PIP_CONFIG_FILE")
    if named != os.devnull:
        home = variables.get("HOME") or os.path.expanduser("~")
        shared = variables.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        own = variables.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        yield from (os.path.join(place, "pip", "pip.conf") for place in shared.split(os.pathsep))
        yield "/etc/pip.conf"
        yield os.path.join(home, ".pip", "pip.conf")
        yield os.path.join(own, "pip", "pip.conf")
        yield os.path.join(sys.prefix, "pip.conf")
        if named:
            yield named
