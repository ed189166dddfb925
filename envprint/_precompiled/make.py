"""Compiles the modules that everyday verbs load into one file for the Python that runs this.

    python envprint/_precompiled/make.py FILE

The build of a wheel runs it (`hatch_build.py`); `envprint/_precompiled/__init__.py` reads the file:

    4 bytes     the magic number of this Python's bytecode
    4 bytes     the size of the index, little-endian
    the index   marshalled: name of a module to its path, whether it is a package, the hash of its
                source, and where its code begins and how long it is
    the code    of each module, marshalled
"""

from __future__ import annotations

import _imp
import marshal
import sys
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
EVERYDAY = (
    *("cli", "collectors", "core", "documents", "gpu", "judging", "knowledge", "machine"),
    *("outputs", "rules", "run"),
)
"""Packages of which `capture`, `diff`, `check` and `run` load some."""


def main() -> None:
    """Write the file."""
    Path(sys.argv[1]).write_bytes(compiled())


def compiled() -> bytes:
    """The whole file."""
    entries, code = {}, b""
    for path in sources():
        source, place = path.read_bytes(), path.relative_to(PACKAGE.parent).as_posix()
        # The loader puts in the real path; this one is the same wherever the wheel is built.
        made = marshal.dumps(compile(source, place, "exec", dont_inherit=True, optimize=0))
        name = place.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
        is_package = path.name == "__init__.py"
        entries[name] = (place, is_package, _imp.source_hash(0, source), len(code), len(made))
        code += made
    index = b""
    while True:  # the places in the index depend on its size
        begin = 8 + len(index)
        index = marshal.dumps({name: (*e[:3], begin + e[3], e[4]) for name, e in entries.items()})
        if begin == 8 + len(index):
            return MAGIC_NUMBER + len(index).to_bytes(4, "little") + index + code


def sources() -> Iterator[Path]:
    """All modules of the everyday packages, and those that stand beside them."""
    yield from sorted(path for path in PACKAGE.glob("*.py") if path.name[:2] != "__")
    for name in EVERYDAY:
        yield from sorted((PACKAGE / name).rglob("*.py"))


if __name__ == "__main__":
    main()
