"""Interprets NVML readings, and offers `envprint.gpu.watch()`.

Importing this package imports nothing else: the watch is loaded on first use of one of its names.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envprint.gpu.watching import Gap, Holder, Watch, Watched, watch

__all__ = ["Gap", "Holder", "Watch", "Watched", "watch"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'envprint.gpu' has no attribute {name!r}")
    from envprint.gpu import watching

    value = getattr(watching, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
