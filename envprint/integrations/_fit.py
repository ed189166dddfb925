"""One training from start to end: both captured, checked, and saved as documents.

This is common to every framework's adapter; an adapter only knows when training starts and ends.
"""

import os
import re
import sys
from collections.abc import Iterable
from typing import NamedTuple

from envprint.api import (
    Place,
    Source,
    capture,
    check,
    device_named,
    diff,
    frameworks_named,
    impact_named,
    warn_user,
)
from envprint.core.errors import EnvprintError, OutputError
from envprint.core.impact import Impact
from envprint.documents.codec import dumps
from envprint.documents.storage import Folder, open_folder
from envprint.integrations._chief import is_chief
from envprint.machine.live import LiveHost
from envprint.results import DriftError, Fingerprint, Report

_NAME = r"fingerprint-(\d{3,})-(?:start|end)\.json"
_MOVES_ANYWAY = ("generator-state-differs",)
"""Rules about what a training itself changes."""


class Options(NamedTuple):
    """How a training is checked: the keywords of `envprint.check`, a label, and whether to write.

    Without `baseline` and `fail_on` nothing is checked; without `chief` it is detected.
    """

    baseline: Source | None = None
    fail_on: str | Impact | None = None
    frameworks: Iterable[str] = ()
    device: str | None = None
    policy: Place | None = None
    label: str | None = None
    chief: bool | None = None


class Fit:
    """Watches successive trainings and writes two documents for each.

    They are `fingerprint-001-start.json` and `-end.json` in `directory`, which may be a URL that
    the store accepts; the next training there is 002, so nothing is ever overwritten.
    """

    def __init__(self, directory: Place, options: Options) -> None:
        self._folder: Folder = open_folder(os.fspath(directory))
        # Checked now: they are used again only after hours of training.
        if options.fail_on is not None:
            impact_named(options.fail_on)
        self._options = options._replace(
            frameworks=frameworks_named(options.frameworks), device=device_named(options.device)
        )
        self._number = 0
        self._is_chief = True
        self.start: Fingerprint | None = None
        self.end: Fingerprint | None = None

    def begin(self) -> None:
        """Capture, write and check. Raises `DriftError`, and `EnvprintError` for invalid input."""
        chief = self._options.chief
        self._is_chief = is_chief(LiveHost().environ()) if chief is None else chief
        if not self._is_chief:
            return
        self._number = self._next_number()
        self.start, self.end = self._captured("start"), None
        place = self._write("start", self.start)
        if self._options.baseline is not None or self._options.fail_on is not None:
            self._check(self.start, place)

    def finish(self) -> None:
        """Capture and write again, and warn of what changed in between.

        Never raises: a trained model is worth more than its fingerprint.
        """
        if not self._is_chief or self.start is None:
            return
        try:
            self.end = self._captured("end")
            place = self._write("end", self.end)
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
        return capture(
            label=self._options.label, tags={"fit": f"{self._number:03}", "moment": moment}
        )

    def _check(self, now: Fingerprint, place: str) -> None:
        options = self._options
        try:
            check(
                options.baseline,
                current=now,
                fail_on=options.fail_on,
                frameworks=options.frameworks,
                device=options.device,
                policy=options.policy,
            )
        except DriftError as drift:
            text = f"the training did not start: {drift}\ncaptured in {place}"
            raise DriftError(text, drift.report) from None

    def _next_number(self) -> int:
        try:
            names = self._folder.names("")
        except OSError as error:
            raise OutputError(f"{self._folder.place}: {error.strerror or error}") from None
        used = (re.fullmatch(_NAME, name) for name in names)
        return max((int(match[1]) for match in used if match), default=0) + 1

    def _write(self, moment: str, fingerprint: Fingerprint) -> str:
        name = f"fingerprint-{self._number:03}-{moment}.json"
        place = f"{self._folder.place.rstrip('/')}/{name}"
        try:
            self._folder.write(name, dumps(fingerprint).encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise OutputError(f"cannot write {place}: {error.strerror or error}") from None
        return place


def _warn(text: str) -> None:
    """Warn at the end of a training. Where warnings are errors the text goes to stderr instead."""
    try:
        warn_user(f"envprint: {text}")
    except UserWarning as warning:
        print(warning, file=sys.stderr)
