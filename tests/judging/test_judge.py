"""The engine, with rules made for the purpose: stamping, doubt, silence, order, policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.report import Report
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue, for_each
from envprint.core.workload import Workload, on_gpu
from envprint.judging import judge
from envprint.judging.policy.model import Entry, Policy
from envprint.outputs.drift_error import refusal
from envprint.outputs.formats import ALL, NONE, QUIET, View, text
from envprint.outputs.formats import json as json_output
from tests.builders.judged import judge_drift, judge_state
from tests.builders.rules import KERNEL, a_rule
from tests.builders.support import fingerprint

LIBC = "facts.os.libc"
ONE = fingerprint({KERNEL: "6.1", LIBC: "glibc 2.31"})
OTHER = fingerprint({KERNEL: "6.8", LIBC: "glibc 2.36"})


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> list[Rule]:
    """The catalogue of the test, empty at first."""
    found: list[Rule] = []
    monkeypatch.setattr(
        judge, "applying", lambda workload, *_: [r for r in found if r.applies.holds(workload)]
    )
    return found


def drift(before: Fingerprint, after: Fingerprint, policy: Policy | None = None) -> Report:
    return judge_drift(before, after, Workload(), policy or Policy())


def test_a_watched_change_becomes_a_finding_with_the_rules_stamp(rules: list[Rule]) -> None:
    rules.append(a_rule("kernel-changed"))
    report = drift(ONE, OTHER)
    finding = report.findings[0]
    assert (finding.rule, finding.impact, finding.confidence) == (
        "kernel-changed",
        Impact.NUMERIC,
        Confidence.INFERRED,
    )
    assert finding.message == "os.kernel_release was 6.1, is 6.8"
    assert (finding.before, finding.after, finding.paths) == ("6.1", "6.8", (KERNEL,))
    assert finding.evidence == ("https://example.org",)
    assert report.impact == Impact.NUMERIC
    assert [change.path for change in report.changes] == [LIBC]


def test_unknown_on_either_side_yields_a_doubt_and_no_finding(rules: list[Rule]) -> None:
    rules.append(a_rule("kernel-changed"))
    doubtful = fingerprint({LIBC: "glibc 2.31"}, unknown={KERNEL: "denied"})
    for report in (drift(doubtful, OTHER), drift(ONE, doubtful)):
        assert report.findings == ()
        assert [(d.rule, d.path, d.reason) for d in report.undecided] == [
            ("kernel-changed", KERNEL, "denied")
        ]
        assert report.exit_code(Impact.NUMERIC) == 0
        assert report.exit_code(Impact.NUMERIC, fail_on_unknown=True) == 3
        assert report.exit_code(Impact.DIVERGES, fail_on_unknown=True) == 0


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (Policy(), 3),
        (Policy(impacts={"kernel-changed": Impact.NONE}), 0),
        (Policy(impacts={"kernel-changed": Impact.BREAKS}), 3),
        (Policy(impacts={"another": Impact.NONE}), 3),
        (Policy(ignores=(Entry("ignore[0]", "kernel-*", "*", "why"),)), 0),
        (Policy(ignores=(Entry("ignore[0]", "*", "facts.os.*", "why"),)), 0),
        (Policy(ignores=(Entry("ignore[0]", "*", "facts.cpu.*", "why"),)), 3),
        (Policy(ignores=(Entry("i", "kernel-*", "*", "why", "2026-01-01", True),)), 3),
        (Policy(expects=(Entry("expect[0]", "kernel-changed", "*", "why"),)), 0),
    ],
)
def test_a_doubt_weighs_what_the_policy_lets_its_rule_weigh(
    rules: list[Rule], policy: Policy, code: int
) -> None:
    rules.append(a_rule("kernel-changed"))
    report = drift(ONE, fingerprint({LIBC: "x"}, unknown={KERNEL: "denied"}), policy)
    assert report.exit_code(Impact.NUMERIC, fail_on_unknown=True) == code
    # It is listed all the same: nothing is hidden.
    assert [entry.rule for entry in report.undecided] == ["kernel-changed"]
    assert ("1 rule could not be decided" in report.summary) == (code == 3)


def test_the_doubt_of_advice_stays_without_weight(rules: list[Rule]) -> None:
    rules.append(a_rule("tip", advice=True))
    policy = Policy(impacts={"tip": Impact.BREAKS})
    report = drift(ONE, fingerprint(unknown={KERNEL: "denied"}), policy)
    assert report.exit_code(Impact.NUMERIC, fail_on_unknown=True) == 0


def test_what_a_rule_saw_before_the_doubt_counts(rules: list[Rule]) -> None:
    def check(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        yield Match("seen", (LIBC,))
        comparison.change(KERNEL)

    rules.append(a_rule("half", drift=check))
    report = drift(ONE, OTHER._replace(unknown={KERNEL: "denied"}))
    assert [finding.message for finding in report.findings] == ["seen"]
    assert len(report.undecided) == 1


def test_a_rule_goes_on_after_an_unknown_value_that_it_yields(rules: list[Rule]) -> None:
    def check(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        yield UnknownValue(KERNEL, "denied")
        yield Match("found", (LIBC,))
        yield UnknownValue("facts.os.system", "not readable")
        yield UnknownValue(KERNEL, "denied")

    rules.append(a_rule("half", drift=check))
    report = drift(ONE, OTHER)
    assert [finding.message for finding in report.findings] == ["found"]
    assert [(entry.path, entry.reason, entry.impact) for entry in report.undecided] == [
        (KERNEL, "denied", Impact.NUMERIC),
        ("facts.os.system", "not readable", Impact.NUMERIC),
    ]


def test_a_rule_that_lacks_two_values_is_counted_once(rules: list[Rule]) -> None:
    def check(now: Fingerprint, workload: Workload) -> Iterator[Result]:
        yield from for_each((KERNEL, LIBC), lambda path: [Match("known", (now.value(path),))])

    rules.append(a_rule("both", state=check))
    report = judge_state(
        fingerprint(unknown={KERNEL: "denied", LIBC: "denied"}), None, Workload(), Policy()
    )
    assert [entry.path for entry in report.undecided] == [KERNEL, LIBC]
    assert report.summary.endswith("; 1 rule could not be decided")
    shown = " ".join(text.render(report, View(details=ALL)).split())
    assert f"{KERNEL}, {LIBC}: denied (both)" in shown
    assert f"undecided 1 rule: denied ({KERNEL} and 1 more)" in shown
    assert refusal(report, Impact.NUMERIC).splitlines() == [
        "undecided: 1 rule that could reach the threshold",
        f"  both: {KERNEL}: denied",
        f"  both: {LIBC}: denied",
    ]


def test_an_unknown_value_ends_its_own_item_and_no_other(rules: list[Rule]) -> None:
    def check(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        def look(path: str) -> Iterator[Match]:
            if change := comparison.change(path):
                yield Match(path, (path,), change.before, change.after)

        yield from for_each((KERNEL, LIBC), look)

    rules.append(a_rule("each", drift=check))
    report = drift(ONE, OTHER._replace(unknown={KERNEL: "denied"}))
    assert [finding.message for finding in report.findings] == [LIBC]
    assert [entry.path for entry in report.undecided] == [KERNEL]


def test_a_state_that_may_have_been_there_before_is_undecided_and_no_finding(
    rules: list[Rule],
) -> None:
    def check(now: Fingerprint, workload: Workload) -> Iterator[Result]:
        yield from a_state(now, workload)
        now.value(LIBC)

    rules.append(a_rule("kernel-bad", state=check))
    before = fingerprint(unknown={KERNEL: "denied"})
    after = OTHER._replace(unknown={LIBC: "not readable"})
    report = drift(before, after)
    assert report.findings == ()
    assert [(entry.path, entry.reason) for entry in report.undecided] == [
        (KERNEL, "denied"),
        (LIBC, "not readable"),
    ]


def test_what_the_team_weighs_itself_is_not_lowered_by_a_probe() -> None:
    finding = judge._finding(a_rule("x"), Match("m", (KERNEL,)))
    lowered = finding._replace(impact=Impact.NONE, probed_equal="equal bits")
    own = Policy(impacts={"x": Impact.DIVERGES})
    (kept,), _, _ = judge.apply_policy([lowered], own)
    assert (kept.impact, kept.probed_equal) == (Impact.DIVERGES, None)
    assert judge.apply_policy([lowered], Policy()) == ([lowered], [], [])


def test_a_rule_outside_its_workload_is_silent(rules: list[Rule]) -> None:
    rules.append(a_rule("kernel-changed", applies=on_gpu))
    report = drift(ONE, OTHER)
    assert report.findings == ()
    assert {change.path for change in report.changes} == {KERNEL, LIBC}


def test_the_weaker_of_two_rules_yields_to_the_stronger(rules: list[Rule]) -> None:
    rules += [a_rule("weak", yields_to=("strong",)), a_rule("strong", impact=Impact.BREAKS)]
    assert [finding.rule for finding in drift(ONE, OTHER).findings] == ["strong"]


def a_state(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(KERNEL) == "6.8":
        yield Match("the kernel is 6.8", (KERNEL,), after="6.8")


def test_what_a_silent_rule_recognised_is_not_listed_as_unexplained(rules: list[Rule]) -> None:
    rules += [a_rule("weak", watches=(LIBC,), yields_to=("strong",)), a_rule("strong")]
    report = drift(ONE, OTHER)
    assert [finding.rule for finding in report.findings] == ["strong"]
    assert report.changes == ()


def test_a_state_speaks_in_a_diff_only_when_it_is_new(rules: list[Rule]) -> None:
    rules.append(a_rule("kernel-bad", state=a_state))
    assert len(drift(ONE, OTHER).findings) == 1
    assert drift(OTHER, OTHER).findings == ()
    assert drift(OTHER, ONE).findings == ()
    assert len(judge_state(OTHER, OTHER, Workload(), Policy()).findings) == 1
    assert len(judge_state(OTHER, None, Workload(), Policy()).findings) == 1


def test_advice_never_decides_unless_strict(rules: list[Rule]) -> None:
    rules.append(a_rule("tip", advice=True))
    report = drift(ONE, OTHER)
    assert report.impact == Impact.NONE
    assert [advice.rule for advice in report.advice] == ["tip"]
    assert report.exit_code(Impact.NUMERIC) == 0
    assert report.exit_code(Impact.NUMERIC, strict=True) == 1
    assert report.reaching(Impact.NUMERIC) == ()
    assert [advice.rule for advice in report.reaching(Impact.NUMERIC, strict=True)] == ["tip"]


def test_the_text_of_a_strict_check_has_the_title_that_its_exit_code_has(
    rules: list[Rule],
) -> None:
    rules += [a_rule("tip", advice=True), a_rule("other", advice=True, impact=Impact.PERF)]
    report = drift(ONE, OTHER)
    assert text.render(report).startswith("NONE      No difference that is known to change")
    assert "ADVICE, not counted without --strict" in text.render(report, View(details=ALL))
    strictly = " ".join(text.render(report, View(strict=True, details=ALL)).split())
    assert strictly.startswith("NUMERIC Results differ by rounding: equal at first")
    assert "ADVICE, counted by --strict" in strictly
    quiet = text.render(report, View(strict=True, details=QUIET))
    assert quiet.endswith("further apart with every step: the kernel differs (and 1 more).\n")
    rules.append(a_rule("worse", impact=Impact.BREAKS))
    worse = drift(ONE, OTHER)
    heads = [text.render(worse, View(strict=strict)) for strict in (False, True)]
    assert [head.split()[0] for head in heads] == ["BREAKS", "BREAKS"]


def test_findings_are_ordered_by_impact_then_rule_then_path(rules: list[Rule]) -> None:
    rules += [
        a_rule("b"),
        a_rule("c", impact=Impact.BREAKS),
        a_rule("a", watches=(LIBC, KERNEL)),
    ]
    assert [(f.rule, f.paths[0]) for f in drift(ONE, OTHER).findings] == [
        ("c", KERNEL),
        ("a", KERNEL),
        ("a", LIBC),
        ("b", KERNEL),
    ]


def test_a_match_may_be_weaker_than_its_rule(rules: list[Rule]) -> None:
    def check(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        yield Match("only slower", (KERNEL,), impact=Impact.PERF, remedy="Wait.")

    rules.append(a_rule("kernel-changed", drift=check))
    finding = drift(ONE, OTHER).findings[0]
    assert (finding.impact, finding.remedy) == (Impact.PERF, "Wait.")


def test_the_policy_sets_impacts_and_ignores_with_a_reason(rules: list[Rule]) -> None:
    rules += [a_rule("kernel-changed"), a_rule("libc-changed", watches=(LIBC,))]
    policy = Policy(
        impacts={"libc-changed": Impact.DIVERGES},
        ignores=(Entry("ignore[0]", "kernel-*", "*", "rolling kernels", "2027-01-31"),),
    )
    report = drift(ONE, OTHER, policy)
    assert [(f.rule, f.impact) for f in report.findings] == [("libc-changed", Impact.DIVERGES)]
    assert [(i.rule, i.reason, i.expires) for i in report.ignored] == [
        ("kernel-changed", "rolling kernels", "2027-01-31")
    ]


def test_an_ignore_by_path_needs_the_path_to_fit() -> None:
    ignore = Entry("ignore[0]", "*", "facts.cuda.cudnn*", "the experiment")
    report_finding = judge._finding(a_rule("x"), Match("m", ("facts.cuda.cudnn_version",)))
    assert ignore.covers(report_finding.rule, report_finding.paths)
    assert not ignore.covers(report_finding.rule, ("facts.cuda.nccl",))


def test_no_difference_says_where_to_look_next(rules: list[Rule]) -> None:
    assert (
        drift(ONE, ONE).summary
        == "no difference; if results differ, look at the code, the data and the seeds"
    )


def test_the_summary_names_the_likeliest_cause_and_the_report_at_most_three(
    rules: list[Rule],
) -> None:
    sure, guessed = Confidence.DOCUMENTED, Confidence.INFERRED
    rules += [
        a_rule("a-guess", title="A guess", confidence=guessed),
        a_rule("b-known", title="The libc differs", confidence=sure, watches=(LIBC,)),
        a_rule("c-known", title="The kernel differs", confidence=sure),
        a_rule("d-slow", title="Slower", impact=Impact.PERF),
        a_rule("e-known", title="Known too", confidence=sure),
    ]
    report = drift(ONE, OTHER)
    assert report.findings[0].rule == "a-guess"
    assert report.likely_causes == ("b-known", "c-known", "e-known")
    assert report.summary == (
        "results differ by rounding: equal at first, further apart with every step: the libc "
        "differs (and 4 more)"
    )
    assert report.look_next == ()
    shown = text.render(report).split("\n\n")[1]
    assert [line for line in shown.splitlines() if "fix: " not in line] == [
        "likely    1  The libc differs    os.libc glibc 2.31 → glibc 2.36",
        "          2  The kernel differs  os.kernel_release 6.1 → 6.8",
        "          3  Known too           os.kernel_release 6.1 → 6.8",
        "          and 2 more: os.kernel_release 6.1 → 6.8; os.kernel_release 6.1 → 6.8",
    ]
    assert json_output.to_document(report)["verdict"]["likely_causes"] == [
        "b-known",
        "c-known",
        "e-known",
    ]


def test_the_verdict_names_a_single_cause(rules: list[Rule]) -> None:
    rules.append(a_rule("kernel-changed"))
    report = drift(ONE, OTHER)
    assert report.likely_causes == ("kernel-changed",)
    shown = " ".join(text.render(report, View(details=NONE)).split())
    assert "every step: the kernel differs. likely 1 os.kernel_release 6.1 → 6.8 fix: " in shown


def test_without_a_baseline_no_cause_of_a_difference_is_named(rules: list[Rule]) -> None:
    rules.append(a_rule("kernel-bad", state=a_state))
    report = judge_state(OTHER, None, Workload(), Policy())
    assert report.impact == Impact.NUMERIC
    assert (report.likely_causes, report.look_next) == ((), ())


def test_a_state_that_was_there_before_is_the_last_cause_in_a_pre_flight(
    rules: list[Rule],
) -> None:
    rules += [
        a_rule("a-kernel-bad", state=a_state),
        a_rule("b-libc", watches=(LIBC,), confidence=Confidence.INFERRED),
    ]
    before = fingerprint({KERNEL: "6.8", LIBC: "glibc 2.31"})
    report = judge_state(OTHER, before, Workload(), Policy())
    assert report.likely_causes == ("b-libc", "a-kernel-bad")


def test_only_doubts_are_the_first_thing_to_look_at(rules: list[Rule]) -> None:
    rules.append(a_rule("kernel-changed"))
    doubtful = ONE._replace(unknown={KERNEL: "denied"})
    report = drift(doubtful, doubtful)
    assert report.summary == (
        "no difference; if results differ, look at the code, the data and the seeds; "
        "1 rule could not be decided"
    )
    assert report.look_next[0] == "what is undecided: 1 rule"


def test_a_measurement_is_cited_with_what_it_gave(rules: list[Rule]) -> None:
    evidence = (
        Evidence("2.3.5 and 2.4.6", measured="np.v2_3_5"),
        Evidence("not shipped", measured="x"),
    )
    rules.append(a_rule("kernel-changed", evidence=evidence))
    assert drift(ONE, OTHER).findings[0].evidence == (
        "2.3.5 and 2.4.6: measured numeric with numpy 2.4.6 → 2.3.5 on the CPU (np.v2_3_5)",
        "not shipped: measured see its row (x)",
    )
