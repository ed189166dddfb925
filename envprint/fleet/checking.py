"""`envprint.fleet.check`, and the same for a training that has more to say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial

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
from envprint.core.fleet import MAJORITY
from envprint.core.impact import Impact
from envprint.documents.codec import dumps, loads
from envprint.fleet.comparing import keys_named
from envprint.fleet.deciding import TIMEOUT_S, Answer, Decision, FleetError, Opening, decide
from envprint.fleet.groups import Group, group_of
from envprint.fleet.ranks import Roles, numbered, without_names
from envprint.knowledge.launchers import process_of
from envprint.machine.live import LiveHost
from envprint.results import DriftError, DriftWarning, Report

OF_EACH_RANK = {"generator-state-differs": "each rank has random numbers of its own"}
"""What is not compared with the baseline on other ranks than the first."""
ONE_ROLE = Roles()


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
    tags: Mapping[str, str] | None = None,
    by: Iterable[str] = (),
    timeout_s: float = TIMEOUT_S,
    directory: Place | None = None,
) -> Report:
    """`envprint.check` for a job of several processes, of which every one calls this.

    Every rank judges itself; the decision is one for all. Returns this rank's report, or raises on
    every rank the same `DriftError`, which names ranks, hosts, findings and remedies. A rank that
    does not answer within `timeout_s` is named in a `FleetError`. Only rank 0 reads `baseline`,
    and warns.

    With "majority" as `baseline` the ranks are compared with each other, as `envprint.fleet.diff`
    compares machines. The tag `role` of `tags` is this rank's role, and `by` names what else keeps
    ranks apart; those of another role than the baseline's have to agree only in the code,
    frameworks, packages and Python.

    The ranks reach each other by `torch.distributed` or mpi4py if that runs, else by files in
    `directory`, which all of them see (default: the store). A process alone is only checked.
    """
    question = Question(fail_on, frameworks, device, policy, strict, ignore, expect, only)
    is_majority = baseline == MAJORITY
    roles, document = Roles(keys_named(by), is_majority), None if is_majority else baseline
    now = partial(capture, tags=tags)
    place = None if directory is None else os.fspath(directory)
    group = group_of(LiveHost().environ(), place)
    if group is None:
        return check_alone(document, current=now(), **question._asdict())
    begin = partial(opening_with, document)
    return check_in(group, question, begin, now, timeout_s=timeout_s, roles=roles)


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
    roles: Roles = ONE_ROLE,
) -> Report:
    """The check of a group; `begin` is called on rank 0, then `now` on every rank."""
    question = question.checked()
    reports: list[Report] = []

    def judge(opening: Opening) -> Answer:
        current = numbered(now(), group.rank)
        before = roles.seen_from(current, _baseline(opening))
        judged = judge_now(_on_rank(question, group.rank), before, current)
        reports.append(judged.report)
        document = dumps(current) if judged.refused or roles.is_majority else ""
        return Answer(_host(), judged.refused, "", judged.remark, document)

    settle = partial(roles.compared, question=_on_rank(question, 1)) if roles.is_majority else dict
    decision = decide(group, begin, judge, timeout_s, settle)
    if decision.refused:
        text = "\n".join(filter(None, (prefix + decision.refused, decision.opening.note)))
        raise DriftError(text, _report(decision, question, roles))
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


def _report(decision: Decision, question: Question, roles: Roles) -> Report:
    """The report about the first rank that is refused, the same on every rank."""
    refused = loads(decision.document.encode("utf-8"), "the fingerprint of another rank")
    before = _baseline(decision.opening)
    if decision.against:
        before = loads(decision.against.encode("utf-8"), "the fingerprint of another rank")
        question = _on_rank(question, 1)
        refused = without_names(question, before, refused)
    return judge_now(question, roles.seen_from(refused, before), refused).report


def _host() -> str:
    """By the name that the scheduler uses, if it says one."""
    host = LiveHost()
    process = process_of(host.environ())
    name = process.node if process else None
    return name or str(host.identity().get("host_name") or "")
