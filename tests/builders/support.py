"""Small builders for tests: fingerprints from paths, recorded hosts, one rule at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple
from unittest import mock

from envprint.core.fingerprint import Fingerprint, digest_facts, split_path
from envprint.core.report import Finding, Report, Undecided
from envprint.core.rule import Rule
from envprint.core.workload import Workload
from envprint.judging import judge
from envprint.judging.policy.model import Policy
from envprint.machine.recorded import RecordedHost
from envprint.rules import catalogue
from tests.builders.judged import judge_drift, judge_state


def fingerprint(
    values: Mapping[str, Any] | None = None, unknown: Mapping[str, str] | None = None
) -> Fingerprint:
    """A fingerprint that holds just `values` (path to value); everything else is absent."""
    root: dict[str, Any] = {"facts": {}, "live": {}}
    for path, value in (values or {}).items():
        place = root
        *outer, last = split_path(path)
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = value
    sections, digest = digest_facts(root["facts"])
    return Fingerprint(
        facts=root["facts"],
        live=root["live"],
        unknown=dict(unknown or {}),
        captured_at="2026-11-21T12:00:00Z",
        captured_via="python",
        envprint_version="0.1.0",
        digest=digest,
        section_digests=sections,
    )


def host(**answers: Any) -> RecordedHost:
    """A recorded machine. `read` may map a path to text; questions without argument take it bare.

    For example `host(read={"/proc/cpuinfo": "…"}, cpus=[0, 1], environ={"TZ": "UTC"})`.
    """
    bare = ["interpreter", "system", "cpus", "directory", "identity", "now", "deep"]
    bare += ["gpu", "gpu_again"]
    recorded = {
        name: {"": value} if name in bare else dict(value) for name, value in answers.items()
    }
    for path, content in recorded.get("read", {}).items():
        if isinstance(content, str):
            recorded["read"][path] = content.split("\n")
    return RecordedHost(recorded)


Said = tuple[list[Finding], list[Undecided]]


class Case(NamedTuple):
    """One rule asked about one comparison, or about one fingerprint, and its answer."""

    rule: str
    before: Fingerprint | None
    after: Fingerprint
    workload: Workload
    findings: int
    doubts: int


_recordings: list[list[Case]] = []


@contextmanager
def recorded_cases() -> Iterator[list[Case]]:
    """Every question to a single rule while the block runs, for the audit in test_rule_cases.py."""
    _recordings.append([])
    try:
        yield _recordings[-1]
    finally:
        _recordings.pop()


def drift(
    rule: str,
    before: Fingerprint,
    after: Fingerprint,
    frameworks: Iterable[str] = (),
    device: str = "cpu",
) -> Said:
    """What one rule says of two fingerprints: its findings (or advice) and its doubts."""
    return ask(rule, before, after, workload(frameworks, device))


def state(
    rule: str, now: Fingerprint, frameworks: Iterable[str] = (), device: str = "cpu", **options: Any
) -> Said:
    """What one rule says of one fingerprint."""
    return ask(rule, None, now, workload(frameworks, device, **options))


def ask(rule: str, before: Fingerprint | None, after: Fingerprint, job: Workload) -> Said:
    """What one rule says, in a diff when there are two sides and else in a pre-flight."""
    assert rule in _rules(), f"no rule {rule!r}"
    # No other rule has a part in what it says, and to ask all of them takes ten times as long.
    heard = (rule, *_rules()[rule].yields_to)
    rules = [_rules()[name] for name in heard if _rules()[name].applies.holds(job)]
    with mock.patch.object(judge, "applying", lambda *_: rules):
        if before:
            matches = _only(rule, judge_drift(before, after, job, Policy()))
        else:
            matches = _only(rule, judge_state(after, None, job, Policy()))
    for recording in _recordings:
        recording.append(Case(rule, before, after, job, len(matches[0]), len(matches[1])))
    return matches


def workload(frameworks: Iterable[str] = (), device: str = "cpu", **options: Any) -> Workload:
    """A workload on x86_64."""
    options.setdefault("machine", "x86_64")
    return Workload(tuple(sorted(frameworks)), device, **options)


def _only(rule: str, report: Report) -> Said:
    matches = [f for f in (*report.findings, *report.advice) if f.rule == rule]
    return matches, [entry for entry in report.undecided if entry.rule == rule]


@cache
def _rules() -> Mapping[str, Rule]:
    return {rule.id: rule for rule in catalogue()}
