"""Several causes at once: whole reports, in which what cancels out is not said."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.judging.policy.model import Policy
from envprint.rules import catalogue
from tests.builders.cpus import AVX2, AVX512
from tests.builders.judged import judge_drift
from tests.builders.support import fingerprint, workload

Said = list[tuple[str, str]]

CAPS = {
    "numpy": {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    },
    "torch": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": "COMPATIBLE",
    },
    "tensorflow": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
}
"""The variables that hold every library of a framework at AVX2."""


def machine(
    flags: list[str] = AVX512,
    cpus: int = 2,
    vendor: str = "GenuineIntel",
    more: dict[str, Any] | None = None,
    **variables: str,
) -> Fingerprint:
    return fingerprint(
        {
            "facts.cpu.flags": flags,
            "facts.cpu.architecture": "x86_64",
            "facts.cpu.vendor": vendor,
            "facts.cpu.usable_threads": cpus,
            "facts.os.libc": "glibc 2.36",
            "facts.os.system": "Linux",
            "facts.frameworks.numpy": {"version": "2.4.6", "blas": {"name": "scipy-openblas"}},
            "facts.frameworks.tensorflow.version": "2.21.0",
            "facts.frameworks.torch.version": "2.13.0",
            "facts.environ.variables": variables,
            **(more or {}),
        }
    )


def report(before: Fingerprint, after: Fingerprint, *frameworks: str) -> Report:
    return judge_drift(before, after, workload(frameworks), Policy())


def said(before: Fingerprint, after: Fingerprint, *frameworks: str) -> Said:
    whole = report(before, after, *frameworks)
    assert whole.undecided == ()
    return [(finding.rule, finding.message) for finding in whole.findings]


def impact(before: Fingerprint, after: Fingerprint, *frameworks: str) -> str:
    return report(before, after, *frameworks).impact.word


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_the_same_caps_on_both_sides_make_two_processors_one(framework: str) -> None:
    before, after = (machine(flags, **CAPS[framework]) for flags in (AVX512, AVX2))
    assert said(before, after, framework) == []


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_caps_on_one_side_only_are_enough_when_the_other_has_no_more(framework: str) -> None:
    capped, small = machine(AVX512, **CAPS[framework]), machine(AVX2)
    rules = {rule for rule, _ in said(capped, small, framework)}
    assert "cpu-isa-changed" not in rules


@pytest.mark.parametrize(
    ("framework", "cap", "told"),
    [
        (
            "numpy",
            "OPENBLAS_CORETYPE",
            "the instruction set of NumPy's loops was avx512, is avx2; "
            "variables hold the instruction set of NumPy's OpenBLAS alike",
        ),
        (
            "numpy",
            "NPY_DISABLE_CPU_FEATURES",
            "the instruction set of NumPy's OpenBLAS was avx512, is avx2; "
            "variables hold the instruction set of NumPy's loops alike",
        ),
        (
            "torch",
            "ATEN_CPU_CAPABILITY",
            "oneDNN's instruction set was avx512, is avx2; MKL's instruction set was avx512, is "
            "avx2; variables hold the instruction set of PyTorch's kernels alike",
        ),
    ],
)
def test_a_cap_on_one_library_leaves_the_others_named(framework: str, cap: str, told: str) -> None:
    caps = {cap: CAPS[framework][cap]}
    before, after = (machine(flags, **caps) for flags in (AVX512, AVX2))
    assert said(before, after, framework) == [("cpu-isa-changed", told)]


def test_a_cap_above_what_one_processor_has_does_not_help() -> None:
    caps = {"OPENBLAS_CORETYPE": "SkylakeX", "NPY_DISABLE_CPU_FEATURES": "AVX512_SPR"}
    before, after = (machine(flags, **caps) for flags in (AVX512, AVX2))
    assert [rule for rule, _ in said(before, after, "numpy")] == ["cpu-isa-changed"]


def test_another_maker_is_said_where_mkl_is_left_free() -> None:
    caps = {**CAPS["torch"], "MKL_CBWR": "AVX2"}
    intel, amd = (machine(AVX2, vendor=v, **caps) for v in ("GenuineIntel", "AuthenticAMD"))
    assert [rule for rule, _ in said(intel, amd, "torch")] == ["cpu-vendor-changed"]
    both = (machine(AVX2, vendor=v, **CAPS["torch"]) for v in ("GenuineIntel", "AuthenticAMD"))
    assert said(*both, "torch") == []


@pytest.mark.parametrize(
    ("variables", "cpus", "impacts"),
    [
        ({"OPENBLAS_NUM_THREADS": "4"}, 2, {"numpy": "none", "torch": "none"}),
        ({"OMP_NUM_THREADS": "2"}, 2, {"numpy": "none", "torch": "none"}),
        (
            {"OMP_NUM_THREADS": "1"},
            2,
            {"numpy": "numeric", "torch": "numeric", "scikit-learn": "numeric"},
        ),
        ({"OPENBLAS_NUM_THREADS": "1"}, 2, {"numpy": "numeric", "torch": "none"}),
        ({"MKL_NUM_THREADS": "1"}, 2, {"numpy": "none", "torch": "numeric"}),
        (
            {"OMP_DYNAMIC": "TRUE", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
            2,
            {"numpy": "none", "torch": "breaks"},
        ),
        (
            {"NUMEXPR_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"},
            2,
            {"numpy": "none", "torch": "none"},
        ),
    ],
)
def test_thread_variables_alone(
    variables: dict[str, str], cpus: int, impacts: dict[str, str]
) -> None:
    before, after = machine(cpus=cpus), machine(cpus=cpus, **variables)
    assert {name: impact(before, after, name) for name in impacts} == impacts
    assert impact(before, after, "tensorflow") == "none"


@pytest.mark.parametrize("framework", ["numpy", "scikit-learn", "torch"])
def test_the_same_thread_count_on_other_machines_is_the_same(framework: str) -> None:
    two, eight = (machine(cpus=cpus, OMP_NUM_THREADS="2") for cpus in (2, 8))
    assert said(two, eight, framework) == []
    assert impact(two, eight, "tensorflow") == "numeric"


@pytest.mark.parametrize("framework", ["numpy", "scikit-learn", "tensorflow", "torch"])
def test_fewer_usable_cpus_reach_every_framework(framework: str) -> None:
    found = said(machine(cpus=2), machine(cpus=1), framework)
    assert [rule for rule, _ in found] == ["cpu-usable-threads-changed"]


def test_one_thread_on_two_cpus_is_one_cpu() -> None:
    assert said(machine(cpus=2, OMP_NUM_THREADS="1"), machine(cpus=1), "numpy", "torch") == []


def test_fewer_cpus_and_another_variable_are_said_once() -> None:
    found = said(machine(cpus=8), machine(cpus=2, OMP_NUM_THREADS="2"), "numpy")
    assert [rule for rule, _ in found] == ["cpu-usable-threads-changed"]


SILENT = {
    "facts.os.kernel_release": ("6.1.0-18-amd64", "6.8.0-45-generic"),
    "facts.os.time_zone": ("Etc/UTC", "Asia/Tokyo"),
    "facts.python.version": ("3.11.2", "3.11.7"),
    "facts.python.flags": ({"optimize": 0}, {"optimize": 2}),
    "facts.packages.distributions[h5py].version": ("3.12.1", "3.14.0"),
    "facts.packages.distributions[pillow].version": ("9.5.0", "12.0.0"),
    "facts.packages.distributions[tokenizers].version": ("0.15.2", "0.22.0"),
    "live.host.uptime_s": (1.0, 2e6),
}


@pytest.mark.parametrize("path", SILENT)
def test_what_does_not_matter_is_neither_a_finding_nor_advice(path: str) -> None:
    before, after = (machine(more={path: value}) for value in SILENT[path])
    whole = report(before, after, "numpy", "scikit-learn", "tensorflow", "torch")
    assert (whole.findings, whole.advice) == ((), ())


ADVICE = {
    "facts.os.locale": ("C", "de_DE.UTF-8"),
    "facts.python.hash_seed": ("0", "7"),
    "facts.python.version": ("3.10.13", "3.11.7"),
    "facts.packages.distributions[lightgbm].version": ("4.3.0", "4.6.0"),
    "facts.packages.distributions[opencv-python-headless].version": ("4.6.0.66", "4.10.0.84"),
}


@pytest.mark.parametrize("path", ADVICE)
def test_what_concerns_some_code_only_is_advice(path: str) -> None:
    before, after = (machine(more={path: value}) for value in ADVICE[path])
    whole = report(before, after, "numpy", "torch")
    assert whole.findings == ()
    assert [advice.paths[0] for advice in whole.advice] == [path]


MEASURED_OTHERWISE = {
    "facts.python.version": ("3.11.7", "3.12.1"),
    "facts.packages.distributions[pandas].version": ("2.1.4", "2.2.3"),
    "facts.packages.distributions[pillow].version": ("8.4.0", "9.1.0"),
    "facts.packages.distributions[opencv-python].version": ("4.8.1", "5.0.0"),
}


@pytest.mark.parametrize("path", MEASURED_OTHERWISE)
def test_a_step_that_gave_other_bits_is_a_finding_with_the_impact_of_its_page(path: str) -> None:
    before, after = (machine(more={path: value}) for value in MEASURED_OTHERWISE[path])
    whole = report(before, after, "numpy", "torch")
    (finding,) = whole.findings
    (rule,) = (rule for rule in catalogue() if rule.id == finding.rule)
    assert (finding.paths[0], finding.impact, whole.impact) == (path, rule.impact, rule.impact)
