"""Faults at every call: each host method and each collector raises, lies, hangs or floods.

The calls are taken from the protocol and from the collectors that there are, so a new one is in it
by being there. Whatever happens, the capture ends within its limit and one second, and what it
writes is read back without a fault.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, cycle
from typing import Any

import pytest

from envprint.collectors import _runner, collectors
from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint, Unknown
from envprint.documents.codec import dumps, loads
from envprint.documents.validate import faults
from envprint.machine.host import Host
from envprint.machine.recorded import RecordedHost
from tests.builders.machines import recorded

LIMIT_S = 0.3
AMPLE_S = 20.0
"""Where nothing hangs, a busy machine must not decide."""
WORK = time.process_time
"""Where nothing hangs and much is to be done, only the time of the processor tells."""
TRIES = 3
"""A machine that is busy with other things may be late once or twice."""
METHODS = sorted(name for name in vars(Host) if not name.startswith("_"))
SECTIONS = [f"{one.kind}.{one.section}" for one in collectors()]


def raises(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def deep(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


class Strange:
    """Nothing that a document can hold, and nothing that likes to be looked at."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


LOOP: list[Any] = []
LOOP.append(LOOP)

ERRORS = [
    *(OSError(5, "Input/output error", "/x"), ValueError("odd"), KeyError("odd"), TypeError("odd")),
    *(RecursionError("odd"), MemoryError(), AssertionError(), StopIteration(), UnicodeError("odd")),
    *(SystemExit(3), KeyboardInterrupt(), GeneratorExit(), BaseException("odd")),
]
GARBAGE = [
    *(None, True, 5, -1, 10**400, 1.5, float("nan"), float("inf"), "", "odd", "\udcff\x00\x1b[31m"),
    *(b"", b"\xff\xfe\0", [], {}, (), [None], [1, "x", None], {"error": "odd"}, {1: 2}, {"": None}),
    *({"\ud800": "\ud800"}, {"version": 5, "prefix": None}, {"devices": 5}, {"stdout": []}),
    *(deep(50), deep(5000), LOOP, Strange(), [Strange()], {"x": Strange()}, object, {1, 2}),
    *(Unknown("odd"), Unknown(5), [Unknown("odd")], iter([1]), lambda: 1),  # type: ignore[arg-type]
]
BIG = 100_000_000


