"""Results of numeric probes for people: what repeats, then every digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.core.fingerprint import COARSE
from envprint.core.report import DEVICES, counted
from envprint.core.text import block, heading, plain
from envprint.core.typed import Any

SHOWN_DIGITS = 16
"""Digits shown of a digest; enough that none is met twice by chance."""


def render(numeric: Mapping[str, Any], colour: bool = False) -> str:
    """The raw form of `envprint.probes.runner.measure` as text that ends with a newline."""
    lines = [line for key, reported in numeric.items() for line in _probe(key, reported, colour)]
    return "\n".join(lines[1:]) + "\n"


def _probe(key: str, reported: Mapping[str, Any], colour: bool) -> Iterator[str]:
    name, _, device = key.partition(" on ")
    where = f"{device}, {reported.get('device') or 'unnamed'}" if device else DEVICES["cpu"]
    yield from heading(f"{name} {reported.get('version') or ''}".rstrip() + f", on {where}", colour)
    if "refused" in reported:
        yield from block("unknown", reported["refused"])
        return
    yield from block("", repeats(reported))
    settings = "; ".join(f"{name} {value}" for name, value in sorted(reported["settings"].items()))
    yield from block("settings", settings or "none known")
    shown = ""
    for operation in sorted({*_operations(reported), *reported["errors"]}):
        kind, _, what = operation.partition("/")
        topic, shown = ("" if kind == shown else kind), kind
        yield f"{plain(topic):<14} {plain(what):<36} {plain(_result(reported, operation))}"


def _result(reported: Mapping[str, Any], operation: str) -> str:
    different = reported["digests"].get(operation, [])
    if operation in reported["errors"]:
        return f"unknown: {reported['errors'][operation]}"
    return different[0][:SHOWN_DIGITS] if len(different) == 1 else f"{len(different)} results"


def _operations(reported: Mapping[str, Any]) -> list[str]:
    """The operations, without the coarse variants of those digested in full."""
    return [name for name in reported.get("digests", {}) if not name.endswith(COARSE)]


def varying(reported: Mapping[str, Any]) -> list[str]:
    """Operations with several results, or with a result in only some runs, sorted."""
    return sorted(
        name
        for name in _operations(reported)
        if len(reported["digests"][name]) > 1 or name in reported["errors"]
    )


def is_repeating(reported: Mapping[str, Any]) -> bool:
    """Whether every run gave the same results; a run that refused gave none."""
    return not varying(reported) and not reported.get("refusals")


def repeats(reported: Mapping[str, Any]) -> str:
    """Whether the results repeat, as a sentence."""
    operations, names = counted(_operations(reported), "operation"), varying(reported)
    refusals = reported.get("refusals", ())
    runs = reported["runs"] + len(refusals)
    if runs == 1:
        return f"{operations}, each run once; --repeat N shows whether they repeat themselves"
    if is_repeating(reported):
        return f"{operations}, each with the same bits in {runs} fresh processes"
    what = [", ".join(names)] if names else []
    if refusals:
        what.append(f"{len(refusals)} of them refused: {refusals[0]}")
    return f"does not repeat itself in {runs} fresh processes: {'; '.join(what)}"
