"""`envprint probe` and `capture --probe`: from outside, and with results made for the test."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.fingerprint import COARSE
from envprint.documents.codec import loads
from envprint.documents.store import Store
from envprint.outputs import probes
from envprint.probes import runner
from envprint.probes.runner import Plan
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.conftest import Build


def numpy(**changed: Any) -> dict[str, Any]:
    """What a probe told in three runs, one operation of which does not repeat itself."""
    reported = {
        "revision": "r",
        "version": "2.4.6",
        "device": "cpu",
        "settings": {"cpus": "2", "threads": "2"},
        "runs": 3,
        "digests": {"libm/exp float32": ["0123456789abcdef0123"], "fft/real float32": ["a", "b"]},
        "errors": {"matmul/large bfloat16": "TypeError: no such type"},
    }
    return {**reported, **changed}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the probes will have told; to be filled by the test."""
    reported: dict[str, Any] = {}

    def measure(plan: Plan, report: Any = None) -> dict[str, Any]:
        report(f"{len(reported)} of them {plan.repeat} times on the {plan.device}")
        return reported

    monkeypatch.setattr(runner, "measure", measure)
    return reported


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command in this process."""
    streams = io.StringIO(), io.StringIO()
    code = main(arguments, Console(*streams))
    return code, streams[0].getvalue(), streams[1].getvalue()


def test_digests_are_printed_by_operation_and_kept_in_a_fingerprint(tmp_path: Path) -> None:
    done = call("probe", "python", "--repeat", "2", "-o", tmp_path / "f.json", cwd=tmp_path)
    version = ".".join(map(str, sys.version_info[:3]))
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[0]) == (0, f"PYTHON {version}, on the CPU")
    assert "each with the same bits in 2 fresh processes" in done.stdout
    reported = json.loads((tmp_path / "f.json").read_text())["facts"]["probes"]["numeric"]["python"]
    assert (reported["version"], reported["runs"], reported["varying"]) == (version, 2, [])
    assert len(reported["digests"]) > 5
    for name in filter(lambda name: not name.endswith(COARSE), reported["digests"]):
        digest = reported["digests"][name]
        assert any(name.partition("/")[2] in line and digest[:16] in line for line in lines)
    assert done.stderr == ""


def test_two_captures_with_probes_agree_and_have_the_digest_of_one_without(tmp_path: Path) -> None:
    for name in "ab":
        assert call("capture", "--probe", "-o", f"{name}.json", cwd=tmp_path).returncode == 0
    assert call("capture", "-o", "c.json", cwd=tmp_path).returncode == 0
    one, two, bare = (loads((tmp_path / f"{n}.json").read_bytes(), n) for n in "abc")
    assert one.value("facts.probes.numeric[python].digests")
    assert one.section_digests["probes"] == two.section_digests["probes"]
    assert one.digest == two.digest == bare.digest
    report = json.loads(call("diff", "a.json", "c.json", "--format", "json", cwd=tmp_path).stdout)
    assert [f["rule"] for f in report["findings"]] == []
    assert [d["rule"] for d in report["undecided"] if d["rule"].startswith("probe-")] == []
    assert [c["path"] for c in report["changes"] if "probes" in c["path"]] == []


def test_a_capture_in_a_script_may_probe_its_own_interpreter() -> None:
    reported = envprint.capture(probe=True).value("facts.probes.numeric[python]")
    assert (reported["runs"], reported["varying"]) == (1, [])
    assert "tensorflow" not in sys.modules


def test_what_does_not_repeat_itself_is_named_and_exits_with_1(measured: dict[str, Any]) -> None:
    measured["numpy"] = numpy()
    code, out, err = run("probe", "--repeat", "3")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "NUMPY 2.4.6, on the CPU",
        "          does not repeat itself in 3 fresh processes: fft/real float32",
        "settings  cpus 2; threads 2",
        "fft            real float32                         2 results",
        "libm           exp float32                          0123456789abcdef",
        "matmul         large bfloat16                       unknown: TypeError: no such type",
    ]


def test_what_failed_or_refused_in_some_runs_is_named_and_exits_with_1(
    measured: dict[str, Any],
) -> None:
    digests, failed = {"libm/exp float32": ["a"], "fft/real float32": ["b"]}, "in 1 of 2 runs: E"
    measured["numpy"] = numpy(
        runs=2, digests=digests, errors={"fft/real float32": failed}, refusals=["OSError: x"]
    )
    code, out, _ = run("probe", "--repeat", "3")
    assert (code, out.splitlines()[1:4]) == (
        1,
        [
            "          does not repeat itself in 3 fresh processes: fft/real float32; 1 of",
            "          them refused: OSError: x",
            "settings  cpus 2; threads 2",
        ],
    )
    assert "unknown: in 1 of 2 runs: E" in out


def test_what_fails_each_time_is_not_counted_among_what_repeats(measured: dict[str, Any]) -> None:
    measured["numpy"] = numpy(digests={"libm/exp float32": ["a"]})
    code, out, _ = run("probe", "--repeat", "3")
    assert (code, out.splitlines()[1].strip()) == (
        0,
        "1 operation, each with the same bits in 3 fresh processes",
    )


def test_on_a_gpu_it_says_that_a_context_is_made(measured: dict[str, Any]) -> None:
    digests = {"libm/exp float32": ["a"]}
    measured["torch on gpu:0"] = numpy(device="Tesla T4", digests=digests, runs=1)
    code, out, err = run("probe", "--device", "gpu")
    assert code == 0
    assert out.splitlines()[0] == "TORCH 2.4.6, on gpu:0, Tesla T4"
    assert "CUDA context" in err.splitlines()[0]


def test_a_framework_that_refuses_is_told_with_its_reason() -> None:
    refused = {"refused": "ImportError: libcudart.so.12", "digests": {}, "errors": {}, "runs": 1}
    assert probes.render({"torch": refused}).splitlines() == [
        "TORCH, on the CPU",
        "unknown   ImportError: libcudart.so.12",
    ]


def test_hostile_text_of_a_framework_is_shown_as_text() -> None:
    text = probes.render({"numpy": numpy(settings={"blas": "a\x1b[2J"})})
    assert "a\\x1b[2J" in text


def test_json_is_what_was_told(measured: dict[str, Any]) -> None:
    measured["numpy"] = numpy()
    code, out, _ = run("probe", "--format", "json")
    assert (code, json.loads(out)) == (1, {"numeric": {"numpy": numpy()}})


def test_the_document_alone_goes_to_stdout_when_asked_for(measured: dict[str, Any]) -> None:
    measured["numpy"] = numpy(digests={"libm/exp float32": ["a"]})
    code, out, _ = run("probe", "-o", "-")
    fingerprint = loads(out.encode(), "-")
    assert (code, fingerprint.value("facts.probes.numeric[numpy].runs")) == (0, 3)


def test_results_can_be_saved_under_a_name(
    measured: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured["numpy"] = numpy()
    monkeypatch.setenv("ENVPRINT_HOME", str(tmp_path))
    code, out, err = run("probe", "--save", "here", "--label", "mine")
    store = Store(str(tmp_path))
    saved = loads(store.read(store.named("here") or ""), "here")
    assert (code, saved.label) == (1, "mine")
    assert saved.value("facts.probes.numeric[numpy].varying") == ["fft/real float32"]
    assert out.startswith("NUMPY 2.4.6")
    assert "saved as @here" in err


def test_a_probe_that_does_not_exist_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = call("probe", "nump", cwd=tmp_path)
    assert_one_line_and_exit_2(done, "no probe 'nump'", "numpy", "training")


def test_a_framework_that_was_named_and_is_not_installed_is_exit_2(
    measured: dict[str, Any],
) -> None:
    code, out, err = run("probe", "jax")
    assert (code, out) == (2, "")
    assert f"probe jax: it is not installed for {sys.executable}" in err


REFUSED = {"refused": "RuntimeError: no GPU", "digests": {}, "errors": {}, "runs": 1}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("numpy",), 0),
        (("torch",), 2),
        (("numpy", "torch"), 2),
        ((), 0),
        (("--repeat", "2"), 0),
    ],
)
def test_a_named_probe_that_computed_nothing_has_not_done_its_job(
    measured: dict[str, Any], arguments: tuple[str, ...], code: int
) -> None:
    measured["numpy"] = numpy(digests={"libm/exp float32": ["a"]})
    measured["torch"] = REFUSED
    done, out, err = run("probe", *arguments)
    assert done == code
    if code:
        assert (out, err.splitlines()) == ("", ["envprint: probe torch: RuntimeError: no GPU"])


def test_each_probe_that_computed_nothing_has_its_line(measured: dict[str, Any]) -> None:
    measured["torch"] = REFUSED
    measured["jax"] = {**REFUSED, "refused": None, "errors": {"a": "X"}}
    code, out, err = run("probe", "torch", "jax")
    assert (code, out, err.splitlines()) == (
        2,
        "",
        ["envprint: probe torch: RuntimeError: no GPU", "envprint: probe jax: X"],
    )


@pytest.mark.parametrize("names", [(), ("torch",)])
def test_a_gpu_that_was_asked_for_and_is_not_there_is_exit_2(
    measured: dict[str, Any], names: tuple[str, ...]
) -> None:
    measured["torch"] = numpy(digests={"libm/exp float32": ["a"]})
    measured["torch on gpu:0"] = REFUSED
    code, out, err = run("probe", *names, "--device", "gpu")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "envprint: probe torch on gpu:0: RuntimeError: no GPU"


def test_without_names_one_framework_with_the_gpu_is_enough(measured: dict[str, Any]) -> None:
    measured["jax on gpu:0"] = REFUSED
    measured["torch on gpu:0"] = numpy(digests={"libm/exp float32": ["a"]}, device="T4")
    assert run("probe", "--device", "gpu")[0] == 0
    assert run("probe", "torch", "--device", "gpu")[0] == 2  # it is not there on the CPU


@pytest.mark.slow
def test_probes_settle_a_forecast_that_does_not_come_true(
    environment: Build, tmp_path: Path
) -> None:
    python = environment("numpy==1.24.4")
    limited = {"NPY_DISABLE_CPU_FEATURES": "AVX512F"}
    for name, env in (("a", {}), ("b", limited)):
        done = call("capture", "--probe", "--python", python, "-o", tmp_path / name, env=env)
        assert done.returncode == 0, done.stderr
    named = ("--framework", "numpy", "--format", "json")
    report = json.loads(call("diff", tmp_path / "a", tmp_path / "b", *named).stdout)
    found = {finding["rule"]: finding for finding in report["findings"]}
    flags = json.loads((tmp_path / "a").read_text())["facts"]["cpu"]["flags"]
    if "avx512f" in flags:  # elsewhere the variable limits nothing, and nothing is expected
        finding = found["numpy-cpu-features-limited"]
        assert (finding["impact"], report["verdict"]["impact"]) == ("none", "none")
        assert finding["not_seen"].startswith("numeric was expected, but probes on both sides gave")
    else:
        assert found == {}


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_number_of_repeats_that_cannot_be_is_refused(value: str, tmp_path: Path) -> None:
    assert_one_line_and_exit_2(call("probe", "--repeat", value, cwd=tmp_path), "--repeat")
