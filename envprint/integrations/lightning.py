"""A callback for PyTorch Lightning that captures each `fit` at its start and end, and checks it.

    from envprint.integrations.lightning import Fingerprint
    Trainer(callbacks=[Fingerprint("checkpoints", baseline="@last-good")])

Importing this module does not import Lightning. The class is created on first access, for
`lightning.pytorch`, `pytorch_lightning`, or both, whichever the process has imported.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module

from envprint.api import Place
from envprint.core.typed import Any
from envprint.integrations._fit import Fit, Options

PACKAGES = ("lightning.pytorch", "pytorch_lightning")
KEY = "envprint_digest"
"""Of a checkpoint: the digest of the environment that the training began in."""

Fingerprint: Any
"""The callback class. It has no value before `__getattr__` is asked for it."""


def __getattr__(name: str) -> Any:
    if name != "Fingerprint":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _made(tuple(name for name in PACKAGES if name in sys.modules) or (_installed(),))


def _installed() -> str:
    try:
        import_module(PACKAGES[0])
    except ModuleNotFoundError:
        import_module(PACKAGES[1])
        return PACKAGES[1]
    return PACKAGES[0]


@cache
def _made(packages: tuple[str, ...]) -> type[Any]:
    """The class, a subclass of the callback of each package: none of them knows the other's."""
    bases = tuple(sys.modules[package].Callback for package in packages)

    class Fingerprint(*bases):  # type: ignore[misc]
        """Captures the start and the end of each `fit`, and saves both in `directory`.

        It does what the callback for Keras does and has the same options: `baseline`, `fail_on`,
        `frameworks`, `device`, `policy`, `label`, `chief`, `timeout_s`. Checkpoints get the digest
        of the start under `envprint_digest`.
        """

        def __init__(self, directory: Place, **options: Any) -> None:
            super().__init__()
            self._fit = Fit(directory, Options(**options))

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            """Capture, write, check. Raises `EnvprintError`, on all ranks if on one."""
            self._fit.begin()

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            """Capture and write again; warns and never raises."""
            self._fit.finish()

        def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
            """Name the environment; a text is what every loader of checkpoints accepts."""
            if self._fit.start is not None:
                checkpoint[KEY] = self._fit.start.digest

        @property
        def start(self) -> Any:
            """The fingerprint of the last start; None before it and on other ranks."""
            return self._fit.start

        @property
        def end(self) -> Any:
            """The fingerprint of the last end; None before it and on other ranks."""
            return self._fit.end

    # So that copying and pickling find it.
    Fingerprint.__module__, Fingerprint.__qualname__ = __name__, "Fingerprint"
    return Fingerprint
