"""JUnit: a parser reads it back, names are unique, and what fails is what the threshold says."""

from __future__ import annotations

import pytest
from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from envprint.core.impact import Impact
from envprint.outputs.formats import View
from envprint.outputs.formats.junit import CHECKED, render
from tests.builders.reports import ACTING, a_finding, a_report, hostile_report


def suite_of(text: str) -> TestSuite:
    (suite,) = JUnitXml.fromstring(text.encode())
    return suite


def kinds(suite: TestSuite) -> dict[str, str]:
    """Name of each case to `failure`, `skipped` or `passed`."""
    return {case.name: kind(case) for case in suite}


def kind(case: TestCase) -> str:
    results = [type(result) for result in case.result]
    return {Failure: "failure", Skipped: "skipped"}[results[0]] if results else "passed"


@pytest.mark.parametrize("text", ACTING.values(), ids=ACTING)
def test_a_parser_reads_back_whatever_a_document_holds(text: str) -> None:
    suite = suite_of(render(hostile_report(text)))
    names = [case.name for case in suite]
    assert len(set(names)) == len(names) == suite.tests == 8
    assert suite.failures == 2
    assert suite.skipped == 4


def test_two_findings_of_one_rule_in_one_place_have_two_names() -> None:
    again = (a_finding(), a_finding(), a_finding(paths=(), message="x"))
    assert list(kinds(suite_of(render(a_report(findings=again))))) == [
        CHECKED,
        "a-rule: facts.packages.distributions[numpy].version",
        "a-rule: facts.packages.distributions[numpy].version (2)",
        "a-rule",
    ]


@pytest.mark.parametrize(
    ("view", "failed"),
    [
        (View(fail_on=Impact.PERF), ["numeric", "perf"]),
        (View(), ["numeric"]),
        (View(fail_on=Impact.BREAKS), []),
        (View(strict=True), ["numeric", "advice"]),
    ],
)
def test_what_reaches_the_threshold_fails(view: View, failed: list[str]) -> None:
    findings = (a_finding("numeric"), a_finding("perf", impact=Impact.PERF))
    report = a_report(findings=findings, advice=(a_finding("advice", advice=True),))
    found = kinds(suite_of(render(report, view)))
    assert [name.partition(":")[0] for name in found if found[name] == "failure"] == failed


def test_what_was_not_checked_is_skipped_with_the_reason() -> None:
    suite = suite_of(render(a_report(findings=(), not_checked="no framework")))
    (case,) = suite
    assert [(type(one), one.message) for one in case.result] == [(Skipped, "no framework")]


def test_a_report_without_findings_has_a_case_that_passes() -> None:
    assert kinds(suite_of(render(a_report(findings=())))) == {CHECKED: "passed"}


def test_a_failure_says_why_and_what_to_do() -> None:
    (_, case) = suite_of(render(a_report()))
    (failure,) = case.result
    assert (failure.type, failure.message) == ("numeric", "numpy 1 → 2")
    assert "fix: pip install numpy==1\n" in failure.text
    assert "evidence (measured): https://numpy.org/x" in failure.text
