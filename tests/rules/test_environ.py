"""Rules about environment variables: each fires, stays quiet, and admits doubt."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"


def misspelt(name: str, meant: str, value: str = "1", usable: int = 2) -> Fingerprint:
    return fingerprint(
        {
            f"facts.environ.misspelt[{name}]": meant,
            "facts.environ.variables": {name: value},
            "facts.cpu": {"usable_threads": usable, "flags": ["avx512_vnni"]},
        }
    )


def test_a_misspelt_name_is_a_finding_that_names_both() -> None:
    now = misspelt("OMP_NUM_THREAD", "OMP_NUM_THREADS")
    findings, undecided = state("environ-name-misspelt", now, ["numpy"])
    assert [(f.impact, f.message, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "OMP_NUM_THREAD is set, OMP_NUM_THREADS was probably meant",
            "OMP_NUM_THREAD",
        )
    ]
    assert undecided == []


@pytest.mark.parametrize(
    ("name", "meant", "value", "framework", "impact"),
    [
        ("OMP_NUM_THREAD", "OMP_NUM_THREADS", "1", "torch", "numeric"),
        ("OMP_NUM_THREAD", "OMP_NUM_THREADS", "2", "torch", "none"),
        ("OMP_NUM_THREAD", "OMP_NUM_THREADS", "1", "tensorflow", "none"),
        ("TF_ENABLE_ONEDNN_OPT", "TF_ENABLE_ONEDNN_OPTS", "0", "tensorflow", "numeric"),
        ("TF_ENABLE_ONEDNN_OPT", "TF_ENABLE_ONEDNN_OPTS", "1", "tensorflow", "none"),
        ("TF_ENABLE_ONEDNN_OPT", "TF_ENABLE_ONEDNN_OPTS", "0", "torch", "none"),
        ("JAX_ENABLE_X46", "JAX_ENABLE_X64", "1", "jax", "diverges"),
        ("TF_CPP_MIN_LOG_LEVE", "TF_CPP_MIN_LOG_LEVEL", "1", "tensorflow", "none"),
    ],
)
def test_a_misspelt_name_counts_in_a_check_if_what_was_meant_would_change_this_job(
    name: str, meant: str, value: str, framework: str, impact: str
) -> None:
    now = misspelt(name, meant, value)
    findings, undecided = state("environ-name-misspelt", now, [framework])
    assert ([f.impact.word for f in findings], undecided) == ([impact], [])


def test_a_name_that_is_misspelt_on_one_side_changes_nothing_and_is_listed() -> None:
    before, now = fingerprint(), misspelt("OMP_NUM_THREAD", "OMP_NUM_THREADS")
    findings, undecided = drift("environ-name-misspelt", before, now, ["numpy"])
    assert ([f.impact for f in findings], undecided) == ([Impact.NONE], [])
    assert findings[0].message == "OMP_NUM_THREAD is set, OMP_NUM_THREADS was probably meant"
    assert drift("environ-name-misspelt", now, now, ["numpy"]) == ([], [])
    assert drift("environ-name-misspelt", now, before, ["numpy"]) == ([], [])


def test_no_misspelt_name_is_quiet() -> None:
    assert state("environ-name-misspelt", fingerprint({"facts.environ.misspelt": {}})) == ([], [])


def test_unknown_names_leave_the_rule_undecided() -> None:
    now = fingerprint(unknown={"facts.environ.misspelt": "denied"})
    findings, undecided = state("environ-name-misspelt", now)
    assert findings == []
    assert [(d.path, d.reason) for d in undecided] == [("facts.environ.misspelt", "denied")]


def test_onednn_off_is_numeric_for_tensorflow_on_the_cpu() -> None:
    findings, _ = drift(
        "tensorflow-onednn-switched", fingerprint(), fingerprint({ONEDNN: "0"}), ["tensorflow"]
    )
    assert [(f.impact, f.paths, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, (ONEDNN,), None, "0")
    ]


def test_onednn_does_not_reach_numpy() -> None:
    after = fingerprint({ONEDNN: "0"})
    assert drift("tensorflow-onednn-switched", fingerprint(), after, ["numpy"]) == ([], [])


def switched(rule: str, before: dict[str, str], after: dict[str, str], *where: str) -> list[str]:
    """Impacts of what a rule says of two sets of variables, for frameworks and a device."""
    *frameworks, device = where
    sides = [fingerprint({"facts.environ.variables": v}) for v in (before, after)]
    findings, undecided = drift(rule, *sides, frameworks, device)
    assert undecided == []
    return [f.impact.word for f in findings]


def onednn(version: str, flags: list[str], model: str = "", **variables: str) -> Fingerprint:
    return fingerprint(
        {
            "facts.frameworks.tensorflow.version": version,
            "facts.cpu": {"flags": flags, "model": model},
            "facts.environ.variables": variables,
        }
    )


VNNI = ["avx2", "avx512_vnni"]


@pytest.mark.parametrize(
    ("version", "flags", "model", "means_on"),
    [
        ("2.21.0", VNNI, "", True),
        ("2.21.0", ["avx2", "avx512f"], "", False),
        ("2.21.0", ["asimd"], "Neoverse-V1", True),
        ("2.21.0", ["asimd"], "Neoverse-N1", False),
        ("2.8.4", VNNI, "", False),
    ],
)
def test_onednn_unset_means_on_from_2_9_with_neural_instructions(
    version: str, flags: list[str], model: str, means_on: bool
) -> None:
    for value in ("0", "1", "true", "odd"):
        sides = (
            onednn(version, flags, model),
            onednn(version, flags, model, TF_ENABLE_ONEDNN_OPTS=value),
        )
        findings, undecided = drift("tensorflow-onednn-switched", *sides, ["tensorflow"])
        is_moved = value != "odd" and means_on == (value == "0")
        assert (len(findings), undecided) == (int(is_moved), [])


def test_unknown_features_leave_onednn_undecided() -> None:
    sides = [
        fingerprint({"facts.environ.variables": v}, {"facts.cpu.flags": "no /proc"})
        for v in ({}, {"TF_ENABLE_ONEDNN_OPTS": "0"})
    ]
    findings, undecided = drift("tensorflow-onednn-switched", *sides, ["tensorflow"])
    assert (findings, [d.path for d in undecided]) == ([], ["facts.cpu.flags"])


CHANGED = "facts.environ.changed_since_start"


def late(name: str, start: str | None, now: str | None, *imported: str) -> Fingerprint:
    return fingerprint(
        {
            f"{CHANGED}[{name}]": {"start": start, "now": now},
            "facts.frameworks.imported": list(imported),
        }
    )


def test_a_hash_seed_that_the_program_sets_is_too_late() -> None:
    findings, undecided = state("environ-set-too-late", late("PYTHONHASHSEED", None, "0"))
    assert [(f.impact, f.message, f.before, f.after, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "PYTHONHASHSEED was unset when the process started and was then set to 0: unset stays "
            "in effect",
            None,
            "0",
            "export PYTHONHASHSEED=0",
        )
    ]
    assert undecided == []


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES"])
def test_what_the_loader_reads_is_too_late_as_well(name: str) -> None:
    findings, _ = state("environ-set-too-late", late(name, "/a", ""))
    assert findings[0].message.endswith("then set to empty: /a stays in effect")


def test_a_variable_that_is_read_later_is_not_too_late() -> None:
    assert state("environ-set-too-late", late("OMP_NUM_THREADS", None, "1")) == ([], [])
    assert state("environ-set-too-late", fingerprint({CHANGED: {}})) == ([], [])
    _, undecided = state("environ-set-too-late", fingerprint(unknown={CHANGED: "no /proc"}))
    assert [d.reason for d in undecided] == ["no /proc"]


def test_a_variable_set_beside_an_imported_framework_is_advice() -> None:
    now = late("OMP_NUM_THREADS", None, "1", "numpy", "torch")
    advice, undecided = state("environ-set-in-process", now)
    assert [f.message for f in advice] == [
        "the process itself set OMP_NUM_THREADS to 1, possibly after the import of numpy and torch"
    ]
    assert undecided == []


def test_a_variable_that_no_imported_framework_reads_is_quiet() -> None:
    assert state("environ-set-in-process", late("OMP_NUM_THREADS", None, "1")) == ([], [])
    now = late("TF_CPP_MIN_LOG_LEVEL", None, "3", "numpy")
    assert state("environ-set-in-process", now) == ([], [])
    unknown = fingerprint(unknown={CHANGED: "denied"})
    assert len(state("environ-set-in-process", unknown)[1]) == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, "/usr/lib/libjemalloc.so.2", []),
        ({}, "/usr/lib/libtcmalloc_minimal.so.4 /usr/lib/libmimalloc.so", []),
        ({}, "/opt/libmkl_rt.so", ["numeric"]),
        ({"LD_PRELOAD": "/opt/a/libgomp.so.1"}, "/opt/b/libgomp.so.1", []),
        ({"LD_PRELOAD": "/opt/libgomp.so.1"}, "/opt/libgomp.so.1:/x/libjemalloc.so", []),
    ],
)
def test_allocators_may_be_preloaded(before: dict[str, str], after: str, said: list[str]) -> None:
    assert switched("environ-preload-changed", before, {"LD_PRELOAD": after}, "cpu") == said


def test_other_preloaded_libraries_are_named() -> None:
    after = fingerprint({"facts.environ.variables": {"LD_PRELOAD": "/opt/libmkl_rt.so"}})
    findings, _ = drift("environ-preload-changed", fingerprint(), after)
    assert [f.message for f in findings] == ["preloaded on one side only: libmkl_rt.so"]


def test_another_library_path_is_advice() -> None:
    rule, after = "environ-library-path-changed", {"LD_LIBRARY_PATH": "/opt/cuda/lib64"}
    assert switched(rule, {}, after, "cpu") == ["numeric"]
    assert switched(rule, after, after, "cpu") == []


PRECISION = "onednn-precision-changed"


@pytest.mark.parametrize(
    ("name", "value", "where", "said"),
    [
        ("ONEDNN_DEFAULT_FPMATH_MODE", "BF16", ["amx_bf16", "avx2"], ["numeric"]),
        ("DNNL_DEFAULT_FPMATH_MODE", "any", ["amx_fp16"], ["numeric"]),
        ("TF_SET_ONEDNN_FPMATH_MODE", "bf16", ["amx_bf16"], ["numeric"]),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "STRICT", ["amx_bf16"], []),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "odd", ["amx_bf16"], []),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "BF16", ["avx512_bf16", "avx512_vnni"], []),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "BF16", None, []),
    ],
)
def test_a_lower_precision_counts_where_onednn_has_kernels_for_it(
    name: str, value: str, where: list[str] | None, said: list[str]
) -> None:
    cpu = {"facts.cpu.flags": where, "facts.cpu.architecture": "x86_64"}
    variables = "facts.environ.variables"
    sides = fingerprint({**cpu, variables: {}}), fingerprint({**cpu, variables: {name: value}})
    findings, undecided = drift(PRECISION, *sides, ["tensorflow"])
    assert ([f.impact.name.lower() for f in findings], undecided) == (said, [])
    assert drift(PRECISION, sides[1], sides[1], ["tensorflow"]) == ([], [])
    assert drift(PRECISION, *sides, ["numpy"]) == ([], [])
    assert drift(PRECISION, *sides, ["tensorflow"], "gpu") == ([], [])


def test_a_lower_precision_counts_on_arm_and_tensorflows_own_switch_for_it_alone() -> None:
    arm = {"facts.cpu.architecture": "aarch64", "facts.cpu.flags": []}
    before = fingerprint(arm)
    after = fingerprint({**arm, "facts.environ.variables": {"DNNL_DEFAULT_FPMATH_MODE": "BF16"}})
    assert [f.message for f in drift(PRECISION, before, after, ["torch"])[0]] == [
        "DNNL_DEFAULT_FPMATH_MODE was unset, is BF16: oneDNN's precision for float32 was float32, "
        "is bf16"
    ]
    own = fingerprint({**arm, "facts.environ.variables": {"TF_SET_ONEDNN_FPMATH_MODE": "BF16"}})
    assert drift(PRECISION, before, own, ["torch"]) == ([], [])


def test_unknown_instructions_leave_the_precision_undecided() -> None:
    after = fingerprint(
        {"facts.environ.variables": {"ONEDNN_DEFAULT_FPMATH_MODE": "BF16"}},
        {"facts.cpu.flags": "no /proc"},
    )
    assert len(drift(PRECISION, fingerprint(), after, ["torch"])[1]) == 1


@pytest.mark.parametrize(
    ("name", "default", "other"),
    [
        ("TF_FP16_MATMUL_USE_FP32_COMPUTE", "1", "0"),
        ("TF_MATMUL_AUTOTUNE_ENABLE", "false", "true"),
    ],
)
def test_switches_of_gpu_kernels_count_when_they_leave_their_default(
    name: str, default: str, other: str
) -> None:
    rule = "tensorflow-gpu-kernels-switched"
    assert switched(rule, {}, {name: other}, "tensorflow", "gpu") == ["numeric"]
    assert switched(rule, {}, {name: default}, "tensorflow", "gpu") == []
    assert switched(rule, {}, {name: other}, "tensorflow", "cpu") == []
    assert switched(rule, {name: other}, {name: other}, "tensorflow", "gpu") == []
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift(rule, fingerprint(), unknown, ["tensorflow"], "gpu")[1]) == 1


def test_onednn_has_no_switch_before_2_5() -> None:
    sides = (onednn("2.4.4", ["avx512_vnni"], **v) for v in ({}, {"TF_ENABLE_ONEDNN_OPTS": "1"}))
    assert drift("tensorflow-onednn-switched", *sides, ["tensorflow"]) == ([], [])


@pytest.mark.parametrize(("value", "said"), [("TRUE", 1), ("true", 1), ("FALSE", 0), ("", 0)])
def test_openmp_threads_that_follow_the_load_break_what_counts_on_them(
    value: str, said: int
) -> None:
    rule, path = "openmp-threads-vary", "facts.environ.variables[OMP_DYNAMIC]"
    now = fingerprint({path: value})
    for framework in ("scikit-learn", "torch"):
        findings, undecided = state(rule, now, [framework])
        assert [(f.impact, f.message, f.after) for f in findings] == said * [
            (Impact.BREAKS, f"OMP_DYNAMIC is {value}", value)
        ]
        assert undecided == []
        assert state(rule, now, [framework], "gpu") == ([], [])
    assert state(rule, now, ["numpy", "tensorflow"]) == ([], [])
    assert len(drift(rule, fingerprint(), now, ["scikit-learn"])[0]) == said
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(state(rule, unknown, ["scikit-learn"])[1]) == 1


def test_what_is_preloaded_too_late_is_not_preloaded() -> None:
    before = fingerprint({"facts.environ.variables": {}, CHANGED: {}})
    value = "/opt/libm_fast.so"
    after = late("LD_PRELOAD", None, value)
    after.facts["environ"]["variables"] = {"LD_PRELOAD": value}
    assert drift("environ-preload-changed", before, after) == ([], [])
    early = fingerprint({"facts.environ.variables": {"LD_PRELOAD": value}, CHANGED: {}})
    assert len(drift("environ-preload-changed", before, early)[0]) == 1


def test_a_switch_that_the_program_sets_itself_is_told_with_what_it_depends_on() -> None:
    before = fingerprint({"facts.environ.variables": {}, "facts.cpu.flags": ["avx512_vnni"]})
    after = late("TF_ENABLE_ONEDNN_OPTS", None, "0", "tensorflow")
    after.facts["environ"]["variables"] = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    after.facts["cpu"] = {"flags": ["avx512_vnni"]}
    rule = "tensorflow-onednn-switched"
    assert [f.message for f in drift(rule, before, after, ["tensorflow"])[0]] == [
        "TF_ENABLE_ONEDNN_OPTS was unset, is 0: oneDNN was on, is off (set by the program itself: "
        "it counts only if that was before the import of tensorflow)"
    ]


def captured_in(via: str, **variables: str) -> Fingerprint:
    return fingerprint({"facts.environ.variables": variables})._replace(captured_via=via)


def test_what_an_engine_sets_is_named_where_one_side_was_captured_in_it() -> None:
    outside = captured_in("cli", TF_ENABLE_ONEDNN_OPTS="0")
    inside = captured_in("python:Dask", OMP_NUM_THREADS="1", PYTHONHASHSEED="6640")
    for before, after, word in ((outside, inside, "after"), (inside, outside, "before")):
        findings, undecided = drift("environ-engine-sets", before, after)
        assert [(f.impact, f.message) for f in findings] == [
            (
                Impact.NONE,
                f"the side {word} was captured in Dask, which sets OMP_NUM_THREADS, "
                "PYTHONHASHSEED itself",
            )
        ]
        assert undecided == []


def test_two_engines_are_both_named() -> None:
    ray = captured_in("python:Ray", OMP_NUM_THREADS="1")
    torchrun = captured_in("cli:torchrun", OMP_NUM_THREADS="4")
    findings, _ = drift("environ-engine-sets", ray, torchrun)
    assert [f.message.split(",")[0] for f in findings] == [
        "the side before was captured in Ray",
        "the side after was captured in torchrun",
    ]


@pytest.mark.parametrize("via", ["python:Dask", "cli", "python:New engine", "import:Dask", "x:Ray"])
def test_an_engine_on_both_sides_or_on_none_says_nothing(via: str) -> None:
    before, after = (captured_in(via, OMP_NUM_THREADS=number) for number in "12")
    assert drift("environ-engine-sets", before, after) == ([], [])


def test_an_engine_that_set_nothing_that_differs_says_nothing() -> None:
    same = {"OMP_NUM_THREADS": "1"}
    before, after = captured_in("cli", **same), captured_in("python:Ray", **same)
    assert drift("environ-engine-sets", before, after) == ([], [])


def test_what_an_engine_sets_stays_open_where_the_variables_are_unknown() -> None:
    before = fingerprint(unknown={"facts.environ.variables": "denied"})
    after = captured_in("python:Ray", OMP_NUM_THREADS="1")
    findings, undecided = drift("environ-engine-sets", before, after)
    assert findings == []
    assert [entry.path for entry in undecided] == ["facts.environ.variables"]
