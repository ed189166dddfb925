"""Where a project publishes builds with a local version, such as `+cpu`."""

from __future__ import annotations

import re

from envprint import knowledge


def index_of(name: str, version: str) -> str | None:
    """The address of the index for such a version; None if it has none, or it is unknown."""
    local = version.partition("+")[2]
    entry = knowledge.find("local_versions", distribution=name) if local else None
    if entry is None or not re.fullmatch(entry["local"], local):
        return None
    place: str = entry["index"]
    return place.replace("{local}", local)
