"""Rules about JAX and about XLA's flags: which of them reach the job, and what they change."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.rules.frameworks.xla import flags_of
from tests.builders.support import drift, fingerprint, state

VARIABLES = "facts.environ.variables"
FRAMEWORK = "facts.frameworks.jax"


def having(version: str | None, lib: str | None = None) -> Fingerprint:
    return fingerprint({FRAMEWORK: {"version": version, "jaxlib_version": lib or version}})


def setting(**variables: str) -> Fingerprint:
    return fingerprint({VARIABLES: variables})


def said(
    rule: str, before: dict[str, str], after: dict[str, str], framework: str, device: str
) -> list[str]:
    """Impacts of what the rule says when variables change."""
    findings, undecided = drift(rule, setting(**before), setting(**after), [framework], device)
    assert undecided == []
    return [finding.impact.name.lower() for finding in findings]


def test_another_version_of_jax_is_numeric() -> None:
    before, after = having("0.10.1"), having("0.10.2")
    findings, undecided = drift("jax-version-changed", before, after, ["jax"])
    assert [(f.impact, f.message, f.paths, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "JAX was 0.10.1, is 0.10.2",
            (f"{FRAMEWORK}.version", f"{FRAMEWORK}.jaxlib_version"),
            "pip install jax==0.10.1",
        )
    ]
    assert undecided == []
    assert drift("jax-version-changed", before, before, ["jax"]) == ([], [])
    assert drift("jax-version-changed", before, after, ["torch"]) == ([], [])
    unknown = fingerprint(unknown={FRAMEWORK: "odd"})
    assert len(drift("jax-version-changed", before, unknown, ["jax"])[1]) == 1


def test_another_jaxlib_under_the_same_jax_is_seen() -> None:
    sides = having("0.10.2", "0.10.1"), having("0.10.2", "0.10.2")
    findings, _ = drift("jax-version-changed", *sides, ["jax"])
    assert [(f.before, f.after) for f in findings] == [("0.10.1", "0.10.2")]


@pytest.mark.parametrize(
    ("version", "lib", "expected"),
    [
        ("0.4.30", "0.5.0", 1),
        ("0.10.1", "0.10.2", 1),
        ("0.10.2", "0.10.2", 0),
        ("0.10.2", "0.10.0", 0),
        ("0.9.0", "0.9.0.1", 0),
        ("0.3.25", "0.4.0", 0),
        ("odd", "0.4.0", 0),
        (None, None, 0),
    ],
)
def test_jax_refuses_a_jaxlib_that_is_newer(
    version: str | None, lib: str | None, expected: int
) -> None:
    findings, undecided = state("jaxlib-newer-than-jax", having(version, lib), ["jax"])
    assert ([f.impact for f in findings], undecided) == ([Impact.BREAKS] * expected, [])
    assert state("jaxlib-newer-than-jax", having(version, lib), ["torch"]) == ([], [])


def test_the_finding_names_both_versions_and_what_to_install() -> None:
    findings, _ = state("jaxlib-newer-than-jax", having("0.4.30", "0.5.0"), ["jax"])
    assert [(f.message, f.remedy) for f in findings] == [
        ("jax is 0.4.30, jaxlib is 0.5.0", "pip install jax==0.5.0")
    ]
    sides = having("0.5.0"), having("0.4.30", "0.5.0")
    assert drift("jax-version-changed", *sides, ["jax"]) == ([], [])
    unknown = fingerprint({f"{FRAMEWORK}.version": "0.5.0"}, {f"{FRAMEWORK}.jaxlib_version": "odd"})
    assert len(state("jaxlib-newer-than-jax", unknown, ["jax"])[1]) == 1


def jax(version: str | None, flag: str | None = None) -> Fingerprint:
    variables = {} if flag is None else {"JAX_THREEFRY_PARTITIONABLE": flag}
    return fingerprint({f"{FRAMEWORK}.version": version, VARIABLES: variables})


@pytest.mark.parametrize(
    ("before", "after", "remedy"),
    [
        (jax("0.4.38"), jax("0.5.0"), "export JAX_THREEFRY_PARTITIONABLE=0"),
        (jax("0.10.2"), jax("0.4.30"), "export JAX_THREEFRY_PARTITIONABLE=1"),
        (jax("0.5.0", "0"), jax("0.5.0"), "export JAX_THREEFRY_PARTITIONABLE=0"),
        (jax("0.4.38"), jax("0.5.0", "0"), None),
        (jax("0.4.38", "true"), jax("0.5.0"), None),
        (jax("0.5.0"), jax("0.10.2"), None),
        (jax(None), jax("0.10.2"), None),
    ],
)
def test_jax_draws_other_numbers_across_0_5_0(
    before: Fingerprint, after: Fingerprint, remedy: str | None
) -> None:
    findings, undecided = drift("jax-prng-default-changed", before, after, ["jax"])
    expected = [(Impact.DIVERGES, remedy)] if remedy else []
    assert [(f.impact, f.remedy) for f in findings] == expected
    assert undecided == []
    if remedy and before.value(FRAMEWORK) != after.value(FRAMEWORK):
        assert drift("jax-version-changed", before, after, ["jax"]) == ([], [])


def test_an_unknown_jax_leaves_its_random_numbers_undecided() -> None:
    unknown = fingerprint(unknown={FRAMEWORK: "odd"})
    assert len(drift("jax-prng-default-changed", jax("0.5.0"), unknown, ["jax"])[1]) == 1


@pytest.mark.parametrize(
    ("rule", "name", "values", "impact"),
    [
        ("jax-x64-switched", "JAX_ENABLE_X64", ("0", "1"), "diverges"),
        ("jax-x64-switched", "JAX_ENABLE_X64", ("", "True"), "diverges"),
        ("jax-compilation-switched", "JAX_DISABLE_JIT", ("false", "yes"), "numeric"),
        (
            *("jax-compilation-switched", "JAX_DISABLE_MOST_OPTIMIZATIONS"),
            *(("0", "1"), "numeric"),
        ),
        ("jax-prng-changed", "JAX_DEFAULT_PRNG_IMPL", ("threefry2x32", "rbg"), "diverges"),
        ("jax-seed-offset-changed", "JAX_RANDOM_SEED_OFFSET", ("0", "1"), "diverges"),
        ("jax-seed-offset-changed", "JAX_RANDOM_SEED_OFFSET", (" +0", "-3"), "diverges"),
    ],
)
def test_a_switch_of_jax_counts_when_it_means_something_else(
    rule: str, name: str, values: tuple[str, str], impact: str
) -> None:
    default, other = ({name: value} for value in values)
    assert said(rule, {}, other, "jax", "cpu") == [impact]
    assert said(rule, default, other, "jax", "gpu") == [impact]
    assert said(rule, {}, default, "jax", "cpu") == []
    assert said(rule, other, other, "jax", "cpu") == []
    assert said(rule, {}, other, "tensorflow", "cpu") == []
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    findings, undecided = drift(rule, setting(), unknown, ["jax"])
    assert (findings, len(undecided)) == ([], 1)


def test_the_precision_of_products_counts_on_a_gpu() -> None:
    rule, after = "jax-matmul-precision-changed", {"JAX_DEFAULT_MATMUL_PRECISION": "highest"}
    assert said(rule, {}, after, "jax", "gpu") == ["numeric"]
    assert said(rule, {}, after, "jax", "cpu") == []
    assert said(rule, after, after, "jax", "gpu") == []
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift(rule, setting(), unknown, ["jax"], "gpu")[1]) == 1


def test_the_switch_that_follows_from_a_variable_is_explained_with_it() -> None:
    switch = {"jax-x64": {"value": "on", "source": "JAX_ENABLE_X64"}}
    after = fingerprint({VARIABLES: {"JAX_ENABLE_X64": "1"}, "facts.determinism.switches": switch})
    before = fingerprint({"facts.determinism.switches": {}, VARIABLES: {}})
    findings, _ = drift("jax-x64-switched", before, after, ["jax"])
    assert findings[0].paths == (
        f"{VARIABLES}[JAX_ENABLE_X64]",
        "facts.determinism.switches[jax-x64]",
    )


SWITCHES = "facts.determinism.switches"


def process(framework: str, variables: dict[str, str] | None = None, **told: str) -> Fingerprint:
    """What a process has told that had loaded the framework."""
    switches = {k.replace("_", "-"): {"value": v, "source": "a.call"} for k, v in told.items()}
    known = {SWITCHES: switches, "facts.frameworks.imported": [framework]}
    return fingerprint({**known, VARIABLES: variables or {}, f"{FRAMEWORK}.version": "0.10.2"})


@pytest.mark.parametrize(
    ("rule", "switch", "values", "name", "impact"),
    [
        ("jax-x64-switched", "jax_x64", ("off", "on"), "JAX_ENABLE_X64", Impact.DIVERGES),
        (
            "jax-prng-changed",
            "jax_prng",
            ("threefry2x32", "rbg"),
            "JAX_DEFAULT_PRNG_IMPL",
            Impact.DIVERGES,
        ),
        (
            "jax-prng-default-changed",
            "jax_threefry_partitionable",
            ("on", "off"),
            "JAX_THREEFRY_PARTITIONABLE",
            Impact.DIVERGES,
        ),
        (
            "jax-matmul-precision-changed",
            "jax_matmul_precision",
            (None, "highest"),
            "JAX_DEFAULT_MATMUL_PRECISION",
            Impact.NUMERIC,
        ),
        (
            "jax-compilation-switched",
            "jax_disable_jit",
            ("off", "on"),
            "JAX_DISABLE_JIT",
            Impact.NUMERIC,
        ),
    ],
)
def test_what_a_program_has_set_in_jax_counts_as_its_variable_does(
    rule: str, switch: str, values: tuple[str | None, str], name: str, impact: Impact
) -> None:
    before, after = (process("jax", **({switch: v} if v else {})) for v in values)
    findings, undecided = drift(rule, before, after, ["jax"], "gpu")
    place = f"{SWITCHES}[{switch.replace('_', '-')}]"
    assert [f.impact for f in findings] == [impact]
    assert any(path.startswith(place) for path in findings[0].paths)
    assert undecided == []
    assert drift("determinism-switches-changed", before, after, ["jax"], "gpu") == ([], [])
    by_variable = process("jax", {name: values[1]}, **{switch: values[1]})
    assert drift(rule, after, by_variable, ["jax"], "gpu") == ([], [])
    assert [f.impact for f in drift(rule, before, by_variable, ["jax"], "gpu")[0]] == [impact]
    command = fingerprint({VARIABLES: {}, SWITCHES: {}, f"{FRAMEWORK}.version": "0.10.2"})
    assert drift(rule, command, after, ["jax"], "gpu") == ([], [])


def test_clustering_that_a_program_asks_for_counts_where_it_is_compiled() -> None:
    rule = "tensorflow-clustering-changed"
    left, asked = process("tensorflow"), process("tensorflow", tensorflow_auto_jit="on")
    findings, undecided = drift(rule, left, asked, ["tensorflow"], "gpu")
    assert [(f.impact, f.message) for f in findings] == [
        (
            Impact.DIVERGES,
            "TensorFlow's clusters were compiled with nothing, are with tf_xla_auto_jit=1",
        )
    ]
    assert undecided == []
    assert drift(rule, left, asked, ["tensorflow"], "cpu") == ([], [])
    off = process("tensorflow", tensorflow_auto_jit="off")
    assert drift(rule, left, off, ["tensorflow"], "gpu") == ([], [])
    on_cpu = process("tensorflow", {"TF_XLA_FLAGS": "--tf_xla_cpu_global_jit"})
    called = process(
        "tensorflow", {"TF_XLA_FLAGS": "--tf_xla_cpu_global_jit"}, tensorflow_auto_jit="on"
    )
    assert len(drift(rule, on_cpu, called, ["tensorflow"], "cpu")[0]) == 1


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (None, {}),
        ("  ", {}),
        ("--a=1 -b --a=2", {"a": "2", "b": "true"}),
        ("--a=False --b=0 --c=True", {"a": "false", "b": "false", "c": "true"}),
        ("--xla_gpu_autotune_level=0", {"xla_gpu_autotune_level": "0"}),
        ("--a= --=1 --- nonsense", {"a": "true"}),
        ("/etc/xla.flags", {"/etc/xla.flags": "file"}),
    ],
)
def test_flags_are_read_as_xla_reads_them(text: str | None, flags: dict[str, str]) -> None:
    assert flags_of(text) == flags


CASES: list[tuple[Any, ...]] = [
    ("", "--xla_gpu_deterministic_ops=true", "jax", "gpu", ["numeric"]),
    ("", "--xla_gpu_deterministic_ops=true", "jax", "cpu", []),
    ("", "--xla_gpu_deterministic_ops=false", "jax", "gpu", []),
    ("", "--xla_gpu_autotune_level=0", "jax", "gpu", ["numeric"]),
    ("", "--xla_gpu_autotune_level=4", "jax", "gpu", []),
    ("", "--xla_cpu_enable_fast_math=true", "jax", "cpu", ["numeric"]),
    ("", "--xla_cpu_enable_fast_math=true", "jax", "gpu", []),
    ("", "--xla_tpu_rotated_pincer_emitter=true", "jax", "cpu", []),
    ("", "--xla_dump_to=/tmp/a --xla_dump_hlo_as_text", "jax", "gpu", []),
    ("", "--xla_force_host_platform_device_count=4", "jax", "cpu", []),
    ("", "--xla_backend_optimization_level=0", "jax", "gpu", ["numeric"]),
    ("--a=1 --b=2", "--b=2  --a=1", "jax", "gpu", []),
    ("--a --b=1", "--b --a=true", "jax", "cpu", []),
    ("", "--a=1", "tensorflow", "gpu", ["numeric"]),
    ("", "--a=1", "tensorflow", "cpu", []),
    ("", "--a=1", "torch", "gpu", []),
    ("/etc/a", "/etc/b", "jax", "cpu", ["numeric"]),
]


@pytest.mark.parametrize(("before", "after", "framework", "device", "expected"), CASES)
def test_a_flag_counts_on_the_device_that_reads_it(
    before: str, after: str, framework: str, device: str, expected: list[str]
) -> None:
    sides = [{"XLA_FLAGS": before}, {"XLA_FLAGS": after}]
    assert said("xla-flags-changed", *sides, framework, device) == expected


def test_the_finding_names_the_flags_that_count_and_no_other() -> None:
    flags = "--xla_dump_to=/tmp --xla_gpu_autotune_level=0 --xla_cpu_max_isa=AVX"
    findings, undecided = drift(
        "xla-flags-changed", setting(), setting(XLA_FLAGS=flags), ["jax"], "gpu"
    )
    assert [(f.message, f.paths) for f in findings] == [
        (
            "XLA_FLAGS: xla_gpu_autotune_level was unset, is 0",
            (f"{VARIABLES}[XLA_FLAGS]",),
        )
    ]
    assert undecided == []
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift("xla-flags-changed", setting(), unknown, ["jax"], "gpu")[1]) == 1


def test_tensorflow_on_a_cpu_reads_xlas_flags_once_it_clusters() -> None:
    clusters = {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"}
    fast = {**clusters, "XLA_FLAGS": "--xla_cpu_enable_fast_math"}
    assert said("xla-flags-changed", clusters, fast, "tensorflow", "cpu") == ["numeric"]


@pytest.mark.parametrize(
    ("before", "after", "device", "expected"),
    [
        ("", "--tf_xla_auto_jit=2", "gpu", ["diverges"]),
        ("", "--tf_xla_auto_jit=2", "cpu", []),
        ("", "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit", "cpu", ["diverges"]),
        ("", "--tf_xla_auto_jit=0 --tf_xla_cpu_global_jit", "cpu", []),
        ("--tf_xla_auto_jit=1", "--tf_xla_auto_jit=2", "gpu", ["diverges"]),
        ("--tf_xla_min_cluster_size=4", "--tf_xla_min_cluster_size=8", "gpu", []),
        ("--tf_xla_auto_jit=-1", "", "gpu", []),
        ("--tf_xla_auto_jit=2", "--tf_xla_clustering_debug --tf_xla_auto_jit=2", "gpu", []),
    ],
)
def test_clusters_count_where_they_are_compiled(
    before: str, after: str, device: str, expected: list[str]
) -> None:
    rule, name = "tensorflow-clustering-changed", "TF_XLA_FLAGS"
    assert said(rule, {name: before}, {name: after}, "tensorflow", device) == expected
    assert said(rule, {name: before}, {name: after}, "jax", device) == []
    assert said(rule, {name: after}, {name: after}, "tensorflow", device) == []


def test_unknown_variables_leave_clusters_undecided() -> None:
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift("tensorflow-clustering-changed", setting(), unknown, ["tensorflow"])[1]) == 1


def test_another_number_of_host_devices_is_advice() -> None:
    rule = "jax-host-devices-changed"
    four = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    one = {"XLA_FLAGS": "--xla_force_host_platform_device_count=1"}
    assert said(rule, {}, four, "jax", "cpu") == ["diverges"]
    assert said(rule, {}, one, "jax", "cpu") == []
    assert said(rule, four, four, "jax", "cpu") == []
    assert said(rule, {}, four, "jax", "gpu") == []
    advice, _ = drift(rule, setting(), setting(**four), ["jax"])
    assert [f.message for f in advice] == ["XLA showed the CPU as 1, shows it as 4 devices"]
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift(rule, setting(), unknown, ["jax"])[1]) == 1


def flagged(value: str, unknown: list[str] | None = None, lib: str = "0.10.2") -> Fingerprint:
    found = {"jaxlib_version": lib, "unknown_xla_flags": unknown}
    return fingerprint({FRAMEWORK: found, VARIABLES: {"XLA_FLAGS": value}})


def test_a_flag_that_xla_does_not_have_stops_jax_in_a_check_and_in_a_diff() -> None:
    rule, value = "xla-flag-unknown", "--xla_cpu_enable_fast_mat=true --xla_new=1"
    now = flagged(value, ["xla_cpu_enable_fast_mat", "xla_new"])
    for findings, undecided in (
        state(rule, now, ["jax"]),
        drift(rule, flagged("", []), now, ["jax"]),
    ):
        assert undecided == []
        assert [(f.impact, f.message) for f in findings] == [
            (
                Impact.BREAKS,
                "XLA_FLAGS contains xla_cpu_enable_fast_mat, which this XLA does not know; "
                "xla_cpu_enable_fast_math was probably meant",
            ),
            (Impact.BREAKS, "XLA_FLAGS contains xla_new, which this XLA does not know"),
        ]
    assert drift(rule, now, now, ["jax"]) == ([], [])
    assert state(rule, now, ["tensorflow"]) == ([], [])
    for quiet in (flagged("--xla_cpu_enable_fast_math", []), flagged(" ")):
        assert state(rule, quiet, ["jax"]) == ([], [])


def test_without_the_librarys_flags_a_slip_is_seen_and_any_other_flag_is_undecided() -> None:
    lost = {f"{FRAMEWORK}.unknown_xla_flags": "no library with XLA was found in jaxlib"}
    for value, said in (
        ("--xla_gpu_autotune_levl=0", 1),
        ("--xla_gpu_deterministic-ops=true", 0),
        ("--xla_new=1", 0),
    ):
        now = fingerprint({VARIABLES: {"XLA_FLAGS": value}}, lost)
        findings, undecided = state("xla-flag-unknown", now, ["jax"])
        assert (len(findings), len(undecided)) == (said, 1 - said)


@pytest.mark.parametrize(
    ("lib", "said"), [("0.10.2", 0), ("0.8.1", 0), ("0.5.3", 1), ("0.4.38", 1)]
)
def test_a_flag_that_no_longer_does_anything_on_a_cpu_is_no_difference(lib: str, said: int) -> None:
    recipe = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    sides = flagged("", lib=lib), flagged(recipe, lib=lib)
    assert len(drift("xla-flags-changed", *sides, ["jax"])[0]) == said
    assert len(drift("xla-flags-changed", *sides, ["jax"], "gpu")[0]) == 0
