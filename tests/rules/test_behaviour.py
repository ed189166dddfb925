"""Releases in which a library changed what it does."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_drift
from tests.builders.support import drift, fingerprint, workload

RULE = "behaviour-changed"


def having(**versions: str | None) -> Fingerprint:
    return fingerprint(
        {
            "facts.packages.distributions": {
                name.replace("_", "-"): {"version": version} for name, version in versions.items()
            }
        }
    )


@pytest.mark.parametrize(
    ("name", "before", "after", "impact", "says"),
    [
        ("transformers", "4.45.2", "4.46.0", Impact.DIVERGES, "gradient accumulation"),
        ("transformers", "4.47.1", "4.48.0", Impact.DIVERGES, "before the backward pass"),
        ("transformers", "4.46.0", "4.45.2", Impact.DIVERGES, "gradient accumulation"),
        ("albumentations", "1.4.18", "1.4.21", Impact.DIVERGES, "no longer follow random.seed()"),
        ("librosa", "0.9.2", "0.10.2", Impact.DIVERGES, "soxr_hq"),
        ("gym", "0.25.2", "0.26.0", Impact.BREAKS, "env.seed() is gone"),
        ("trl", "1.6.0", "1.7.0", Impact.NUMERIC, "in chunks"),
    ],
)
def test_a_step_over_such_a_release_is_found_in_both_directions(
    name: str, before: str, after: str, impact: Impact, says: str
) -> None:
    ((finding,), undecided) = drift(RULE, having(**{name: before}), having(**{name: after}))
    assert (finding.impact, undecided) == (impact, [])
    assert finding.message.startswith(f"{name} was {before}, is {after}: from ")
    assert says in finding.message
    assert finding.remedy == f"pip install {name}=={before}"
    assert finding.not_when.startswith("The job uses none of this: ")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("transformers", "4.46.0", "4.46.3"),  # both have it
        ("transformers", "4.44.0", "4.45.2"),  # neither has it
        ("requests", "2.31.0", "2.32.0"),  # no such release is known
        ("librosa", "0.10.0", "0.10.0"),
    ],
)
def test_a_step_that_crosses_none_is_quiet(name: str, before: str, after: str) -> None:
    assert drift(RULE, having(**{name: before}), having(**{name: after})) == ([], [])


def test_a_library_that_only_one_side_has_crosses_nothing() -> None:
    assert drift(RULE, having(), having(transformers="4.46.0")) == ([], [])


def test_several_releases_are_one_finding_with_the_worst_impact_and_all_sources() -> None:
    ((finding,), _) = drift(RULE, having(trl="0.21.0"), having(trl="0.27.0"))
    assert finding.impact == Impact.DIVERGES
    assert finding.message.count("; from ") == 2
    assert len(finding.evidence) == 3


def test_what_was_measured_says_so_and_what_brings_the_old_behaviour_back_is_a_note() -> None:
    ((finding,), _) = drift(RULE, having(librosa="0.9.2"), having(librosa="0.10.2"))
    assert finding.confidence == Confidence.MEASURED
    assert finding.note == "Or bring the old behaviour back: res_type='kaiser_best'."
    assert finding.evidence == ("https://github.com/librosa/librosa/blob/main/docs/changelog.rst",)


def test_an_unknown_version_leaves_it_undecided() -> None:
    before = having(librosa="0.9.2")
    path = "facts.packages.distributions[librosa].version"
    unknown = before._replace(unknown={**before.unknown, path: "cannot be read"})
    findings, undecided = drift(RULE, having(librosa="0.10.2"), unknown)
    assert (findings, [entry.path for entry in undecided]) == ([], [path])


def test_a_known_break_is_said_once_and_is_not_listed_as_not_judged() -> None:
    sides = having(xgboost="1.7.6", timm="1.0.9"), having(xgboost="2.0.3", timm="1.0.11")
    report = judge_drift(*sides, workload(["torch"]), Policy())
    assert [finding.rule for finding in report.findings] == [RULE]
    assert [entry.name for entry in report.unjudged] == ["timm"]


def test_what_few_jobs_meet_is_advice_and_the_step_remains_not_judged() -> None:
    before, after = having(lightning="2.5.0", torchmetrics="1.7.0"), having(torchmetrics="1.9.0")
    report = judge_drift(before, after, workload(["torch"]), Policy())
    assert [advice.rule for advice in report.advice] == [RULE]
    assert "PSNR" in report.advice[0].message
    assert (report.impact, report.findings) == (Impact.NONE, ())
    assert "torchmetrics" in [entry.name for entry in report.unjudged]


def test_what_most_jobs_meet_and_what_few_meet_are_told_apart() -> None:
    before, after = having(polars="1.42.1"), having(polars="2.1.0")
    report = judge_drift(before, after, workload(["numpy"]), Policy())
    ((finding,), (advice,)) = (report.findings, report.advice)
    assert "sample()" in finding.message and "hash()" not in finding.message
    assert "hash()" in advice.message
    assert report.unjudged == ()


def test_a_library_that_the_job_does_not_use_is_advice_where_the_job_names_its_own() -> None:
    before, after = having(gensim="4.3.3", pandas="2.2.3"), having(gensim="4.3.3", pandas="3.0.0")
    own = workload([], libraries=("gensim",))
    report = judge_drift(before, after, own, Policy())
    assert (report.impact, report.findings) == (Impact.NONE, ())
    assert [advice.rule for advice in report.advice] == ["pandas-version-changed"]
    assert [entry.name for entry in report.unjudged] == ["pandas"]
    named = workload([], libraries=("pandas",))
    assert judge_drift(before, after, named, Policy()).impact == Impact.DIVERGES


def test_advice_says_whom_it_concerns_and_names_each_way_back_once() -> None:
    before, after = having(xgboost="3.0.5"), having(xgboost="3.2.0")
    report = judge_drift(before, after, workload([]), Policy())
    (advice,) = (one for one in report.advice if one.rule == RULE)
    assert "(concerns several classes or targets)" in advice.message
    assert advice.note == "Or bring the old behaviour back: base_score=."


def test_a_finding_that_concerns_most_jobs_does_not_repeat_whom() -> None:
    ((finding,), _) = drift(RULE, having(librosa="0.9.2"), having(librosa="0.10.2"))
    assert "(concerns" not in finding.message
