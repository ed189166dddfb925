"""One module per format of a report; each is a `Format` and touches nothing."""

from envprint.core.discovery import load_module
from envprint.core.impact import Impact
from envprint.core.text import WIDTH
from envprint.core.typed import TYPE_CHECKING, NamedTuple

QUIET = "quiet"
"""The verdict in one line; no choice of `--details`, but what `-q` does."""
NONE, LIKELY, ALL = "none", "likely", "all"
DETAILS = (NONE, LIKELY, ALL)
"""What follows the first screen: nothing, the likely causes in full, or everything."""


class View(NamedTuple):
    """How a person wants to read a report; a format for programs writes the same in any view."""

    colour: bool = False
    strict: bool = False
    """Whether advice counts as a finding."""
    width: int = WIDTH
    """Columns to fill; commands and addresses may be longer, since they are never broken."""
    details: str = LIKELY
    """One of `DETAILS`, or `QUIET`."""
    fail_on: Impact = Impact.NUMERIC
    """The impact from which a finding is a failure, in formats that know failures."""
    limit: int | None = None
    """Bytes that the place of the report takes; None for the format's own limit, if it has any."""


class Appendix(NamedTuple):
    """What a service wants of a report in a file of its own, beside what is printed."""

    form: str
    """The format that it is in."""
    variable: str
    """Names the file to which it is appended; where it is unset, there is none."""
    limit: int
    """Bytes that the service takes."""


if TYPE_CHECKING:
    from typing import Protocol

    from envprint.core.report import Report

    class Format(Protocol):
        """A module that writes reports in one format."""

        def render(self, report: Report, view: View = ...) -> str:
            """The report as text that ends with a newline."""


def format_named(name: str) -> "Format":
    """The format of that name."""
    module: Format = load_module(f"{__name__}.{name}")
    return module
