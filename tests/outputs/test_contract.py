"""What every format of a report owes its reader: all that was found, and no control characters.

A format that leaves something out on purpose says so: `OMITS = frozenset({"changes"})` in its
module names the parts of `Report` of which it does not show everything, and `OMITS_WITH_ALL` those
of which it does not even with all details.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from envprint.core.comparison import Change
from envprint.core.discovery import module_names
from envprint.core.fingerprint import split_path
from envprint.core.impact import Confidence, Impact
from envprint.core.report import (
    Expected,
    Finding,
    Ignored,
    Knowledge,
    Placement,
    Report,
    Summary,
    Undecided,
    Unjudged,
)
from envprint.core.workload import Workload
from envprint.outputs import formats
from envprint.outputs.formats import ALL, DETAILS, QUIET, View

MANY = 30
"""More than anybody wants to read, so that what a format cuts short shows."""
HOSTILE = "\x1b[31m\x1b]0;title\x07\x9b\r\x08\u202e\u2028\x7f"
SGR = r"\x1b\[[0-9;]*m"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def finding(name: str, number: int) -> Finding:
    mark = f"{name}-{number}"
    return Finding(
        rule=f"rule-{mark}",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        title=f"title-{mark}",
        message=f"message-{mark}",
        paths=(f"facts.os.{mark}",),
        before="one",
        after="two",
        why="Why.",
        not_when="Never.",
        remedy=f"remedy-{mark}",
        evidence=("a page",),
    )


def change(path: str) -> Change:
    return Change(path, "changed", "one", "two")


SIDE = Summary(
    "label-side",
    "sha256:0",
    "2026-11-21T12:00:00Z",
    (("cpu", "text-side"),),
    "reference-side",
    "prefix-side",
    chosen="chosen-side",
    python="3.11.7",
    machine=("machine-side", "cpu-side"),
)
NUMBERS = range(MANY)
REPORT = Report(
    impact=Impact.NUMERIC,
    summary="Reason-unchecked; Summary-of-all",
    baseline=SIDE,
    current=SIDE,
    workload=Workload(("torch",), "cpu"),
    findings=tuple(finding("found", n) for n in NUMBERS),
    changes=(
        *(change(f"facts.environ.variables[CHANGED_{n}]") for n in NUMBERS),
        *(change(f"facts.packages.distributions[wheel-{n}].location") for n in NUMBERS),
        *(change(f"live.host.moment_{n}") for n in NUMBERS),
    ),
    undecided=tuple(
        Undecided(f"rule-doubt-{n}", f"facts.os.doubt-{n}", f"reason-doubt-{n}", Impact.NONE)
        for n in NUMBERS
    ),
    advice=tuple(finding("advised", n) for n in NUMBERS),
    ignored=tuple(
        Ignored(f"rule-ignored-{n}", f"reason-ignored-{n}", "2027-01-31", "message")
        for n in NUMBERS
    ),
    policy="policy-file",
    likely_causes=tuple(f"rule-found-{n}" for n in range(3)),
    look_next=tuple(f"look-{n}" for n in range(3)),
    expected=tuple(
        Expected(f"rule-expected-{n}", f"facts.os.e-{n}", f"message-expected-{n}", f"reason-e-{n}")
        for n in NUMBERS
    ),
    also_changed=tuple(f"rule-lockstep-{n}" for n in NUMBERS),
    policy_notes=tuple(f"note-{n}" for n in range(3)),
    only=("section-one", "section-two"),
    computes_on=(
        Placement("torch", "cpu", "reason-placed-cpu"),
        Placement("jax", None, "reason-placed-unknown"),
    ),
    knowledge=Knowledge("2026-11-28", ("newer-one 1.0", "newer-two 2.0")),
    unjudged=tuple(
        Unjudged(
            name=f"library-{n}",
            path=f"facts.packages.distributions[library-{n}].version",
            before=f"before-{n}",
            after=f"after-{n}",
            kind="package",
            role=f"role-{n}",
            read=f"https://example.org/read-{n}",
        )
        for n in NUMBERS
    ),
)
NOT_CHECKED = REPORT._replace(not_checked="reason-not-checked")

IDENTIFIES: dict[str, Iterable[str]] = {
    "summary": (REPORT.summary,),
    "baseline": ("label-side", "reference-side", "prefix-side"),
    "current": ("label-side", "reference-side", "prefix-side"),
    "findings": (text for f in REPORT.findings for text in (f.rule, f.message)),
    "changes": (key for c in REPORT.changes for key in split_path(c.path) if key[-1].isdigit()),
    "undecided": (text for u in REPORT.undecided for text in (u.rule, u.path, u.reason)),
    "advice": (text for f in REPORT.advice for text in (f.rule, f.message, f.remedy)),
    "ignored": (text for i in REPORT.ignored for text in (i.rule, i.reason)),
    "policy": ("policy-file",),
    "likely_causes": REPORT.likely_causes,
    "look_next": REPORT.look_next,
    "expected": (text for e in REPORT.expected for text in (str(e.rule), e.message, e.reason)),
    "also_changed": REPORT.also_changed,
    "policy_notes": REPORT.policy_notes,
    "only": REPORT.only,
    "computes_on": (text for p in REPORT.computes_on for text in (p.framework, p.reason)),
    "knowledge": ("2026-11-28", "newer-one 1.0", "newer-two 2.0"),
    "unjudged": (
        text for u in REPORT.unjudged for text in (u.name, u.before, u.after, u.role, str(u.read))
    ),
}
"""Part of a report to the texts by which a reader knows that each of its members is there."""
TEXTS = {part: tuple(texts) for part, texts in IDENTIFIES.items()}
NO_PART = {"impact", "workload", "not_checked", "way_back", "recreated", "sides"}
"""A word, an input of the judgement and a reason: `test_golden.py` shows how they are written. The
way back is there only if it is wanted (`tests/judging/test_way_back.py`), what was recreated only
if something was (`tests/cli/test_recreate.py`); whole fingerprints are shown by those formats that
have a place for them."""


def format_named(name: str) -> ModuleType:
    return import_module(f"envprint.outputs.formats.{name}")


def omitted(module: ModuleType) -> frozenset[str]:
    """The parts of which a format does not show everything, by its own word."""
    return getattr(module, "OMITS", frozenset())


def omitted_with_all(module: ModuleType) -> frozenset[str]:
    """The parts of which it does not show everything even with all details."""
    return getattr(module, "OMITS_WITH_ALL", frozenset())


def read(text: str) -> str:
    """A rendered report as people read it: without escapes of Markdown, and with characters for
    entities.
    """
    without_escapes = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return html.unescape(without_escapes).replace("\u200b", "")


def lost(text: str, part: str) -> list[str]:
    """The texts of a part that do not occur, as whole words, in a rendered report."""
    shown = read(text)
    return [name for name in TEXTS[part] if not re.search(rf"(?<![\w-]){name}(?![\w-])", shown)]


each_format = pytest.mark.parametrize("name", module_names(formats))


def test_the_report_has_something_of_every_part() -> None:
    assert TEXTS.keys() | NO_PART == set(Report._fields)
    assert all(TEXTS.values())


@each_format
@pytest.mark.parametrize("part", TEXTS)
def test_a_format_shows_everything_or_declares_what_it_leaves_out(name: str, part: str) -> None:
    module = format_named(name)
    missing = lost(module.render(REPORT), part)
    if part in omitted(module):
        assert missing, f"{name} shows all of `{part}`: take it out of OMITS"
    else:
        assert not missing, f"{name} loses these of `{part}`; what it leaves out stands in OMITS"


@each_format
@pytest.mark.parametrize("part", TEXTS)
def test_with_all_details_a_format_shows_everything(name: str, part: str) -> None:
    module = format_named(name)
    if part not in omitted_with_all(module):
        assert lost(module.render(REPORT, View(details=ALL)), part) == []


@each_format
def test_what_a_format_leaves_out_is_a_part_of_a_report(name: str) -> None:
    module = format_named(name)
    assert omitted_with_all(module) <= omitted(module) <= TEXTS.keys() | {"way_back"}


@pytest.mark.parametrize("details", DETAILS)
def test_whatever_a_text_leaves_out_it_counts(details: str) -> None:
    shown = " ".join(format_named("text").render(REPORT, View(details=details)).split())
    assert (
        "30 findings, 30 not judged, 0 undecided, 90 other changes, 30 expected, 30 ignored, "
        "30 pieces of advice, 3 notes on the policy." in shown
    )
    assert ("-v shows all" in shown) == (details != ALL)


def poisoned(value: Any) -> Any:
    """`value` with control and direction characters behind every text in it."""
    if isinstance(value, str):
        return value + HOSTILE
    if isinstance(value, tuple):
        inner = [poisoned(item) for item in value]
        return type(value)(*inner) if hasattr(value, "_fields") else tuple(inner)
    return value


@each_format
@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("details", [*DETAILS, QUIET])
@pytest.mark.parametrize("report", [REPORT, NOT_CHECKED], ids=["checked", "not checked"])
def test_no_character_of_a_document_acts_on_a_terminal(
    name: str, colour: bool, details: str, report: Report
) -> None:
    hostile = poisoned(report)._replace(workload=report.workload)
    view = View(colour=colour, details=details)
    clean, rendered = (format_named(name).render(one, view) for one in (report, hostile))
    assert not UNSAFE.search(re.sub(SGR, "", rendered))
    assert set(re.findall(SGR, rendered)) <= set(re.findall(SGR, clean))
