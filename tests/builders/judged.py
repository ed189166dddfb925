"""Fingerprints compared and judged, with the published shape of a fingerprint at hand."""

from __future__ import annotations

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.core.workload import Workload
from envprint.documents.codec import fingerprint_shape
from envprint.judging import compare as comparing
from envprint.judging import judge
from envprint.judging.policy.model import Policy


def compare(before: Fingerprint, after: Fingerprint) -> Comparison:
    return comparing.compare(before, after, fingerprint_shape())


def compare_safely(before: Fingerprint, after: Fingerprint) -> Comparison:
    return comparing.compare_without_secrets(before, after, fingerprint_shape())


def judge_drift(
    baseline: Fingerprint, current: Fingerprint, workload: Workload, policy: Policy
) -> Report:
    return judge.judge_drift(compare_safely(baseline, current), workload, policy)


def judge_state(
    current: Fingerprint, baseline: Fingerprint | None, workload: Workload, policy: Policy
) -> Report:
    comparison = compare_safely(baseline, current) if baseline else None
    return judge.judge_state(current, comparison, workload, policy)
