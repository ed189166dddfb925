"""JAX does not start with a platform that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

RULE = "jax-platform-missing"
CUDA = {"jax-cuda12-plugin": "0.10.2", "jax-cuda12-pjrt": "0.10.2"}
CARD = {"0": {"name": "GPU"}}


def machine(plugins: dict[str, str] | None = None, **variables: str) -> Fingerprint:
    return having({}, plugins, **variables)


def having(
    devices: dict[str, Any], plugins: dict[str, str] | None = None, **variables: str
) -> Fingerprint:
    return fingerprint(
        {
            "facts.frameworks.jax": {"version": "0.10.2", "plugins": plugins or {}},
            "facts.gpu.devices": devices,
            "facts.environ.variables": variables,
        }
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("cuda", "no plugin for cuda is installed"),
        ("rocm", "no plugin for rocm is installed"),
        ("tpu", "no plugin for tpu is installed"),
        ("METAL", "no plugin for METAL is installed"),
        ("gpu", "no platform for a GPU is there"),
        ("tpu,cpu", "no plugin for tpu is installed"),
        ("cuda,rocm", "no plugin for cuda is installed; no plugin for rocm is installed"),
        ("CPU", "JAX knows no platform 'CPU'"),
        ("cpu ", "JAX knows no platform 'cpu '"),
        ("cuda12", "JAX knows no platform 'cuda12'"),
        ("cpu,", "JAX knows no platform ''"),
    ],
)
def test_a_platform_that_is_not_there_stops_jax_in_a_check_and_in_a_diff(
    value: str, reason: str
) -> None:
    now = machine(JAX_PLATFORMS=value)
    for findings, undecided in (
        state(RULE, now, ["jax"]),
        drift(RULE, machine(), now, ["jax"]),
    ):
        assert [(f.impact, f.message) for f in findings] == [
            (Impact.BREAKS, f"JAX_PLATFORMS is {value}: {reason}")
        ]
        assert undecided == []
    assert drift(RULE, now, now, ["jax"]) == ([], [])
    assert state(RULE, now, ["torch"]) == ([], [])


@pytest.mark.parametrize("value", ["", "cpu", "cpu,cuda", "cuda,cpu"])
def test_cpu_is_always_there_and_cuda_beside_another_platform_is_passed_over(value: str) -> None:
    assert state(RULE, machine(JAX_PLATFORMS=value), ["jax"]) == ([], [])


def test_before_0_4_31_cuda_without_a_gpu_stops_jax_beside_another_platform_as_well() -> None:
    now = machine(JAX_PLATFORMS="cuda,cpu")
    now.facts["frameworks"]["jax"]["version"] = "0.4.30"
    assert len(state(RULE, now, ["jax"])[0]) == 1


def test_a_plugin_without_a_device_is_not_enough() -> None:
    without, hidden = (
        machine(CUDA, JAX_PLATFORMS="cuda"),
        having(CARD, CUDA, JAX_PLATFORMS="cuda", CUDA_VISIBLE_DEVICES=""),
    )
    for now in (without, hidden):
        assert [f.message for f in state(RULE, now, ["jax"])[0]] == [
            "JAX_PLATFORMS is cuda: cuda finds no device"
        ]
    for value in ("cuda", "cuda,cpu", "gpu"):
        assert state(RULE, having(CARD, CUDA, JAX_PLATFORMS=value), ["jax"]) == ([], [])
    amd = {"jax-rocm7-plugin": "0.10.2"}
    rocm = machine(amd, JAX_PLATFORMS="rocm")
    assert len(state(RULE, rocm, ["jax"])[0]) == 1
    rocm.facts["rocm"] = {"kfd_device": True}
    assert state(RULE, rocm, ["jax"]) == ([], [])


def test_the_older_variable_names_one_platform_in_any_case() -> None:
    assert state(RULE, machine(JAX_PLATFORM_NAME="CPU"), ["jax"]) == ([], [])
    findings, _ = state(RULE, machine(JAX_PLATFORM_NAME="gpu"), ["jax"])
    assert [f.message for f in findings] == [
        "JAX_PLATFORM_NAME is gpu: no platform for a GPU is there"
    ]


def test_a_name_that_a_plugin_may_register_is_undecided() -> None:
    findings, undecided = state(RULE, machine(JAX_PLATFORMS="neuron"), ["jax"])
    assert findings == []
    assert [entry.reason for entry in undecided] == [
        "which plugin offers the platform 'neuron' is unknown"
    ]


def test_unknown_plugins_and_devices_leave_it_undecided() -> None:
    for path in ("facts.frameworks.jax.plugins", "facts.gpu.devices"):
        now = machine(CUDA, JAX_PLATFORMS="cuda")
        place, _, name = path.rpartition(".")
        holder: Any = now.facts
        for key in place.split(".")[1:]:
            holder = holder[key]
        del holder[name]
        unknown = now._replace(unknown={path: "denied"})
        assert [entry.reason for entry in state(RULE, unknown, ["jax"])[1]] == ["denied"]
