"""NumPy, SciPy and scikit-learn: versions, and the BLAS of the first two."""

from __future__ import annotations

from collections.abc import Mapping

from envprint.collectors.frameworks.blas import Blas, blas_of, bundled_blas
from envprint.collectors.frameworks.version_files import Environment, Package, locate
from envprint.core.typed import Any
from envprint.machine.attempt import attempt

NUMPY = Package("numpy/version.py", ("full_version", "version", "__version__"), ("numpy",))
SCIPY = Package("scipy/version.py", ("full_version", "version"), ("scipy",))
SCIKIT_LEARN = Package("sklearn/__init__.py", ("__version__",), ("scikit-learn",))


def numpy(where: Environment) -> Mapping[str, Any] | None:
    """Version and BLAS of NumPy, None if it is not installed; raises like `locate`."""
    return _with_blas(where, NUMPY, "numpy")


def scipy(where: Environment) -> Mapping[str, Any] | None:
    """Version and BLAS of SciPy, None if it is not installed; raises like `locate`."""
    return _with_blas(where, SCIPY, "scipy")


def scikit_learn(where: Environment) -> Mapping[str, Any] | None:
    """Version of scikit-learn, None if it is not installed; raises like `locate`."""
    found = locate(where, SCIKIT_LEARN)
    return {"version": found.version} if found else None


def _with_blas(where: Environment, package: Package, name: str) -> Mapping[str, Any] | None:
    found = locate(where, package)
    if found is None:
        return None
    bundled = bundled_blas(where.host)
    blas = attempt(lambda: blas_of(where.host, name, found.directory, bundled))
    return {"version": found.version, "blas": _record(blas) if isinstance(blas, Blas) else blas}


def _record(blas: Blas) -> dict[str, str | None]:
    return {"name": blas.name, "version": blas.version, "library": blas.library}
