"""One path from what a caller asks for to a report, for the command line and for Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import check, main
from envprint.cli._parser import parser_of
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.documents.codec import fingerprint_shape
from envprint.judging.context import Context, Request, agreed
from envprint.judging.policy.model import Policy
from envprint.judging.policy.parse import parse_policy
from tests.builders.edits import edited
from tests.builders.support import fingerprint

TWO_GIB = parse_policy(b'[require]\nmin_free_gpu = "2 GiB"', "p", "2026-11-21")


def asked(*arguments: str) -> Request:
    """What `envprint check` makes of its arguments."""
    return check.request_from(parser_of("check", check).parse_args(arguments))


def context(request: Request, policy: Policy) -> Context:
    return Context(request, policy, fingerprint_shape)


@pytest.fixture
def cpu() -> Fingerprint:
    return edited({"host": "debian12-cpu-vm"})


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [((), 2 << 30), (("--min-free-gpu", "3GiB"), 3 << 30), (("--min-free-gpu", "0"), 0)],
)
def test_minimum_free_memory_of_the_policy_holds_unless_the_option_says_otherwise(
    arguments: tuple[str, ...], wanted: int
) -> None:
    workload = context(asked(*arguments), TWO_GIB).workload(edited({"host": "dgx-a100"}), None)
    assert workload.min_free_gpu_bytes == wanted


def test_who_needs_nothing_of_a_gpu_has_said_nothing_of_where_the_work_is_done(
    cpu: Fingerprint,
) -> None:
    assert context(asked("--min-free-gpu", "0"), TWO_GIB).workload(cpu, None).device == "cpu"
    assert context(asked("--min-free-gpu", "1b"), Policy()).workload(cpu, None).device == "gpu"


def test_sizes_of_batches_reach_the_workload(cpu: Fingerprint) -> None:
    request = asked("--batch-size", "64", "--replicas", "8")
    workload = context(request, Policy()).workload(cpu, None)
    assert (workload.batch_size, workload.replicas) == (64, 8)


AGREED = Policy(frameworks=("jax",), device="cpu")


@pytest.mark.parametrize(
    ("asks", "policy", "frameworks", "device"),
    [
        (Request(), Policy(), ("numpy", "tensorflow"), "gpu"),
        (Request(), AGREED, ("jax",), "cpu"),
        (Request(frameworks=("torch",), device="gpu"), AGREED, ("torch",), "gpu"),
    ],
    ids=["found", "agreed", "asked"],
)
def test_a_request_goes_before_the_policy_and_the_policy_before_what_is_found(
    asks: Request, policy: Policy, frameworks: tuple[str, ...], device: str
) -> None:
    now = fingerprint(
        {
            "facts.frameworks.numpy.version": "2.4.6",
            "facts.frameworks.tensorflow.version": "2.21.0",
            "facts.gpu.devices[0].name": "A100",
        }
    )
    workload = context(asks, policy).workload(now, None)
    assert (workload.frameworks, workload.device) == (frameworks, device)


def test_the_threshold_and_the_action_of_a_request_go_before_those_of_the_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "p.toml"
    file.write_text('fail_on = "breaks"\non_unknown = "fail"\n', encoding="utf-8")
    assert agreed(Request(str(file)), fingerprint_shape).policy[:2] == (Impact.BREAKS, "fail")
    asks = Request(str(file), fail_on=Impact.NONE, on_unknown="ignore")
    assert agreed(asks, fingerprint_shape).policy[:2] == (Impact.NONE, "ignore")


@pytest.mark.parametrize("options", [{}, {"frameworks": ["torch"]}, {"device": "gpu"}])
def test_the_command_line_and_python_give_one_report(
    options: dict[str, Any],
    cpu: Fingerprint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    team = '[impact]\n"tensorflow-onednn-switched" = "breaks"\n'
    (tmp_path / "envprint.toml").write_text(team, encoding="utf-8")
    path = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"
    envprint.dump(cpu, "a.json")
    envprint.dump(edited({"host": "debian12-cpu-vm", "set": {path: "0"}}), "b.json")
    words = [f"--framework={name}" for name in options.get("frameworks", ())]
    words += [f"--device={options['device']}"] if "device" in options else []
    code = main(["diff", "a.json", "b.json", "--format=json", *words])
    shown = json.loads(capsys.readouterr().out)
    report = envprint.diff("a.json", "b.json", **options)
    assert [f["rule"] for f in shown["findings"]] == [f.rule for f in report.findings]
    assert shown["verdict"]["impact"] == report.impact.word
    assert code == (report.impact >= Impact.NUMERIC)
