"""Reports, whole: every case in every format, as a person or a script would get them.

A case starts from the fingerprints of recorded machines and edits them; `case.json` says how. The
reports beside it, and the first screen alone, are rewritten by `pytest --update-golden` and read
before they are committed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from envprint.core.discovery import module_names
from envprint.core.report import Report
from envprint.core.workload import detect
from envprint.judging.policy.model import Policy
from envprint.judging.policy.parse import parse_policy
from envprint.outputs import formats
from envprint.outputs.formats import ALL, DETAILS, LIKELY, NONE, QUIET, View
from tests.builders.edits import edited
from tests.builders.golden_files import Golden
from tests.builders.judged import judge_drift, judge_state

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/case.json"))
AS_OF = "2026-11-28"
FORMATS = module_names(formats)
EXTENSIONS = {
    **{"text": "txt", "markdown": "md", "junit": "junit.xml", "github": "github.txt"},
    "gitlab": "gitlab.json",
}
"""By which an editor knows a format, where that is not its name."""


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
        report = judge_drift(baseline, current, workload, policy)
    else:
        report = judge_state(current, baseline, workload, policy)
    # A new entry of a table is no reason to renew every report.
    return report._replace(
        knowledge=report.knowledge and report.knowledge._replace(as_of=AS_OF)
    ), policy


def without_code(page: str) -> str:
    """A page without its style and script, which are the same in all, and their hashes."""
    page = re.sub(r"(?s)<(style|script)>.*?</\1>", r"<\1></\1>", page)
    return re.sub(r"sha256-[\w+/=]{44}(?=&|')", "sha256-", page)


def test_there_are_cases() -> None:
    assert len(CASES) >= 8


@pytest.mark.parametrize("name", CASES)
def test_a_report_in_every_format_is_the_golden_one(name: str, golden: Golden) -> None:
    case = json.loads((GOLDEN / name / "case.json").read_text())
    report, policy = judged(case)
    assert report.exit_code(policy.fail_on) == case["exit"]
    for form in FORMATS:
        text = formats.format_named(form).render(report, View(details=ALL))
        text = without_code(text) if form == "html" else text
        golden(GOLDEN / name / f"report.{EXTENSIONS.get(form, form)}", text)
    golden(
        GOLDEN / name / "screen.txt",
        formats.format_named("text").render(report, View(details=NONE)),
    )


def shown(name: str, view: View) -> str:
    report, _ = judged(json.loads((GOLDEN / name / "case.json").read_text()))
    return formats.format_named("text").render(report, view)


COMMAND = r" *(fix:? +)?(export|unset|pip|envprint) "
ADDRESS = r" *(read: |evidence  \w+: )?https?://\S+$"
each_width = pytest.mark.parametrize("width", [60, 80, 120])


@each_width
@pytest.mark.parametrize("name", CASES)
def test_the_text_fits_the_width_but_for_commands_and_addresses(name: str, width: int) -> None:
    text = shown(name, View(width=width, details=ALL))
    long = [line for line in text.splitlines() if len(line) > width]
    prose = [line for line in long if not re.match(f"{COMMAND}|{ADDRESS}", line)]
    assert [line for line in prose if " " in line.strip()] == []
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize("name", CASES)
def test_the_first_screen_has_24_lines_at_most(name: str) -> None:
    screen = shown(name, View(details=NONE))
    assert screen.count("\n") <= 24
    for details in (LIKELY, ALL):
        assert shown(name, View(details=details)).startswith(screen.rpartition("\n\n")[0])


@pytest.mark.parametrize("name", CASES)
def test_the_quiet_text_is_one_line_that_begins_as_the_screen_does(name: str) -> None:
    quiet, screen = (shown(name, View(details=details)) for details in (QUIET, NONE))
    assert quiet.count("\n") == 1
    assert quiet[:10] == screen[:10]


@pytest.mark.parametrize("name", CASES)
def test_no_line_says_nothing(name: str) -> None:
    text = shown(name, View(details=ALL))
    assert not re.search(r"(\b\d+ entries) → \1|values, as they", text)


@pytest.mark.parametrize("name", CASES)
def test_colour_adds_nothing_but_colour(name: str) -> None:
    for details in (*DETAILS, QUIET):
        coloured, plain = (shown(name, View(colour, details=details)) for colour in (True, False))
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
        assert coloured != plain
