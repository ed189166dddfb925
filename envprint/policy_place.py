"""Where a team's policy stands: the file that is named, or the nearest one upwards."""

from __future__ import annotations

import os
import time

from envprint.files import input_name, read_input
from envprint.policy import Policy

OWN = "envprint.toml"
SHARED = "pyproject.toml"
_TABLE = b"[tool.envprint"


def agreed_policy(path: str | None) -> tuple[Policy, str | None, str]:
    """The policy in force, and its file's name and text; the default and None without a file.

    Raises `EnvprintError` for a file that cannot be read or says what cannot be meant.
    """
    found = find_policy() if path is None else path
    if found is None:
        return Policy(), None, ""
    from envprint.policy_file import parse_policy

    name = input_name(found)
    content = read_input(found)
    policy = parse_policy(content, name, time.strftime("%Y-%m-%d"))
    return policy, name, content.decode("utf-8")


def exists(path: str) -> bool:
    """Whether there is anything of that name."""
    return os.path.lexists(path)


def find_policy() -> str | None:
    """The nearest `envprint.toml`, or pyproject.toml with a `[tool.envprint]`, upwards.

    From the working directory to the root of the repository, or of the file system.
    """
    try:
        folder = os.getcwd()
    except OSError:  # it is gone
        return None
    while True:
        own, shared = os.path.join(folder, OWN), os.path.join(folder, SHARED)
        if os.path.isfile(own):
            return own
        if os.path.isfile(shared) and _TABLE in read_input(shared):
            return shared
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return None
        folder = parent
