"""Where a verb prints: reports to stdout, everything else to stderr."""

import os

from envprint.core.errors import OutputError, suppress
from envprint.core.text import WIDTH, one_line
from envprint.core.typed import NamedTuple, TextIO
from envprint.machine.files import write_output

NARROWEST, WIDEST = 60, 120
"""Columns of a report on a terminal: less cuts words, and longer lines are hard to follow."""


class Console(NamedTuple):
    """The two streams, and their properties."""

    stdout: TextIO | None
    """None if it was closed before the start (`>&-`)."""
    stderr: TextIO | None
    is_last: bool = False
    """Whether the process ends with this verb."""

    def emit(self, text: str, target: str | None = None) -> None:
        """Print `text`, or write it to the file `target` in one step. Raises `OutputError`."""
        if target is not None and target != "-":
            write_output(target, text, self.warn)
        elif self.stdout is None:
            raise OutputError("cannot write to stdout: it is closed")
        else:
            _print(self.stdout, text)

    def flush(self) -> None:
        """Flush stdout now: at the interpreter's exit, an error could not be reported."""
        if self.stdout is not None:
            _print(self.stdout, "")

    def warn(self, text: str) -> None:
        """Print one line of warning to stderr."""
        self.log(f"warning: {text}")

    def log(self, text: str) -> None:
        """Print one line to stderr, if it is open; the exit code says the same."""
        from envprint.core.redact import safe_text  # most commands never need it

        self.show(f"envprint: {one_line(safe_text(text))}\n")

    def show(self, text: str) -> None:
        """`text` on stderr as it is, where there is one."""
        if self.stderr is not None:
            with suppress(OSError, ValueError):  # ValueError: it was closed
                _write(self.stderr, text)
                self.stderr.flush()

    def width(self) -> int:
        """The columns for a report on stdout: as $COLUMNS says, or as the terminal has."""
        # `shutil.get_terminal_size` does the same; importing it costs more than a small report.
        given = os.environ.get("COLUMNS", "")
        columns = int(given) if given.isdecimal() and len(given) < 6 else 0
        if not columns and self.stdout is not None:
            with suppress(OSError, ValueError):  # no terminal, or no file at all
                columns = os.get_terminal_size(self.stdout.fileno()).columns
        return max(NARROWEST, min(columns, WIDEST)) if columns else WIDTH

    def colour(self) -> bool:
        """Whether stdout is a terminal that should have colour (https://no-color.org)."""
        plainly = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return self.stdout is not None and self.stdout.isatty() and not plainly


def _print(stream: TextIO, text: str) -> None:
    try:
        _write(stream, text)
        stream.flush()
    except BrokenPipeError:
        # The reader (`| head`) has closed the pipe; the exit code still holds. Python would flush
        # again at exit and print an error, hence the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except OSError as error:
        raise OutputError(f"cannot write to stdout: {error.strerror}") from None


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        # A terminal in the C locale cannot show every name; the report matters more.
        encoding = stream.encoding
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
