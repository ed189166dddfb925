"""What `envprint run` does once the command has ended, when nothing may cost its exit code.

The command may have removed or replaced what this calls, envprint itself included. So everything
that is needed then is imported before it starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from envprint.errors import EnvprintError
from envprint.model import Unknown
from envprint.outputs import _layout  # noqa: F401  every line on stderr goes through it
from envprint.shapes import fingerprint_shape

T = TypeVar("T")


def prepare() -> None:
    """Read what the comparison with the capture afterwards needs, while it is sure to be there."""
    fingerprint_shape()


def attempt(action: Callable[[], T]) -> T | Unknown:
    """What `action` returns, or why it did not."""
    try:
        return action()
    except EnvprintError as error:
        return Unknown(str(error))
    # What a job has done to the files under this process shows up as any error whatever; its exit
    # code is still to be handed on.
    except Exception as error:  # noqa: BLE001  see the reason above
        return Unknown(f"{type(error).__name__}: {error}")
