"""JAX: its version, that of its compiled part, and the installed device plugins."""

from __future__ import annotations

from collections.abc import Mapping

from envprint.collectors.frameworks.version_files import Environment, Located, Package, locate
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.machine.attempt import attempt
from envprint.machine.host import Host

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
    directory = jaxlib.directory if isinstance(jaxlib, Located) else None
    return {
        "version": found.version,
        "jaxlib_version": jaxlib.version if isinstance(jaxlib, Located) else jaxlib,
        "plugins": {
            one.name: one.version
            for one in reversed(where.installed)
            if one.name.startswith(PLUGINS)
        },
        "unknown_xla_flags": attempt(lambda: _unknown_flags(where.host, directory)),
    }


_LIBRARIES = ("libjax_common.so", "xla_extension.so")
"""The library with XLA, from jaxlib 0.6 on and before."""


# --xla_cpu_enable_fast_math=true --xla_dump_to=/tmp/dump; a word without dashes is skipped
# https://github.com/openxla/xla/blob/main/xla/parse_flags_from_env.cc
def _unknown_flags(host: Host, directory: str | None) -> list[str] | Unknown | None:
    """The flags in XLA_FLAGS whose names are not among the constants of the library."""
    value = host.environ().get("XLA_FLAGS", "").strip()
    if not value:
        return None
    if not value.startswith("-"):
        return [] if host.file_type(value) else [value]
    words = [word.partition("=")[0] for word in value.split() if word.startswith("-")]
    names = {word: word[2:] for word in words if word.startswith("--")}
    if directory is None:
        return Unknown("no jaxlib was found")
    paths = (f"{directory}/jaxlib/{name}" for name in _LIBRARIES)
    library = next((path for path in paths if host.file_type(path)), None)
    if library is None:
        return Unknown("no library with XLA was found in jaxlib")
    absent = set(host.absent_texts(library, sorted(set(names.values()))))
    return sorted({names.get(word, word) for word in words if names.get(word, "") in {*absent, ""}})
