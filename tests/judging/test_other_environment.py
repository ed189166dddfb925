"""Two installations instead of one that changed: what a verdict says first, and what it counts."""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import OTHER_ENVIRONMENT, another_environment
from envprint.judging.policy.model import Entry, Policy
from tests.builders.judged import judge_drift
from tests.builders.support import fingerprint, workload


def side(prefix: str, *frameworks: str) -> Fingerprint:
    return fingerprint(
        {
            "facts.python.prefix": prefix,
            **{f"facts.frameworks.{name}": {"version": "1.0"} for name in frameworks},
        }
    )


def test_a_verdict_on_another_environment_begins_with_that() -> None:
    report = judge_drift(side("/a", "numpy"), side("/b"), workload(["numpy"]), Policy())
    place = "another environment is looked at: /a → /b"
    assert report.summary.startswith(f"{place}; probably does not run")
    assert report.impact == Impact.BREAKS
    assert report.likely_causes == ("framework-missing",)


def test_another_environment_has_no_impact_of_its_own() -> None:
    report = judge_drift(side("/a"), side("/b", "numpy"), workload(["numpy"]), Policy())
    assert (report.impact, report.likely_causes) == (Impact.NONE, ())
    assert report.summary.startswith("another environment is looked at: /a → /b")
    assert report.exit_code(Impact.PERF) == 0


def test_a_policy_may_ignore_that_another_environment_is_looked_at() -> None:
    policy = Policy(ignores=(Entry("ignore[0]", OTHER_ENVIRONMENT, "*", "two clusters"),))
    report = judge_drift(side("/a", "numpy"), side("/b"), workload(["numpy"]), policy)
    assert "another environment" not in report.summary
    assert another_environment(report.findings) is None


def test_where_nothing_is_missing_other_findings_come_first() -> None:
    before, after = side("/a", "numpy"), side("/b", "numpy", "torch", "tensorflow")
    preloaded = {"variables": {"LD_PRELOAD": "/opt/libfast.so"}}
    after = after._replace(facts={**after.facts, "environ": preloaded})
    report = judge_drift(before, after, workload(["numpy"]), Policy())
    rules = {finding.rule for finding in report.findings}
    assert {OTHER_ENVIRONMENT, "environ-preload-changed"} <= rules
    assert "another environment" not in report.summary
