"""The determinism section: switches in variables and in loaded frameworks."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import determinism as section
from envprint.core.fingerprint import Unknown
from envprint.machine.interpreter import SWITCHES
from tests.builders.support import host


def switches(variables: dict[str, str], answers: dict[str, Any] | None = None) -> dict[str, Any]:
    read = section.collect(host(environ=variables, interpreter={"switches": answers or {}}))
    found: dict[str, Any] = read["switches"]
    return found


def test_nothing_set_and_nothing_loaded_is_no_switch() -> None:
    assert section.collect(host(environ={"PATH": "/bin"}, interpreter={})) == {"switches": {}}


def test_variables_set_switches() -> None:
    assert switches(
        {
            "TF_DETERMINISTIC_OPS": "1",
            "TF_CUDNN_DETERMINISTIC": "true",
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
            "NVIDIA_TF32_OVERRIDE": "0",
            "JAX_ENABLE_X64": "False",
            "TF_NUM_INTRAOP_THREADS": "1",
            "JAX_DEFAULT_MATMUL_PRECISION": "",
        }
    ) == {
        "tensorflow-op-determinism": {"value": "on", "source": "TF_DETERMINISTIC_OPS"},
        "tensorflow-cudnn-deterministic": {"value": "on", "source": "TF_CUDNN_DETERMINISTIC"},
        "cublas-workspace": {"value": ":4096:8", "source": "CUBLAS_WORKSPACE_CONFIG"},
        "nvidia-tf32-override": {"value": "off", "source": "NVIDIA_TF32_OVERRIDE"},
        "jax-x64": {"value": "off", "source": "JAX_ENABLE_X64"},
        # One thread is a number and not a switch that is on.
        "tensorflow-intra-op-threads": {"value": "1", "source": "TF_NUM_INTRAOP_THREADS"},
    }


def test_options_inside_a_variable_set_switches() -> None:
    flags = "--xla_dump_to=/tmp/a-xla_gpu_autotune_level=9 --xla_gpu_deterministic_ops"
    assert switches(
        {"XLA_FLAGS": f"{flags} --xla_gpu_autotune_level=0", "TF_XLA_FLAGS": "--tf_xla_auto_jit=2"}
    ) == {
        "xla-gpu-deterministic-ops": {
            "value": "on",
            "source": "XLA_FLAGS --xla_gpu_deterministic_ops",
        },
        "xla-gpu-autotune-level": {"value": "0", "source": "XLA_FLAGS --xla_gpu_autotune_level"},
        "tensorflow-auto-jit": {"value": "2", "source": "TF_XLA_FLAGS --tf_xla_auto_jit"},
    }


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("--a=1 --a=2", {"a": "2"}),
        ("-a --b-c= ", {"a": "true", "b-c": ""}),
        ("", {}),
        ("/etc/xla.flags", {}),
        ("-- = --", {}),
    ],
)
def test_flags_are_read_as_xla_reads_them(text: str, options: dict[str, str]) -> None:
    assert section.parse_flags(text) == options


def test_a_loaded_framework_knows_better_than_the_variable() -> None:
    answers = {"jax-x64": {"value": "on", "source": "jax.config.jax_enable_x64"}}
    assert switches({"JAX_ENABLE_X64": "0"}, answers) == answers


def test_a_framework_that_refuses_leaves_the_value_unknown() -> None:
    answers = {"torch-matmul-tf32": {"error": "a mix of settings", "source": "torch.…"}}
    assert switches({"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}, answers) == {
        "torch-matmul-tf32": {"value": Unknown("a mix of settings"), "source": "torch.…"}
    }


def test_names_are_of_one_form() -> None:
    names = {*section.VARIABLES.values(), *section.FLAGS.values(), *(row[0] for row in SWITCHES)}
    assert [
        name for name in names if not name.replace("-", "").isalnum() or name.lower() != name
    ] == []
