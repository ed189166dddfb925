"""JAX: its version, that of its compiled part, and the installed device plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envprint.collectors.frameworks.version_files import Environment, Located, Package, locate
from envprint.machine.attempt import attempt

NAMES = ("_release_version", "__version__", "_version")
JAX = Package("jax/version.py", NAMES, ("jax",))
JAXLIB = Package("jaxlib/version.py", NAMES, ("jaxlib",))
PLUGINS = ("jax-cuda", "jax-rocm", "jax-metal", "libtpu")
"""Prefixes of the distributions that add devices to JAX."""


def jax(where: Environment) -> Mapping[str, Any] | None:
    """Versions of JAX and its parts, None if it is not installed; raises like `locate`."""
    found = locate(where, JAX)
    if found is None:
        return None
    jaxlib = attempt(lambda: locate(where, JAXLIB))
    return {
        "version": found.version,
        "jaxlib_version": jaxlib.version if isinstance(jaxlib, Located) else jaxlib,
        "plugins": {
            one.name: one.version
            for one in reversed(where.installed)
            if one.name.startswith(PLUGINS)
        },
    }
