"""What the functions of `import envprint` return, and what they raise or warn of.

The values are those of `core` and can write themselves: `core` may not import what writes
(decision 0025). Fields, order and equality are those of the bases.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable

from envprint.core.discovery import module_names
from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint as _Fingerprint
from envprint.core.fleet import Fleet as _Fleet
from envprint.core.impact import IMPACT_WORDS, Impact
from envprint.core.report import Report as _Report
from envprint.core.typed import Any


class _Shown:
    """The forms that every result has, made from two."""

    __slots__ = ()

    def to_text(self) -> str:
        """As the command line prints it."""
        raise NotImplementedError

    def to_json(self) -> str:
        """The document."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The document in JSON types; a copy."""
        document: dict[str, Any] = json.loads(self.to_json())
        return document

    def __str__(self) -> str:
        return self.to_text().removesuffix("\n")

    def _repr_html_(self) -> str:
        raise NotImplementedError

    # IPython has a printer of its own for tuples, which only this comes before.
    # https://ipython.readthedocs.io/en/stable/api/generated/IPython.lib.pretty.html
    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        is_inside_another = len(printer.stack) > 1
        printer.text(repr(self) if is_inside_another else str(self))

    # https://ipython.readthedocs.io/en/stable/config/integrating.html#custom-methods
    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        writers = {"text/plain": self.__str__, "text/html": self._repr_html_}
        wanted = set(writers if include is None else include) - set(exclude or ())
        return {kind: write() for kind, write in writers.items() if kind in wanted}


class Fingerprint(_Shown, _Fingerprint):
    """Everything found out about one environment at one moment; `print` shows all of it.

    A notebook shows it as a table.
    """

    __slots__ = ()

    def to_text(self) -> str:
        """The text of `envprint show`."""
        from envprint.outputs.fingerprint import render, without_secrets

        return render(without_secrets(self))

    def to_json(self) -> str:
        """The document, as `envprint.dump` writes it."""
        from envprint.documents.codec import dumps

        return dumps(self)

    def to_markdown(self) -> str:
        """For an issue: the environment in a few lines, each section folded."""
        return self.to_format("markdown")

    def to_html(self) -> str:
        """One page that is complete in itself."""
        return self.to_format("html")

    def to_format(self, name: str) -> str:
        """As `envprint show --format NAME` prints it. Raises `EnvprintError`."""
        from envprint.outputs import fingerprints
        from envprint.outputs.fingerprint import without_secrets

        if name not in (known := module_names(fingerprints)):
            raise EnvprintError(f"no format {name!r}; known: {', '.join(known)}")
        return fingerprints.format_named(name).render(without_secrets(self))

    def _repr_html_(self) -> str:
        from envprint.outputs.fingerprint import without_secrets
        from envprint.outputs.notebook import fingerprint_html

        return fingerprint_html(without_secrets(self))


class Report(_Shown, _Report):
    """The result of judging; `print` shows all of it, as on the command line.

    A notebook shows it as a table.
    """

    __slots__ = ()

    def to_text(self) -> str:
        """The text that `envprint diff` prints."""
        from envprint.outputs.formats.text import render

        return render(self)

    def to_json(self) -> str:
        """The document that `envprint diff --format json` prints."""
        from envprint.outputs.formats.json import render

        return render(self)

    def to_markdown(self) -> str:
        """For a pull request or an issue; at most 60,000 characters."""
        return self.to_format("markdown")

    def to_html(self) -> str:
        """One page that is complete in itself, with both fingerprints side by side."""
        return self.to_format("html")

    def to_junit(self, fail_on: str | Impact = Impact.NUMERIC) -> str:
        """JUnit XML: findings from `fail_on` are failures."""
        return self.to_format("junit", fail_on)

    def to_github(self, fail_on: str | Impact = Impact.NUMERIC) -> str:
        """Annotations for GitHub Actions: findings from `fail_on` are errors."""
        return self.to_format("github", fail_on)

    def to_gitlab(self) -> str:
        """A code quality report for GitLab."""
        return self.to_format("gitlab")

    def to_csv(self) -> str:
        """A row for each finding, change and open question."""
        return self.to_format("csv")

    def to_format(self, name: str, fail_on: str | Impact = Impact.NUMERIC) -> str:
        """As `--format NAME` prints it. Raises `EnvprintError`."""
        from envprint.outputs import formats

        word = str(fail_on)
        for kind, given, known in (
            ("format", name, module_names(formats)),
            ("impact", word, list(IMPACT_WORDS)),
        ):
            if given not in known:
                raise EnvprintError(f"no {kind} {given!r}; known: {', '.join(known)}")
        view = formats.View(fail_on=Impact[word.upper()])
        return formats.format_named(name).render(self, view)

    def _repr_html_(self) -> str:
        from envprint.outputs.notebook import report_html

        return report_html(self)


class FleetReport(_Shown, _Fleet):
    """The verdict about many machines; `print` shows it as on the command line."""

    __slots__ = ()

    def to_text(self) -> str:
        """The text that `envprint fleet diff` prints."""
        from envprint.outputs.fleet import render

        return render(self)

    def to_json(self) -> str:
        """The document that `envprint fleet diff --format json` prints."""
        from envprint.documents.codec import to_json
        from envprint.outputs.fleet_document import document

        return to_json(document(self))

    def to_html(self) -> str:
        """One page that is complete in itself, with a matrix of machines and sections."""
        from envprint.outputs.fleet_page import render

        return render(self)

    def to_markdown(self) -> str:
        """Markdown for a pull request or an issue, at most 60,000 characters."""
        from envprint.outputs.fleet_markdown import render

        return render(self)

    def to_csv(self) -> str:
        """A row for each group, finding, state and document, for a spreadsheet."""
        from envprint.outputs.fleet_csv import render

        return render(self)

    def to_format(self, name: str) -> str:
        """As `envprint fleet diff --format NAME` prints it. Raises `EnvprintError`."""
        writers = {
            "text": self.to_text,
            "json": self.to_json,
            "markdown": self.to_markdown,
            "html": self.to_html,
            "csv": self.to_csv,
        }
        if name not in writers:
            raise EnvprintError(f"no format {name!r}; known: {', '.join(writers)}")
        return writers[name]()

    def _repr_html_(self) -> str:
        from envprint.outputs.html_page import to_copy

        return to_copy(str(self).splitlines())


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


class DriftWarning(UserWarning):
    """What `envprint.check` does not refuse and does not keep to itself; `.report` has it all.

    That is: findings below the threshold, what nobody has judged, and that nothing was checked.
    """

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.report), self.__dict__


# By default Python shows a warning once for each line of code, and a cell of a notebook that is run
# again would seem to pass. The filters of users come first.
warnings.simplefilter("always", DriftWarning, append=True)
