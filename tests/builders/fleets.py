"""Fleets of recorded machines, with as many differences as a test plants."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envprint.core.fingerprint import digest_facts
from envprint.documents.codec import to_json

HOSTS = Path(__file__).parents[1] / "hosts"
Document = dict[str, Any]
Change = Callable[[Document], None]


def recorded(machine: str = "ubuntu-rtx2080ti") -> Document:
    """The fingerprint of a recorded machine, as JSON types."""
    document: Document = json.loads((HOSTS / machine / "fingerprint.json").read_text())
    return document


def member(base: Document, *changes: Change, **parts: Any) -> Document:
    """A copy with changes of its facts, the digests of these, and other parts of the document."""
    made = copy.deepcopy(base)
    for change in changes:
        change(made)
    made["section_digests"], made["digest"] = digest_facts(made["facts"])
    return {**made, **parts}


def put(folder: Path, name: str, document: Document) -> Path:
    """The document as a file, as envprint writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(to_json(document))
    return path


def version(package: str, number: str) -> Change:
    """Another version of a package."""

    def change(document: Document) -> None:
        document["facts"]["packages"]["distributions"][package]["version"] = number
        frameworks = document["facts"]["frameworks"]
        if isinstance(frameworks.get(package), dict):
            frameworks[package]["version"] = number

    return change


def variable(name: str, value: str) -> Change:
    """A variable that is set."""

    def change(document: Document) -> None:
        document["facts"]["environ"]["variables"][name] = value

    return change


def card(number: int) -> Change:
    """Cards and slots that only this machine has."""

    def change(document: Document) -> None:
        gpu = document["facts"]["gpu"]
        names = {}
        for key, device in gpu["devices"].items():
            old = device["uuid"]
            device["uuid"] = names[old] = f"GPU-{number:08x}-0000-4000-8000-{int(key):012x}"
            device["bus_id"] = f"00000000:{number % 255:02X}:{int(key):02X}.0"
        if isinstance(gpu.get("visible"), list):
            gpu["visible"] = [names.get(one, one) for one in gpu["visible"]]

    return change


def unknown(path: str, reason: str = "it could not be read") -> Change:
    """A fact that could not be determined."""

    def change(document: Document) -> None:
        place = document
        *steps, last = path.split(".")
        for step in steps:
            place = place[step]
        place.pop(last, None)
        document["unknown"][path] = reason

    return change
