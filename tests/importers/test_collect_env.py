"""PyTorch's `collect_env`, as it is pasted into issues."""

from __future__ import annotations

import pytest

from envprint.core.errors import UnknownValueError
from tests.builders.records import COLLECT_ENV, SEVERAL_GPUS, VLLM, take_in, version_of


def test_the_labels_are_the_fields_of_a_capture() -> None:
    found = take_in(COLLECT_ENV)
    assert found.facts["frameworks"]["torch"] == {
        "version": "2.1.0+cu121",
        "build": "cuda",
        "cuda_version": "12.1",
    }
    assert found.facts["python"] == {"version": "3.9.19", "compiler": "GCC 11.2.0"}
    assert found.facts["os"] == {
        "system": "Linux",
        "kernel_release": "6.5.0-27-generic",
        "libc": "glibc 2.35",
        "distribution_name": "Ubuntu 22.04.4 LTS",
    }
    assert found.facts["cpu"] == {
        "architecture": "x86_64",
        "model": "Intel(R) Xeon(R) CPU @ 2.20GHz",
        "vendor": "GenuineIntel",
        "threads": 16,
        "sockets": 1,
        "cores": 8,
        "level": None,
        "flags": ["avx", "avx2", "avx512f", "f16c", "fma", "sse4_1"],
    }
    assert found.value("facts.gpu.driver_version") == "535.161.07"
    assert version_of(found, "numpy") == "1.23.5"
    assert found.value("facts.packages.conda[numpy].build") == "py39hf6e8229_1"


def test_one_gpu_stands_behind_the_label_and_several_below_it() -> None:
    assert take_in(COLLECT_ENV).facts["gpu"]["devices"] == {
        "0": {"name": "NVIDIA GeForce RTX 4080"}
    }
    several = take_in(SEVERAL_GPUS)
    assert several.value("facts.gpu.count") == 2
    assert several.value("facts.gpu.devices[1].name") == "Tesla V100-SXM2-32GB"


@pytest.mark.parametrize("word", ["No CUDA", "Could not collect", "N/A"])
def test_a_gpu_that_could_not_be_collected_is_unknown_and_not_absent(word: str) -> None:
    text = COLLECT_ENV.replace("GPU 0: NVIDIA GeForce RTX 4080", word)
    found = take_in(text.replace("535.161.07", word))
    for path in ("facts.gpu.devices", "facts.gpu.count", "facts.gpu.driver_version"):
        with pytest.raises(UnknownValueError):
            found.value(path)


def test_a_package_that_is_not_listed_is_unknown_and_not_absent() -> None:
    found = take_in(COLLECT_ENV)
    for name in ("pandas", "tensorflow"):
        with pytest.raises(UnknownValueError, match="lists a few packages only"):
            version_of(found, name)
    with pytest.raises(UnknownValueError):
        found.value("facts.frameworks.jax")


def test_what_nvcc_and_files_say_is_not_taken_for_what_is_loaded() -> None:
    found = take_in(COLLECT_ENV)
    for path in ("facts.cuda.toolkits", "facts.cuda.cudnn", "facts.cuda.runtime"):
        with pytest.raises(UnknownValueError):
            found.value(path)


def test_a_cpu_build_is_known_to_have_no_cuda() -> None:
    text = COLLECT_ENV.replace("build PyTorch: 12.1", "build PyTorch: None")
    found = take_in(text)
    assert found.value("facts.frameworks.torch.build") == "cpu"
    assert found.value("facts.frameworks.torch.cuda_version") is None


def test_the_headings_of_vllm_and_its_variables_are_read() -> None:
    found = take_in(VLLM)
    assert found.value("facts.frameworks.torch.version") == "2.6.0+cu124"
    assert found.value("facts.os.distribution_name") == "Ubuntu 22.04.5 LTS"
    assert found.facts["gpu"]["devices"] == {"0": {"name": "NVIDIA GeForce RTX 3090"}}
    assert found.facts["environ"]["variables"] == {
        "LD_LIBRARY_PATH": "~/cuda/lib64:/usr/local/cuda/lib64",
        "NCCL_DEBUG": "INFO",
    }
    with pytest.raises(UnknownValueError, match="some variables only"):
        found.value("facts.environ.variables[OMP_NUM_THREADS]")


def test_without_line_breaks_no_variable_swallows_another_one() -> None:
    found = take_in(" ".join(VLLM.split("\n")) + " and my password is hunter2")
    assert found.facts["environ"] == take_in(VLLM).facts["environ"]


def test_a_python_of_two_numbers_is_no_version_to_compare() -> None:
    text = COLLECT_ENV.replace("Python version: 3.9.19 (main", "Python version: 3.9 (main")
    with pytest.raises(UnknownValueError):
        take_in(text).value("facts.python.version")
