"""From fingerprints and rules to a report: the one engine of diff, check and the API. Pure.

In a diff, a rule about a state counts only if the state is new: a diff judges the difference, not
the machine.
"""

from collections.abc import Container, Iterator, Mapping, Sequence

from envprint.core.comparison import Change, Comparison
from envprint.core.fingerprint import NOT_IN_DIGEST, VARIABLES, Fingerprint, Places, is_inside
from envprint.core.hidden import REASON
from envprint.core.impact import Impact
from envprint.core.report import (
    HIDDEN_VALUE,
    OTHER_ENVIRONMENT,
    Expected,
    Finding,
    Ignored,
    Knowledge,
    Report,
    Undecided,
    headline,
    without_findings,
)
from envprint.core.rule import Match, Rule, source
from envprint.core.shell import Command, commands
from envprint.core.summary import summarise
from envprint.core.workload import Workload
from envprint.judging.evaluate import Evaluation, Open, on_comparison, on_fingerprint
from envprint.judging.likely_causes import likely_causes
from envprint.judging.next_steps import hint, steps
from envprint.judging.placement import placements
from envprint.judging.policy.model import Policy, notes
from envprint.knowledge import AS_OF
from envprint.rules import applying
from envprint.rules.kit.packages import CONDA, DISTRIBUTIONS, is_of_uv


def judge_drift(
    comparison: Comparison, workload: Workload, policy: Policy, only: Sequence[str] = ()
) -> Report:
    """What the differences between two fingerprints do to a training result.

    With `only`, paths of sections, nothing else is judged.
    """
    rules = applying(workload, comparison.may_differ, True)
    evaluations = [on_comparison(rule, comparison, workload) for rule in rules]
    return _report(evaluations, comparison, comparison.after, workload, policy, only=only)


def judge_state(
    current: Fingerprint,
    comparison: Comparison | None,
    workload: Workload,
    policy: Policy,
    only: Sequence[str] = (),
) -> Report:
    """What the present state does to a training result.

    A comparison with a baseline adds what the changes since then do. With `only`, paths of
    sections, nothing else is judged.
    """
    evaluations = []
    for rule in applying(workload, comparison.may_differ if comparison else _nothing_differs):
        if rule.state:
            evaluations.append(on_fingerprint(rule, current, workload))
        elif comparison:
            evaluations.append(on_comparison(rule, comparison, workload))
    return _report(evaluations, comparison, current, workload, policy, only=only)


def _nothing_differs(place: str) -> bool:
    return False


def _report(
    evaluations: Sequence[Evaluation],
    comparison: Comparison | None,
    current: Fingerprint,
    workload: Workload,
    policy: Policy,
    *,
    only: Sequence[str],
) -> Report:
    everything, whole = evaluations, comparison  # the policy's notes are about all of it
    if only:
        from envprint.judging.narrow import comparison_in, evaluations_in, is_in, of_sections

        evaluations = evaluations_in(evaluations, only)
        comparison = comparison and comparison_in(comparison, only)
    rules = {evaluation.rule.id: evaluation.rule for evaluation in evaluations}
    stamped = _stamp(silence(evaluations), current)
    if comparison:
        stamped = apply_probes(stamped, rules, comparison, workload)
    kept, ignored, expected = apply_policy(stamped, policy)
    findings = [finding for finding in kept if not finding.advice]
    is_elsewhere = any(finding.rule == OTHER_ENVIRONMENT for finding in findings)
    open_changes = _not_judged(evaluations, comparison, workload, policy, is_elsewhere=is_elsewhere)
    changes, expected_changes = _apart(open_changes.others, policy)
    expected += (*open_changes.expected, *expected_changes)
    ignored += open_changes.accepted
    undecided = sorted(
        (
            *_undecided(evaluations, policy),
            *_hidden(evaluations, comparison, policy),
            *(one for one in open_changes.undecided if not only or is_in(one.path, only)),
        )
    )
    impact = max((finding.impact for finding in findings), default=Impact.NONE)
    states = {rule.id for rule in rules.values() if rule.state}
    causes = likely_causes(findings, states, comparison, workload.frameworks) if comparison else ()
    # Without a difference that changes the result, the cause is somewhere else.
    is_quiet = impact < Impact.NUMERIC and not expected and workload.not_found is None
    quiet = comparison if is_quiet else None
    otherwise = without_findings(comparison, some_ignored=bool(ignored))
    summary = headline(
        findings,
        causes,
        otherwise=otherwise if workload.not_found is None else "",
        look=hint(quiet) if quiet and not only else "",
        undecided=undecided,
        unjudged=open_changes.unjudged,
    )
    report = Report(
        impact=impact,
        summary="; ".join(filter(None, (workload.not_found, summary))),
        baseline=summarise(comparison.before) if comparison else None,
        current=summarise(current),
        workload=workload,
        findings=tuple(findings),
        changes=changes,
        undecided=tuple(undecided),
        advice=tuple(finding for finding in kept if finding.advice),
        ignored=tuple(ignored),
        likely_causes=causes,
        look_next=(
            steps(quiet, undecided, ignored, changes, open_changes.unjudged) if quiet else ()
        ),
        expected=tuple(expected),
        also_changed=_also_changed(findings, states) if expected else (),
        policy=policy.file,
        policy_notes=_notes(policy, everything, whole, open_changes, is_whole=not only),
        not_checked=workload.not_found,
        unjudged=open_changes.unjudged,
        computes_on=tuple(placements(current, workload)),
        knowledge=Knowledge(AS_OF, open_changes.newer),
        sides=(comparison.before, comparison.after) if comparison else (current,),
    )
    return of_sections(report, only) if only else report


