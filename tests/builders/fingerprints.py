"""Strategies that make fingerprints."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from envprint.core.fingerprint import Fingerprint
from tests.builders.support import fingerprint

PATHS = {
    "facts.os.system": st.sampled_from(["Linux", "Darwin", None]),
    "facts.os.kernel_release": st.sampled_from(["6.1", "6.8"]),
    "facts.environ.variables[A]": st.sampled_from(["", "1", "2"]),
    "facts.environ.variables[B.c]": st.sampled_from(["1", "2"]),
    "facts.environ.misspelt": st.just({}),
}


@st.composite
def fingerprints(draw: st.DrawFn) -> Fingerprint:
    """Known values at some of `PATHS`, unknown ones at others."""
    values: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for path, strategy in PATHS.items():
        fate = draw(st.sampled_from(["known", "known", "absent", "unknown"]))
        if fate == "known":
            values[path] = draw(strategy)
        elif fate == "unknown":
            unknown[path] = "denied"
    values.setdefault("facts.os.locale", "C")
    values.setdefault("facts.environ.changed_since_start", {})
    return fingerprint(values, unknown)
