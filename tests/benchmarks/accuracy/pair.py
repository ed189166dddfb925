"""Rows of measured truth: one change of the environment, both sides of it, and what it did.

A file in `pairs/` is a part of the data that is scored by itself: `given` was measured
elsewhere, `train` while rules were written, `holdout` was judged before anybody looked at it.
`given-2` and `holdout-2` are the same for libraries on top of the frameworks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
PARTS = ("given", "train", "holdout", "given-2", "holdout-2", "holdout-3", "holdout-4")
USABLE_CPUS = "facts.cpu.usable_threads"
"""What stands for the cause where a command in front takes CPUs away."""


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
    libraries: tuple[str, ...] = ()
    """The libraries that the job itself uses, where they are not the framework alone."""
    cause: tuple[str, ...] = ()
    """What made the results differ, where several things differ: packages, variables, paths."""

    processor: str = ""
    """The processors that the measurement holds for, where it says nothing of others: a key of
    `setting.PROCESSORS`."""

    @property
    def used(self) -> tuple[str, ...]:
        """What `--framework` is given."""
        return self.libraries or (self.framework,)

    @property
    def causes(self) -> tuple[str, ...]:
        """What made the results differ; empty if nothing did, or if nobody knows."""
        if self.measured in (None, "none"):
            return ()
        places = changed(self)
        named = tuple(name for name in places if name == self.change)
        return self.cause or named or (places if len(places) == 1 else ())

    @property
    def is_ours(self) -> bool:
        """Whether the job is a script in `jobs/`, so that it can be measured again."""
        return (HERE / "jobs" / f"{self.job}.py").exists()


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
    lists = {name: tuple(row[name]) for name in ("libraries", "cause") if name in row}
    return Pair(part=part, **{**row, **sides, **lists})


def _side(row: object) -> Side:
    assert isinstance(row, dict)
    return Side(**{**row, "env": tuple(sorted(row.get("env", {}).items()))})


def changed(pair: Pair) -> tuple[str, ...]:
    """The packages, variables and paths in which the two sides of a pair differ."""
    before, after = pair.before, pair.after
    env = {name for name, _ in set(before.env) ^ set(after.env)}
    pinned = {pin.partition("==")[0] for pin in _pins(before) ^ _pins(after)}
    cpus = {USABLE_CPUS} if "taskset" in before.prefix + after.prefix else set()
    return tuple(sorted(env | pinned | cpus))


def _pins(side: Side) -> set[str]:
    if not side.requirements:
        return set()
    return set((HERE / "requirements" / side.requirements).read_text(encoding="utf-8").split())
