"""What nobody has thought of is one line and an exit code of its own, and costs what it must."""

from __future__ import annotations

import errno
import functools
import math
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from envprint.cli import main, show
from envprint.cli import run as run_verb
from envprint.cli._console import Console
from envprint.collectors import _runner
from envprint.core.errors import EnvprintError, InterpreterError
from envprint.documents.codec import dumps, loads
from envprint.documents.validate import faults
from envprint.machine import interpreter, process_state
from envprint.machine.deadline import within
from envprint.machine.recorded import RecordedHost
from tests.builders.interpreter import observe
from tests.builders.last_resort import MACHINE
from tests.builders.support import fingerprint


class Panic(BaseException):
    """As extensions in Rust raise it: no `Exception`."""


class Mute(Exception):
    """An exception whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class MuteEvenSo(BaseException):
    """One whose text cannot be had, in a way that is no `Exception`."""

    def __str__(self) -> str:
        raise SystemExit(5)


@pytest.fixture
def one(tmp_path: Path) -> str:
    path = tmp_path / "one.json"
    path.write_text(dumps(fingerprint({"facts.os.system": "Linux"})))
    return str(path)


@pytest.mark.parametrize(
    "error",
    [
        IndexError("list index out of range\nhere"),
        RecursionError("too deep"),
        Panic("x"),
        Mute(),
        MuteEvenSo(),
        SystemExit(0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_unexpected_exception_is_one_line_that_says_where_to_report_it_and_exit_2(
    error: BaseException, one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVPRINT_DEBUG", raising=False)
    monkeypatch.setattr(show, "render", _raising(error))
    out, err = StringIO(), StringIO()
    assert main(["show", one], Console(out, err)) == 2
    line = err.getvalue()
    assert line.count("\n") == 1
    for word in (type(error).__name__, "report", "ENVPRINT_DEBUG=1", "test_last_resort.py, line "):
        assert word in line


def test_the_traceback_is_shown_when_it_is_asked_for(
    one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "render", _raising(IndexError("odd")))
    for value, is_shown in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("ENVPRINT_DEBUG", value)
        err = StringIO()
        assert main(["show", one], Console(StringIO(), err)) == 2
        assert ("Traceback (most recent call last)" in err.getvalue()) == is_shown
        assert "report it" in err.getvalue().splitlines()[-1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NOT LINUX: there is no /dev/full")
def test_a_stderr_that_takes_nothing_changes_no_exit_code(
    one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "render", _raising(IndexError("odd")))
    monkeypatch.setenv("ENVPRINT_DEBUG", "1")
    stderr = open("/dev/full", "w", buffering=1)  # noqa: PTH123  closing it raises
    assert main(["show", one], Console(StringIO(), stderr)) == 2
    with suppress(OSError):
        stderr.close()


def test_an_unexpected_exception_before_the_command_is_125(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_verb, "preflight", _raising(IndexError("odd")))
    err = StringIO()
    assert main(["run", "--", "true"], Console(StringIO(), err)) == 125
    assert err.getvalue().count("\n") == 1


def test_an_error_is_said_on_a_stderr_that_has_ascii_only_or_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "ascii"
    with path.open("wb") as file:
        stderr = TextIOWrapper(file, encoding="ascii", errors="strict")
        assert main(["show", "é\udcff"], Console(StringIO(), stderr)) == 2
        assert path.read_bytes() == b"envprint: \\xe9\\udcff: no such file or directory\n"
    assert main(["show", "é"], Console(StringIO(), stderr)) == 2


def _raising(error: BaseException) -> Callable[..., Any]:
    def refuse(*arguments: object, **options: object) -> Any:
        raise error

    return refuse


ERRORS = [
    OSError(errno.EIO, "broken"),
    RuntimeError("odd"),
    KeyError("x"),
    RecursionError("deep"),
    Panic("x"),
    MuteEvenSo(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("question", ["identity", "begin", "interpreter", "deep", "gpu", "system"])
def test_a_host_that_raises_costs_what_it_was_asked_for_and_no_more(
    question: str, error: BaseException
) -> None:
    host = RecordedHost(MACHINE)
    setattr(host, question, _raising(error))
    found = _runner.capture(host, identify=True)
    assert sum(map(bool, found.facts.values())) >= 4
    assert loads(dumps(found).encode(), "f").digest == found.digest
    assert faults(dumps(found).encode(), "f") == []
    if question == "identity":
        assert found.identity is None
        assert type(error).__name__ in found.unknown["identity"]
    if question == "interpreter":
        assert "facts.python.version" in found.unknown
    if question == "system":
        assert "facts.os.kernel_release" in found.unknown


def test_without_an_identity_the_home_directory_stays_out_all_the_same() -> None:
    host = RecordedHost({**MACHINE, "environ": {"HOME": "/home/me", "TF_X": "/home/me/x"}})
    host.identity = _raising(RuntimeError("odd"))  # type: ignore[method-assign]
    found = _runner.capture(host)
    assert found.facts["environ"]["variables"]["TF_X"] == "~/x"
    assert "identity" not in found.unknown


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_clock_that_cannot_be_read_is_one_error(error: BaseException) -> None:
    host = RecordedHost(MACHINE)
    host.now = _raising(error)  # type: ignore[method-assign]
    with pytest.raises(EnvprintError, match="the time is unknown"):
        _runner.capture(host)


@pytest.mark.parametrize("error", [Panic("x"), SystemExit(3), RuntimeError("x"), MuteEvenSo()])
def test_whatever_a_collector_raises_costs_its_own_section_and_no_time(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _runner.collectors

    def collectors() -> Any:
        return [
            c._replace(read=_raising(error)) if c.section == "cpu" and c.kind == "facts" else c
            for c in real()
        ]

    monkeypatch.setattr(_runner, "collectors", collectors)
    found = _runner.capture(RecordedHost(MACHINE), timeout_s=60)
    assert found.facts["cpu"] == {}
    assert type(error).__name__ in found.unknown["facts.cpu.model"]
    assert found.facts["os"]


@pytest.mark.parametrize("odd", [math.nan, math.inf, 2**70, [1], {"a": 1}, 5])
def test_an_odd_answer_of_an_interpreter_costs_its_own_field(odd: Any) -> None:
    said = {**MACHINE["interpreter"][""], "x_options": {"a": odd}}
    found = _runner.capture(RecordedHost({**MACHINE, "interpreter": {"": said}}))
    assert "facts.python.x_options" in found.unknown
    assert found.facts["python"]["version"]
    assert faults(dumps(found).encode(), "f") == []


@pytest.mark.parametrize("odd", ["{'x_options': {'a': nan}}", "{'flags': {'utf8_mode': inf}}"])
def test_numbers_that_json_has_not_are_no_answer_of_an_interpreter(
    tmp_path: Path, odd: str
) -> None:
    code = (
        "import json, sys\n"
        "source = sys.argv.pop()\n"
        "exec(source.rpartition('print_description()')[0])\n"
        "nan, inf = float('nan'), float('inf')\n"
        f"print(MARK + json.dumps({{**describe(), **{odd}}}))\n"
    )
    (tmp_path / "odd.py").write_text(code)
    with pytest.raises(InterpreterError, match=r"not understood: .*, found float"):
        observe(tmp_path, f'exec "{sys.executable}" "{tmp_path}/odd.py" "$2"')


def test_a_description_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    script = r"printf '\002envprint\003{\"a\":'; head -c 200000 /dev/zero | tr '\0' '['"
    with pytest.raises(InterpreterError, match="not understood"):
        observe(tmp_path, script)


class _Torch(types.ModuleType):
    """A framework in which every question raises `error`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("torch")
        self.__dict__["_error"] = error

    def __getattr__(self, name: str) -> Any:
        raise self.__dict__["_error"]


