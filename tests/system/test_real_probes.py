"""Probes in real frameworks: what must agree agrees, and what must differ differs where it does.

Which classes differ was measured on x86-64 with AVX-512. What holds only there is asserted only
there, and a machine that lacks what a test needs says so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envprint.probes import programs
from tests.builders.frameworks import TENSORFLOW, TORCH
from tests.conftest import Build

pytestmark = pytest.mark.slow

PINNED = ("packaging==25.0", "six==1.17.0")
MIXED = ("numpy", "requests", "greenlet", "jupyterlab-widgets", "pip==25.0")
CLASSES = {
    "libm", "reduction", "dot", "matmul", "convolution", "normalisation", "softmax", "pooling",
    "decomposition", "fft", "floats", "sorting", "random",
}  # fmt: skip

CPUINFO = Path("/proc/cpuinfo")
FLAGS = set(CPUINFO.read_text().split()) if CPUINFO.exists() else set()
needs_avx2 = pytest.mark.skipif("avx2" not in FLAGS, reason="NO AVX2 here: nothing to cap")
needs_two_cpus = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2 or not shutil.which("taskset"),
    reason="ONE CPU here, or no taskset: nothing to take away",
)
needs_tensorflow_2_16 = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="TENSORFLOW 2.16 HAS NO WHEEL for this Python"
)


class Telling(NamedTuple):
    """What one process told."""

    digests: dict[str, str]
    errors: dict[str, str]
    settings: dict[str, str]
    version: str


@cache
def run(
    python: str, probe: str, prefix: str = "", variables: tuple[tuple[str, str], ...] = ()
) -> Telling:
    """One process of a probe, with nothing of this process' variables; it may crash on its way."""
    folder = Path(programs.__path__[0])
    done = subprocess.run(
        [*prefix.split(), python, folder / "_child.py", folder / f"{probe}.py", "cpu"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **dict(variables)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    begun = next((line["begun"] for line in lines if "begun" in line), None)
    assert begun, done.stdout + done.stderr
    results: dict[str, dict[str, str]] = {"digest": {}, "error": {}}
    for line in lines:
        for kind in results.keys() & line.keys():
            results[kind][line["operation"]] = line[kind]
    return Telling(results["digest"], results["error"], begun["settings"], begun["version"])


def parted(one: Telling, other: Telling) -> tuple[set[str], set[str]]:
    """The classes in which operations that both told differ, and those in which all agree."""
    both = one.digests.keys() & other.digests.keys()
    assert len(both) > 0.9 * len(one.digests), "it crashed too early to be compared"
    different = {name for name in both if one.digests[name] != other.digests[name]}
    print("different:", *sorted(different), sep="\n  ")
    classes = {name.partition("/")[0] for name in different}
    return classes, {name.partition("/")[0] for name in both} - classes


@pytest.fixture
def numpy(environment: Build) -> str:
    return environment(*MIXED)


@pytest.fixture
def tensorflow(environment: Build) -> str:
    return environment(*TENSORFLOW)


@pytest.fixture
def torch(environment: Build) -> str:
    """Has JAX too."""
    return environment(*TORCH)


@pytest.mark.parametrize(
    ("probe", "requirements", "fewest"),
    [
        ("numpy", MIXED, 90),
        pytest.param("tensorflow", TENSORFLOW, 140, marks=pytest.mark.long),
        pytest.param("torch", TORCH, 130, marks=pytest.mark.long),
        pytest.param("jax", TORCH, 55, marks=pytest.mark.long),
    ],
)
def test_every_operation_is_told_repeats_itself_and_is_of_a_known_class(
    environment: Build, probe: str, requirements: tuple[str, ...], fewest: int
) -> None:
    python = environment(*requirements)
    again: Callable[..., Any] = run.__wrapped__
    first, second = run(python, probe), again(python, probe)
    assert first.errors == {}
    assert first == second
    assert len(first.digests) >= fewest
    for name in first.digests:
        found = re.fullmatch(r"([a-z]+)/[\w.-]+ [a-z]+\d*( coarse)?", name)
        assert found, name
        assert found[1] in CLASSES
    assert first.settings["cpus"] == str(len(os.sched_getaffinity(0)))


@pytest.mark.long
def test_the_same_wheels_agree_in_another_environment(environment: Build, numpy: str) -> None:
    one, other = run(numpy, "numpy"), run(environment(*MIXED), "numpy")
    assert one == other


@pytest.mark.long
def test_the_same_tensorflow_agrees_beside_another_numpy(
    environment: Build, tensorflow: str
) -> None:
    other = environment("tensorflow-cpu==2.21.0", "numpy==2.3.5", "setuptools==80.9.0")
    assert run(tensorflow, "tensorflow").digests == run(other, "tensorflow").digests


@needs_avx2
def test_another_kernel_of_openblas_changes_products_and_decompositions_only(numpy: str) -> None:
    one = run(numpy, "numpy")
    other = run(numpy, "numpy", variables=(("OPENBLAS_CORETYPE", "Sandybridge"),))
    assert other.settings["openblas_core"] == other.settings["OPENBLAS_CORETYPE"] == "Sandybridge"
    differ, agree = parted(one, other)
    assert differ == {"dot", "matmul", "decomposition"}
    assert agree == {"libm", "reduction", "fft", "floats", "sorting", "random"}


@pytest.mark.long
@needs_avx2
def test_jax_decomposes_with_the_openblas_of_scipy(torch: str) -> None:
    variables = (("OPENBLAS_CORETYPE", "Sandybridge"),)
    assert parted(run(torch, "jax"), run(torch, "jax", variables=variables))[0] == {"decomposition"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("before", "after", "differ"),
    [
        ("numpy==2.2.6", "numpy==2.3.5", {"reduction"}),
        ("numpy==2.3.5", "numpy==2.4.6", {"matmul", "decomposition"}),
    ],
)
def test_another_numpy_or_openblas_inside_its_wheel_differs_where_it_changed(
    environment: Build, before: str, after: str, differ: set[str]
) -> None:
    pythons = (environment(version, *PINNED) for version in (before, after))
    found, agree = parted(*(run(python, "numpy") for python in pythons))
    assert agree >= {"libm", "fft", "floats", "sorting", "random"}
    if "avx512_icl" in FLAGS or "avx512_vnni" in FLAGS:
        assert found == differ


@pytest.mark.long
@needs_avx2
def test_capping_onednn_changes_tensorflow_where_onednn_computes(tensorflow: str) -> None:
    one = run(tensorflow, "tensorflow")
    other = run(tensorflow, "tensorflow", variables=(("ONEDNN_MAX_CPU_ISA", "SSE41"),))
    differ, agree = parted(one, other)
    assert differ >= {"matmul", "convolution"}
    assert agree >= {"libm", "reduction", "decomposition", "fft", "floats", "sorting", "random"}


@pytest.mark.long
@needs_avx2
def test_switching_onednn_off_is_told_and_changes_tensorflow(tensorflow: str) -> None:
    one = run(tensorflow, "tensorflow")
    other = run(tensorflow, "tensorflow", variables=(("TF_ENABLE_ONEDNN_OPTS", "0"),))
    assert (one.settings["onednn"], other.settings["onednn"]) == ("True", "False")
    differ, agree = parted(one, other)
    assert differ >= {"matmul", "convolution"}
    assert agree >= {"libm", "reduction", "decomposition", "fft", "floats", "sorting", "random"}


@pytest.mark.long
def test_a_backend_of_keras_that_is_not_there_costs_tensorflow_nothing(tensorflow: str) -> None:
    one = run(tensorflow, "tensorflow")
    assert run(tensorflow, "tensorflow", variables=(("KERAS_BACKEND", "torch"),)) == one


@pytest.mark.long
@needs_tensorflow_2_16
def test_two_versions_of_tensorflow_differ_where_they_changed_and_draw_alike(
    environment: Build, tensorflow: str
) -> None:
    old = environment("tensorflow-cpu==2.16.1")
    one, other = run(old, "tensorflow"), run(tensorflow, "tensorflow")
    assert (one.version, other.version) == ("2.16.1", "2.21.0")
    assert one.errors == {}
    differ, agree = parted(one, other)
    assert differ >= {"libm", "decomposition"}
    assert agree >= {"floats", "random", "sorting", "pooling"}
    if "avx512_vnni" in FLAGS:
        assert differ == {"libm", "decomposition", "matmul", "convolution", "softmax"}


@pytest.mark.long
@needs_avx2
@pytest.mark.parametrize(
    ("variable", "value", "differ", "agree"),
    [
        ("ATEN_CPU_CAPABILITY", "default", {"libm", "softmax"}, {"fft", "floats", "pooling"}),
        ("ONEDNN_MAX_CPU_ISA", "SSE41", {"convolution"}, {"softmax", "random", "decomposition"}),
        # On Intel processors it reaches MKL's vector functions too, so libm is left open.
        ("MKL_CBWR", "COMPATIBLE", {"matmul", "decomposition"}, {"random", "pooling"}),
    ],
)
def test_each_dispatcher_of_pytorch_changes_what_it_dispatches(
    torch: str, variable: str, value: str, differ: set[str], agree: set[str]
) -> None:
    one, other = run(torch, "torch"), run(torch, "torch", variables=((variable, value),))
    assert other.settings[variable] == value
    found, left = parted(one, other)
    assert found >= differ
    assert left >= agree


@pytest.mark.long
@needs_avx2
def test_without_vector_instructions_pytorch_draws_the_same_and_rounds_differently(
    torch: str,
) -> None:
    variables = (("ATEN_CPU_CAPABILITY", "default"),)
    one, other = run(torch, "torch"), run(torch, "torch", variables=variables)
    exact = [name for name in one.digests if re.fullmatch(r"random/randn(-large)? float32", name)]
    assert len(exact) == 2
    for name in exact:
        assert one.digests[name] != other.digests[name]
        assert one.digests[f"{name} coarse"] == other.digests[f"{name} coarse"]


@pytest.mark.long
@needs_two_cpus
@pytest.mark.parametrize(
    ("probe", "differ", "agree"),
    [
        ("numpy", {"matmul"}, {"libm", "reduction", "fft", "floats", "sorting", "random"}),
        (
            "tensorflow",
            {"reduction", "matmul", "convolution"},
            {"libm", "softmax", "pooling", "decomposition", "fft", "floats", "sorting", "random"},
        ),
        ("torch", {"reduction"}, {"libm", "softmax", "pooling", "fft", "floats", "random"}),
        ("jax", {"reduction"}, {"libm", "softmax", "pooling", "fft", "floats", "random"}),
    ],
)
def test_one_cpu_instead_of_two_changes_what_is_shared_out_between_threads(
    request: pytest.FixtureRequest, probe: str, differ: set[str], agree: set[str]
) -> None:
    python = request.getfixturevalue("torch" if probe == "jax" else probe)
    two, one = (f"taskset -c {numbers}" for numbers in cpus())
    before, after = run(python, probe, two), run(python, probe, one)
    assert (before.settings["cpus"], after.settings["cpus"]) == ("2", "1")
    found, left = parted(before, after)
    assert found >= differ
    assert left >= agree


def cpus() -> tuple[str, str]:
    """Two usable CPUs and one of them, as taskset names them."""
    first, second, *_ = sorted(os.sched_getaffinity(0))
    return f"{first},{second}", str(first)


@pytest.mark.long
def test_pytorch_needs_no_numpy(torch: str, tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError(name='numpy')")
    variables = (("PYTHONPATH", str(tmp_path)),)
    assert run(torch, "torch", variables=variables) == run(torch, "torch")


@needs_avx2
def test_capping_the_c_library_changes_the_mathematics_of_python() -> None:
    variables = (("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable"),)
    differ, agree = parted(
        run(sys.executable, "python"), run(sys.executable, "python", "", variables)
    )
    assert differ == {"libm", "random"}
    assert agree == {"reduction", "floats"}
