"""Requirements of real frameworks."""

from __future__ import annotations

TENSORFLOW = ("tensorflow-cpu==2.21.0", "scikit-learn")
TORCH = ("torch==2.13.0", "jax", "scipy", "numpy")
