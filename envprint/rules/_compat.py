"""Which versions run together: data with its source and date, and how to look it up.

Only what a project itself states is here. A version newer than the data is never judged.
"""

from typing import NamedTuple

Span = tuple[tuple[int, int], tuple[int, int]]


class Cuda(NamedTuple):
    """The CUDA and the cuDNN of a build, as exact as its project tells."""

    cuda: str
    cudnn: str


# https://www.tensorflow.org/install/source#tested_build_configurations, read 2026-03-11
_PYTHON_3 = """
1.0-1.12 3.3-3.6
1.13-2.1 3.3-3.7
2.2-2.3 3.5-3.8
2.4-2.4 3.6-3.8
2.5-2.6 3.6-3.9
2.7-2.7 3.7-3.9
2.8-2.11 3.7-3.10
2.12-2.13 3.8-3.11
2.14-2.15 3.9-3.11
2.16-2.19 3.9-3.12
2.20-2.20 3.9-3.13
2.21-2.21 3.10-3.13
"""

# CUDA and cuDNN that each TensorFlow for Linux was built and tested with.
# https://www.tensorflow.org/install/source#gpu, read 2026-03-11
_CUDA = """
1.0-1.2 8.0 5.1
1.3-1.4 8.0 6
1.5-1.12 9.0 7
1.13-2.0 10.0 7.4
2.1-2.3 10.1 7.6
2.4-2.4 11.0 8.0
2.5-2.11 11.2 8.1
2.12-2.13 11.8 8.6
2.14-2.14 11.8 8.7
2.15-2.15 12.2 8.9
2.16-2.17 12.3 8.9
2.18-2.21 12.5 9.3
"""

NUMPY_2 = {
    "tensorflow": (2, 18),
    "torch": (2, 3),
    "jax": (0, 4, 26),
    "scipy": (1, 13),
    "scikit-learn": (1, 4, 2),
}
"""The first version whose wheels work with NumPy 2, see the evidence of `numpy-2-unsupported`."""


def _pair(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _span(text: str) -> Span:
    low, _, high = text.partition("-")
    return _pair(low), _pair(high)


def python_for_tensorflow(version: tuple[int, ...]) -> Span | None:
    """Lowest and highest Python 3 with a wheel of that TensorFlow; None when not in the table."""
    row = _row(_PYTHON_3, version)
    return _span(row[0]) if row else None


def cuda_for_tensorflow(version: tuple[int, ...]) -> Cuda | None:
    """What TensorFlow was built and tested with; None when not in the table."""
    row = _row(_CUDA, version)
    return Cuda(*row) if row else None


def _row(table: str, version: tuple[int, ...]) -> list[str] | None:
    for line in table.split("\n"):
        releases, *rest = line.split() or [""]
        if releases:
            low, high = _span(releases)
            if low <= version[:2] <= high:
                return rest
    return None
