"""How envprint was started, for a command to paste."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from envprint.core.shell import path_word
from envprint.machine.os_calls import on_path


def program(variables: Mapping[str, str]) -> str:
    """What starts envprint again; its name alone would not be found where PATH lacks it."""
    script = sys.argv[0] if sys.argv else ""
    name, is_module = os.path.basename(script), script.endswith("envprint/__main__.py")
    if not (name == "envprint" or is_module) or next(on_path("envprint", variables), None):
        return "envprint"
    started = path_word(sys.orig_argv[0] if is_module else script)
    if started is None:
        return "envprint"
    return f"{started} -m envprint" if is_module else started
