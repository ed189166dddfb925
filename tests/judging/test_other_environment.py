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


def with_packages(prefix: str, *frameworks: str, **versions: str) -> Fingerprint:
    place = "facts.packages.distributions"
    made = side(prefix, *frameworks)
    packages = {f"{place}[{name}]": {"version": version} for name, version in versions.items()}
    facts = {**made.facts, "packages": fingerprint({place: {}, **packages}).facts["packages"]}
    return made._replace(facts=facts)


def test_what_one_environment_alone_has_is_explained_and_a_step_of_both_is_not_judged() -> None:
    before = with_packages("/a", "numpy", acme="1.0", h5py="3.1")
    after = with_packages("/b", acme="1.1", timm="1.0")
    report = judge_drift(before, after, workload(["numpy"]), Policy())
    assert [entry.message for entry in report.unjudged] == ["acme 1.0 → 1.1"]
    listed = {change.path.rpartition("[")[2] for change in report.changes}
    assert {"h5py]", "timm]"} <= listed
    policy = Policy(ignores=(Entry("ignore[0]", OTHER_ENVIRONMENT, "*", "two clusters"),))
    report = judge_drift(before, after, workload(["numpy"]), policy)
    assert {entry.name for entry in report.unjudged} == {"acme", "h5py"}


def test_an_environment_that_lacks_nothing_asks_for_a_baseline_of_its_own() -> None:
    report = judge_drift(side("/a"), side("/b", "numpy"), workload(["numpy"]), Policy())
    (ours,) = (finding for finding in report.findings if finding.rule == OTHER_ENVIRONMENT)
    assert "a baseline that is its own" in ours.remedy


def test_where_nothing_is_missing_other_findings_come_first() -> None:
    before, after = side("/a", "numpy"), side("/b", "numpy", "torch", "tensorflow")
    preloaded = {"variables": {"LD_PRELOAD": "/opt/libfast.so"}}
    after = after._replace(facts={**after.facts, "environ": preloaded})
    report = judge_drift(before, after, workload(["numpy"]), Policy())
    rules = {finding.rule for finding in report.findings}
    assert {OTHER_ENVIRONMENT, "environ-preload-changed"} <= rules
    assert "another environment" not in report.summary
