"""Rules about the processor: what libraries make of it counts, not what it could do."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.rules.kit import instruction_sets
from tests.builders.cpus import AVX, AVX2, AVX512, FLAGS, cpu, limited
from tests.builders.support import drift, fingerprint, state

USABLE = "facts.cpu.usable_threads"
BF16 = [*AVX512, "avx512_bf16", "avx512_vnni"]


def test_losing_avx512_moves_the_kernels_of_the_jobs_libraries_only() -> None:
    findings, undecided = drift("cpu-isa-changed", cpu(AVX512), cpu(AVX2), ["torch"])
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "the instruction set of PyTorch's kernels was avx512, is avx2; "
            "oneDNN's instruction set was avx512, is avx2; "
            "MKL's instruction set was avx512, is avx2",
            (FLAGS,),
            "export ATEN_CPU_CAPABILITY=avx2; export ONEDNN_MAX_CPU_ISA=AVX2; export MKL_CBWR=AVX2",
        )
    ]


def test_features_that_no_float32_kernel_is_chosen_by_are_quiet() -> None:
    assert drift("cpu-isa-changed", cpu(AVX512), cpu(BF16), ["numpy", "torch"]) == ([], [])


def test_tensorflow_turns_onednn_on_by_the_processor() -> None:
    findings, undecided = drift("cpu-isa-changed", cpu(BF16), cpu(AVX512), ["tensorflow"])
    assert [(f.message, f.remedy) for f in findings] == [
        (
            "oneDNN was on, is off",
            "export TF_ENABLE_ONEDNN_OPTS=1",
        )
    ]
    assert undecided == []


def test_the_same_limit_on_both_sides_makes_processors_equal() -> None:
    caps = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
    before, after = cpu(AVX512, **caps), cpu(AVX2, **caps)
    assert drift("cpu-isa-changed", before, after, ["torch"]) == ([], [])


def test_a_limit_on_one_library_leaves_the_others_as_findings() -> None:
    caps = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE"}
    before, after = (cpu(flags, **caps) for flags in (AVX512, AVX2))
    findings, _ = drift("cpu-isa-changed", before, after, ["torch"])
    assert [f.message for f in findings] == [
        "oneDNN's instruction set was avx512, is avx2; variables hold the instruction set of "
        "PyTorch's kernels and MKL's instruction set alike"
    ]


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        ({"MKL_CBWR": "AUTO"}, 1),
        ({"MKL_CBWR": "AVX2,STRICT"}, 0),
        ({"MKL_ENABLE_INSTRUCTIONS": "AVX2"}, 0),
        ({}, 1),
    ],
)
def test_mkl_is_limited_by_variables_of_its_own(caps: dict[str, str], said: int) -> None:
    caps = {**caps, "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    before, after = cpu(AVX512, **caps), cpu(AVX2, **caps)
    assert len(drift("cpu-isa-changed", before, after, ["torch"])[0]) == said


def test_numpy_is_told_how_to_limit_the_version_at_hand() -> None:
    findings, _ = drift("cpu-isa-changed", cpu(AVX512), cpu(AVX2), ["numpy"])
    assert "OPENBLAS_CORETYPE=Haswell; export NPY_DISABLE_CPU_FEATURES=X86_V4" in findings[0].remedy
    findings, _ = drift("cpu-isa-changed", cpu(AVX512, "1.26.4"), cpu(AVX2, "1.26.4"), ["numpy"])
    assert "NPY_DISABLE_CPU_FEATURES=AVX512F" in findings[0].remedy


@pytest.mark.parametrize(
    ("version", "flags", "pinned"),
    [
        ("2.4.6", AVX, "X86_V4 X86_V3"),
        ("1.26.4", AVX, "AVX512F AVX2"),
        ("1.23.5", AVX2, "AVX512F AVX512_SKX"),
    ],
)
def test_what_numpy_is_told_makes_the_processors_equal(
    version: str, flags: list[str], pinned: str
) -> None:
    findings, _ = drift("cpu-isa-changed", cpu(AVX512, version), cpu(flags, version), ["numpy"])
    assert f"export NPY_DISABLE_CPU_FEATURES='{pinned}'" in findings[0].remedy
    before, after = (cpu(f, version, NPY_DISABLE_CPU_FEATURES=pinned) for f in (AVX512, flags))
    findings, _ = drift("cpu-isa-changed", before, after, ["numpy"])
    assert "variables hold the instruction set of NumPy's loops alike" in findings[0].message


def test_a_gpu_job_sees_the_processor_through_numpy_only() -> None:
    assert drift("cpu-isa-changed", cpu(AVX512), cpu(AVX2), ["torch"], "gpu") == ([], [])
    findings, _ = drift("cpu-isa-changed", cpu(AVX512), cpu(AVX2), ["numpy"], "gpu")
    assert len(findings) == 1


def test_unknown_flags_leave_the_rule_undecided() -> None:
    unknown = fingerprint(unknown={FLAGS: "no /proc"})
    findings, undecided = drift("cpu-isa-changed", cpu(AVX2), unknown, ["numpy"])
    assert (findings, [d.path for d in undecided]) == ([], [FLAGS])


def test_another_architecture_says_it_once() -> None:
    arm = fingerprint({FLAGS: ["asimd"], "facts.cpu.architecture": "aarch64"})
    findings, undecided = drift("cpu-architecture-changed", cpu(AVX2), arm, ["numpy"])
    assert [(f.impact, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, "x86_64", "aarch64")
    ]
    assert undecided == []
    assert drift("cpu-isa-changed", cpu(AVX2), arm, ["numpy"])[0] == []
    assert drift("cpu-architecture-changed", arm, arm) == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "framework", "device", "impact"),
    [
        ("x86_64", "aarch64", "torch", "cpu", Impact.DIVERGES),
        ("ppc64le", "x86_64", "torch", "cpu", Impact.DIVERGES),
        ("aarch64", "riscv64", "torch", "cpu", Impact.NUMERIC),
        ("x86_64", "aarch64", "torch", "gpu", Impact.NUMERIC),
        ("x86_64", "aarch64", "tensorflow", "cpu", Impact.NUMERIC),
    ],
)
def test_pytorch_draws_other_dropout_masks_on_the_cpu_outside_x86(
    before: str, after: str, framework: str, device: str, impact: Impact
) -> None:
    sides = [fingerprint({"facts.cpu.architecture": name}) for name in (before, after)]
    findings, _ = drift("cpu-architecture-changed", *sides, [framework], device)
    assert [(f.impact, f.message) for f in findings] == [
        (impact, f"the architecture was {before}, is {after}")
    ]


def test_an_unknown_architecture_is_a_doubt() -> None:
    unknown = fingerprint(unknown={"facts.cpu.architecture": "?"})
    assert len(drift("cpu-architecture-changed", cpu(AVX2), unknown)[1]) == 1


@pytest.mark.parametrize(("flags", "level"), [(["asimd"], "asimd"), ([], "baseline")])
def test_off_x86_the_features_themselves_are_the_class(flags: list[str], level: str) -> None:
    arm = fingerprint({FLAGS: flags, "facts.cpu.architecture": "aarch64"})
    assert instruction_sets.native(arm) == level


def test_sve_moves_the_kernels_of_an_arm_machine() -> None:
    one, two = (
        fingerprint({FLAGS: flags, "facts.cpu.architecture": "aarch64"})
        for flags in (["asimd"], ["asimd", "sve"])
    )
    findings, _ = drift("cpu-isa-changed", one, two, ["numpy", "torch"])
    assert "NumPy's OpenBLAS was asimd, is asimd sve" in findings[0].message


def vendor(name: str | None, **variables: str) -> Fingerprint:
    return fingerprint({"facts.cpu.vendor": name, "facts.environ.variables": variables})


def test_another_maker_matters_to_mkl() -> None:
    intel, amd = vendor("GenuineIntel"), vendor("AuthenticAMD")
    findings, undecided = drift("cpu-vendor-changed", intel, amd, ["torch"])
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.NUMERIC, "the processor's vendor was GenuineIntel, is AuthenticAMD")
    ]
    assert undecided == []
    assert drift("cpu-vendor-changed", intel, amd, ["numpy"]) == ([], [])
    assert drift("cpu-vendor-changed", intel, intel, ["torch"]) == ([], [])


def test_the_compatible_branch_makes_makers_equal() -> None:
    intel, amd = (vendor(name, MKL_CBWR="COMPATIBLE") for name in ("GenuineIntel", "AuthenticAMD"))
    assert drift("cpu-vendor-changed", intel, amd, ["torch"]) == ([], [])


def test_an_unknown_maker_is_a_doubt() -> None:
    unknown = fingerprint(unknown={"facts.cpu.vendor": "?"})
    assert len(drift("cpu-vendor-changed", vendor("x"), unknown, ["torch"])[1]) == 1


def usable(count: int, **variables: str) -> Fingerprint:
    return fingerprint({USABLE: count, "facts.environ.variables": variables})


@pytest.mark.parametrize("framework", ["numpy", "scikit-learn", "tensorflow", "torch", "jax"])
def test_another_number_of_cpus_is_numeric_for_every_framework(framework: str) -> None:
    findings, undecided = drift("cpu-usable-threads-changed", usable(2), usable(1), [framework])
    assert [(f.impact, f.paths, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, (USABLE,), 2, 1)
    ]
    assert undecided == []


def test_the_remedy_is_the_lower_count_in_the_librarys_own_variable() -> None:
    findings, _ = drift("cpu-usable-threads-changed", usable(8), usable(2), ["tensorflow", "torch"])
    assert findings[0].remedy == ("export MKL_NUM_THREADS=2; export TF_NUM_INTRAOP_THREADS=2")


def test_fixed_thread_counts_make_the_number_of_cpus_quiet() -> None:
    one = {"OMP_NUM_THREADS": "2"}
    rule = "cpu-usable-threads-changed"
    assert drift(rule, usable(8, **one), usable(4, **one), ["numpy", "torch"]) == ([], [])
    assert len(drift(rule, usable(8, **one), usable(1, **one), ["numpy"])[0]) == 1


def test_a_torch_job_on_a_gpu_does_not_count_cpus() -> None:
    assert drift("cpu-usable-threads-changed", usable(8), usable(4), ["torch"], "gpu") == ([], [])


def test_an_unknown_count_of_cpus_is_a_doubt() -> None:
    unknown = fingerprint(unknown={USABLE: "denied"})
    findings, undecided = drift("cpu-usable-threads-changed", usable(2), unknown, ["numpy"])
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def test_a_quota_changes_the_speed() -> None:
    quota = "facts.cpu.quota_cpus"
    findings, _ = drift("cpu-quota-changed", fingerprint({quota: 2.0}), fingerprint({quota: None}))
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.PERF, "cpu.quota_cpus was 2.0, is unset")
    ]
    assert drift("cpu-quota-changed", fingerprint({quota: 2.0}), fingerprint({quota: 2.0})) == (
        [],
        [],
    )
    assert len(drift("cpu-quota-changed", fingerprint(), fingerprint(unknown={quota: "?"}))[1]) == 1


def counted(
    quota: float | None = None, cores: int | None = 4, version: str = "1.9.1", **variables: str
) -> Fingerprint:
    return fingerprint(
        {
            USABLE: 8,
            "facts.cpu.threads": 8,
            "facts.cpu.cores": cores,
            "facts.cpu.quota_cpus": quota,
            "facts.frameworks.scikit_learn.version": version,
            "facts.environ.variables": variables,
        }
    )


def test_scikit_learn_counts_the_quota() -> None:
    rule = "cpu-quota-limits-threads"
    findings, undecided = drift(rule, counted(), counted(1.5), ["scikit-learn"])
    assert [(f.impact, f.message, f.paths, f.before, f.after, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "scikit-learn's OpenMP thread count was 4, is 2",
            ("facts.cpu.quota_cpus",),
            None,
            1.5,
            "export OMP_NUM_THREADS=2",
        )
    ]
    assert undecided == []
    assert drift("cpu-quota-changed", counted(), counted(1.5), ["scikit-learn"]) == ([], [])
    assert drift(rule, counted(), counted(1.5), ["numpy"]) == ([], [])
    assert len(drift("cpu-quota-changed", counted(), counted(1.5), ["numpy"])[0]) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (counted(), counted(12.0)),
        (counted(2.0), counted(1.2)),
        (counted(OMP_NUM_THREADS="8"), counted(1.0, OMP_NUM_THREADS="8")),
        (counted(4.0, LOKY_MAX_CPU_COUNT="2"), counted(3.0, LOKY_MAX_CPU_COUNT="2")),
        (counted(cores=8, version="1.2.2"), counted(cores=4, version="1.2.2")),
    ],
)
def test_a_quota_that_leaves_the_count_is_quiet(before: Fingerprint, after: Fingerprint) -> None:
    assert drift("cpu-quota-limits-threads", before, after, ["scikit-learn"]) == ([], [])


def test_scikit_learn_counts_cores_and_not_their_hardware_threads() -> None:
    findings, undecided = drift(
        "cpu-quota-limits-threads", counted(cores=8), counted(cores=4), ["scikit-learn"]
    )
    assert [f.message for f in findings] == ["scikit-learn's OpenMP thread count was 8, is 4"]
    assert undecided == []


def test_an_unknown_quota_is_a_doubt() -> None:
    unknown = fingerprint(unknown={"facts.cpu.quota_cpus": "denied"})
    findings, undecided = drift("cpu-quota-limits-threads", counted(), unknown, ["scikit-learn"])
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


@pytest.mark.parametrize(
    ("value", "flags", "said"),
    [
        ("avx2", AVX512, ["numeric"]),
        ("default", AVX512, ["numeric"]),
        ("avx512", AVX512, []),
        ("avx2", AVX2, []),
        ("avx512", AVX2, []),
        ("default", AVX, []),
        ("AVX2", AVX512, []),
        ("odd", AVX512, []),
        ("", AVX512, []),
    ],
)
def test_pytorchs_limit_counts_when_it_is_below_the_processor(
    value: str, flags: list[str], said: list[str]
) -> None:
    rule = "torch-cpu-capability-limited"
    assert limited(rule, "ATEN_CPU_CAPABILITY", value, flags, "torch") == said
    assert limited(rule, "ATEN_CPU_CAPABILITY", value, flags, "numpy") == []


@pytest.mark.parametrize(
    ("name", "value", "flags", "said"),
    [
        ("ONEDNN_MAX_CPU_ISA", "AVX2", AVX512, ["numeric"]),
        ("ONEDNN_MAX_CPU_ISA", "avx2_vnni", AVX512, ["numeric"]),
        ("ONEDNN_MAX_CPU_ISA", "SSE41", AVX2, ["numeric"]),
        ("ONEDNN_MAX_CPU_ISA", "AVX", AVX2, ["numeric"]),
        ("DNNL_MAX_CPU_ISA", "AVX2", AVX512, ["numeric"]),
        ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE", BF16, []),
        ("ONEDNN_MAX_CPU_ISA", "AVX10_1_512", AVX512, []),
        ("ONEDNN_MAX_CPU_ISA", "DEFAULT", AVX512, []),
        ("ONEDNN_MAX_CPU_ISA", "AVX2", AVX2, []),
        ("ONEDNN_MAX_CPU_ISA", "nonsense", AVX512, []),
    ],
)
def test_onednns_limit_counts_when_it_leaves_the_class(
    name: str, value: str, flags: list[str], said: list[str]
) -> None:
    assert limited("onednn-isa-limited", name, value, flags, "tensorflow") == said
    assert limited("onednn-isa-limited", name, value, flags, "torch") == said
    assert limited("onednn-isa-limited", name, value, flags, "jax") == said
    assert limited("onednn-isa-limited", name, value, flags, "numpy") == []


def test_onednns_newer_name_hides_the_older() -> None:
    before = cpu(AVX512, ONEDNN_MAX_CPU_ISA="AVX512_CORE")
    after = cpu(AVX512, ONEDNN_MAX_CPU_ISA="AVX512_CORE", DNNL_MAX_CPU_ISA="AVX2")
    assert drift("onednn-isa-limited", before, after, ["torch"]) == ([], [])


@pytest.mark.parametrize(
    ("version", "value", "flags", "said"),
    [
        ("2.4.6", "X86_V4", AVX512, ["numeric"]),
        ("2.4.6", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR", AVX512, ["numeric"]),
        ("2.4.6", "X86_V3,X86_V4", AVX2, ["numeric"]),
        ("2.4.6", "X86_V4", AVX2, []),
        ("2.4.6", "AVX512F AVX512_SKX AVX2", AVX512, []),
        ("2.4.6", "x86_v4", AVX512, []),
        ("2.4.6", "AVX512_ICL", AVX512, []),
        ("1.26.4", "AVX512F", AVX512, ["numeric"]),
        ("1.26.4", "AVX512CD", AVX512, ["numeric"]),
        ("1.26.4", "AVX512_SKX", AVX512, []),
        ("2.2.6", "AVX512_SKX AVX512_ICL", AVX512, []),
        ("1.23.5", "AVX512_SKX", AVX512, ["numeric"]),
        ("1.23.5", "AVX512F", AVX512, ["numeric"]),
        ("1.23.5", "AVX512CD AVX2", AVX512, []),
        ("1.26.4", "AVX2 FMA3", AVX512, []),
        ("1.26.4", "AVX2", AVX2, ["numeric"]),
        ("1.26.4", "F16C", AVX2, ["numeric"]),
        ("1.26.4", "X86_V4", AVX512, []),
        ("1.26.4", "AVX512F", AVX2, []),
    ],
)
def test_numpy_knows_its_features_by_names_that_changed_with_2_4(
    version: str, value: str, flags: list[str], said: list[str]
) -> None:
    before = cpu(flags, version)
    after = cpu(flags, version, NPY_DISABLE_CPU_FEATURES=value)
    findings, undecided = drift("numpy-cpu-features-limited", before, after, ["numpy"])
    assert ([f.impact.word for f in findings], undecided) == (said, [])


@pytest.mark.parametrize(
    ("version", "value", "flags", "said"),
    [
        ("2.4.6", "X86_V3", AVX512, ["numeric"]),
        ("2.4.6", "X86_V4", AVX512, ["numeric"]),
        ("2.4.6", "AVX2", AVX512, ["numeric"]),
        ("2.4.6", "X86_V3 X86_V4", AVX512, []),
        ("2.4.6", "X86_V3", AVX2, []),
        ("1.26.4", "AVX2", AVX512, ["numeric"]),
        ("1.26.4", "AVX512F AVX512CD", AVX512, []),
        ("1.23.5", "AVX2", AVX512, []),
    ],
)
def test_enabling_chosen_features_only_is_a_limit_too(
    version: str, value: str, flags: list[str], said: list[str]
) -> None:
    before, after = (cpu(flags, version), cpu(flags, version, NPY_ENABLE_CPU_FEATURES=value))
    findings, undecided = drift("numpy-cpu-features-limited", before, after, ["numpy"])
    assert ([f.impact.word for f in findings], undecided) == (said, [])


def test_enabling_the_lower_class_is_disabling_the_higher() -> None:
    enabled = cpu(AVX512, NPY_ENABLE_CPU_FEATURES="X86_V3")
    disabled = cpu(AVX512, NPY_DISABLE_CPU_FEATURES="X86_V4")
    assert drift("numpy-cpu-features-limited", enabled, disabled, ["numpy"]) == ([], [])


def test_a_limit_on_an_unknown_processor_is_a_doubt() -> None:
    unknown = fingerprint(
        {"facts.environ.variables": {"ATEN_CPU_CAPABILITY": "avx2"}}, {FLAGS: "no /proc"}
    )
    findings, undecided = drift("torch-cpu-capability-limited", cpu(AVX2), unknown, ["torch"])
    assert (findings, [d.path for d in undecided]) == ([], [FLAGS])
    assert drift("torch-cpu-capability-limited", cpu(AVX2), cpu(AVX512), ["torch"]) == ([], [])


MICROCODE, OLD = "facts.cpu.microcode", "facts.cpu.old_microcode"


def running(model: str, microcode: str | None, old: bool | None = None) -> Fingerprint:
    values = {"vendor": "GenuineIntel", "model": model, "microcode": microcode}
    return fingerprint({"facts.cpu": {**values, "old_microcode": old}})


I9 = "Intel(R) Core(TM) i9-14900K"


def test_microcode_that_wears_the_processor_out_is_advice_about_the_firmware() -> None:
    (found,), undecided = state("cpu-microcode-known-bad", running(I9, "0x129"))
    assert found.message.startswith("microcode 0x129 of this i9-14900K asks for voltages")
    assert "firmware" in found.remedy
    assert (found.impact, found.paths, undecided) == (
        Impact.BREAKS,
        (MICROCODE, "facts.cpu.model"),
        [],
    )


@pytest.mark.parametrize(
    ("model", "microcode"),
    [
        (I9, "0x12b"),
        (I9, "0x12f"),
        (I9, "0x1"),  # of KVM
        (I9, "0xffffffff"),  # of Hyper-V
        (I9, None),
        ("Intel(R) Core(TM) i9-14900T", "0x11d"),
        ("Intel(R) Core(TM) i9-14900HX", "0x11d"),
        ("13th Gen Intel(R) Core(TM) i5-13400", "0x2e"),
        ("Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz", "0xd0003a5"),
    ],
)
def test_fixed_microcode_and_that_of_other_processors_is_quiet(
    model: str, microcode: str | None
) -> None:
    assert state("cpu-microcode-known-bad", running(model, microcode)) == ([], [])


def test_microcode_that_linux_calls_old_is_advice() -> None:
    (found,), _ = state("cpu-microcode-old", running("a Xeon", "0xd0003a5", old=True))
    assert found.message == "Linux knows a later microcode for this processor than 0xd0003a5"
    assert state("cpu-microcode-old", running(I9, "0x1", old=False)) == ([], [])
    assert state("cpu-microcode-old", running(I9, "0x1", old=None)) == ([], [])


@pytest.mark.parametrize(
    ("rule", "path"), [("cpu-microcode-known-bad", MICROCODE), ("cpu-microcode-old", OLD)]
)
def test_unknown_microcode_is_undecided(rule: str, path: str) -> None:
    findings, (undecided,) = state(rule, fingerprint(unknown={path: "no answer"}))
    assert (findings, undecided.path) == ([], path)
