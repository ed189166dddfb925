"""The simulator's types and functions, and pynvml's types, against NVIDIA's own headers.

The headers come from a package that is installed for these tests only.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import pynvml
import pytest

from tests.nvml import simulator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="NVML is simulated on Linux"),
]

HEADERS = {"current": "nvidia-nvml-dev==13.5.37", "r535": "nvidia-nvml-dev-cu12==12.2.81"}
"""Generation to the package with the header of such a driver."""

PYTHON_NAMES: dict[str, type[ctypes.Structure]] = {
    "nvmlMemory_t": pynvml.c_nvmlMemory_t,
    "nvmlMemory_v2_t": pynvml.c_nvmlMemory_v2_t,
    "nvmlBAR1Memory_t": pynvml.c_nvmlBAR1Memory_t,
    "nvmlProcessInfo_v2_t": pynvml.c_nvmlProcessInfo_v2_t,
    "nvmlProcessInfo_t": pynvml.c_nvmlProcessInfo_t,
    "nvmlPciInfo_t": pynvml.nvmlPciInfo_t,
    "nvmlDeviceAttributes_t": pynvml.c_nvmlDeviceAttributes,
    "nvmlFieldValue_t": pynvml.c_nvmlFieldValue_t,
    "nvmlUtilization_t": pynvml.c_nvmlUtilization_t,
    "nvmlTemperature_t": pynvml.c_nvmlTemperature_v1_t,
    "nvmlDeviceAddressingMode_t": pynvml.c_nvmlDeviceAddressingMode_t,
}
NEW_SINCE_R535 = {"nvmlTemperature_t", "nvmlDeviceAddressingMode_t"}

Layout = dict[str, dict[str, int]]


@pytest.fixture(scope="module", params=sorted(HEADERS))
def generation(request: pytest.FixtureRequest) -> str:
    """A generation of which there is a header."""
    return str(request.param)


@pytest.fixture(scope="module")
def header(generation: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVIDIA's nvml.h of this generation."""
    place = tmp_path_factory.mktemp("header")
    argv = [sys.executable, "-m", "uv", "pip", "install", "--quiet"]
    subprocess.run([*argv, "--no-deps", "--target", place, HEADERS[generation]], check=True)
    (found,) = place.rglob("nvml.h")
    return found


def python_layout() -> Layout:
    """Size of each type and place of each member, by pynvml."""
    return {
        name: {"": ctypes.sizeof(kind)}
        | {field: getattr(kind, field).offset for field, *_ in kind._fields_}
        for name, kind in PYTHON_NAMES.items()
    }


def c_layout(wanted: Layout, place: Path, *arguments: str) -> Layout:
    """The same by a C compiler that reads the simulator's types."""
    lines = []
    for name, fields in wanted.items():
        for field in fields:
            measure = f"offsetof({name}, {field})" if field else f"sizeof({name})"
            lines.append(f'    printf("%s %s %zu\\n", "{name}", "{field}", {measure});')
    source = place / "layout.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n"
        f'#include "{simulator.HERE / "nvml_types.h"}"\n'
        "int main(void)\n{\n" + "\n".join(lines) + "\n    return 0;\n}\n"
    )
    argv = [simulator.compiler(), *arguments, str(source), "-o", str(place / "layout")]
    subprocess.run(argv, check=True)
    printed = subprocess.run([place / "layout"], capture_output=True, text=True, check=True).stdout
    layout: Layout = {}
    for line in printed.splitlines():
        name, field, number = line.split(" ")
        layout.setdefault(name, {})[field] = int(number)
    return layout


def macros(generation: str, header: Path | None = None) -> list[str]:
    """Compiler arguments for a generation, with NVIDIA's types or, without a header, our own."""
    driver = f"-DDRIVER={simulator.DRIVERS[generation]}"
    return [driver, *([f"-DNVML_HEADER={json.dumps(str(header))}"] if header else [])]


def test_types_are_laid_out_as_in_the_header(generation: str, header: Path, tmp_path: Path) -> None:
    wanted = python_layout()
    wanted["nvmlProcessInfo_v1_t"] = {"": 16, "pid": 0, "usedGpuMemory": 8}
    if generation == "r535":
        wanted = {name: wanted[name] for name in wanted.keys() - NEW_SINCE_R535}
        wanted["nvmlProcessInfo_t"] |= {"": 32, "usedGpuCcProtectedMemory": 24}
    assert c_layout(wanted, tmp_path, *macros(generation, header)) == wanted
    assert c_layout(wanted, tmp_path, *macros(generation)) == wanted


def test_functions_are_declared_as_in_the_header(generation: str, header: Path) -> None:
    argv = [simulator.compiler(), "-fsyntax-only", "-Wall", "-Werror"]
    source = str(simulator.HERE / "simulator.c")
    done = subprocess.run(
        [*argv, *macros(generation, header), source], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_generation_has_only_functions_that_its_header_declares(
    generation: str, header: Path
) -> None:
    declared = header.read_text(encoding="utf-8")
    assert {name for name in simulator.symbols(generation) if f"{name}(" not in declared} == set()
