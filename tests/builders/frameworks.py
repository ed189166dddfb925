"""Requirements of real frameworks and engines."""

from __future__ import annotations

TENSORFLOW = ("tensorflow-cpu==2.21.0", "scikit-learn")
TORCH = ("torch==2.13.0", "jax", "scipy", "numpy")
RAY = ("ray==2.60.0",)
DASK = ("distributed==2026.8.0",)