def _not_judged(
    evaluations: Sequence[Evaluation],
    comparison: Comparison | None,
    workload: Workload,
    policy: Policy,
    *,
    is_elsewhere: bool,
) -> Open:
    """The changes that no rule recognises: of what takes part in training, and others.

    `is_elsewhere` says that a finding explains what only one side has: it is another environment.
    """
    unexplained = _unexplained(evaluations, comparison)
    if not comparison or not (_packages_differ(comparison) or comparison.under(VARIABLES)):
        return Open(others=unexplained)
    from envprint.judging.unjudged import settle  # needed only if one of them changed

    return settle(comparison, unexplained, workload, policy, is_elsewhere=is_elsewhere)


def _notes(
    policy: Policy,
    evaluations: Sequence[Evaluation],
    comparison: Comparison | None,
    opened: Open,
    *,
    is_whole: bool,
) -> tuple[str, ...]:
    """What users of the policy should know about it; `is_whole` says that all was looked at."""
    found = tuple(notes(policy, evaluations, comparison, opened.found))
    if not policy.accepts:
        return found
    from envprint.judging.policy.accept import notes_on  # few policies accept anything

    return (*found, *notes_on(policy.accepts, opened.found if comparison and is_whole else None))


def _packages_differ(comparison: Comparison) -> bool:
    """Whether any package changed, or something about one is unknown on a side."""
    unknown = (*comparison.before.unknown, *comparison.after.unknown)
    is_unknown = any(path.startswith(f"{DISTRIBUTIONS}[") for path in unknown)
    return is_unknown or bool(comparison.under(DISTRIBUTIONS, CONDA, "facts.frameworks"))


