"""A callback for the Trainer of Transformers that captures each training, and checks it first.

    from envprint.integrations.transformers import Fingerprint
    Trainer(model, arguments, callbacks=[Fingerprint(baseline="@last-good")])

Importing this module does not import Transformers: the class is created on first access.
"""

from __future__ import annotations

from functools import cache

from envprint.api import Place
from envprint.core.typed import Any
from envprint.integrations._fit import Fit, Options

Fingerprint: Any
"""The callback class. It has no value before `__getattr__` is asked for it."""


def __getattr__(name: str) -> Any:
    if name != "Fingerprint":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _made()


@cache
def _made() -> type[Any]:
    from transformers import TrainerCallback

    class Fingerprint(TrainerCallback):  # type: ignore[misc]
        """Captures the start and the end of each training, and saves both.

        In `directory`, or in the `output_dir` of the arguments. It does what the callback for
        Keras does and has the same options: `baseline`, `fail_on`, `frameworks`, `device`,
        `policy`, `label`, `chief`, `timeout_s`.
        """

        def __init__(self, directory: Place | None = None, **options: Any) -> None:
            self._directory = directory
            # Checked now; opened again in the directory that the arguments name.
            self._options = Options(**options)
            self._fit = Fit(directory or ".", self._options)

        def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            """Capture, write, check. Raises `EnvprintError`, on all ranks if on one."""
            self._fit = Fit(self._directory or args.output_dir, self._options)
            self._fit.begin()

        def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            """Capture and write again; warns and never raises."""
            self._fit.finish()

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
