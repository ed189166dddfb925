"""Reports, whole: every case in every format, as a person or a script would get them.

A case starts from the fingerprints of recorded machines and edits them; `case.json` says how. The
reports beside it are rewritten by `pytest --update-golden` and read before they are committed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envprint.core.discovery import module_names
from envprint.core.report import Report
from envprint.core.workload import detect
from envprint.judging.policy.model import Policy
from envprint.judging.policy.parse import parse_policy
from envprint.outputs import formats
from tests.builders.edits import edited
from tests.builders.golden_files import Golden
from tests.builders.judged import judge_drift, judge_state

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/case.json"))
FORMATS = module_names(formats)


def judged(case: dict[str, Any]) -> tuple[Report, Policy]:
    policy = parse_policy(case.get("policy", "").encode(), "policy", "2026-11-21")
    current = edited(case["current"])
    baseline = edited(case["baseline"]) if "baseline" in case else None
    workload = detect(
        current, baseline, frameworks=case.get("frameworks", ()), device=case.get("device")
    )
    workload = workload._replace(**case.get("options", {}))
    if case["verb"] == "diff":
        assert baseline
        return judge_drift(baseline, current, workload, policy), policy
    return judge_state(current, baseline, workload, policy), policy


def test_there_are_cases() -> None:
    assert len(CASES) >= 8


@pytest.mark.parametrize("name", CASES)
def test_a_report_in_every_format_is_the_golden_one(name: str, golden: Golden) -> None:
    case = json.loads((GOLDEN / name / "case.json").read_text())
    report, policy = judged(case)
    assert report.exit_code(policy.fail_on) == case["exit"]
    for form in FORMATS:
        text = formats.format_named(form).render(report)
        golden(GOLDEN / name / f"report.{'txt' if form == 'text' else form}", text)


@pytest.mark.parametrize("name", CASES)
def test_the_text_fits_80_columns_and_holds_no_control_characters(name: str) -> None:
    report, _ = judged(json.loads((GOLDEN / name / "case.json").read_text()))
    text = formats.format_named("text").render(report)
    prose = [line for line in text.splitlines() if " " in line.strip()]
    assert max(map(len, prose)) <= 80
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize("name", CASES)
def test_colour_adds_nothing_but_colour(name: str) -> None:
    import re

    report, _ = judged(json.loads((GOLDEN / name / "case.json").read_text()))
    render = formats.format_named("text").render
    assert re.sub(r"\x1b\[[0-9;]*m", "", render(report, True)) == render(report, False)
