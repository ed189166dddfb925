"""Results of numeric probes for people: what repeats, then every digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envprint.core.fingerprint import COARSE
from envprint.core.terminal_text import block, heading
from envprint.core.text import plain
from envprint.core.words import DEVICES, counted

SHOWN_DIGITS = 16
"""Digits shown of a digest; enough that none is met twice by chance."""


def render(numeric: Mapping[str, Any], colour: bool = False) -> str:
    """The raw form of `envprint.probes.runner.measure` as text that ends with a newline."""
    lines = [line for key, told in numeric.items() for line in _told(key, told, colour)]
    return "\n".join(lines[1:]) + "\n"


def _told(key: str, told: Mapping[str, Any], colour: bool) -> Iterator[str]:
    name, _, device = key.partition(" on ")
    where = f"{device}, {told.get('device') or 'unnamed'}" if device else DEVICES["cpu"]
    yield from heading(f"{name} {told.get('version') or ''}".rstrip() + f", on {where}", colour)
    if "refused" in told:
        yield from block("unknown", told["refused"])
        return
    yield from block("", repeats(told))
    settings = "; ".join(f"{name} {value}" for name, value in sorted(told["settings"].items()))
    yield from block("settings", settings or "none known")
    shown = ""
    for operation in sorted({*_told_apart(told), *told["errors"]}):
        kind, _, what = operation.partition("/")
        topic, shown = ("" if kind == shown else kind), kind
        yield f"{plain(topic):<14} {plain(what):<36} {plain(_result(told, operation))}"


def _result(told: Mapping[str, Any], operation: str) -> str:
    different = told["digests"].get(operation, [])
    if operation in told["errors"]:
        return f"unknown: {told['errors'][operation]}"
    return different[0][:SHOWN_DIGITS] if len(different) == 1 else f"{len(different)} results"


def _told_apart(told: Mapping[str, Any]) -> list[str]:
    """The operations, without the coarse variants of those digested in full."""
    return [name for name in told.get("digests", {}) if not name.endswith(COARSE)]


def varying(told: Mapping[str, Any]) -> list[str]:
    """Operations with several results, or with a result in only some runs, sorted."""
    return sorted(
        name
        for name in _told_apart(told)
        if len(told["digests"][name]) > 1 or name in told["errors"]
    )


def is_repeating(told: Mapping[str, Any]) -> bool:
    """Whether every run gave the same results; a run that refused gave none."""
    return not varying(told) and not told.get("refusals")


def repeats(told: Mapping[str, Any]) -> str:
    """Whether the results repeat, as a sentence."""
    operations, names = counted(_told_apart(told), "operation"), varying(told)
    refusals = told.get("refusals", ())
    runs = told["runs"] + len(refusals)
    if runs == 1:
        return f"{operations}, each run once; --repeat N says whether they repeat themselves"
    if is_repeating(told):
        return f"{operations}, each the same bits in {runs} fresh processes"
    what = [", ".join(names)] if names else []
    if refusals:
        what.append(f"{len(refusals)} of them refused: {refusals[0]}")
    return f"does not repeat itself in {runs} fresh processes: {'; '.join(what)}"
