"""Paths of values in a fingerprint, such as `facts.environ.variables[TF_X]`."""

import re

STEP = r"\[([^\]]*)\]|([^.\[\]]+)"


def split_path(path: str) -> list[str]:
    """The keys of a path: `facts.environ.variables[TF_X]` has four."""
    return [name or key for key, name in re.findall(STEP, path)]


def is_inside(path: str, prefix: str) -> bool:
    """Whether `path` equals `prefix` or lies inside it."""
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", ".", "[")
