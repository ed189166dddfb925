"""The errors envprint raises. A message names what was expected, what was found and what to do.

`envprint.cli.main` is the only place that catches them; it prints one line and exits with 2.
"""

from __future__ import annotations

from envprint.core.typed import Any


class EnvprintError(Exception):
    """An error the user can act on. The message is one line without credentials."""

    def __init__(self, message: str) -> None:
        from envprint.core.redact import safe_text

        super().__init__(safe_text(message))


class DocumentError(EnvprintError):
    """A document is not a valid fingerprint; the message names the file and the path in it."""


class OutputError(EnvprintError):
    """A target cannot be written; its previous content is intact."""


class StoreError(EnvprintError):
    """A store cannot be read or written, or does not contain the requested entry."""


class NothingYetError(StoreError):
    """`@last-good` means nothing yet: no run was good so far, and nothing is damaged."""


class PolicyError(EnvprintError):
    """A policy file has an unknown key, a wrong type or an invalid value."""


class InterpreterError(EnvprintError):
    """The interpreter given by `--python` did not respond."""


class UsageError(EnvprintError):
    """The command line does not parse."""


def warn(text: str) -> None:
    """A warning of Python's, as a library gives it."""
    import warnings  # few starts warn

    warnings.warn(text, stacklevel=2)


class suppress:  # noqa: N801  as `contextlib` names it
    """Ends its block at one of these errors; a start does not load `contextlib` for it."""

    def __init__(self, *errors: type[BaseException]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        """Whether the error is one of these."""
        return kind is not None and issubclass(kind, self._errors)


class UnknownValueError(Exception):
    """The requested value is unknown in the fingerprint.

    Never shown to a user: the engine turns it into an *undecided* entry, so a rule that forgets to
    check cannot mistake "unknown" for "equal".
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.reason), self.__dict__
