"""Fingerprints of TensorFlow."""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from tests.builders.support import fingerprint


def cuda(version: str | None, built: str | None, *here: str, build: str = "cuda") -> Fingerprint:
    copies = [{"version": found, "source": "wheel"} for found in here]
    return fingerprint(
        {
            "facts.frameworks.tensorflow": {"version": version, "build": build},
            "facts.cuda.runtime": {
                "built": {"tensorflow": built} if built else {},
                "installed": copies,
                "loaded": [],
            },
        }
    )
