"""The version that a package would report, read from its version file without importing it.

The file takes precedence because the import executes it; the dist-info is used only if a package
keeps its version elsewhere.
"""

import re
from collections.abc import Sequence

from envprint.collectors._dist_info import Installed, distributions
from envprint.collectors._search_path import directory_of, search_directories
from envprint.core.typed import NamedTuple
from envprint.machine.host import Host


class Package(NamedTuple):
    """Where to find a package's version."""

    file: str
    """Path below the search directory; a package without it is not installed."""
    names: tuple[str, ...]
    """The variables assigned the version in that file, in order of precedence."""
    distributions: tuple[str, ...]
    """Normalised names of the distributions that install it."""


class Located(NamedTuple):
    """A package found as by an import."""

    directory: str
    """The search directory."""
    version: str
    text: str
    """The content of the version file."""


class Environment(NamedTuple):
    """The search path and its distributions, listed once for all packages."""

    host: Host
    directories: list[str]
    installed: tuple[Installed, ...]

    def distribution(self, directory: str, names: Sequence[str]) -> Installed | None:
        """The first distribution of one of `names` in `directory`, in the order of `names`."""
        here = {one.name: one for one in reversed(self.installed) if one.directory == directory}
        return next((here[name] for name in names if name in here), None)


def environment(host: Host) -> Environment:
    """The environment of the observed interpreter. Raises `OSError`."""
    return Environment(host, search_directories(host), distributions(host))


def locate(where: Environment, package: Package) -> Located | None:
    """The location and version of `package`; None if it is not installed.

    Raises `OSError`, and `ValueError` if it is installed but no version can be found, or only
    through an import hook, like some editable installations.
    """
    directory = directory_of(where.host, where.directories, package.file)
    if directory is None:
        if any(one.name in package.distributions for one in where.installed):
            raise ValueError(f"installed, but no {package.file} on the search path")
        return None
    text = where.host.read_text(f"{directory}/{package.file}")
    installed = where.distribution(directory, package.distributions)
    version = assigned(text, package.names) or (installed and installed.version)
    if not isinstance(version, str):
        raise ValueError(f"no version in {package.file} or in a dist-info beside it")
    return Located(directory, version, text)


# __version__ = '2.13.0+cpu'
# _release_version: str = '0.10.2'
def assigned(text: str, names: Sequence[str]) -> str | None:
    """The string literal assigned, without indentation, to the first of `names` that has one."""
    for name in names:
        found = re.search(rf"^{name}\s*(?::[^=\n]*)?=\s*(['\"])([^'\"\n]+)\1", text, re.M)
        if found:
            return found[2]
    return None


# #define CUDNN_MAJOR 9
# #define CUDNN_PATCHLEVEL 0
# https://github.com/tensorflow/tensorflow/blob/v2.15.0/third_party/gpus/find_cuda_config.py
def parse_header(text: str, prefix: str) -> str | None:
    """The version that a header defines, such as `9.3.0`; None when it defines none."""
    found = dict(re.findall(rf"^#define\s+{prefix}_(\w+)\s+(\d+)\b", text, re.MULTILINE))
    parts = (found.get("MAJOR"), found.get("MINOR"), found.get("PATCHLEVEL", found.get("PATCH")))
    known = [part for part in parts if part is not None]
    return ".".join(known) if len(known) == len(parts) else None
