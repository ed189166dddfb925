"""What a service wants of a report beside what is printed, such as the summary of its job."""

from __future__ import annotations

import os
from pathlib import Path

from envprint.cli._console import Console
from envprint.core.report import Report
from envprint.outputs.formats import Appendix, View, format_named


def append(report: Report, view: View, wanted: Appendix, console: Console) -> None:
    """Append it to the file that the service's variable names; what fails is a warning."""
    file = os.environ.get(wanted.variable)
    if not file:
        return
    text = format_named(wanted.form).render(report, view._replace(limit=wanted.limit))
    try:
        with Path(file).open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError as error:
        console.warn(f"{wanted.variable}: cannot write to {file}: {error.strerror}")
