"""Generators of random numbers in this process: in which state each one is, and how it was seeded.

Known of a process that captures itself with `envprint.capture()`; a command, or another
interpreter that is observed, has none that matters to a training. Two equal states give the same
numbers from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envprint.core.fields import FLAG, TEXT, Field, ListOf, MapOf, record
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.machine.host import Host

LIVE = (
    Field(
        "generators",
        MapOf(
            record(
                Field(
                    "state",
                    TEXT,
                    "Digest of seed and position; null for a generator without a seed.",
                ),
                Field(
                    "seeded",
                    FLAG,
                    "Whether a call seeded it; false if it started with a state from the "
                    "operating system.",
                ),
                Field("seed", TEXT, "The number it was seeded with; null without a seed."),
            ),
            "generator",
        ),
        "Global generators of this process: python, numpy, tensorflow (what tf.random.set_seed "
        "sets), tensorflow-generator (tf.random.get_global_generator), keras, tf-keras, torch, "
        "torch-cuda-0 and so on. A missing one has not been created.",
    ),
    Field(
        "drawn_by",
        MapOf(ListOf(TEXT)),
        "For Python's and NumPy's generator, the imported libraries that draw from it, according "
        "to a table.",
    ),
    Field("process", TEXT, "A random name of this process; null for a command."),
)
_NOT_KNOWN = Unknown("the generator does not report how it was seeded")


def sample(host: Host) -> Mapping[str, Any]:
    """The state of the process's generators; one that raised is unknown."""
    interpreter = host.interpreter()
    generators = interpreter.get("generators", {})
    return {
        "generators": {name: _generator(answer) for name, answer in generators.items()},
        "drawn_by": _drawn_by(interpreter.get("modules", ())) if generators else {},
        "process": interpreter.get("process"),
    }


def _generator(answer: Mapping[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        return dict.fromkeys(("state", "seeded", "seed"), Unknown(str(answer["error"])))
    is_seeded, number = answer["seeded"], answer["seed"]
    has_number = number is not None or is_seeded is False
    return {
        "state": answer["state"],
        "seeded": _NOT_KNOWN if is_seeded is None else is_seeded,
        "seed": number if has_number else _NOT_KNOWN,
    }


def _drawn_by(modules: Sequence[str]) -> dict[str, list[str]]:
    from envprint import knowledge  # a command has no generators and needs no table

    imported = set(modules)
    found: dict[str, list[str]] = {}
    for entry in knowledge.entries("drawing_libraries"):
        if entry["module"] in imported:
            for generator in entry["generators"]:
                found.setdefault(generator, []).append(entry["module"])
    return {generator: sorted(names) for generator, names in found.items()}
