"""The packages of a conda environment, from the JSON files in `conda-meta`.

A file lists every path of a package and may have megabytes, so it is only searched for the channel;
name, version and build are in the file's name.
"""

from __future__ import annotations

import re
from functools import partial

from envprint.core.fingerprint import Unknown
from envprint.core.redact import HIDDEN, safe_text
from envprint.machine.attempt import attempt, names_or_empty
from envprint.machine.host import Host

CondaPackage = dict[str, "str | Unknown | None"]


def conda_packages(host: Host, prefix: str) -> dict[str, CondaPackage]:
    """Version, build and channel by package name; empty outside conda.

    Raises `OSError` if `conda-meta` cannot be listed.
    """
    packages = {}
    folder = f"{prefix}/conda-meta"
    for file in names_or_empty(host, folder):
        named = parse_file_name(file)
        if named:
            name, version, build = named
            channel = attempt(partial(_channel, host, f"{folder}/{file}"))
            packages[name] = {"version": version, "build": build, "channel": channel}
    return packages


def _channel(host: Host, path: str) -> str | None:
    return parse_channel(host.read(path))


# numpy-1.26.4-py311h64a7726_0.json
# https://docs.conda.io/projects/conda-build/en/stable/concepts/package-naming-conv.html
def parse_file_name(file: str) -> tuple[str, str, str] | None:
    """Name, version and build; None for other files, such as `history`."""
    parts = file.removesuffix(".json").rsplit("-", 2)
    return (parts[0], parts[1], parts[2]) if file.endswith(".json") and len(parts) == 3 else None


# "channel": "https://conda.anaconda.org/conda-forge/linux-64",
_CHANNEL = rb'"channel":\s*"([^"\\]*)"'
# A private channel contains its token: https://host/t/TOKEN/channel
_TOKEN = r"/t/[^/]+"


def parse_channel(content: bytes) -> str | None:
    """The channel in a package's JSON, without token or password; None if it names none."""
    found = re.search(_CHANNEL, content)
    if not found:
        return None
    return re.sub(_TOKEN, f"/t/{HIDDEN}", safe_text(found[1].decode("utf-8", "replace"))) or None
