"""One training in its own process: `python _training.py FILE SETTINGS`, a line of JSON a step.

Runs in the interpreter under observation, from Python 3.8 on, and uses nothing of envprint but its
neighbour `_child`. FILE trains in one framework. It has

* `MODULE`, what must be installed for it;
* `begin(settings)`: imports the framework, turns its switches and sets its seed; returns `version`
  and what is `in_force`;
* `train(settings, samples, report)`: trains from the start and returns the metrics.
  `report(arrays)` is to be called with all weights before the first step and after each.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
from array import array
from collections.abc import Callable, Iterable
from importlib import util
from types import ModuleType
from typing import Any

SIDE = 28
CLASSES = 10
CELLS = 4
"""How many pixels of a row, and rows, have one value in the pattern of a class."""


def neighbour() -> ModuleType:
    """`_child`, which says why a program here is compiled from its text: there is no package."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_child.py")
    module = ModuleType("envprint_child")
    module.__file__ = path
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  as every Python has it
        text = file.read()
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def samples(
    inputs: Callable[[int, str], bytes], count: int, salt: str
) -> tuple[array[float], list[int]]:
    """The pixels of `count` images in a row, and their classes.

    Each is the pattern of its class under noise: learnable, not at once. Every value is exact in
    32 bits.
    """
    width = SIDE // CELLS
    patterns = [inputs(width * width, f"class {number}") for number in range(CLASSES)]
    cells = [
        row // CELLS * width + column // CELLS for row in range(SIDE) for column in range(SIDE)
    ]
    classes = [byte % CLASSES for byte in inputs(count, f"{salt} classes")[:count]]
    noise = iter(inputs(count * SIDE * SIDE // 4, f"{salt} noise"))
    pixels = array("f")
    for number in classes:
        pattern = patterns[number]
        pixels.extend((pattern[cell] + 7 * next(noise) - 1020) / 512 for cell in cells)
    return pixels, classes


def seed(seeds: dict[str, int | None]) -> None:
    """Seed the generators that belong to no framework."""
    if seeds["python"] is not None:
        random.seed(seeds["python"])
    if seeds["numpy"] is not None and util.find_spec("numpy"):
        import numpy

        numpy.random.seed(seeds["numpy"])


def run(child: ModuleType, framework: ModuleType, settings: dict[str, Any]) -> None:
    """Train, telling the digest of the weights after each step, and at last the metrics."""
    if util.find_spec(framework.MODULE) is None:
        child.send(missing=framework.MODULE)
        return
    child.send(starting=framework.MODULE)

    def report(arrays: Iterable[Any]) -> None:
        hashed = hashlib.blake2b(digest_size=16)
        for weights in arrays:
            hashed.update(weights)
        child.send(weights=hashed.hexdigest())

    def train() -> None:
        seed(settings["seeds"])
        child.send(begun=framework.begin(settings))
        parts = [
            samples(child.inputs, settings[count], count)
            for count in ("samples", "validation_samples")
        ]
        child.send(result=framework.train(settings, parts, report))

    _, refusal = child.attempt(train)
    if refusal:
        child.send(refused=refusal)


if __name__ == "__main__":
    CHILD = neighbour()
    FILE, SETTINGS = sys.argv[1], json.loads(sys.argv[2])
    CHILD.prepare(SETTINGS["device"])
    run(CHILD, CHILD.load(FILE), SETTINGS)
    CHILD.send(done=True)
