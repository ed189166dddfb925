"""Loads modules that the build compiled, from one file: without it, Python may compile each anew.

uv compiles nothing when it installs, and images may forbid Python to keep what it compiles. The
file, made by `make.py`, is for one version of Python. Code in it counts while its source is, byte
for byte, what it was made from, as with the hash-based pycs of PEP 552; all else is compiled from
the source. Imports only what every interpreter has loaded when it starts.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from types import CodeType

    Entry = tuple[str, bool, bytes, int, int]
    """Path below site-packages, whether it is a package, hash of the source, offset, size."""


HERE = os.path.dirname(__file__)


def use(folder: str = HERE) -> None:
    """Load modules from the file in `folder`, if it has one for this Python that can be read."""
    if sys.flags.optimize:  # which leaves assertions out
        return
    try:
        file = os.open(f"{folder}/{sys.implementation.cache_tag}", os.O_RDONLY | os.O_CLOEXEC)
        if os.read(file, 4) == MAGIC_NUMBER:
            index = marshal.loads(os.read(file, int.from_bytes(os.read(file, 4), "little")))
            sys.meta_path.insert(0, _Finder(folder, file, index))
    except (OSError, EOFError, ValueError, TypeError):  # none, or not whole
        return


class _Finder:
    def __init__(self, folder: str, file: int, index: dict[str, Entry]) -> None:
        self._site = os.path.dirname(os.path.dirname(folder))
        self._cached = f"{folder}/{sys.implementation.cache_tag}"
        self._file, self._index = file, index

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name not in self._index:
            return None
        place, is_package, source_hash, offset, size = self._index[name]
        path = f"{self._site}/{place}"
        loader = _Loader(name, path)
        loader.kept = (self._file, source_hash, offset, size)
        spec = ModuleSpec(name, loader, origin=path, is_package=is_package)
        spec.has_location = True
        spec.cached = self._cached  # else it is worked out for each module
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(path)]
        return spec


class _Loader(SourceFileLoader):
    kept: tuple[int, bytes, int, int]

    def get_code(self, name: str) -> CodeType | None:
        file, source_hash, offset, size = self.kept
        if _imp.source_hash(0, self.get_data(self.path)) != source_hash:
            return super().get_code(name)
        code: CodeType = marshal.loads(os.pread(file, size, offset))
        _imp._fix_co_filename(code, self.path)  # type: ignore[attr-defined]
        return code
