"""One decision for all ranks of a job: gathered, decided once, and the same everywhere.

Rank 0 opens with the baseline, every rank judges itself and answers, rank 0 decides and tells all.
A rank that does not answer in time is named in the decision, and nobody waits for it any longer.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from envprint.core.errors import EnvprintError
from envprint.core.report import counted
from envprint.core.typed import Any, NamedTuple, TypeVar
from envprint.fleet.groups import POLL_S, AnotherRoundError, Group
from envprint.machine.process_state import RefusedError, answered

TIMEOUT_S = 120.0
GRACE_S = 15.0
"""Beyond the time-out: rank 0 begins to wait later than the others, and has to decide."""


class FleetError(EnvprintError):
    """Ranks of a job did not answer or could not be judged; `.ranks` are their numbers."""

    def __init__(self, message: str, ranks: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.ranks = tuple(ranks)


class Opening(NamedTuple):
    """What rank 0 begins with."""

    baseline: str | None = None
    """The document; None if there is none."""
    reference: str | None = None
    """How the user named it."""
    note: str = ""
    """A line that every rank adds to the error."""
    failed: str = ""
    """Why there is nothing to begin with."""


class Answer(NamedTuple):
    """What a rank says of itself."""

    host: str
    refused: str = ""
    """The findings that reach the threshold, and their remedies."""
    failed: str = ""
    """Why it could not be judged."""
    remark: str = ""
    document: str = ""
    """The fingerprint, if it is refused or the ranks are compared with each other."""
    against: str = ""
    """The fingerprint of another rank that this one differs from, if it is refused for that."""
    nonce: str = ""
    """Random, by which a rank knows that a decision is about this answer."""


class Decision(NamedTuple):
    """The same on every rank."""

    opening: Opening
    refused: str = ""
    failed: str = ""
    ranks: tuple[int, ...] = ()
    """Those that did not answer or could not be judged."""
    remark: str = ""
    document: str = ""
    """The fingerprint of the first rank that is refused."""
    against: str = ""
    """The one of another rank that it differs from."""
    heard: tuple[str, ...] = ()


Judge = Callable[[Opening], Answer]
Answers = Mapping[int, Answer]
Settle = Callable[[Answers], Answers]
"""What rank 0 makes of the answers when all are there."""
Message = TypeVar("Message")


def decide(
    group: Group,
    begin: Callable[[], Opening],
    judge: Judge,
    timeout_s: float = TIMEOUT_S,
    settle: Settle = dict,
) -> Decision:
    """The decision of all ranks. Rank 0 alone calls `begin` and `settle`. Raises `FleetError`."""
    try:
        if group.rank == 0:
            return _lead(group, begin, judge, timeout_s, settle)
        while True:
            try:
                return _follow(group, judge, timeout_s)
            except AnotherRoundError:
                continue
    except OSError as error:
        text = f"{group.through}: {error.strerror or error}"
        raise FleetError(f"the ranks cannot decide together through {text}") from None


def _lead(
    group: Group, begin: Callable[[], Opening], judge: Judge, timeout_s: float, settle: Settle
) -> Decision:
    try:
        opening = begin()
    except EnvprintError as error:
        opening = Opening(failed=str(error))
    group.send("opening", _packed(opening))
    if opening.failed:
        decision, heard = Decision(opening, failed=opening.failed), list(range(1, group.size))
    else:
        deadline = time.monotonic() + timeout_s
        found = {0: _judged(judge, opening)}
        for rank in range(1, group.size):
            content = group.receive("answer", rank, deadline)
            if content is not None:
                found[rank] = _unpacked(Answer, content)
        settled, heard = _settled(settle, found), [*found][1:]
        decision = _decided(opening, settled, group, timeout_s)
    group.send("decision", _packed(decision))
    deadline = time.monotonic() + min(GRACE_S, timeout_s)
    read = [rank for rank in heard if group.receive("read", rank, deadline) is not None]
    group.close(is_complete=len(read) == group.size - 1)
    return decision


def _follow(group: Group, judge: Judge, timeout_s: float) -> Decision:
    content = group.receive("opening", 0, time.monotonic() + timeout_s)
    if content is None:
        raise _without_the_first(group, timeout_s)
    opening, nonce = _unpacked(Opening, content), ""
    if not opening.failed:
        nonce = os.urandom(8).hex()
        group.send("answer", _packed(_judged(judge, opening)._replace(nonce=nonce)))
    decision = _told(group, nonce, time.monotonic() + timeout_s + GRACE_S)
    if decision is None:
        raise _without_the_first(group, timeout_s)
    group.send("read", b"-")
    group.close(is_complete=not decision.ranks)
    return decision


def _told(group: Group, nonce: str, deadline: float) -> Decision | None:
    """The decision about this answer; if there is none in time, that of those who were heard."""
    last = None
    while time.monotonic() < deadline:
        content = group.receive("decision", 0, deadline)
        if content is None:
            break
        last = _unpacked(Decision, content)
        last = last._replace(opening=Opening(*last.opening), ranks=tuple(last.ranks))
        is_late = group.rank in last.ranks and not group.outlives_jobs
        if not nonce or nonce in last.heard or is_late:
            break
        time.sleep(POLL_S)
    return last


def _without_the_first(group: Group, timeout_s: float) -> FleetError:
    group.close(is_complete=False)
    return FleetError(_silent([0], {}, group, timeout_s), [0])


def _judged(judge: Judge, opening: Opening) -> Answer:
    def judged() -> Answer:
        try:
            return judge(opening)
        except EnvprintError as error:
            return Answer("", failed=str(error))

    try:
        return answered(judged)
    except RefusedError as error:  # whatever it is: the other ranks wait for an answer
        return Answer("", failed=str(error))


def _settled(settle: Settle, found: Answers) -> Answers:
    """Whatever fails here is an answer as well: the other ranks wait for the decision."""
    try:
        return answered(lambda: settle(found))
    except RefusedError as error:
        return {**found, 0: found[0]._replace(failed=f"the ranks cannot be compared: {error}")}


def _decided(
    opening: Opening, found: Mapping[int, Answer], group: Group, timeout_s: float
) -> Decision:
    refused = {rank: one for rank, one in found.items() if one.refused}
    failed = {rank: one for rank, one in found.items() if one.failed}
    silent = [rank for rank in range(group.size) if rank not in found]
    lines = [f"{counted_of(refused, group.size)} refused"] if refused else []
    lines += _listed({rank: (one.host, one.refused) for rank, one in refused.items()})
    missing = _listed(
        {rank: (one.host, f"could not be judged: {one.failed}") for rank, one in failed.items()}
    )
    if silent:
        missing.append(_silent(silent, found, group, timeout_s))
    first = next(iter(refused.values()), None)
    return Decision(
        opening,
        refused="\n".join([*lines, *missing]) if refused else "",
        failed="" if refused else "\n".join(missing),
        ranks=tuple(sorted([*silent, *failed])),
        remark=_remarks(found),
        document=first.document if first else "",
        against=first.against if first else "",
        heard=tuple(one.nonce for one in found.values()),
    )


def counted_of(ranks: Iterable[int], size: int) -> str:
    """`1 of 4 ranks is`, `4 of 4 ranks are`."""
    number = len([*ranks])
    return f"{number} of {counted(range(size), 'rank')} {'is' if number == 1 else 'are'}"


def _remarks(found: Mapping[int, Answer]) -> str:
    """What the check lets pass, once for all ranks with the same."""
    remarks = {rank: (one.host, one.remark) for rank, one in found.items() if one.remark}
    if len({text for _, text in remarks.values()}) == 1 and len(remarks) == len(found):
        return next(iter(remarks.values()))[1]
    return "\n".join(_listed(remarks))


def _listed(texts: Mapping[int, tuple[str, str]]) -> list[str]:
    """A line for each text, with the ranks and hosts that have it."""
    alike: dict[str, list[int]] = {}
    for rank, (_, text) in texts.items():
        alike.setdefault(text, []).append(rank)
    lines = []
    for text, ranks in alike.items():
        hosts = dict.fromkeys(filter(None, (texts[rank][0] for rank in ranks)))
        on = f" on {', '.join(hosts)}" if hosts else ""
        lines.append(f"{_numbered(ranks)}{on}: " + text.replace("\n", "\n  "))
    return lines


def _silent(
    ranks: Sequence[int], found: Mapping[int, Answer], group: Group, timeout_s: float
) -> str:
    hosts = dict.fromkeys(one.host for one in found.values() if one.host)
    others = f"; those that did are on {', '.join(hosts)}" if hosts else ""
    return (
        f"{_numbered(ranks)} of {group.size} did not answer within {timeout_s:g} s "
        f"(through {group.through}){others}; do: look at the end of its log, then start all "
        "ranks again"
    )


def _numbered(ranks: Sequence[int]) -> str:
    """`rank 3`, `ranks 1, 3`; of many, the first ones."""
    shown = ", ".join(map(str, ranks[:8])) + (", …" if len(ranks) > 8 else "")
    return f"rank{'s' if len(ranks) > 1 else ''} {shown}"


def _packed(message: Any) -> bytes:
    return json.dumps(message._asdict()).encode("utf-8", "backslashreplace")


def _unpacked(kind: Callable[..., Message], content: bytes) -> Message:
    """Raises `FleetError` for what no rank has written."""
    try:
        return kind(**json.loads(content))
    except (ValueError, TypeError, RecursionError):
        raise FleetError("a message of another rank cannot be read") from None
