"""Where a distribution came from, as its installer wrote it down (PEP 610).

An installer leaves direct_url.json for everything but an index, so its absence means an index,
provided that an installer which knows the file was at work.
"""

from __future__ import annotations

import json
from typing import Any

from envprint.collectors._attempt import text_or_none
from envprint.fields import TEXT, Field, record
from envprint.host import Host
from envprint.redact import Seal, safe_text

ORIGIN = record(
    Field("kind", TEXT, "index, vcs, editable, local (a directory) or archive (one file)."),
    Field("url", TEXT, "Where it came from, without credentials; null for an index."),
    Field("vcs", TEXT, "Version control system, such as git; null for others."),
    Field("commit", TEXT, "The commit that was installed; null for others."),
)
NOT_FROM_AN_INDEX = frozenset(["conda", "debian", "rpm", "apk", "portage", "pacman"])
"""INSTALLER of those that build from sources of their own."""


def origin_of(host: Host, path: str, installer: str | None) -> dict[str, Any] | None:
    """The origin of the distribution described in the dist-info directory `path`.

    Raises `OSError`, and `ValueError` for a direct_url.json that is none.
    """
    if installer and installer.lower() in NOT_FROM_AN_INDEX:
        return None
    text = text_or_none(host, f"{path}/direct_url.json")
    if text is not None:
        return parse_direct_url(text, host.seal)
    if installer is None:
        return None
    return {"kind": "index", "url": None, "vcs": None, "commit": None}


# {"url": "https://github.com/o/p", "vcs_info": {"vcs": "git", "commit_id": "7e1c…"}}
# {"url": "file:///home/me/p", "dir_info": {"editable": true}}
# https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
def parse_direct_url(text: str, seal: Seal | None = None) -> dict[str, Any]:
    """The origin in a direct_url.json. Raises `ValueError` on anything else."""
    data = json.loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("url"), str):
        raise ValueError("direct_url.json without url")
    vcs, directory = data.get("vcs_info"), data.get("dir_info")
    if isinstance(vcs, dict):
        kind = "vcs"
    elif isinstance(directory, dict):
        kind = "editable" if directory.get("editable") is True else "local"
    else:
        kind = "archive"
    vcs = vcs if isinstance(vcs, dict) else {}
    return {
        "kind": kind,
        "url": safe_text(data["url"], seal),
        "vcs": _text(vcs.get("vcs")),
        "commit": _text(vcs.get("commit_id")),
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
