"""The version that a package would report, from its small version file, never by importing it.

The file decides because it is what the import runs; the dist-info beside it only fills in where a
package keeps its version elsewhere.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from envprint.collectors._dist_info import Installed, distributions
from envprint.collectors._search_path import directory_of, search_directories
from envprint.machine.host import Host


class Package(NamedTuple):
    """Where a version stands."""

    file: str
    """Below the search directory; a package without it is not installed."""
    names: tuple[str, ...]
    """The assignments in that file that hold the version, the one in force first."""
    distributions: tuple[str, ...]
    """Normalised names under which it is installed."""


class Located(NamedTuple):
    """A package as an import would find it."""

    directory: str
    """The search directory."""
    version: str
    text: str
    """The content of the version file."""


class Environment(NamedTuple):
    """Where packages can be, looked up once for all of them."""

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
    """Where `package` is and which version it reports; None when it is not installed.

    Raises `OSError`, and `ValueError` when it is installed and no version can be found, or only
    through an import hook, as some editable installations are.
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
        raise ValueError(f"no version in {package.file} nor in a dist-info beside it")
    return Located(directory, version, text)


# __version__ = '2.13.0+cpu'
# _release_version: str = '0.10.2'
def assigned(text: str, names: Sequence[str]) -> str | None:
    """The string literal assigned at the left margin to the first of `names` that has one."""
    for name in names:
        found = re.search(rf"^{name}\s*(?::[^=\n]*)?=\s*(['\"])([^'\"\n]+)\1", text, re.M)
        if found:
            return found[2]
    return None
