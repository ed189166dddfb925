"""`envprint.fleet.check`, and the same for a training that has more to say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from envprint.api import (
    Place,
    Question,
    Reasons,
    Source,
    capture,
    fingerprint_of,
    judge_now,
    warn_user,
)
from envprint.api import check as check_alone
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.documents.codec import dumps, loads
from envprint.fleet.deciding import TIMEOUT_S, Answer, Decision, FleetError, Opening, decide
from envprint.fleet.groups import Group, group_of
from envprint.knowledge.launchers import process_of
from envprint.machine.live import LiveHost
from envprint.results import DriftError, DriftWarning, Report

OF_EACH_RANK = {"generator-state-differs": "each rank has random numbers of its own"}
"""What is not compared with the baseline on other ranks than the first."""


def check(
    baseline: Source | None = None,
    *,
    fail_on: str | Impact | None = None,
    frameworks: Iterable[str] = (),
    device: str | None = None,
    policy: Place | None = None,
    strict: bool = False,
    ignore: Reasons = (),
    expect: Reasons = (),
    only: Iterable[str] = (),
    timeout_s: float = TIMEOUT_S,
    directory: Place | None = None,
) -> Report:
    """`envprint.check` for a job of several processes, of which every one calls this.

    Every rank judges itself; the decision is one for all. Returns this rank's report, or raises on
    every rank the same `DriftError`, which names ranks, hosts, findings and remedies. A rank that
    does not answer within `timeout_s` is named in a `FleetError`. Only rank 0 reads `baseline`,
    and warns.

    The ranks reach each other by `torch.distributed` or mpi4py if that runs, else by files in
    `directory`, which all of them see (default: the store). A process alone is only checked.
    """
    question = Question(fail_on, frameworks, device, policy, strict, ignore, expect, only)
    place = None if directory is None else os.fspath(directory)
    group = group_of(LiveHost().environ(), place)
    if group is None:
        return check_alone(baseline, **question._asdict())
    return check_in(group, question, lambda: opening_with(baseline), capture, timeout_s=timeout_s)


def opening_with(baseline: Source | None, note: str = "") -> Opening:
    """What rank 0 begins with. Raises `EnvprintError`."""
    if baseline is None:
        return Opening(note=note)
    found = fingerprint_of(baseline)
    return Opening(dumps(found), found.reference, note)


def check_in(
    group: Group,
    question: Question,
    begin: Callable[[], Opening],
    now: Callable[[], Fingerprint],
    *,
    timeout_s: float,
    prefix: str = "",
) -> Report:
    """The check of a group; `begin` is called on rank 0, then `now` on every rank."""
    question = question.checked()
    reports: list[Report] = []

    def judge(opening: Opening) -> Answer:
        current = now()
        judged = judge_now(_on_rank(question, group.rank), _baseline(opening), current)
        reports.append(judged.report)
        document = dumps(current) if judged.refused else ""
        return Answer(_host(), judged.refused, "", judged.remark, document)

    decision = decide(group, begin, judge, timeout_s)
    if decision.refused:
        text = "\n".join(filter(None, (prefix + decision.refused, decision.opening.note)))
        raise DriftError(text, _report(decision, question))
    if decision.failed:
        text = "\n".join(filter(None, (prefix + decision.failed, decision.opening.note)))
        raise FleetError(text, decision.ranks)
    if decision.remark and group.rank == 0:
        warn_user(DriftWarning(decision.remark, reports[0]))
    return reports[0]


def _on_rank(question: Question, rank: int) -> Question:
    if rank == 0:
        return question
    given = question.ignore
    if isinstance(given, str):
        given = (given,)
    reasons = dict(given) if isinstance(given, Mapping) else dict.fromkeys(given, "")
    return question._replace(ignore={**OF_EACH_RANK, **reasons})


def _baseline(opening: Opening) -> Fingerprint | None:
    if opening.baseline is None:
        return None
    found = loads(opening.baseline.encode("utf-8"), opening.reference or "the baseline")
    return found._replace(reference=opening.reference)


def _report(decision: Decision, question: Question) -> Report:
    """The report about the first rank that is refused, the same on every rank."""
    refused = loads(decision.document.encode("utf-8"), "the fingerprint of another rank")
    return judge_now(question, _baseline(decision.opening), refused).report


def _host() -> str:
    """By the name that the scheduler uses, if it says one."""
    host = LiveHost()
    process = process_of(host.environ())
    name = process.node if process else None
    return name or str(host.identity().get("host_name") or "")