@pytest.fixture(scope="module")
def floods() -> list[Any]:
    """Answers of 100 MB, of each type."""
    text = "x" * BIG
    names = {f"n{number}": "v" * 90 for number in range(BIG // 200)}
    return [b"a: b\n" * (BIG // 5), text, ["0"] * (BIG // 50), names, {"stdout": text}]


def machine() -> RecordedHost:
    return RecordedHost(recorded("ubuntu-rtx2080ti")["answers"])


def captured(
    host: Any, limit_s: float = LIMIT_S, clock: Callable[[], float] = time.monotonic
) -> Fingerprint | None:
    """What comes within the limit, once it was read back; None for a refusal in one line."""
    for _ in range(TRIES):
        begun_s = clock()
        found = _captured(host, limit_s)
        took_s = clock() - begun_s
        if took_s < limit_s + 1:
            break
    assert took_s < limit_s + 1
    if found is not None:
        again = loads(dumps(found).encode("ascii"), "f")
        assert (again.facts, again.live, again.digest) == (found.facts, found.live, found.digest)
    return found


def _captured(host: Any, limit_s: float) -> Fingerprint | None:
    try:
        return _runner.capture(host, timeout_s=limit_s, identify=True, label="x", tags={"a": "b"})
    except EnvprintError as error:
        assert "\n" not in str(error)
        return None


@pytest.fixture
def forever() -> Iterator[Callable[..., Any]]:
    """A call that does not return before the test is over."""
    release = threading.Event()
    yield lambda *_, **__: release.wait()
    release.set()


def test_a_sound_machine_has_no_fault_to_begin_with() -> None:
    found = captured(machine(), AMPLE_S)
    assert found is not None
    assert not [reason for reason in found.unknown.values() if "failed" in reason]


@pytest.mark.parametrize("method", METHODS)
def test_a_host_may_raise_anything(method: str) -> None:
    errors = cycle(ERRORS)
    for _ in range(4):
        odd = machine()
        setattr(odd, method, lambda *_, **__: raises(next(errors))())
        found = captured(odd, AMPLE_S)
        assert (found is None) == (method == "now")


@pytest.mark.parametrize("method", METHODS)
def test_a_host_may_answer_with_anything(method: str) -> None:
    """Each time that it is asked with something else."""
    chance = random.Random(method)
    answers = chain(chance.sample(GARBAGE, len(GARBAGE)), cycle(GARBAGE))
    for _ in range(8):
        odd = machine()
        setattr(odd, method, lambda *_, **__: next(answers))
        captured(odd, AMPLE_S)


@pytest.mark.parametrize("method", METHODS)
def test_a_host_may_hang(method: str, forever: Callable[..., Any]) -> None:
    odd = machine()
    setattr(odd, method, forever)
    assert (captured(odd) is None) == (method == "now")


def host_floods(method: str, answer: Any) -> None:
    odd = machine()
    setattr(odd, method, lambda *_, **__: answer)
    captured(odd, clock=WORK)


@pytest.mark.parametrize("method", METHODS)
def test_a_host_may_answer_with_100_megabytes(method: str, floods: list[Any]) -> None:
    """Of a type that another method answers with, or its own: all types are among the answers."""
    host_floods(method, floods[METHODS.index(method) % len(floods)])


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_a_host_may_answer_with_100_megabytes_of_any_type(method: str, floods: list[Any]) -> None:
    for answer in floods:
        host_floods(method, answer)


def with_one_that(monkeypatch: pytest.MonkeyPatch, section: str, read: Callable[..., Any]) -> None:
    changed = [
        one._replace(read=read) if f"{one.kind}.{one.section}" == section else one
        for one in collectors()
    ]
    monkeypatch.setattr(_runner, "collectors", lambda: changed)


def others_are_known(found: Fingerprint | None, section: str) -> bool:
    """Whether every other section is as on a sound machine."""
    assert found is not None
    sound = sound_capture()
    places = [(kind, name) for kind, _, name in (one.partition(".") for one in SECTIONS)]
    return all(
        getattr(found, kind)[name] == getattr(sound, kind)[name]
        for kind, name in places
        if f"{kind}.{name}" != section
    )


@cache
def sound_capture() -> Fingerprint:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_runner, "collectors", collectors)
        return _runner.capture(machine(), identify=True)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_collector_may_raise_anything(section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in random.Random(section).sample(ERRORS, 4):
        with_one_that(monkeypatch, section, raises(error))
        found = captured(machine(), AMPLE_S)
        assert others_are_known(found, section)
        assert found is not None
        reasons = [reason for path, reason in found.unknown.items() if path.startswith(section)]
        assert any(f"the collector failed: {type(error).__name__}" in reason for reason in reasons)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_collector_may_report_anything(section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = next(one.fields for one in collectors() if f"{one.kind}.{one.section}" == section)
    chance = random.Random(section)
    values = [{field.name: chance.choice(GARBAGE) for field in fields} for _ in range(6)]
    for answer in (*chance.sample(GARBAGE, 3), *values):
        with_one_that(monkeypatch, section, lambda host, answer=answer: answer)
        found = captured(machine(), AMPLE_S)
        assert others_are_known(found, section)
        assert found is not None
        assert faults(dumps(found).encode("ascii"), "f") == []


@pytest.mark.parametrize("section", SECTIONS)
def test_a_collector_may_hang(
    section: str, monkeypatch: pytest.MonkeyPatch, forever: Callable[..., Any]
) -> None:
    with_one_that(monkeypatch, section, forever)
    found = captured(machine())
    assert others_are_known(found, section)
    assert found is not None
    reasons = {reason for path, reason in found.unknown.items() if path.startswith(f"{section}.")}
    assert f"the collector did not answer within {LIMIT_S} s" in reasons


@pytest.mark.parametrize("section", SECTIONS)
def test_a_collector_may_report_100_megabytes(
    section: str, monkeypatch: pytest.MonkeyPatch, floods: list[Any]
) -> None:
    fields = next(one.fields for one in collectors() if f"{one.kind}.{one.section}" == section)
    for flood in floods:
        answer = dict.fromkeys((field.name for field in fields), flood)
        with_one_that(monkeypatch, section, lambda host, answer=answer: answer)
        captured(machine(), clock=WORK)
