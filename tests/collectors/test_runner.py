"""A collector that raises, hangs or is denied costs only its own fields."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from envprint.collectors import Collector, _runner
from envprint.core.errors import EnvprintError
from envprint.core.fields import TEXT, Field, MapOf, record
from envprint.core.fingerprint import Fingerprint, Unknown
from tests.builders.support import host

FIELDS = (
    Field("model", TEXT, "A name."),
    Field(
        "parts",
        MapOf(record(Field("size", TEXT, "A size."), Field("kind", TEXT, "A kind."))),
        "Parts.",
    ),
)
GOOD = {"model": "X", "parts": {"a": {"size": "1", "kind": "k"}}}
MACHINE: dict[str, Any] = {
    "identity": {"user": "u", "host_name": "h", "home": "/home/u"},
    "now": "2026-11-21T12:00:00Z",
}


@pytest.fixture
def capture_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fingerprint]:
    """Captures with two collectors: one that reads `read`, and a healthy one."""

    def run(read: Callable[[Any], Mapping[str, Any]], **options: Any) -> Fingerprint:
        found = (
            Collector("facts", "odd", "", FIELDS, read, needs_gpu_reading=False),
            Collector("facts", "sound", "", FIELDS, lambda host: GOOD, needs_gpu_reading=False),
        )
        monkeypatch.setattr(_runner, "collectors", lambda: found)
        return _runner.capture(host(**MACHINE), **options)

    return run


def test_a_healthy_capture_has_every_field_and_no_unknown(capture_with: Any) -> None:
    found = capture_with(lambda host: GOOD)
    assert found.facts == {"odd": GOOD, "sound": GOOD}
    assert found.unknown == {}


def test_a_collector_that_raises_costs_its_own_section_with_the_reason(capture_with: Any) -> None:
    def read(host: Any) -> Mapping[str, Any]:
        raise ZeroDivisionError("odd machine")

    found = capture_with(read)
    assert found.facts["sound"] == GOOD
    assert found.facts["odd"] == {}
    reason = "the collector failed: ZeroDivisionError: odd machine"
    assert found.unknown == {"facts.odd.model": reason, "facts.odd.parts": reason}


def test_a_collector_that_hangs_is_left_behind(capture_with: Any) -> None:
    release = threading.Event()

    def read(host: Any) -> Mapping[str, Any]:
        release.wait()
        return GOOD

    found = capture_with(read, timeout_s=0.05)
    release.set()
    assert found.facts["sound"] == GOOD
    assert found.unknown["facts.odd.model"] == "the collector did not answer within 0.05 s"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, BaseException])
def test_whatever_a_collector_raises_costs_its_section_and_no_time(
    capture_with: Any, error: type[BaseException]
) -> None:
    def read(host: Any) -> Mapping[str, Any]:
        raise error("out")

    begun_s = time.monotonic()
    found = capture_with(read, timeout_s=30)
    assert time.monotonic() - begun_s < 5
    assert found.facts["sound"] == GOOD
    assert found.unknown["facts.odd.model"] == f"the collector failed: {error.__name__}: out"


def test_hanging_collectors_share_one_limit_and_hold_no_other_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()
    found = [
        Collector(
            "facts", f"odd{n}", "", FIELDS, lambda host: release.wait(), needs_gpu_reading=False
        )  # type: ignore[arg-type, return-value]
        for n in range(12)
    ]
    found += [Collector("facts", "sound", "", FIELDS, lambda host: GOOD, needs_gpu_reading=False)]
    monkeypatch.setattr(_runner, "collectors", lambda: found)
    begun_s = time.monotonic()
    captured = _runner.capture(host(**MACHINE), timeout_s=1)
    took_s = time.monotonic() - begun_s
    release.set()
    assert 1 <= took_s < 2
    assert captured.facts["sound"] == GOOD
    assert len(captured.unknown) == 2 * 12
    assert set(captured.unknown.values()) == {"the collector did not answer within 1 s"}


@pytest.mark.parametrize("question", ["identity", "machine_id", "now", "seal", "start_gpu_query"])
def test_a_host_that_hangs_costs_what_it_would_have_said(question: str) -> None:
    release = threading.Event()
    odd = host(**MACHINE, environ={"HOME": "/home/u"})
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(odd, question, lambda *_: release.wait())
    begun_s = time.monotonic()
    token = "ghp_" + "0aZ9" * 9
    with monkeypatch.context() as patch:
        patch.setattr(_runner, "collectors", tuple)
        try:
            captured = _runner.capture(odd, timeout_s=0.5, identify=True, note=f"/home/u {token}")
            assert captured.note == "~ <hidden>"
            wanted = {"identity": "no answer within 0.5 s"} if question == "identity" else {}
            assert captured.unknown == wanted
        except EnvprintError as error:
            assert question == "now"
            assert str(error) == "cannot capture: the time is unknown: no answer within 0.5 s"
    release.set()
    assert time.monotonic() - begun_s < 1.5


def test_a_thread_that_was_left_behind_reads_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    release, is_back, reads = threading.Event(), threading.Event(), []

    def hang(host: Any) -> Mapping[str, Any]:
        reads.append(("odd", threading.get_ident()))
        release.wait()
        is_back.set()
        return GOOD

    def read(host: Any) -> Mapping[str, Any]:
        reads.append(("sound", threading.get_ident()))
        return GOOD

    found = [Collector("facts", "odd", "", FIELDS, hang, needs_gpu_reading=False)]
    found += [
        Collector("facts", f"sound{n}", "", FIELDS, read, needs_gpu_reading=False) for n in (1, 2)
    ]
    monkeypatch.setattr(_runner, "collectors", lambda: found)
    _runner.capture(host(**MACHINE), timeout_s=0.05)
    release.set()
    assert is_back.wait(5)
    time.sleep(0.05)
    assert [name for name, _ in reads] == ["odd", "sound", "sound"]
    assert reads[0][1] not in {thread for _, thread in reads[1:]}


def test_a_signal_ends_the_wait_for_a_collector(capture_with: Any) -> None:
    release = threading.Event()

    def read(host: Any) -> Mapping[str, Any]:
        release.wait()
        return GOOD

    def interrupt(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    begun_s = time.monotonic()
    try:
        with pytest.raises(InterruptedError):
            capture_with(read, timeout_s=30)
    finally:
        signal.signal(signal.SIGALRM, before)
        release.set()
    assert time.monotonic() - begun_s < 5


def test_a_collector_takes_no_signal_that_is_meant_for_the_program(capture_with: Any) -> None:
    masks = []

    def read(host: Any) -> Mapping[str, Any]:
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return GOOD

    capture_with(read)
    assert masks[0] >= {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_field_that_is_left_out_is_unknown_and_not_absent(capture_with: Any) -> None:
    found = capture_with(lambda host: {"model": None})
    assert found.facts["odd"] == {"model": None}
    assert found.unknown == {"facts.odd.parts": "the collector did not report it"}


def test_an_unknown_deep_inside_is_listed_under_its_path(capture_with: Any) -> None:
    values = {"model": "X", "parts": {"a.b": {"size": Unknown("denied"), "kind": "k"}}}
    found = capture_with(lambda host: values)
    assert found.facts["odd"]["parts"] == {"a.b": {"kind": "k"}}
    assert found.unknown == {"facts.odd.parts[a.b].size": "denied"}


def test_home_and_credentials_do_not_enter_values_or_reasons(capture_with: Any) -> None:
    values = {"model": "/home/u/x", "parts": Unknown("/home/u/y: https://a:b@h denied")}
    found = capture_with(lambda host: values)
    assert found.facts["odd"]["model"] == "~/x"
    assert found.unknown["facts.odd.parts"] == "~/y: https://<hidden>@h denied"
    assert found.identity is None


def test_identity_is_kept_only_when_asked_for_and_outside_the_digest(capture_with: Any) -> None:
    named = capture_with(lambda host: GOOD, identify=True)
    assert named.identity == MACHINE["identity"]
    assert named.digest == capture_with(lambda host: GOOD).digest


def test_where_no_thread_can_be_started_the_capture_goes_on_without(
    capture_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("envprint.machine.deadline._thread.start_new_thread", refuse)
    found = capture_with(lambda host: GOOD)
    assert (found.facts, found.unknown) == ({"odd": GOOD, "sound": GOOD}, {})


def test_a_home_that_nobody_tells_hides_nothing(
    capture_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MACHINE, "identity", {"user": "12345"})
    found = capture_with(lambda host: {"model": "~/x /home/u", "parts": {}})
    assert found.facts["odd"]["model"] == "~/x /home/u"
