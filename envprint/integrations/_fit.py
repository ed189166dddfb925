"""One training from start to end: both captured, checked, and saved as documents.

This is common to every framework's adapter; an adapter only knows when training starts and ends.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable

from envprint.api import Place, Question, Source, capture, check, diff, warn_user
from envprint.core.errors import EnvprintError, OutputError
from envprint.core.impact import Impact
from envprint.core.typed import NamedTuple
from envprint.documents.codec import dumps
from envprint.documents.storage import Folder, open_folder
from envprint.fleet.checking import check_in, opening_with
from envprint.fleet.deciding import TIMEOUT_S, Opening
from envprint.fleet.groups import Group, group_of
from envprint.fleet.place import is_chief
from envprint.machine.files import TakenError
from envprint.machine.live import LiveHost
from envprint.results import DriftError, Fingerprint, Report

_NAME = r"fingerprint-(\d{3,})-(?:start|end)\.json"
_MOVES_ANYWAY = ("generator-state-differs",)
"""Rules about what a training itself changes."""
_REFUSED = "the training did not start: "


class Options(NamedTuple):
    """How a training is checked: the keywords of `envprint.check`, a label, and whether to write.

    Without `baseline` and `fail_on` nothing is checked. Without `chief` it is detected, and the
    ranks of the training decide together, within `timeout_s`; with it this process decides alone.
    """

    baseline: Source | None = None
    fail_on: str | Impact | None = None
    frameworks: Iterable[str] = ()
    device: str | None = None
    policy: Place | None = None
    label: str | None = None
    chief: bool | None = None
    timeout_s: float = TIMEOUT_S

    @property
    def question(self) -> Question:
        """How the start is judged."""
        return Question(self.fail_on, self.frameworks, self.device, self.policy)

    @property
    def checks(self) -> bool:
        """Whether the start is judged at all."""
        return self.baseline is not None or self.fail_on is not None


class Fit:
    """Watches successive trainings and writes two documents for each.

    They are `fingerprint-001-start.json` and `-end.json` in `directory`, which may be a URL that
    the store accepts; the next training there is 002, so nothing is ever overwritten.
    """

    def __init__(self, directory: Place, options: Options) -> None:
        self._folder: Folder = open_folder(os.fspath(directory))
        # Checked now: they are used again only after hours of training.
        wanted = options.question.checked()
        self._options = options._replace(frameworks=wanted.frameworks, device=wanted.device)
        self._number = 0
        self._is_chief = True
        self.start: Fingerprint | None = None
        self.end: Fingerprint | None = None

    def begin(self) -> None:
        """Capture, write and check. Raises `DriftError`, and `EnvprintError` for invalid input.

        Every rank of a training calls this: if one is refused, all raise the same error.
        """
        self.start = self.end = None
        variables, options = LiveHost().environ(), self._options
        self._is_chief = is_chief(variables) if options.chief is None else options.chief
        group = group_of(variables) if options.checks and options.chief is None else None
        if group is not None:
            self._check_in(group)
        elif self._is_chief:
            place = self._write_start()
            if options.checks:
                self._check(place)

    def _write_start(self) -> str:
        """Capture and write; returns where."""
        self.start = self._captured("start")
        return self._create(self.start)

    def _check_in(self, group: Group) -> None:
        """Judge the start of every rank. The first one writes the document."""

        def begin() -> Opening:
            place = self._write_start()
            return opening_with(self._options.baseline, f"captured in {place}")

        def now() -> Fingerprint:
            return self.start or self._captured("start")

        options = self._options
        check_in(group, options.question, begin, now, timeout_s=options.timeout_s, prefix=_REFUSED)

    def finish(self) -> None:
        """Capture and write again, and warn of what changed in between.

        Never raises: a trained model is worth more than its fingerprint.
        """
        if not self._is_chief or self.start is None:
            return
        try:
            self.end = self._captured("end")
            place = self._write("end", self.end, self._folder.write)
            report = self._between(self.start, self.end)
        except EnvprintError as error:
            _warn(str(error))
            return
        except Exception as error:  # noqa: BLE001  see above: whatever it is
            _warn(f"{type(error).__name__}: {error}")
            return
        findings = [finding for finding in report.findings if finding.rule not in _MOVES_ANYWAY]
        if findings:
            text = "; ".join(f"{f.message} ({f.rule}, {f.impact.word})" for f in findings)
            _warn(f"changed during training: {text}; see {place}")

    def _between(self, start: Fingerprint, end: Fingerprint) -> Report:
        options = self._options
        return diff(
            start, end, frameworks=options.frameworks, device=options.device, policy=options.policy
        )

    def _captured(self, moment: str) -> Fingerprint:
        return capture(label=self._options.label, tags=self._tags(moment))

    def _tags(self, moment: str) -> dict[str, str]:
        return {"fit": f"{self._number:03}", "moment": moment}

    def _check(self, place: str) -> None:
        options = self._options
        try:
            check(options.baseline, current=self.start, **options.question._asdict())
        except DriftError as drift:
            text = f"{_REFUSED}{drift}\ncaptured in {place}"
            raise DriftError(text, drift.report) from None

    def _next_number(self) -> int:
        try:
            names = self._folder.names("")
        except OSError as error:
            raise OutputError(f"{self._folder.place}: {error.strerror or error}") from None
        used = (re.fullmatch(_NAME, name) for name in names)
        return max((int(match[1]) for match in used if match), default=0) + 1

    def _create(self, start: Fingerprint) -> str:
        """Write the document under the next number that no other training takes."""
        self._number = self._next_number()
        while True:
            self.start = start._replace(tags=self._tags("start"))
            try:
                return self._write("start", self.start, self._folder.create)
            except TakenError:
                self._number += 1

    def _write(
        self, moment: str, fingerprint: Fingerprint, write: Callable[[str, bytes], None]
    ) -> str:
        name = f"fingerprint-{self._number:03}-{moment}.json"
        place = f"{self._folder.place.rstrip('/')}/{name}"
        try:
            write(name, dumps(fingerprint).encode("utf-8", "backslashreplace"))
        except TakenError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write {place}: {error.strerror or error}") from None
        return place


def _warn(text: str) -> None:
    """Warn at the end of a training. Where warnings are errors the text goes to stderr instead."""
    try:
        warn_user(f"envprint: {text}")
    except UserWarning as warning:
        print(warning, file=sys.stderr)
