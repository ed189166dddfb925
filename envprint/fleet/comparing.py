"""`envprint.fleet.diff`."""

from __future__ import annotations

import os
from collections.abc import Iterable

from envprint.api import Place, Question, Reasons, agreed_on
from envprint.core.errors import EnvprintError
from envprint.core.fleet import MAJORITY
from envprint.fleet.cards import BY
from envprint.fleet.diffing import Wish, compare
from envprint.results import FleetReport


def diff(
    *sources: Place,
    baseline: Place = MAJORITY,
    by: Iterable[str] = (),
    verify: bool = False,
    frameworks: Iterable[str] = (),
    device: str | None = None,
    policy: Place | None = None,
    ignore: Reasons = (),
    expect: Reasons = (),
    only: Iterable[str] = (),
) -> FleetReport:
    """Which machines differ from the others, in what, and what that does to a training result.

    `sources` are files, directories, patterns, JSON Lines, Parquet exports, saved fingerprints and
    URLs. `baseline` is another fingerprint to compare with; by default it is the largest group.
    `by` names what keeps machines apart: `role`, `label`, `tag` or `tag:NAME`. With `verify`, the
    digests of every document are computed again. The other options are those of `envprint.diff`.
    Raises `EnvprintError`.
    """
    keys = keys_named(by)
    question = Question(None, frameworks, device, policy, False, ignore, expect, only)
    wish = Wish(os.fspath(baseline), keys, verify)
    return FleetReport._make(
        compare([os.fspath(one) for one in sources], agreed_on(question), wish)
    )


def keys_named(names: Iterable[str]) -> tuple[str, ...]:
    """What keeps members apart, in a text with commas or in several. Raises `EnvprintError`."""
    texts = names.split(",") if isinstance(names, str) else names
    keys = tuple(filter(None, (str(key).strip() for key in texts)))
    for key in keys:
        if key not in BY and not (key.startswith("tag:") and key[4:]):
            raise EnvprintError(f"no key {key[:60]!r}; known: role, label, tag, tag:NAME")
    return keys
