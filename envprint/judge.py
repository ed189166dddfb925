"""From rules and what they look at to a report. Pure; the one engine for diff, check and the API.

A rule about a state says something in a diff only when the state is new: a difference is judged,
not a machine.
"""

from collections.abc import Container, Iterator
from typing import NamedTuple

from envprint.asking import RuleSaid, about_drift, about_state
from envprint.compare import compare
from envprint.describe import summarise
from envprint.document import BESIDE
from envprint.elsewhere import look_next, look_where
from envprint.hidden import REASON
from envprint.model import Change, Comparison, Fingerprint, Impact, Workload, is_inside
from envprint.policy import Policy
from envprint.policy_notes import notes
from envprint.ranking import likely_causes
from envprint.report import HIDDEN_VALUE, Expected, Finding, Ignored, Report, Undecided
from envprint.rule import Match, Rule
from envprint.rules import applying
from envprint.wording import headline, source


def judge_drift(
    baseline: Fingerprint, current: Fingerprint, workload: Workload, policy: Policy
) -> Report:
    """What the differences between two fingerprints do to a training result."""
    comparison = compare(baseline, current)
    said = [about_drift(rule, comparison, workload) for rule in applying(workload)]
    return _report(said, comparison, current, workload, policy)


def judge_state(
    current: Fingerprint, baseline: Fingerprint | None, workload: Workload, policy: Policy
) -> Report:
    """What the present state does to a training result, and what a baseline adds to that."""
    comparison = compare(baseline, current) if baseline else None
    said = []
    for rule in applying(workload):
        if rule.state:
            said.append(about_state(rule, current, workload))
        elif comparison:
            said.append(about_drift(rule, comparison, workload))
    return _report(said, comparison, current, workload, policy)


class _Verdict(NamedTuple):
    findings: list[Finding]
    advice: list[Finding]
    ignored: list[Ignored]
    expected: list[Expected]


def _report(
    said: list[RuleSaid],
    comparison: Comparison | None,
    current: Fingerprint,
    workload: Workload,
    policy: Policy,
) -> Report:
    verdict = _stamp(said, comparison, workload, policy)
    findings = verdict.findings
    impact = max((finding.impact for finding in findings), default=Impact.NONE)
    undecided = sorted((*_doubts(said, policy), *_hidden(said, comparison, policy)))
    changes, expected = _apart(_unexplained(said, comparison), policy)
    expected = [*verdict.expected, *expected]
    states = {rule.id for rule, _, _ in said if rule.state}
    # Without a difference that changes the result, the cause is somewhere else.
    quiet = comparison if impact < Impact.NUMERIC and not expected else None
    report = Report(
        impact=impact,
        summary="",
        baseline=summarise(comparison.before) if comparison else None,
        current=summarise(current),
        workload=workload,
        findings=tuple(findings),
        changes=changes,
        undecided=tuple(undecided),
        advice=tuple(verdict.advice),
        ignored=tuple(verdict.ignored),
        likely_causes=likely_causes(findings, states, comparison) if comparison else (),
        look_next=look_next(quiet, undecided, verdict.ignored, changes) if quiet else (),
        expected=tuple(expected),
        lockstep=_lockstep(findings, states) if expected else (),
        policy_notes=tuple(notes(policy, said, comparison)),
    )
    look = look_where(quiet) if quiet else ""
    return report._replace(summary=headline(report, comparison, look))


def _doubts(said: list[RuleSaid], policy: Policy) -> Iterator[Undecided]:
    """What could not be decided, each with the most that it could have counted for the team."""
    for rule, _, doubts in said:
        for doubt in doubts:
            yield doubt if rule.advice else doubt._replace(impact=policy.reach(doubt))


def _hidden(
    said: list[RuleSaid], comparison: Comparison | None, policy: Policy
) -> Iterator[Undecided]:
    """What is hidden on both sides, where no rule that counts as much has a doubt about it."""
    known = [(doubt.path, rule.advice) for rule, _, doubts in said for doubt in doubts]
    for path in comparison.hidden if comparison else ():
        place, section = path.split(".")[:2]
        beside = place == "live" or section in BESIDE
        if not any(is_inside(path, inside) and (beside or not advice) for inside, advice in known):
            impact = Impact.NONE if beside else Impact.NUMERIC
            doubt = Undecided(HIDDEN_VALUE, path, REASON, impact)
            yield doubt._replace(impact=policy.reach(doubt))


def _apart(
    changes: tuple[Change, ...], policy: Policy
) -> tuple[tuple[Change, ...], list[Expected]]:
    """Changes that are left, and those that the policy expects."""
    left, expected = [], []
    for change in changes:
        entry = policy.expected("", (change.path,))
        if entry:
            text = f"{change.path} {change.kind}"
            expected.append(Expected(None, change.path, text, entry.reason))
        else:
            left.append(change)
    return tuple(left), expected


def _lockstep(findings: list[Finding], states: Container[str]) -> tuple[str, ...]:
    """What changed together with the experiment, and could be what its result is due to."""
    moved = [f.rule for f in findings if f.impact >= Impact.NUMERIC and f.rule not in states]
    return tuple(dict.fromkeys(moved))


def _unexplained(said: list[RuleSaid], comparison: Comparison | None) -> tuple[Change, ...]:
    """The changes that no rule has recognised, also where a stronger rule speaks instead."""
    explained = {path for _, matches, _ in said for match in matches for path in match.paths}
    changes = comparison.changes if comparison else ()
    return tuple(change for change in changes if not _is_explained(change.path, explained))


def _is_explained(path: str, explained: set[str]) -> bool:
    """Whether a finding names this path, something inside it, or something around it."""
    return any(
        path == p or path.startswith((p + ".", p + "[")) or p.startswith((path + ".", path + "["))
        for p in explained
    )


def _stamp(
    said: list[RuleSaid], comparison: Comparison | None, workload: Workload, policy: Policy
) -> _Verdict:
    fired = {rule.id: [match.about for match in matches] for rule, matches, _ in said}
    verdict = _Verdict([], [], [], [])
    for rule, matches, _ in said:
        stronger = [about for other in rule.yields_to for about in fired.get(other, ())]
        for match in matches:
            if any(None in (about, match.about) or about == match.about for about in stronger):
                continue
            finding = _finding(rule, match, policy)
            # What a team has decided stands, whatever was measured.
            if comparison and rule.probed and policy.own_impact(rule.id) is None:
                from envprint.settled import lowered

                finding = lowered(finding, rule, comparison, workload)
            ignored = policy.ignore_for(finding)
            entry = policy.expected(finding.rule, finding.paths)
            if ignored:
                verdict.ignored.append(ignored)
            elif entry:
                path = finding.paths[0]
                expected = Expected(finding.rule, path, finding.message, entry.reason)
                verdict.expected.append(expected)
            else:
                (verdict.advice if rule.advice else verdict.findings).append(finding)
    for findings in (verdict.findings, verdict.advice):
        findings.sort(key=lambda finding: (-finding.impact, finding.rule, finding.paths))
    return verdict


def _finding(rule: Rule, match: Match, policy: Policy) -> Finding:
    return Finding(
        rule=rule.id,
        impact=policy.impact_of(rule.id, rule.impact if match.impact is None else match.impact),
        confidence=rule.confidence,
        title=rule.title,
        message=match.message,
        paths=match.paths,
        before=match.before,
        after=match.after,
        why=rule.why,
        not_when=rule.not_when,
        remedy=match.remedy or rule.remedy,
        evidence=tuple(e.url or f"{e.what}: {source(e)}" for e in rule.evidence),
    )
