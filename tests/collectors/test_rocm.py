"""The rocm section."""

from __future__ import annotations

import pytest

from envprint.collectors import rocm as section
from tests.builders.support import host

NODES = "/sys/class/kfd/kfd/topology/nodes"
MI250X = "cpu_cores_count 0\nsimd_count 440\ngfx_target_version 90010\nlocation_id 49408\n"
PROCESSOR = "cpu_cores_count 64\nsimd_count 0\ngfx_target_version 0\n"


def test_without_the_device_file_there_is_no_rocm() -> None:
    assert section.collect(host()) == {
        "kfd_device": False,
        "driver_version": None,
        "version": None,
        "gpus": {},
    }


def test_a_machine_of_amd_is_read_whole() -> None:
    machine = host(
        kind={"/dev/kfd": "other"},
        read={
            "/sys/module/amdgpu/version": "6.8.5\n",
            "/opt/rocm/.info/version": "6.2.4-120\n",
            f"{NODES}/0/properties": PROCESSOR,
            f"{NODES}/1/properties": MI250X,
        },
    )
    assert section.collect(machine) == {
        "kfd_device": True,
        "driver_version": "6.8.5",
        "version": "6.2.4-120",
        "gpus": {"1": {"target": "gfx90a", "simd_count": 440}},
    }


def test_the_kernels_own_driver_has_no_version() -> None:
    found = section.collect(host(kind={"/dev/kfd": "other"}))
    assert (found["kfd_device"], found["driver_version"], found["gpus"]) == (True, None, {})


@pytest.mark.parametrize(
    ("number", "name"),
    [(90010, "gfx90a"), (90402, "gfx942"), (110000, "gfx1100"), (100302, "gfx1032"), (0, None)],
)
def test_a_target_has_the_name_that_compilers_use(number: int, name: str | None) -> None:
    assert section.target_name(number) == name


def test_odd_lines_of_properties_are_left_out() -> None:
    assert section.parse_properties("simd_count x\nname\n a 1\nb 2\n") == {"b": 2}
