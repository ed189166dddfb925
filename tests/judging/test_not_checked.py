"""A job of which no framework is found: nothing is checked, and that is said before all else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envprint.core.fingerprint import FRAMEWORKS, Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.workload import Requirements, detect, framework_path, frameworks_in
from envprint.documents.codec import fingerprint_shape
from envprint.judging.context import Context, Request
from envprint.judging.policy.model import Policy
from envprint.outputs.drift_error import refusal
from envprint.outputs.formats import json as as_json
from envprint.outputs.formats import text as as_text
from tests.builders.gpus import A10, VISIBLE, machine
from tests.builders.support import fingerprint

PREFIX = "facts.python.prefix"
MISSPELT = {"facts.environ.misspelt": {"LD_PRELOD": "LD_PRELOAD"}}
NONE = "no framework in /opt/lint"
ASKS = "is this the environment that trains? --python PATH"
DENIED = {framework_path(name): "denied" for name in FRAMEWORKS}


def side(values: Any = None, unknown: Any = None, prefix: str = "/opt/lint") -> Fingerprint:
    return fingerprint({PREFIX: prefix, **(values or {})}, unknown)


def having(*names: str, prefix: str = "/opt/train") -> Fingerprint:
    return side({framework_path(name): {"version": "1.0"} for name in names}, prefix=prefix)


def context(policy: Policy | None = None, **asked: Any) -> Context:
    return Context(Request(**asked), policy or Policy(), fingerprint_shape)


def checked(now: Fingerprint, baseline: Fingerprint | None = None, **asked: Any) -> Report:
    return context(**asked).state(now, baseline)


def compared(before: Fingerprint, after: Fingerprint, **asked: Any) -> Report:
    return context(**asked).drift(before, after)


def test_without_a_framework_nothing_is_checked_and_the_first_line_says_so() -> None:
    report = checked(side())
    assert report.not_checked == report.summary == f"{NONE}; {ASKS}"
    assert report.impact is Impact.NONE
    first = as_text.render(report).split("\n\n", maxsplit=1)[0]
    assert " ".join(first.split()) == f"NOT CHECKED {NONE}; {ASKS}"
    assert first.startswith("NOT CHECKED  no framework")
    verdict = json.loads(as_json.render(report))["verdict"]
    assert (verdict["checked"], verdict["summary"]) == (False, f"{NONE}; {ASKS}")


def test_what_needs_no_framework_follows_and_decides_the_exit_code() -> None:
    report = checked(side(MISSPELT))
    assert [finding.rule for finding in report.findings] == ["environ-name-misspelt"]
    assert report.exit_code(Impact.NUMERIC) == 1
    assert report.summary.startswith(f"{NONE}; {ASKS}; results differ by rounding")
    first, second = as_text.render(report).split("\n\n", maxsplit=1)[0].split("NUMERIC", 1)
    assert first.startswith("NOT CHECKED  no framework")
    words = "Results can differ by rounding from those of other runs"
    assert " ".join(second.split()).startswith(words)
    assert NONE not in second


REQUIRED = Requirements(variables={"TZ": "UTC"}, packages={"numpy": "*"}, gpus=2)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"live.gpu.lost": ["0"]}, "gpu-lost"),
        ({"live.gpu.devices[0].errors": {"recovery_action": "reset"}}, "gpu-needs-reset"),
        ({"live.gpu.devices[0].clock_reasons": ["thermal-slowdown"]}, "gpu-clocks-held-back"),
        ({"facts.gpu.devices[0].compute_mode": "prohibited"}, "gpu-compute-prohibited"),
        ({"facts.gpu.status": "the driver denies access"}, "gpu-not-usable"),
        (
            {
                "facts.cuda.kernel_module_version": "550.90.07",
                "facts.cuda.driver_library": {"version": "550.107.02", "compat": False},
            },
            "cuda-driver-library-mismatch",
        ),
        (
            {"facts.environ.changed_since_start": {"PYTHONHASHSEED": {"start": None, "now": "0"}}},
            "environ-set-too-late",
        ),
        ({}, "required-variable-differs"),
        ({}, "required-package-differs"),
        ({}, "required-gpus-missing"),
        ({}, "gpu-memory-free-low"),
    ],
)
def test_the_gpus_the_driver_and_what_is_required_need_no_framework(
    values: dict[str, Any], rule: str
) -> None:
    now = machine(A10, more={PREFIX: "/opt/lint", **values})
    report = context(Policy(required=REQUIRED), min_free_gpu_bytes=20 << 30).state(now, None)
    assert report.not_checked == f"{NONE}; {ASKS}"
    assert rule in [finding.rule for finding in report.findings]


def test_nothing_checked_is_3_where_what_is_unknown_fails_and_is_named_in_the_error() -> None:
    report = checked(side())
    assert report.exit_code(Impact.NUMERIC) == 0
    assert report.exit_code(Impact.NUMERIC, fail_on_unknown=True) == 3
    assert refusal(report, Impact.NUMERIC) == f"not checked: {NONE}; {ASKS}"
    found = checked(side(MISSPELT))
    assert found.exit_code(Impact.NUMERIC, fail_on_unknown=True) == 1


def test_a_framework_that_is_found_named_or_imported_is_checked() -> None:
    assert checked(having("numpy")).not_checked is None
    assert checked(side(), frameworks=("torch",)).not_checked is None
    assert checked(side({"facts.frameworks.imported": ["jax"]})).not_checked is None
    policy = Policy(frameworks=("torch",))
    assert context(policy).state(side(), None).not_checked is None


def test_of_two_sides_one_framework_is_enough() -> None:
    for sides in ((having("torch"), side()), (side(), having("torch"))):
        assert compared(*sides).not_checked is None
        assert checked(sides[1], sides[0]).not_checked is None


def test_two_documents_without_a_framework_are_not_checked() -> None:
    report = compared(side(prefix="/opt/a"), side(prefix="/opt/b"))
    assert report.not_checked == f"no framework in /opt/a or /opt/b; {ASKS}"
    assert report.look_next == ()
    one = compared(side(), side())
    assert one.summary == f"{NONE}; {ASKS}"


def test_frameworks_that_could_not_be_read_are_unknown_and_not_missing() -> None:
    report = checked(side(unknown=DENIED))
    assert report.not_checked == f"the frameworks in /opt/lint are unknown (denied); {ASKS}"
    both = compared(side(unknown=DENIED, prefix="/opt/a"), side())
    assert both.not_checked == f"{NONE}; the frameworks in /opt/a are unknown (denied); {ASKS}"
    old = dict.fromkeys(DENIED, "not recorded by envprint 0.1.0")
    assert "are unknown (not recorded by envprint 0.1.0)" in str(
        checked(side(unknown=old)).not_checked
    )


def test_a_framework_whose_own_record_cannot_be_read_is_there() -> None:
    """What is judged for it is then undecided, and not left out."""
    odd = side({"facts.frameworks.numpy": {"version": "2.4.6"}}, {framework_path("torch"): "odd"})
    assert frameworks_in(odd).names == ("numpy", "torch")
    assert detect(odd).frameworks == ("numpy", "torch")
    old = odd._replace(unknown={framework_path("torch"): "not recorded by envprint 0.1.0"})
    assert detect(old).frameworks == ("numpy",)


def test_a_named_framework_that_is_missing_breaks_a_run_and_never_a_diff() -> None:
    rule = "framework-named-missing"
    for asked in (context(frameworks=("torch",)), context(Policy(frameworks=("torch",)))):
        assert asked.state(side(), None).findings[0].rule == rule
        assert rule in [f.rule for f in asked.state(side(), having("numpy")).findings]
        for before in (side(), having("numpy"), having("torch")):
            assert rule not in [f.rule for f in asked.drift(before, side()).findings]
    unknown = context(frameworks=("torch",)).state(side(unknown=DENIED), None)
    assert rule in [entry.rule for entry in unknown.undecided]
    assert unknown.exit_code(Impact.NUMERIC, fail_on_unknown=True) == 3


GPU_RULE = "gpu-memory-free-low"
NO_GPU = {"facts.gpu.devices": {}, "facts.gpu.count": 0, "facts.gpu.status": "no library"}


@pytest.mark.parametrize("values", [NO_GPU, {VISIBLE: "-1"}, {VISIBLE: ""}, {VISIBLE: "7"}])
@pytest.mark.parametrize("frameworks", [(), ("numpy",), ("torch",)])
def test_gpu_memory_that_is_required_breaks_without_a_gpu_however_it_is_stated(
    values: dict[str, Any], frameworks: tuple[str, ...]
) -> None:
    now = machine(A10, more={**values, "facts.frameworks.torch": {"version": "2.13.0"}})
    required = Policy(required=Requirements(min_free_gpu_bytes=1 << 30))
    option = {"min_free_gpu_bytes": 1 << 30, "frameworks": frameworks}
    for asked in (
        context(**option),
        context(required, frameworks=frameworks),
        context(required._replace(device="cpu"), frameworks=frameworks),
        context(Policy(device="cpu"), **option),
    ):
        report = asked.state(now, None)
        assert (report.impact, report.workload.device) == (Impact.BREAKS, "gpu")
        assert GPU_RULE in [finding.rule for finding in report.findings]
    # Who says on the command line that the work is on the CPU has no need of a GPU.
    assert context(required, device="cpu").state(now, None).workload.device == "cpu"


def test_a_policy_that_requires_gpu_memory_makes_no_gpu_job_of_two_documents() -> None:
    cpu = machine(more={**NO_GPU, "facts.frameworks.torch": {"version": "2.13.0"}})
    required = Policy(required=Requirements(min_free_gpu_bytes=1 << 30))
    assert context(required).drift(cpu, cpu).workload.device == "cpu"
