"""A callback for Hydra that captures each job at its start and end, and checks it first.

    hydra:
      callbacks:
        envprint:
          _target_: envprint.integrations.hydra.Fingerprint
          baseline: "@last-good"

Importing this module does not import Hydra: the class is created on first access.
"""

from __future__ import annotations

from functools import cache

from envprint.api import Place
from envprint.core.errors import EnvprintError
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
    from hydra.experimental.callback import Callback

    class Fingerprint(Callback):  # type: ignore[misc]
        """Captures the start and the end of each job, and saves both in the job's directory.

        It has the options of the callback for Keras: `baseline`, `fail_on`, `frameworks`,
        `device`, `policy`, `label`, `chief`, `timeout_s`; and `directory`.
        """

        def __init__(self, directory: Place | None = None, **options: Any) -> None:
            self._directory = directory
            self._options = Options(**options)
            self._fit: Fit | None = None

        def on_job_start(self, config: Any, **others: Any) -> None:
            """Capture, write, check. Ends the process if the check refuses."""
            try:
                self._fit = Fit(self._directory or _output_dir(), self._options)
                self._fit.begin()
            except EnvprintError as error:
                # Hydra makes a warning of every Exception of a callback and runs the job.
                raise SystemExit(f"envprint: {error}") from error

        def on_job_end(self, config: Any, job_return: Any, **others: Any) -> None:
            """Capture and write again, if the job has not failed; warns and never raises."""
            if self._fit is not None and job_return.status.name == "COMPLETED":
                self._fit.finish()

    # So that copying and pickling find it.
    Fingerprint.__module__, Fingerprint.__qualname__ = __name__, "Fingerprint"
    return Fingerprint


def _output_dir() -> str:
    from hydra.core.hydra_config import HydraConfig

    directory: str = HydraConfig.get().runtime.output_dir
    return directory
