"""A Keras callback that captures each `fit` at its start and end, and checks it first.

    from envprint.integrations.keras import Fingerprint
    model.fit(x, y, callbacks=[Fingerprint("checkpoints", baseline="@last-good")])

Importing this module does not import Keras. The class is created on first access, for the Keras
that the process uses: 3, 2 inside TensorFlow, or tf-keras beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from types import ModuleType

from envprint.api import Place, Source
from envprint.core.impact import Impact
from envprint.core.typed import Any
from envprint.fleet.deciding import TIMEOUT_S
from envprint.integrations._fit import Fit, Options
from envprint.machine.live import LiveHost

Fingerprint: Any
"""The callback class. It has no value before `__getattr__` is asked for it."""


def __getattr__(name: str) -> Any:
    if name != "Fingerprint":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _made(_keras())


def _keras() -> ModuleType:
    # The same decision as TensorFlow's for tf.keras.
    # https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/util/lazy_loader.py
    is_legacy = LiveHost().environ().get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true")
    legacy = sys.modules.get("tf_keras")
    if legacy is not None and (is_legacy or "keras" not in sys.modules):
        return legacy
    import keras

    module: ModuleType = keras
    return module


@cache
def _made(keras: Any) -> type[Any]:
    """The class, a subclass of this Keras' callback; always the same object."""

    class Fingerprint(keras.callbacks.Callback):  # type: ignore[misc]
        """Captures the start and the end of each `fit`, and saves both beside the checkpoints.

        In `directory` the first training has `fingerprint-001-start.json` and
        `fingerprint-001-end.json`, the next 002: nothing is overwritten. With a `baseline` (a
        fingerprint, a file, or `@NAME`) or `fail_on`, the start is judged as by `envprint.check`,
        which has the same options, and `DriftError` is raised before the first step. At the end a
        warning lists what changed meanwhile. Of several processes the first one writes, and all
        decide together within `timeout_s`; `chief` states whether this is the first, for cases that
        envprint cannot detect, and then each decides alone.
        """

        def __init__(
            self,
            directory: Place,
            *,
            baseline: Source | None = None,
            fail_on: str | Impact | None = None,
            frameworks: Iterable[str] = (),
            device: str | None = None,
            policy: Place | None = None,
            label: str | None = None,
            chief: bool | None = None,
            timeout_s: float = TIMEOUT_S,
        ) -> None:
            super().__init__()
            options = (baseline, fail_on, frameworks, device, policy, label, chief, timeout_s)
            self._fit = Fit(directory, Options(*options))

        def on_train_begin(self, logs: Any = None) -> None:
            """Capture, write, check. Raises `EnvprintError`."""
            self._fit.begin()

        def on_train_end(self, logs: Any = None) -> None:
            """Capture and write again; warns and never raises."""
            self._fit.finish()

        @property
        def start(self) -> Any:
            """The fingerprint of the last training's start; None before it and on other ranks."""
            return self._fit.start

        @property
        def end(self) -> Any:
            """The fingerprint of the last training's end; None before it and on other ranks."""
            return self._fit.end

    # So that copying and pickling find it.
    Fingerprint.__module__, Fingerprint.__qualname__ = __name__, "Fingerprint"
    return Fingerprint
