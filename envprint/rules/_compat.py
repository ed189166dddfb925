"""Which versions run together: data with its source and date, and how to look it up.

Only what a project itself states is here. A version newer than the data is never judged.
"""

from __future__ import annotations

Span = tuple[tuple[int, int], tuple[int, int]]

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
    for line in _PYTHON_3.split("\n"):
        releases, _, pythons = line.partition(" ")
        if releases:
            low, high = _span(releases)
            if low <= version[:2] <= high:
                return _span(pythons)
    return None
