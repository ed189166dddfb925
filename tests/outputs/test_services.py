"""What GitHub, GitLab and a spreadsheet read: their limits hold, and no text of a document acts."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO

import pytest

from envprint.core.impact import Impact
from envprint.core.report import Undecided
from envprint.outputs.formats import View, github, gitlab
from envprint.outputs.formats import csv as table
from tests.builders.reports import ACTING, a_finding, a_report, hostile_report

each_text = pytest.mark.parametrize("text", ACTING.values(), ids=ACTING)
COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\n]*)::([^\n]*)")


def commands(text: str) -> list[tuple[str, str, str]]:
    """The level, the title and the text of each line, which are all commands."""
    found = [COMMAND.fullmatch(line) for line in text.splitlines()]
    assert all(found)
    return [match.groups() for match in found if match]  # type: ignore[misc]


@each_text
def test_a_runner_finds_no_command_but_ours(text: str) -> None:
    found = commands(github.render(hostile_report(text)))
    levels = [level for level, _, _ in found]
    assert levels == ["error", "error", "warning", "warning", "notice", "notice"]
    assert not [part for one in found for part in one if re.search("%(?!25|0A|0D|3A|2C)", part)]


def test_errors_come_first_and_a_tenth_annotation_counts_the_rest() -> None:
    findings = (
        *(a_finding(f"perf-{n}", impact=Impact.PERF) for n in range(6)),
        *(a_finding(f"numeric-{n}") for n in range(6)),
    )
    found = commands(github.render(a_report(findings=findings)))
    assert [level for level, _, _ in found] == ["error"] * 6 + ["warning"] * 3 + ["notice"]
    assert found[-1][2] == "4 more in the summary"


def test_the_level_follows_the_threshold() -> None:
    findings = (a_finding("a"), a_finding("b", impact=Impact.NONE))
    report = a_report(findings=findings)
    levels = [
        [level for level, _, _ in commands(github.render(report, View(fail_on=fail_on)))]
        for fail_on in (Impact.NONE, Impact.NUMERIC, Impact.BREAKS)
    ]
    assert levels == [
        ["error", "error", "notice"],
        ["error", "notice", "notice"],
        ["warning", "notice", "notice"],
    ]


def test_an_annotation_is_as_long_as_the_service_takes() -> None:
    long = github.render(a_report(findings=(a_finding(message="é" * 9999),)))
    assert len(long.splitlines()[0].encode()) <= 4096


@each_text
def test_each_issue_has_what_the_service_asks_for(text: str) -> None:
    issues = json.loads(gitlab.render(hostile_report(text)))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 6
    for issue in issues:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"] == {"path": "envprint.toml", "lines": {"begin": 1}}


def test_an_issue_keeps_its_identity_while_values_change() -> None:
    first, second = (
        json.loads(gitlab.render(a_report(findings=(a_finding(message=text),))))
        for text in ("numpy was 1, is 2", "numpy was 1, is 3")
    )
    assert first[0]["fingerprint"] == second[0]["fingerprint"]
    assert first[0]["description"] != second[0]["description"]


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("env/monday.json", "env/monday.json"),
        ("../monday.json", "envprint.toml"),
        ("/etc/monday.json", "envprint.toml"),
        ("@monday", "envprint.toml"),
        (None, "envprint.toml"),
    ],
)
def test_an_issue_is_in_the_file_of_the_baseline(reference: str | None, place: str) -> None:
    report = a_report()
    assert report.baseline
    side = report.baseline._replace(reference=reference)
    (issue,) = json.loads(gitlab.render(report._replace(baseline=side)))
    assert issue["location"]["path"] == place


@each_text
def test_a_spreadsheet_computes_no_cell(text: str) -> None:
    rendered = table.render(hostile_report(text))
    rows = list(csv.reader(StringIO(rendered)))
    assert {len(row) for row in rows} == {len(table.COLUMNS)}
    assert len(rows) == len(rendered.splitlines()) == 12
    computed = [cell for row in rows for cell in row if re.match(r"\s*[=+@\-\uff1d]", cell)]
    assert computed == []


def test_numbers_stay_numbers() -> None:
    report = a_report(findings=(a_finding(before=-1, after="-2.5"),))
    row = list(csv.DictReader(StringIO(table.render(report))))[1]
    assert (row["before"], row["after"]) == ("-1", "-2.5")


def test_a_spreadsheet_has_a_row_for_each_thing() -> None:
    report = a_report(undecided=(Undecided("b-rule", "facts.os", "a reason", Impact.BREAKS),))
    rows = list(csv.DictReader(StringIO(table.render(report))))
    assert [(row["kind"], row["impact"], row["rule"]) for row in rows] == [
        ("verdict", "numeric", ""),
        ("finding", "numeric", "a-rule"),
        ("undecided", "breaks", "b-rule"),
    ]
