"""The child that runs a probe, and the probe of Python: from outside, with probes made for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from array import array
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from envprint.core.errors import EnvprintError
from envprint.outputs import probes as _probes
from envprint.probes import programs, runner
from envprint.probes.programs import _child
from envprint.probes.runner import Plan
from tests.builders.environments import NotHereError, interpreter

Make = Callable[..., dict[str, Any]]
BEGIN = """
    import os, signal

    MODULE = "math"
    ON_GPU = True

    def begin(device):
        return {"version": "1", "device": device, "settings": {}}
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A function that runs a probe of the given text and returns what it told."""
    shutil.copy(Path(programs.__path__[0]) / "_child.py", tmp_path)
    monkeypatch.setattr(programs, "__path__", [str(tmp_path)])

    def run(text: str, begin: str = BEGIN, name: str = "made", **plan: Any) -> dict[str, Any]:
        monkeypatch.delitem(sys.modules, f"envprint.probes.programs.{name}", raising=False)
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(begin) + textwrap.dedent(text))
        return runner.measure(Plan(names=[name], **plan))

    return run


def test_a_crash_costs_the_one_operation(told: Make) -> None:
    found = told("""
        def operations(device, inputs):
            yield "a/first", lambda: b"1"
            yield "a/second", lambda: os.kill(os.getpid(), signal.SIGSEGV)
            yield "a/third", lambda: b"3"
    """)["made"]
    assert found["errors"] == {"a/second": "it was ended by SIGSEGV"}
    assert sorted(found["digests"]) == ["a/first", "a/third"]


def test_what_one_operation_raises_is_told_in_one_line(told: Make) -> None:
    found = told(r"""
        def operations(device, inputs):
            yield "a/first", lambda: 1 / 0
            yield "a/second", lambda: int("x\ny" * 1000)
            yield "a/third", lambda: b"3"
    """)["made"]
    assert found["errors"]["a/first"] == "ZeroDivisionError: division by zero"
    assert found["errors"]["a/second"].startswith("ValueError: invalid literal")
    assert "\n" not in found["errors"]["a/second"]
    assert len(found["errors"]["a/second"]) <= 300
    assert list(found["digests"]) == ["a/third"]


def test_an_error_between_two_operations_refuses_instead_of_hiding_the_rest(told: Make) -> None:
    found = told("""
        def operations(device, inputs):
            yield "a/first", lambda: b"1"
            os.nothing
    """)["made"]
    assert found["refused"] == "AttributeError: module 'os' has no attribute 'nothing'"


def test_a_probe_that_cannot_begin_says_why(told: Make) -> None:
    begin = "MODULE = 'math'\nON_GPU = False\ndef begin(device): raise ImportError('libcudart')\n"
    found = told("def operations(device, inputs): return iter(())", begin)
    assert found["made"]["refused"] == "ImportError: libcudart"


def test_a_framework_that_wants_to_leave_is_told_with_its_words(told: Make) -> None:
    begin = "MODULE = 'math'\nON_GPU = False\ndef begin(device): raise SystemExit('no licence')\n"
    found = told("def operations(device, inputs): return iter(())", begin)
    assert found["made"]["refused"] == "SystemExit: no licence"
    found = told("def operations(device, inputs): yield 'a/only', lambda: exit('no more')")
    assert found["made"]["errors"] == {"a/only": "SystemExit: no more"}


def test_a_python_in_which_no_probe_runs_is_told_as_such() -> None:
    assert runner.able({"executable": "/py", "version": "3.7.0"}) == "/py"
    with pytest.raises(EnvprintError, match=r"/py is Python 3\.6\.15; it needs 3\.7 or later"):
        runner.able({"executable": "/py", "version": "3.6.15"})


def test_what_is_not_installed_is_left_out(told: Make) -> None:
    assert told("", "MODULE = 'no_such_module_anywhere'\nON_GPU = False\n") == {}


def test_whatever_a_framework_prints_disturbs_nothing(told: Make) -> None:
    found = told("""
        def shout():
            print("{}")
            os.write(1, b'{"operation": "a/made-up", "digest": "1"}')
            os.system("echo from a child")
            return b"1"

        def operations(device, inputs):
            yield "a/loud", shout
    """)["made"]
    assert (list(found["digests"]), found["errors"]) == (["a/loud"], {})


def test_the_way_out_of_a_framework_costs_nothing(told: Make) -> None:
    # Registered in the child only: envprint itself imports a probe to learn which files it has.
    found = told("""
        def operations(device, inputs):
            import atexit
            atexit.register(os.abort)
            yield "a/only", lambda: b"1"
    """)["made"]
    assert (list(found["digests"]), found["errors"]) == (["a/only"], {})


def test_a_probe_does_not_shadow_what_it_is_called_like(told: Make, tmp_path: Path) -> None:
    found = told(
        """
        def begin(device):
            import statistics
            return {"version": statistics.__file__, "device": "cpu", "settings": {}}

        def operations(device, inputs):
            return iter(())
        """,
        "MODULE = 'statistics'\nON_GPU = False\n",
        name="statistics",
    )
    assert str(tmp_path) not in found["statistics"]["version"]


def test_each_telling_has_the_cpus_and_the_variables_that_cap_it(
    told: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _child.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    found = told("def operations(device, inputs): return iter(())")
    settings = found["made"]["settings"]
    assert settings.pop("OPENBLAS_CORETYPE") == "Haswell"
    assert settings.pop("cpus", "1").isdecimal()
    assert settings == {}


def test_gpus_are_hidden_unless_they_are_asked_for(
    told: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    found = told(
        """
        def begin(device):
            seen = os.environ["CUDA_VISIBLE_DEVICES"]
            return {"version": "1", "device": device, "settings": {"seen": seen}, "gpus": 2}

        def operations(device, inputs):
            return iter(())
        """,
        device="gpu",
    )
    seen = {key: result["settings"]["seen"] for key, result in found.items()}
    assert seen == {"made": "-1", "made on gpu:0": "3", "made on gpu:1": "3"}


def test_further_parts_of_a_probe_come_first_and_belong_to_its_revision(
    told: Make, tmp_path: Path
) -> None:
    part, own = tmp_path / "_made_part.py", "def operations(device, inputs): yield '{}', bytes\n"
    revisions = []
    for name in ("a/part", "b/part"):
        part.write_text(own.format(name))
        found = told("PARTS = ('_made_part.py',)\n" + own.format("a/own"))["made"]
        assert list(found["digests"]) == [name, "a/own"]
        revisions.append(found["revision"])
    assert revisions[0] != revisions[1]


def test_runs_that_differ_are_both_kept(told: Make) -> None:
    found = told(
        """
        def operations(device, inputs):
            yield "a/same", lambda: b"1"
            yield "a/other", lambda: str(os.getpid()).encode()
        """,
        repeat=3,
    )["made"]
    assert found["runs"] == 3
    assert [len(found["digests"][name]) for name in ("a/same", "a/other")] == [1, 3]


ONLY_ONCE = """
    def first():
        import os
        try:
            os.close(os.open({mark!r}, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True
    """


def test_an_operation_that_fails_in_one_of_the_runs_is_no_repetition(
    told: Make, tmp_path: Path
) -> None:
    found = told(
        ONLY_ONCE.format(mark=str(tmp_path / "mark"))
        + """
    def operations(device, inputs):
        is_first = first()
        yield "a/raises", lambda: 1 / 0 if is_first else b"1"
        yield "a/crashes", lambda: os.abort() if is_first else b"2"
        yield "a/never", lambda: 1 / 0
        yield "a/always", lambda: b"3"
    """,
        repeat=3,
    )["made"]
    zero = "ZeroDivisionError: division by zero"
    assert (found["runs"], found["errors"]) == (
        3,
        {
            "a/raises": f"in 1 of 3 runs: {zero}",
            "a/crashes": "in 1 of 3 runs: it was ended by SIGABRT",
            "a/never": zero,
        },
    )
    assert _probes.varying(found) == ["a/crashes", "a/raises"]
    assert not _probes.is_repeating(found)


def test_a_run_that_refuses_is_kept_and_is_no_run_of_any_operation(
    told: Make, tmp_path: Path
) -> None:
    begin = BEGIN + ONLY_ONCE.format(mark=str(tmp_path / "mark"))
    begin += """
    def begin(device):
        if first():
            raise OSError("out of something")
        return {"version": "1", "device": device, "settings": {}}
    """
    found = told("def operations(device, inputs): yield 'a/only', lambda: b'1'", begin, repeat=3)[
        "made"
    ]
    assert (found["runs"], found["refusals"]) == (2, ["OSError: out of something"])
    assert _probes.repeats(found) == (
        "does not repeat itself in 3 fresh processes: 1 of them refused: OSError: out of something"
    )
    assert not _probes.is_repeating(found)


def test_a_digest_is_of_the_bytes_of_all_parts() -> None:
    parts = [array("d", [0.5]), b"rest", array("i", [7])]
    whole = array("d", [0.5]).tobytes() + b"rest" + array("i", [7]).tobytes()
    assert _child.content(parts) == _child.content(tuple(parts)) == _child.content(whole) == whole
    # The first half of the published SHA-256 of "abc", FIPS 180-4.
    assert _child.digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223"


def test_first_digits_tell_rounding_from_another_stream() -> None:
    draws = array("d", [0.1 * number for number in range(5003)])
    rounded = array("d", [draw * (1 + 1e-15) for draw in draws])
    others = array("d", [draw + 0.1 for draw in draws])

    def cut(drawn: array[float]) -> bytes | None:
        return _child.coarse("random/normal float64", drawn.tobytes())

    assert draws != rounded
    assert cut(draws) == cut(rounded) != cut(others)
    assert _child.coarse("libm/exp float64", draws.tobytes()) is None
    assert _child.coarse("random/bits uint32", draws.tobytes()) is None


@cache
def others() -> list[str]:
    """Every other Python that is here, of the versions that a probe runs in."""
    found = []
    for minor in range(7, 15):
        try:
            found.append(interpreter(f"3.{minor}"))
        except NotHereError:
            continue
    return found


@pytest.mark.parametrize("python", others(), ids=lambda python: Path(python).name)
def test_every_python_makes_the_same_inputs_and_the_same_digests(python: str) -> None:
    ours = runner.measure(Plan(names=["python"]))["python"]
    theirs = runner.measure(Plan(python=python, names=["python"]))["python"]
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import _child;"
        "print(_child.digest(_child.inputs(1000003, 'a')))"
    )
    command = [python, "-c", code, programs.__path__[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == _child.digest(_child.inputs(1000003, "a"))
    assert theirs["errors"] == {}
    # The built-in sum compensates its rounding from 3.12 on.
    for result in (ours, theirs):
        result["digests"].pop("reduction/sum float64")
    assert theirs["digests"] == ours["digests"]


def test_the_sum_of_python_changed_with_3_12() -> None:
    pythons = [*others(), sys.executable]
    sums: dict[bool, set[str]] = {False: set(), True: set()}
    for python in pythons:
        result = runner.measure(Plan(python=python, names=["python"]))["python"]
        is_new = tuple(map(int, result["version"].split(".")[:2])) >= (3, 12)
        sums[is_new].update(result["digests"]["reduction/sum float64"])
    assert all(len(found) <= 1 for found in sums.values())
    assert sums[False].isdisjoint(sums[True])


def test_envprint_itself_imports_no_framework_to_probe_it(tmp_path: Path) -> None:
    code = (
        "import json, sys; from envprint.probes.runner import Plan, measure;"
        "measure(Plan(names=['python', 'numpy'])); print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    loaded = json.loads(done.stdout)
    assert "envprint.probes.programs.numpy" in loaded
    assert {"numpy", "tensorflow", "torch", "jax", "keras"}.isdisjoint(loaded)


def test_there_is_a_probe_for_each_framework() -> None:
    assert runner.names() == ["jax", "numpy", "python", "tensorflow", "torch"]
