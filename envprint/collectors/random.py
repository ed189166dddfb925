"""Generators of random numbers in this process: in which state each one is.

Known of a process that captures itself with `envprint.capture()`; a command, or another
interpreter that is observed, has none that matters to a training. Two equal states give the same
numbers from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envprint.core.fields import TEXT, Field, MapOf, record
from envprint.core.fingerprint import Unknown
from envprint.machine.host import Host

LIVE = (
    Field(
        "generators",
        MapOf(
            record(
                Field(
                    "state",
                    TEXT,
                    "Digest of seed and position; null for one that was given no seed.",
                )
            ),
            "generator",
        ),
        "Global generators of this process: python, numpy, tensorflow (what tf.random.set_seed "
        "sets), tensorflow-generator (tf.random.get_global_generator), keras, tf-keras, torch, "
        "torch-cuda-0 and so on. One that is not here has not been made.",
    ),
)


def sample(host: Host) -> Mapping[str, Any]:
    """The state of the process's generators; one that raised is unknown."""
    said = host.interpreter().get("generators", {})
    return {"generators": {name: {"state": _state(said[name])} for name in said}}


def _state(said: Mapping[str, str | None]) -> str | Unknown | None:
    return Unknown(str(said["error"])) if "error" in said else said["state"]
