"""What a Python interpreter says about itself.

This file runs twice: imported by envprint, and as source text in the interpreter given by
`--python`, whatever its version. So it uses nothing but what Python 3.6 had, imports only modules
that every interpreter has loaded at start-up, and keeps no state. Annotations that 3.6 could not
evaluate are text.
"""

import os
import sys

MARK = "\x02envprint\x03"
"""Printed in front of the description, because start-up hooks may print too."""

FRAMEWORK_MODULES = ("numpy", "scipy", "sklearn", "tensorflow", "keras", "torch", "jax", "jaxlib")


def describe() -> "dict[str, object]":
    """Everything about this interpreter that only code inside it can know, as JSON types."""
    flags = {
        name: int(getattr(sys.flags, name))
        for name in dir(sys.flags)
        if not name.startswith("_") and isinstance(getattr(sys.flags, name), int)
    }
    return {
        "implementation": sys.implementation.name,
        "version": ".".join(map(str, sys.version_info[:3])) + _release_suffix(),
        "compiler": sys.version.rpartition("[")[2].rstrip("]"),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "platform": sys.platform,
        "byte_order": sys.byteorder,
        "flags": flags,
        "x_options": {name: str(value) for name, value in sys._xoptions.items()},
        "gil_enabled": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
        "subnormals_flushed": sys.float_info.min / 2 == 0.0,
        "libc": _libc(),
        "path": _search_path(),
        "imported": sorted(name for name in FRAMEWORK_MODULES if name in sys.modules),
        "site_hooks": sorted(
            name for name in ("sitecustomize", "usercustomize") if name in sys.modules
        ),
        "pid": os.getpid(),
    }


def _release_suffix() -> str:
    level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(sys.version_info[3], "")
    return level + str(sys.version_info[4]) if level else ""


def _libc() -> "str | None":
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None


def _search_path() -> "list[str]":
    """`sys.path` without the entry of the script or the working directory.

    That first entry belongs to the code that runs, not to the environment; two captures from two
    directories would differ by it.
    """
    entries = [entry for entry in sys.path if isinstance(entry, str)]
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    here = {os.getcwd() if os.path.isdir(".") else ""}
    if main:
        here.add(os.path.dirname(os.path.abspath(main)))
    if sys.argv and sys.argv[0]:
        here.add(os.path.dirname(os.path.abspath(sys.argv[0])))
    if entries and (not entries[0] or os.path.abspath(entries[0]) in here):
        entries = entries[1:]
    return [os.path.abspath(entry) for entry in entries if entry]


def print_description() -> None:
    """Print `MARK` and the description; called at the end of the text that `--python` runs."""
    import json

    sys.stdout.write(MARK + json.dumps(describe()))
