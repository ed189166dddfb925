"""Two machines with some hundred packages each, as a page that a person may open."""

from __future__ import annotations

from typing import Any

import envprint
from envprint.core.fingerprint import Fingerprint
from tests.builders.edits import edited

PACKAGES = 300
CHANGED = 60
"""Packages of which the second machine has another version."""


def a_machine(host: str, *, second: bool = False, **edits: Any) -> Fingerprint:
    """A recorded machine with many packages."""
    values: dict[str, Any] = {}
    for number in range(PACKAGES):
        changed = second and number % (PACKAGES // CHANGED) == 0
        values[f"facts.packages.distributions[package-{number:03}]"] = {
            "version": f"{number}.{'1' if changed else '0'}",
            **{"installer": "pip", "origin": None, "tags": [], "build_id": None},
            "location": "~/venvs/train",
        }
    values["facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"] = "0" if second else "1"
    side = {"host": host, "label": f"on {host}", "reference": f"{host}.json"}
    return edited({**side, "set": {**values, **edits}})


def two_machines(**edits: Any) -> envprint.Report:
    """What a GPU workstation and a server differ in."""
    first = a_machine("ubuntu-rtx2080ti", **edits)
    return envprint.diff(first, a_machine("dgx-a100", second=True, **edits))
