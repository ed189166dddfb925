"""Everything that a capture asks of a host, within one limit of time.

Each answer is of the right type, or unknown with the reason: whatever a collector or a host meets
on an unfamiliar machine, the capture continues.
"""

from collections.abc import Iterable, Mapping

from envprint.collectors import Collector
from envprint.core.fingerprint import Unknown
from envprint.core.known_variables import may_be_in_an_engine
from envprint.core.typed import Any, NamedTuple
from envprint.machine.deadline import Question, ask_all
from envprint.machine.host import Host
from envprint.machine.interpreter import one_line

GRACE_S = 0.5
"""For what ends at the limit itself, as a silent driver does, to say so."""
SEAL_S = 0.25
"""For the key, which is read when it is first needed; a home directory that hangs has been waited
for before."""

Section = Mapping[str, Any] | Unknown


class Asked(NamedTuple):
    """What the host answered in time."""

    sections: list[tuple[Collector, Section]]
    now: str | Unknown
    identity: Mapping[str, str] | Unknown
    home: str
    machine_id: str | None
    engine: str | None
    """In which engine or launcher the capture was made."""


def ask_host(host: Host, collectors: Iterable[Collector], limit_s: float) -> Asked:
    """Ask everything; what has not been answered within `limit_s` is unknown."""

    def begin() -> None:
        host.limit(limit_s)
        host.start_gpu_query()

    now, home = Question(host.now), Question(lambda: host.environ().get("HOME", ""))
    identity, machine_id = Question(host.identity), Question(host.machine_id)
    engine = Question(lambda: _engine(host.environ()))
    # A collector that waits for the driver is read last.
    listed = sorted(collectors, key=lambda collector: collector.needs_gpu_reading)
    readings = [Question(lambda one=one: one.read(host)) for one in listed]  # type: ignore[misc]
    # If it cannot begin, the sections that need the result say so when they query again.
    ask_all(
        [Question(begin), now, home, engine, machine_id, identity, *readings], limit_s + GRACE_S
    )
    named = _answer(identity, limit_s, Mapping)
    if not isinstance(named, Unknown):
        named = {key: text for key, text in named.items() if type(text) is str}
    known_home = "" if isinstance(named, Unknown) else named.get("home", "")
    # Without an identity the home directory must still be replaced.
    variable, identifier, name = (_answer(one, limit_s, str) for one in (home, machine_id, engine))
    return Asked(
        [(one, _section(answer, limit_s)) for one, answer in zip(listed, readings, strict=True)],
        _answer(now, limit_s, str),
        named,
        known_home or ("" if isinstance(variable, Unknown) else variable),
        None if isinstance(identifier, Unknown) else identifier,
        None if isinstance(name, Unknown) else name,
    )


def _engine(variables: Mapping[str, str]) -> str | None:
    if not may_be_in_an_engine(variables):
        return None
    from envprint.knowledge.engines import engine_of  # few captures need the table

    return engine_of(variables)


def _section(question: Question[Any], limit_s: float) -> Section:
    """What a collector reported, or why all of its fields are unknown."""
    if not question.is_answered:
        return Unknown(f"the collector did not answer within {limit_s:g} s")
    answer: Section = _answer(question, limit_s, Mapping)
    if isinstance(answer, Unknown):
        return Unknown(f"the collector failed: {answer.reason}")
    return answer


def _answer(question: Question[Any], limit_s: float, kind: Any) -> Any:
    """The answer, if it is of that kind; else `Unknown` with the reason."""
    if not question.is_answered:
        return Unknown(f"no answer within {limit_s:g} s")
    if question.error is not None:
        return Unknown(f"{type(question.error).__name__}: {one_line(question.error)}")
    answer = question.result()
    if isinstance(answer, kind):
        return answer
    return Unknown(f"expected {kind.__name__.lower()}, found {type(answer).__name__}")


class Sealing:
    """The host's seals. One that fails or hangs gives none, and is not asked again."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._is_over = False

    def __call__(self, word: str) -> str | None:
        """The mark of a word, or None."""
        if self._is_over:
            return None
        mark = Question(lambda: self._host.seal(word))
        ask_all([mark], SEAL_S)
        found = _answer(mark, SEAL_S, str)
        self._is_over = not mark.is_answered or mark.error is not None
        return None if isinstance(found, Unknown) else found
