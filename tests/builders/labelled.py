"""Fingerprints told apart by their labels."""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from tests.builders.support import fingerprint


def labelled(label: str) -> Fingerprint:
    return fingerprint({"facts.os.kernel_release": label})._replace(label=label)
