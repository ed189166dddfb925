"""The BLAS of the array libraries, read from their build configuration and their files.

NumPy and SciPy record what they were built with. The library they load is the one bundled in their
wheel or, in conda and distribution packages, the target of a chain of links.
"""

import re

from envprint.collectors._search_path import (
    Bundled,
    bundled_libraries,
    directory_of,
    search_directories,
)
from envprint.core.typed import NamedTuple
from envprint.machine.host import Host
from envprint.machine.os_calls import library_folders


class Blas(NamedTuple):
    """One BLAS library and the package that uses it."""

    name: str
    """The name its user has for it: scipy-openblas, openblas, mkl, accelerate, blas."""
    version: str | None
    """The version its user was built with."""
    library: str | None
    """Path relative to the search directory or the prefix, else absolute; None if not found."""
    owner: str
    """The package that bundles or names it: numpy, scipy, torch."""


def blas_libraries(host: Host) -> list[Blas]:
    """Every BLAS that an installed package would load, sorted by owner.

    Raises `OSError` if a directory cannot be listed, `ValueError` for a configuration in an unknown
    format.
    """
    bundled = bundled_blas(host)
    directories = search_directories(host)
    configured = {
        package: blas_of(host, package, directory, bundled)
        for package in ("numpy", "scipy")
        if (directory := directory_of(host, directories, f"{package}/__config__.py"))
    }
    found = list(configured.values())
    for library in bundled:
        if library.owner not in configured:
            found.append(Blas(_name_of(library.file), None, library.file, library.owner))
    return sorted(found, key=lambda blas: (blas.owner, blas.library or ""))


def bundled_blas(host: Host) -> list[Bundled]:
    """The BLAS libraries inside wheels. Raises `OSError`."""
    return [library for library in bundled_libraries(host) if _is_blas(library.file)]


def blas_of(host: Host, package: str, directory: str, bundled: list[Bundled]) -> Blas:
    """The BLAS of `package` (numpy or scipy) in the search directory `directory`.

    Raises `OSError`, and `ValueError` for a `__config__.py` in an unknown format.
    """
    name, version = parse_config(host.read_text(f"{directory}/{package}/__config__.py"))
    for library in bundled:
        if (library.owner, library.directory) == (package, directory):
            return Blas(name, version, library.file, package)
    return Blas(name, version, _outside_wheel(host, name), package)


# "blas": {
#     "name": "scipy-openblas",
#     "found": bool("True".lower().replace("false", "")),
#     "version": "0.3.31.188.0",
# https://github.com/numpy/numpy/blob/main/numpy/__config__.py.in
_BLAS = r"""["']blas["']:\s*\{([^}]*)\}"""
_ENTRY = r"""["'](name|version)["']:\s*r?["']([^"']*)["']"""
# blas_mkl_info={'libraries': ['mkl_rt', 'pthread'], …} until NumPy 1.25, empty if unused
_OLD = r"(?m)^(?:blas_opt_info|openblas64__info|openblas_info|blas_mkl_info)\s*=\s*(.*)$"
_OLD_LIBRARIES = r"""["']libraries["']:\s*\[["']([^"']+)"""


def parse_config(text: str) -> tuple[str, str | None]:
    """Name and version of the BLAS in a `__config__.py`; no version before NumPy 1.26.

    Raises `ValueError` for an unknown format.
    """
    section = re.search(_BLAS, text)
    entry = dict(re.findall(_ENTRY, section[1])) if section else {}
    if "name" in entry:
        version = entry.get("version")
        return entry["name"], None if version in ("", "unknown") else version
    for line in re.findall(_OLD, text):
        libraries = re.search(_OLD_LIBRARIES, line)
        if libraries:
            return libraries[1], None
    raise ValueError("no BLAS in the build configuration")


MKL_FILES = ("libmkl_rt.so.2", "libmkl_rt.so.1")
CBLAS_FILES = ("libcblas.so.3", "libblas.so.3")
"""Files that conda and distributions link to the selected BLAS."""

_NAMES = ("openblas", "mkl_rt", "blis", "nvpl_blas", "armpl", "accelerate")


def _is_blas(file: str) -> bool:
    return any(name in file.rpartition("/")[2] for name in _NAMES)


def _name_of(file: str) -> str:
    return next(name for name in _NAMES if name in file)


def _outside_wheel(host: Host, name: str) -> str | None:
    prefix = str(host.interpreter()["prefix"])
    files = MKL_FILES if "mkl" in name else CBLAS_FILES
    for folder in (f"{prefix}/lib", *library_folders(host.system()["machine"])):
        for file in files:
            if host.file_type(f"{folder}/{file}") == "file":
                return host.real_path(f"{folder}/{file}").removeprefix(f"{prefix}/")
    return None
