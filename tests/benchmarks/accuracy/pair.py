"""Rows of measured truth: one change of the environment, both sides of it, and what it did.

A file in `pairs/` is a part of the data that is scored by itself: `given` was measured
elsewhere, `train` while rules were written, `holdout` was judged before anybody looked at it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
PARTS = ("given", "train", "holdout")


class Side(NamedTuple):
    """How one side is set up. Hashable, so that a side that many pairs share is set up once."""

    python: str
    """The interpreter: "3.11", or "3.11, Debian build"."""
    requirements: str
    """A file in `requirements/`: every installed distribution with its version."""
    env: tuple[tuple[str, str], ...] = ()
    prefix: str = ""
    """A command put in front of the interpreter."""
    directory: str = ""
    """Where programs run, each in an empty directory of its own; empty: the temporary one."""
    unrelated_variables: int = 0


class Pair(NamedTuple):
    """One row, see README.md for the keys."""

    part: str
    id: str
    area: str
    change: str
    before_value: str | None
    after_value: str | None
    framework: str
    device: str
    job: str
    before: Side
    after: Side
    measured: str | None
    """`none`, `numeric`, `diverges` or `breaks`; None when nobody has measured it yet."""
    first_epoch_rel_loss_diff: float | None = None
    max_rel_loss_diff: float | None = None
    repeats_itself: bool | None = None
    runs: int | None = None
    conditional: str | None = None
    """What other code would be affected; such a row is not counted, but must be mentioned."""


def load(*parts: str) -> list[Pair]:
    """The pairs of these parts (all of them when none is named), in the files' order."""
    return [
        _pair(part, json.loads(line))
        for part in parts or PARTS
        for line in file_of(part).read_text(encoding="utf-8").splitlines()
    ]


def file_of(part: str) -> Path:
    """Where a part is kept."""
    return HERE / "pairs" / f"{part}.jsonl"


def _pair(part: str, row: Mapping[str, Any]) -> Pair:
    sides = {name: _side(row[name]) for name in ("before", "after")}
    return Pair(part=part, **{**row, **sides})


def _side(row: object) -> Side:
    assert isinstance(row, dict)
    return Side(**{**row, "env": tuple(sorted(row.get("env", {}).items()))})