RAISED = [
    Panic("a panic\nin Rust"),
    Mute(),
    ZeroDivisionError("x"),
    AssertionError(),
    GeneratorExit(),
    SystemExit(3),
    MuteEvenSo(),
]


@pytest.fixture
def torch_that(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[BaseException], None]]:
    """Puts a framework into this process that raises what it is given."""

    def put(error: BaseException) -> None:
        for name in ("torch", "torch.cuda", "keras.src.backend"):
            monkeypatch.setitem(sys.modules, name, _Torch(error))

    yield put


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_a_loaded_framework_raises_costs_its_own_answer(
    error: BaseException, torch_that: Callable[[BaseException], None]
) -> None:
    torch_that(error)
    switches: Any = interpreter.describe()["switches"]
    assert switches["torch-threads"]["error"]
    assert "\n" not in switches["torch-threads"]["error"]
    generators = process_state.describe()["generators"]
    assert generators["torch"]["error"].startswith(type(error).__name__)
    assert generators["python"]["state"]


def test_ctrl_c_is_not_taken_for_an_answer(torch_that: Callable[[BaseException], None]) -> None:
    torch_that(KeyboardInterrupt())
    for describe in (interpreter.describe, process_state.describe):
        with pytest.raises(KeyboardInterrupt):
            describe()


def _exits(number: int, frame: object) -> None:
    sys.exit(3)


def _exits_by_another(*_: object) -> None:
    _exits(0, None)


class _Limit:
    def end(self, number: int, frame: object) -> None:
        raise TimeoutError


HANDLERS = [_exits, _exits_by_another, lambda *_: sys.exit(4), _Limit().end]


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_the_handler_of_a_signal_raises_is_not_taken_for_an_answer(
    handler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is ended by its scheduler ends, also in the middle of a capture."""
    torch = types.ModuleType("torch")
    kill = functools.partial(os.kill, os.getpid(), signal.SIGUSR1)
    torch.get_num_threads = torch.get_rng_state = kill  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for ask in (interpreter.describe, process_state.describe, lambda: within(5.0, kill)):
            with pytest.raises((SystemExit, TimeoutError)):
                ask()
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_a_threadpoolctl_that_raises_anything_when_it_is_imported_costs_its_own_answer(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", types.ModuleType("numpy"))
    monkeypatch.setitem(sys.modules, "threadpoolctl", _Torch(error))
    pools: Any = process_state.thread_pools()
    assert type(error).__name__ in pools["error"]


def test_a_switch_that_has_no_truth_value_is_no_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(int):
        def __bool__(self) -> bool:
            raise ValueError("ambiguous")

    module = types.ModuleType("torch")
    module.get_num_threads = lambda: Odd(3)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", module)
    switches: Any = interpreter.describe()["switches"]
    assert switches["torch-threads"]["error"] == "ambiguous"
