"""Where a verb prints: reports to stdout, everything else to stderr."""

from __future__ import annotations

import os
from typing import NamedTuple, TextIO

from envprint.errors import OutputError
from envprint.files import write_output


class Console(NamedTuple):
    """The two streams, and what to know about them."""

    stdout: TextIO
    stderr: TextIO

    def emit(self, text: str, target: str | None = None) -> None:
        """Print `text`, or write it to the file `target` in one step. Raises `OutputError`."""
        if target and target != "-":
            write_output(target, text)
            return
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except UnicodeEncodeError:
            # A terminal in the C locale cannot show every name; the answer matters more.
            encoding = self.stdout.encoding
            self.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write to stdout: {error.strerror}") from None

    def flush(self) -> None:
        """Let nothing wait for the interpreter's exit, where an error could not be told."""
        try:
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write to stdout: {error.strerror}") from None

    def warn(self, text: str) -> None:
        """One line of warning on stderr."""
        self.stderr.write(f"envprint: warning: {_one_line(text)}\n")

    def complain(self, text: str) -> None:
        """One line on stderr that says why the job could not be done."""
        self.stderr.write(f"envprint: {_one_line(text)}\n")

    def colour(self) -> bool:
        """Whether stdout is a terminal that should have colour (https://no-color.org)."""
        dumb = os.environ.get("TERM") == "dumb"
        return self.stdout.isatty() and not os.environ.get("NO_COLOR") and not dumb


def _one_line(text: str) -> str:
    from envprint.outputs._layout import plain

    return plain(" ".join(text.split()))
