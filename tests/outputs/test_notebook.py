"""The HTML of a report has all of its parts, none of them twice as long as anybody reads."""

from __future__ import annotations

import html
import re

import pytest

from envprint.core.comparison import Change
from envprint.core.impact import Confidence, Impact
from envprint.core.report import (
    Expected,
    Finding,
    Ignored,
    Report,
    Summary,
    Undecided,
    Unjudged,
)
from envprint.core.workload import Workload
from envprint.outputs.notebook import MAX_ROWS, MAX_TEXT, report_html

FINDING = Finding(
    rule="a-rule",
    impact=Impact.NUMERIC,
    confidence=Confidence.MEASURED,
    title="a-title",
    message="a-message",
    paths=("facts.os",),
    before="was-so",
    after="is-so",
    why="Why.",
    not_when="Never.",
    remedy="a-remedy",
    evidence=(),
    probed_equal="not-seen",
)
SIDE = Summary("a-label", "sha256:0", "2026-11-21T12:00:00Z", (), "a-reference", "a-prefix")
REPORT = Report(
    impact=Impact.NUMERIC,
    summary="a-summary",
    baseline=SIDE,
    current=SIDE,
    workload=Workload(("torch",), "gpu"),
    findings=(FINDING,),
    changes=(Change("facts.a-change", "changed", "old", "new"),),
    undecided=(Undecided("a-doubt", "facts.unknown", "a-reason", Impact.NONE),),
    advice=(FINDING._replace(rule="an-advice", message="do-so"),),
    ignored=(Ignored("an-ignored", "agreed-so", None, "a-left-out"),),
    policy="a-policy",
    likely_causes=("a-rule",),
    look_next=("look-there",),
    expected=(Expected(None, "facts.x", "an-experiment", "we-compare"),),
    also_changed=("came-too",),
    policy_notes=("a-note",),
    not_checked="no-framework",
    unjudged=(Unjudged("timm", "facts.p", "1.0", "1.1", "package", "trains", "its-notes"),),
    only=("a-section",),
)


@pytest.mark.parametrize(
    "words",
    [
        *("a-summary", "a-label", "a-reference", "a-prefix", "torch; on a GPU", "a-policy"),
        *("a-rule", "a-title", "a-message", "a-remedy", "was-so → is-so", "not-seen", "numeric"),
        *("facts.a-change", "old → new", "a-doubt", "facts.unknown", "a-reason"),
        *("an-advice", "do-so", "an-ignored", "agreed-so", "a-left-out", "look-there"),
        *("an-experiment", "we-compare", "came-too", "a-note", "no-framework", "a-section"),
        *("timm", "1.0 → 1.1", "trains", "its-notes"),
    ],
)
def test_every_part_of_a_report_is_in_its_table(words: str) -> None:
    assert words in html.unescape(report_html(REPORT))


def test_a_long_table_and_a_long_text_are_cut_and_say_so() -> None:
    long = report_html(REPORT._replace(changes=REPORT.changes * (MAX_ROWS + 7), summary="x" * 9999))
    assert long.count("facts.a-change") == MAX_ROWS
    assert f"other changes ({MAX_ROWS + 7})" in long
    assert "<p>and 7 more</p>" in long
    assert max(map(len, re.findall("x+…?", long))) == MAX_TEXT
