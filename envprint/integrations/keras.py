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
from typing import Any

from envprint.api import Place, Source
from envprint.core.impact import Impact
from envprint.integrations._fit import Fit, Options
from envprint.machine.live import LiveHost


def __getattr__(name: str) -> Any:
    if name != "Fingerprint":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _made(_keras())


def _keras() -> ModuleType:
    # The same decision as TensorFlow's for tf.keras.
    # https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/util/lazy_loader.py
    wished = LiveHost().environ().get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true")
    legacy = sys.modules.get("tf_keras")
    if legacy is not None and (wished or "keras" not in sys.modules):
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
        warning lists what changed meanwhile. Of several processes only the chief does all this;
        `chief` states whether this is it, for cases that envprint cannot detect.
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
        ) -> None:
            super().__init__()
            options = Options(baseline, fail_on, frameworks, device, policy, label, chief)
            self._fit = Fit(directory, options)

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