def silence(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The evaluations without matches for which a stronger rule found the same thing."""
    found = {
        rule.id: {match.about for match in matches if not match.is_conditional}
        for rule, matches, _ in evaluations
    }
    return [
        evaluation._replace(matches=_unsilenced(evaluation, found)) for evaluation in evaluations
    ]


def _unsilenced(evaluation: Evaluation, found: Mapping[str, set[str | None]]) -> tuple[Match, ...]:
    """The matches for which no stronger rule found the same thing; `found` is what each rule found.

    A match with no particular subject covers every subject.
    """
    rule, matches, _ = evaluation
    stronger = {about for name in rule.yields_to for about in found.get(name, ())}
    if None in stronger:
        return ()
    if not stronger:
        return matches
    return tuple(m for m in matches if m.about is not None and m.about not in stronger)


def apply_probes(
    findings: Sequence[Finding],
    rules: Mapping[str, Rule],
    comparison: Comparison,
    workload: Workload,
) -> list[Finding]:
    """The findings; those that numeric probes of both sides would have detected are lowered."""
    probed = {finding.rule for finding in findings if rules[finding.rule].probed}
    if not probed:
        return list(findings)
    from envprint.judging.probe_evidence import ProbeEvidence  # loaded only where it is needed

    settled = ProbeEvidence(comparison, workload)
    return [
        settled.lowered(finding, rules[finding.rule]) if finding.rule in probed else finding
        for finding in findings
    ]


def apply_policy(
    findings: Sequence[Finding], policy: Policy
) -> tuple[list[Finding], list[Ignored], list[Expected]]:
    """The findings, in order, with the team's impacts; those ignored; and those expected."""
    kept, left_out, expected = [], [], []
    for finding in (_weighed(finding, policy) for finding in findings):
        ignored = policy.ignore_for(finding)
        entry = policy.expected(finding.rule, finding.paths)
        if ignored:
            left_out.append(ignored)
        elif entry:
            path = finding.paths[0]
            expected.append(Expected(finding.rule, path, finding.message, entry.reason))
        else:
            kept.append(finding)
    kept.sort(key=lambda finding: (-finding.impact, finding.rule, finding.paths))
    return kept, left_out, expected


def _weighed(finding: Finding, policy: Policy) -> Finding:
    """The finding with the team's impact, which takes precedence over any measurement."""
    impact = policy.own_impact(finding.rule)
    return finding if impact is None else finding._replace(impact=impact, probed_equal=None)


def _undecided(evaluations: Sequence[Evaluation], policy: Policy) -> Iterator[Undecided]:
    """What is undecided, each with the highest impact it could have for the team."""
    for rule, _, unknowns in evaluations:
        for path, reason in unknowns:
            entry = Undecided(rule.id, path, reason, rule.impact)
            reach = Impact.NONE if rule.advice else policy.reach(entry)
            yield entry._replace(impact=reach)


def _hidden(
    evaluations: Sequence[Evaluation], comparison: Comparison | None, policy: Policy
) -> Iterator[Undecided]:
    """Values hidden on both sides, unless a rule that counts as much lists them as unknown."""
    known = [(value.path, rule.advice) for rule, _, unknowns in evaluations for value in unknowns]
    for path in comparison.hidden if comparison else ():
        place, section = path.split(".")[:2]
        beside = place == "live" or section in NOT_IN_DIGEST
        if not any(is_inside(path, inside) and (beside or not advice) for inside, advice in known):
            impact = Impact.NONE if beside else Impact.NUMERIC
            entry = Undecided(HIDDEN_VALUE, path, REASON, impact)
            yield entry._replace(impact=policy.reach(entry))


def _apart(
    changes: tuple[Change, ...], policy: Policy
) -> tuple[tuple[Change, ...], list[Expected]]:
    """The remaining changes, and those that the policy expects."""
    left, expected = [], []
    for change in changes:
        entry = policy.expected("", (change.path,))
        if entry:
            text = f"{change.path} {change.kind}"
            expected.append(Expected(None, change.path, text, entry.reason))
        else:
            left.append(change)
    return tuple(left), expected


def _also_changed(findings: Sequence[Finding], states: Container[str]) -> tuple[str, ...]:
    """What changed together with the experiment and could be the cause of its result."""
    moved = [f.rule for f in findings if f.impact >= Impact.NUMERIC and f.rule not in states]
    return tuple(dict.fromkeys(moved))


def _unexplained(
    evaluations: Sequence[Evaluation], comparison: Comparison | None
) -> tuple[Change, ...]:
    """The changes that no rule recognises; a rule silenced by a stronger one counts as well."""
    explained = Places(
        path
        for _, matches, _ in evaluations
        for match in matches
        if not match.is_conditional
        for path in match.paths
    )
    changes = comparison.changes if comparison else ()
    return tuple(change for change in changes if not explained.touch(change.path))


def _stamp(evaluations: Sequence[Evaluation], current: Fingerprint) -> list[Finding]:
    """Each match as a finding, with the data of its rule, unless an import refutes it."""
    return [
        _unless_imported(_for_installer(_finding(rule, match), current), match, current)
        for rule, matches, _ in evaluations
        for match in matches
    ]


def _unless_imported(finding: Finding, match: Match, current: Fingerprint) -> Finding:
    if not match.imports:
        return finding
    from envprint.judging.probe_evidence import refuted  # loaded only where it is needed

    return refuted(finding, match.imports, current)


def _for_installer(finding: Finding, current: Fingerprint) -> Finding:
    """Where uv has made an environment without pip, `pip` would install into a different one."""
    parts = commands(finding.remedy)
    if not any(part.startswith("pip ") for part in parts) or not is_of_uv(current):
        return finding
    # uv does not ask before it removes, and knows no such option.
    texts = (p.replace(" --yes", "", 1) if p.startswith("pip uninstall") else p for p in parts)
    of_uv = (f"uv {text}" if text.startswith("pip ") else text for text in texts)
    return finding._replace(remedy=Command(*of_uv))


def _finding(rule: Rule, match: Match) -> Finding:
    return Finding(
        rule=rule.id,
        impact=rule.impact if match.impact is None else match.impact,
        confidence=match.confidence or rule.confidence,
        title=rule.title,
        message=match.message,
        paths=match.paths,
        before=match.before,
        after=match.after,
        why=rule.why,
        not_when=match.not_when or rule.not_when,
        remedy=match.remedy or rule.remedy,
        note=match.note if match.remedy else rule.note,
        evidence=match.evidence or tuple(e.url or f"{e.what}: {source(e)}" for e in rule.evidence),
        advice=rule.advice or match.was_equal or match.is_conditional,
    )
