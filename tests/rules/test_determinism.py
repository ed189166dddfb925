"""Rules about determinism switches: what differs, what contradicts itself, what is off."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

SWITCHES = "facts.determinism.switches"
TENSORFLOW = "facts.frameworks.tensorflow.version"
FRAMEWORKS = ["jax", "tensorflow", "torch"]


def variables(**values: str) -> Fingerprint:
    return fingerprint({"facts.environ.variables": values, SWITCHES: {}})


def test_deterministic_operations_round_differently_on_the_cpu_too() -> None:
    before, after = variables(), variables(TF_DETERMINISTIC_OPS="1")
    rule = "tensorflow-deterministic-ops-changed"
    findings, undecided = drift(rule, before, after, ["tensorflow"])
    assert [(f.impact, f.message, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, "TF_DETERMINISTIC_OPS was unset, is 1", None, "1")
    ]
    assert undecided == []
    assert drift(rule, before, after, ["torch"]) == ([], [])
    assert drift(rule, after, after, ["tensorflow"]) == ([], [])


@pytest.mark.parametrize("same", ["0", "false", "", "odd"])
def test_a_variable_that_says_its_default_is_no_change(same: str) -> None:
    rule = "tensorflow-deterministic-ops-changed"
    after = variables(TF_DETERMINISTIC_OPS=same)
    assert drift(rule, variables(), after, ["tensorflow"]) == ([], [])
    on, yes = variables(TF_DETERMINISTIC_OPS="1"), variables(TF_DETERMINISTIC_OPS="true")
    assert drift(rule, on, yes, ["tensorflow"]) == ([], [])
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift(rule, on, unknown, ["tensorflow"])[1]) == 1


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        ("tensorflow-cudnn-determinism-changed", "TF_CUDNN_DETERMINISTIC", "1"),
        ("tensorflow-cudnn-determinism-changed", "TF_CUDNN_USE_AUTOTUNE", "0"),
        ("cublas-workspace-changed", "CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
    ],
)
def test_what_cuda_libraries_read_counts_on_a_gpu(rule: str, name: str, value: str) -> None:
    before, after = variables(), variables(**{name: value})
    findings, undecided = drift(rule, before, after, ["tensorflow"], "gpu")
    assert ([f.impact for f in findings], undecided) == ([Impact.NUMERIC], [])
    assert drift(rule, before, after, ["tensorflow"], "cpu") == ([], [])
    assert drift(rule, after, after, ["tensorflow"], "gpu") == ([], [])
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift(rule, before, unknown, ["tensorflow"], "gpu")[1]) == 1


def test_autotuning_off_takes_determinism_away() -> None:
    now = variables(TF_CUDNN_DETERMINISTIC="1", TF_CUDNN_USE_AUTOTUNE="0")
    rule = "tensorflow-autotune-defeats-determinism"
    findings, undecided = state(rule, now, ["tensorflow"], "gpu")
    assert [f.message for f in findings] == [
        "TF_CUDNN_USE_AUTOTUNE=0 is set together with TF_CUDNN_DETERMINISTIC=1"
    ]
    assert undecided == []
    alone = variables(TF_CUDNN_DETERMINISTIC="1")
    assert state(rule, alone, ["tensorflow"], "gpu") == ([], [])
    assert state(rule, now, ["tensorflow"], "cpu") == ([], [])
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(state(rule, unknown, ["tensorflow"], "gpu")[1]) == 1


@pytest.mark.parametrize(
    ("version", "said"),
    [("2.4.1", 0), ("2.5.0", 1), ("2.8.4", 1), ("2.9.0", 0), ("2.21.0", 0), (None, 0)],
)
def test_from_2_5_to_2_8_convolutions_vary(version: str | None, said: int) -> None:
    now = fingerprint({TENSORFLOW: version})
    findings, undecided = state("tensorflow-convolutions-vary", now, ["tensorflow"], "gpu")
    assert (len(findings), undecided) == (said, [])


def test_an_unknown_version_leaves_convolutions_undecided() -> None:
    unknown = fingerprint(unknown={"facts.frameworks.tensorflow": "odd"})
    assert len(state("tensorflow-convolutions-vary", unknown, ["tensorflow"], "gpu")[1]) == 1


def loaded(source: str = "a call", **values: str) -> Fingerprint:
    switches = {k.replace("_", "-"): {"value": v, "source": source} for k, v in values.items()}
    return fingerprint({SWITCHES: switches})


def test_a_switch_that_both_sides_tell_is_compared() -> None:
    before, after = loaded(torch_threads="2"), loaded(torch_threads="4")
    findings, undecided = drift("determinism-switches-changed", before, after, ["torch"])
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.NUMERIC,
            "torch-threads was 2, is 4",
            (f"{SWITCHES}[torch-threads].value",),
        )
    ]
    assert undecided == []
    assert drift("determinism-switches-changed", before, after, ["tensorflow"]) == ([], [])


def test_a_switch_that_one_side_could_not_see_is_quiet() -> None:
    rule = "determinism-switches-changed"
    assert drift(rule, loaded(), loaded(torch_threads="4"), ["torch"]) == ([], [])
    assert drift(rule, loaded(torch_threads="4"), loaded(torch_threads="4"), ["torch"]) == ([], [])


def test_a_switch_of_the_gpu_is_nothing_to_a_job_on_the_cpu() -> None:
    before, after = loaded(torch_cudnn_benchmark="on"), loaded(torch_cudnn_benchmark="off")
    rule = "determinism-switches-changed"
    assert drift(rule, before, after, ["torch"], "cpu") == ([], [])
    assert len(drift(rule, before, after, ["torch"], "gpu")[0]) == 1


def test_a_switch_that_variables_set_is_left_to_the_variables_rule() -> None:
    before, after = (loaded("TF_DETERMINISTIC_OPS", tensorflow_op_determinism=v) for v in "01")
    assert drift("determinism-switches-changed", before, after, ["tensorflow"]) == ([], [])


def test_keras_switches_belong_to_tensorflow() -> None:
    before, after = (loaded(keras_dtype_policy=v) for v in ("float32", "mixed_float16"))
    assert len(drift("determinism-switches-changed", before, after, ["tensorflow"])[0]) == 1
    unknown = fingerprint(unknown={SWITCHES: "?"})
    assert len(drift("determinism-switches-changed", before, unknown, ["tensorflow"])[1]) == 1


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_keras_switches_belong_to_the_backend_that_it_has(backend: str) -> None:
    before, after = (
        loaded(keras_dtype_policy=policy, keras_backend=backend)
        for policy in ("float32", "mixed_bfloat16")
    )
    rule = "determinism-switches-changed"
    assert [f.impact for f in drift(rule, before, after, [backend])[0]] == [Impact.DIVERGES]
    assert drift(rule, before, after, ["tensorflow"]) == ([], [])


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        (
            "2.21.0",
            "tf.config.experimental.enable_op_determinism()",
        ),
        (
            "2.8.0",
            "tf.config.experimental.enable_op_determinism()",
        ),
        ("2.7.4", "export TF_DETERMINISTIC_OPS=1"),
        ("2.1.0", "export TF_DETERMINISTIC_OPS=1"),
        ("1.15.0", "pip install framework-reproducibility"),
    ],
)
def test_the_advice_on_determinism_is_right_for_the_version(version: str, remedy: str) -> None:
    advice, undecided = state(
        "tensorflow-op-determinism-off", fingerprint({TENSORFLOW: version}), ["tensorflow"]
    )
    assert [(f.message, f.remedy) for f in advice] == [
        ("TensorFlow: nothing found that requests deterministic operations", remedy)
    ]
    assert undecided == []


def test_determinism_that_is_on_needs_no_advice() -> None:
    rule, version = "tensorflow-op-determinism-off", {TENSORFLOW: "2.21.0"}
    by_call = {f"{SWITCHES}[tensorflow-op-determinism]": {"value": "on", "source": "a call"}}
    by_variable = {"facts.environ.variables": {"TF_DETERMINISTIC_OPS": "1"}}
    assert state(rule, fingerprint({**version, **by_call}), ["tensorflow"]) == ([], [])
    assert state(rule, fingerprint({**version, **by_variable}), ["tensorflow"]) == ([], [])
    assert state(rule, fingerprint({TENSORFLOW: "1.13.1"}), ["tensorflow"]) == ([], [])
    assert len(state(rule, fingerprint(unknown={TENSORFLOW: "odd"}), ["tensorflow"])[1]) == 1


@pytest.mark.parametrize(
    ("version", "value", "said"),
    [("2.21.0", "1", 1), ("2.8.0", "true", 1), ("2.7.4", "1", 0), ("2.21.0", "0", 0)],
)
def test_the_variable_of_older_versions_is_advice(version: str, value: str, said: int) -> None:
    now = fingerprint(
        {TENSORFLOW: version, "facts.environ.variables": {"TF_DETERMINISTIC_OPS": value}}
    )
    advice, undecided = state("tensorflow-determinism-variable-stale", now, ["tensorflow"])
    assert (len(advice), undecided) == (said, [])


def test_an_unknown_version_matters_only_when_the_variable_is_set() -> None:
    lost = {TENSORFLOW: "odd"}
    rule = "tensorflow-determinism-variable-stale"
    assert state(rule, fingerprint(unknown=lost), ["tensorflow"]) == ([], [])
    now = fingerprint({"facts.environ.variables": {"TF_DETERMINISTIC_OPS": "1"}}, lost)
    assert len(state(rule, now, ["tensorflow"])[1]) == 1


def test_pytorch_on_a_gpu_is_advised_to_ask_for_determinism() -> None:
    rule = "torch-determinism-off"
    advice, undecided = state(rule, variables(), ["torch"], "gpu")
    assert ([f.impact for f in advice], undecided) == ([Impact.NUMERIC], [])
    assert state(rule, loaded(torch_deterministic_algorithms="on"), ["torch"], "gpu") == ([], [])
    assert state(rule, variables(), ["torch"], "cpu") == ([], [])
    assert len(state(rule, fingerprint(unknown={SWITCHES: "?"}), ["torch"], "gpu")[1]) == 1


def test_xla_on_a_gpu_is_advised_to_take_deterministic_operations() -> None:
    rule = "jax-determinism-off"
    advice, _ = state(rule, variables(XLA_FLAGS="--xla_gpu_autotune_level=0"), ["jax"], "gpu")
    assert [f.after for f in advice] == ["--xla_gpu_autotune_level=0"]
    for flag in ("--xla_gpu_deterministic_ops=true", "--xla_gpu_deterministic_ops"):
        on = variables(XLA_FLAGS=f"--xla_gpu_autotune_level=0 {flag}")
        assert state(rule, on, ["jax"], "gpu") == ([], [])
    off = variables(XLA_FLAGS="--xla_gpu_deterministic_ops=false")
    assert len(state(rule, off, ["jax"], "gpu")[0]) == 1
    assert len(state(rule, fingerprint(unknown={"facts.environ": "?"}), ["jax"], "gpu")[1]) == 1


def test_thread_counts_that_nothing_fixes_are_named_with_the_variable_that_does() -> None:
    now = fingerprint({"facts.cpu.usable_threads": 8, "facts.environ.variables": {}})
    advice, undecided = state("threads-left-to-machine", now, ["numpy", "tensorflow"])
    assert sorted((f.message, f.remedy) for f in advice) == [
        (
            "TensorFlow's thread count for one operation follows the number of usable CPUs",
            "export TF_NUM_INTRAOP_THREADS=8",
        ),
        (
            "the thread count of NumPy's BLAS follows the number of usable CPUs",
            "export OPENBLAS_NUM_THREADS=8",
        ),
    ]
    assert undecided == []


def test_a_fixed_count_or_a_single_cpu_needs_no_advice() -> None:
    fixed = {"facts.cpu.usable_threads": 8, "facts.environ.variables": {"OMP_NUM_THREADS": "4"}}
    rule = "threads-left-to-machine"
    assert state(rule, fingerprint(fixed), ["numpy", "torch", "jax"]) == ([], [])
    one = fingerprint({"facts.cpu.usable_threads": 1})
    assert state(rule, one, ["numpy", "tensorflow", "torch"]) == ([], [])
    unknown = fingerprint(unknown={"facts.cpu.usable_threads": "?"})
    assert len(state(rule, unknown, ["numpy"])[1]) == 1


def test_a_switch_that_its_framework_refuses_to_tell_is_a_doubt_beside_the_others() -> None:
    before = loaded(torch_cudnn_tf32="on", torch_threads="4")
    after = loaded(torch_cudnn_tf32="on", torch_threads="8")
    del after.facts["determinism"]["switches"]["torch-cudnn-tf32"]["value"]
    path = f"{SWITCHES}[torch-cudnn-tf32].value"
    refused = after._replace(unknown={path: "mixed settings"})
    findings, undecided = drift("determinism-switches-changed", before, refused, ["torch"], "gpu")
    assert [f.message for f in findings] == ["torch-threads was 4, is 8"]
    assert [(entry.path, entry.reason) for entry in undecided] == [(path, "mixed settings")]


def test_a_thread_count_that_is_refused_hides_no_other_switch() -> None:
    before = loaded(torch_cudnn_tf32="on", torch_threads="4")
    after = loaded(torch_cudnn_tf32="off", torch_threads="8")
    path = f"{SWITCHES}[torch-threads].value"
    refused = after._replace(unknown={path: "not told"})
    findings, undecided = drift("determinism-switches-changed", before, refused, ["torch"], "gpu")
    assert [f.message for f in findings] == ["torch-cudnn-tf32 was on, is off"]
    assert [(entry.path, entry.reason) for entry in undecided] == [(path, "not told")]


def test_a_count_that_the_program_has_set_itself_needs_no_advice() -> None:
    switch = "facts.determinism.switches[tensorflow-intra-op-threads]"
    inside = {"facts.cpu.usable_threads": 8, switch: {"value": "1", "source": "a call"}}
    assert state("threads-left-to-machine", fingerprint(inside), ["tensorflow"]) == ([], [])


PROCESS = "facts.frameworks.imported"


def inside(*imported: str, **values: str) -> Fingerprint:
    """What a process on two CPUs has told that had loaded these frameworks."""
    switches = {k.replace("_", "-"): {"value": v, "source": "a.call()"} for k, v in values.items()}
    known = {SWITCHES: switches, PROCESS: list(imported), "facts.cpu.usable_threads": 2}
    return fingerprint({**known, "facts.environ.variables": {}})


def with_variable(side: Fingerprint, name: str, value: str) -> Fingerprint:
    facts = {**side.facts, "environ": {"variables": {name: value}}}
    return side._replace(facts=facts)


@pytest.mark.parametrize("turned", [False, True])
def test_a_count_that_one_program_has_set_is_another_where_the_other_left_it(turned: bool) -> None:
    sides = [inside("tensorflow"), inside("tensorflow", tensorflow_intra_op_threads="1")]
    before, after = reversed(sides) if turned else sides
    said = "1, is 2" if turned else "2, is 1"
    findings, undecided = drift("determinism-switches-changed", before, after, ["tensorflow"])
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.NUMERIC, f"tensorflow-intra-op-threads was {said}")
    ]
    assert undecided == []
    assert drift("math-threads-changed", before, after, ["tensorflow"]) == ([], [])


def test_a_count_set_to_what_it_is_anyway_is_no_change() -> None:
    left, same = inside("tensorflow"), inside("tensorflow", tensorflow_intra_op_threads="2")
    assert drift("determinism-switches-changed", left, same, ["tensorflow"]) == ([], [])
    command = fingerprint({SWITCHES: {}, "facts.cpu.usable_threads": 2, PROCESS: []})
    one = inside("tensorflow", tensorflow_intra_op_threads="1")
    assert drift("determinism-switches-changed", command, one, ["tensorflow"]) == ([], [])


def test_the_same_count_by_a_call_and_by_a_variable_is_one_count() -> None:
    by_call = inside("tensorflow", tensorflow_intra_op_threads="1")
    by_variable = with_variable(inside("tensorflow"), "TF_NUM_INTRAOP_THREADS", "1")
    for rule in ("determinism-switches-changed", "math-threads-changed"):
        assert drift(rule, by_call, by_variable, ["tensorflow"]) == ([], [])
        assert drift(rule, by_variable, by_call, ["tensorflow"]) == ([], [])
    left = inside("tensorflow")
    assert len(drift("math-threads-changed", left, by_variable, ["tensorflow"])[0]) == 1
    assert drift("determinism-switches-changed", left, by_variable, ["tensorflow"]) == ([], [])


def test_threads_that_a_variable_has_moved_are_told_once() -> None:
    before = inside("torch", torch_threads="2")
    after = with_variable(inside("torch", torch_threads="1"), "OMP_NUM_THREADS", "1")
    assert len(drift("math-threads-changed", before, after, ["torch"])[0]) == 1
    assert drift("determinism-switches-changed", before, after, ["torch"]) == ([], [])
    late = with_variable(before, "OMP_NUM_THREADS", "1")
    assert drift("math-threads-changed", before, late, ["torch"]) == ([], [])


def test_op_determinism_by_the_function_and_by_the_variable_is_the_same() -> None:
    rule = "tensorflow-deterministic-ops-changed"
    off, on = (inside("tensorflow", tensorflow_op_determinism=v) for v in ("off", "on"))
    findings, undecided = drift(rule, off, on, ["tensorflow"])
    assert [(f.message, f.paths) for f in findings] == [
        (
            "tensorflow-op-determinism was off, is on",
            (f"{SWITCHES}[tensorflow-op-determinism].value",),
        )
    ]
    assert undecided == []
    assert drift("determinism-switches-changed", off, on, ["tensorflow"]) == ([], [])
    by_variable = with_variable(on, "TF_DETERMINISTIC_OPS", "1")
    assert drift(rule, on, by_variable, ["tensorflow"]) == ([], [])
    assert [f.message for f in drift(rule, off, by_variable, ["tensorflow"])[0]] == [
        "TF_DETERMINISTIC_OPS was unset, is 1"
    ]


def test_threads_for_whole_operations_change_nothing() -> None:
    before, after = (inside("tensorflow", tensorflow_inter_op_threads=v) for v in "12")
    assert drift("determinism-switches-changed", before, after, ["tensorflow"]) == ([], [])


@pytest.mark.parametrize(
    ("framework", "switch", "values"),
    [
        ("torch", "torch_default_dtype", ("torch.float32", "torch.float64")),
        ("tensorflow", "keras_dtype_policy", ("float32", "mixed_bfloat16")),
    ],
)
def test_another_default_type_is_another_run(
    framework: str, switch: str, values: tuple[str, str]
) -> None:
    before, after = (inside(framework, **{switch: value}) for value in values)
    findings, undecided = drift("determinism-switches-changed", before, after, [framework])
    assert ([f.impact for f in findings], undecided) == ([Impact.DIVERGES], [])


def test_the_policy_that_follows_keras_float_type_is_told_by_the_rule_on_that() -> None:
    before, after = (
        inside("tensorflow", keras_dtype_policy=name, keras_floatx=name)
        for name in ("float32", "float64")
    )
    assert drift("determinism-switches-changed", before, after, ["tensorflow"]) == ([], [])
    findings, undecided = drift("keras-floatx-changed", before, after, ["tensorflow"])
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.DIVERGES, "Keras' float type was float32, is float64")
    ]
    assert undecided == []
