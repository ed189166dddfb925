"""The scripts that write generated files, which lie beside those files and in no package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def generator(folder: str) -> ModuleType:
    """The module `generate.py` in `folder` of this checkout."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / folder / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
