"""Requirements of real frameworks."""

from __future__ import annotations

TORCH = ("torch==2.13.0", "jax", "scipy", "numpy")
