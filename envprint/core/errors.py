"""The errors envprint raises: each says what was expected, what was found and what to do.

They are caught once, in `envprint.cli.main`, which prints one line and exits with 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envprint.core.report import Report


class EnvprintError(Exception):
    """Something the user can act on; its text is one line, and repeats no credentials."""

    def __init__(self, message: str) -> None:
        from envprint.core.redact import safe_text

        super().__init__(safe_text(message))


class DocumentError(EnvprintError):
    """A document that cannot be read as a fingerprint; names the file and the place in it."""


class OutputError(EnvprintError):
    """A target that cannot be written; what stood there before is unharmed."""


class StoreError(EnvprintError):
    """A store that cannot be read or written, or in which nothing is what was asked for."""


class PolicyError(EnvprintError):
    """A policy file with an unknown key, a wrong type or a value that cannot be meant."""


class InterpreterError(EnvprintError):
    """The interpreter given by `--python` did not answer."""


class UsageError(EnvprintError):
    """A command line that does not parse."""


class DriftError(EnvprintError):
    """Raised by `envprint.check` when a finding reaches the threshold; `.report` has it all.

    Its text names each reason in a line of its own, and what to do about it.
    """

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is copied from its `args`, which are the message alone. Pools of workers
        # hang or break when what a worker raised cannot be unpickled.
        return type(self), (str(self), self.report), self.__dict__


class UnknownValueError(Exception):
    """A value was asked for that the fingerprint lists as unknown.

    Never shown to a user: the engine turns it into an *undecided* entry, so that a rule cannot
    mistake "could not tell" for "equal" by forgetting to ask.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.reason), self.__dict__
