"""Where an import would find a package, and the shared libraries bundled in wheels.

Follows the observed interpreter's search path like the import system, so the result is what a
program would import, not what was installed last.
"""

import re
from collections.abc import Iterator

from envprint.core.typed import NamedTuple
from envprint.machine.attempt import names_or_empty
from envprint.machine.host import Host


class Bundled(NamedTuple):
    """A shared library inside a wheel."""

    owner: str
    """The package that bundles it, such as `numpy`."""
    file: str
    """Path below the search directory, such as `numpy.libs/libscipy_openblas64_-32a4b2a6.so`."""
    directory: str
    """The search directory."""


def search_directories(host: Host) -> list[str]:
    """The entries of the search path, without duplicates through links."""
    entries: list[str] = host.interpreter()["path"]
    return list({host.real_path(entry): entry for entry in reversed(entries)}.values())[::-1]


def directory_of(host: Host, directories: list[str], file: str) -> str | None:
    """The first of `directories` with `file`, such as `torch/__init__.py`; None if none has it."""
    for directory in directories:
        if host.file_type(f"{directory}/{file}") == "file":
            return directory
    return None


def bundled_libraries(host: Host) -> Iterator[Bundled]:
    """The libraries in folders filled by auditwheel and delvewheel (`x.libs`) or by a wheel's
    own build (`torch/lib`). Raises `OSError` if a search directory cannot be listed.
    """
    for directory in search_directories(host):
        names = names_or_empty(host, directory)
        folders = [(name[:-5], name) for name in names if name.endswith(".libs")]
        if "torch" in names:
            folders.append(("torch", "torch/lib"))
        for owner, folder in folders:
            for name in names_or_empty(host, f"{directory}/{folder}"):
                if is_shared_library(name):
                    yield Bundled(owner, f"{folder}/{name}", directory)


_SHARED = r"\.so(\.\d+)*$|\.dylib$|\.dll$"


def is_shared_library(name: str) -> bool:
    """Whether a file name is that of a shared library, on any operating system."""
    return bool(re.search(_SHARED, name))
