"""What W&B and MLflow keep of a run or a model, bills of materials, and Hugging Face's `env`."""

from __future__ import annotations

import json

import pytest

from envprint.core.errors import UnknownValueError
from tests.builders.records import (
    CYCLONEDX,
    MLFLOW_PYTHON,
    TRANSFORMERS_ENV,
    WANDB,
    take_in,
    version_of,
)


def test_the_metadata_of_a_run_has_the_machine_and_nobody() -> None:
    found = take_in(WANDB)
    assert found.facts["gpu"] == {
        "count": 1,
        "devices": {
            "0": {
                "name": "Tesla T4",
                "memory_total_bytes": 16106127360,
                "architecture": "Turing",
            }
        },
    }
    assert found.facts["cpu"] == {"architecture": "x86_64", "cores": 8, "threads": 16}
    assert found.value("facts.cuda.supported_version") == "12.4"
    assert found.facts["code"] == {"commit": "7e1c0ffee7e1"}
    assert found.value("facts.os.kernel_release") == "5.15.0-122-generic"
    assert found.value("facts.python.version") == "3.11.7"


def test_cuda_null_of_an_old_run_is_not_the_absence_of_a_gpu() -> None:
    old = json.dumps({"codePath": "x", "cpu_count": 4, "cuda": None, "cpu_count_logical": 8})
    found = take_in(old)
    for path in ("facts.cuda.supported_version", "facts.gpu.devices", "facts.gpu.count"):
        with pytest.raises(UnknownValueError):
            found.value(path)


def test_the_python_of_a_model_is_all_that_its_file_says() -> None:
    found = take_in(MLFLOW_PYTHON)
    assert {name for name, fields in found.facts.items() if fields} == {"python"}
    assert found.value("facts.python.version") == "3.11.7"


def test_components_are_known_by_their_purl() -> None:
    found = take_in(CYCLONEDX)
    assert sorted(found.facts["packages"]["distributions"]) == ["numpy", "torch"]
    assert version_of(found, "torch") == "2.1.0+cu121"


def test_hugging_faces_env_is_read_and_what_is_not_installed_is_not_listed() -> None:
    found = take_in(TRANSFORMERS_ENV)
    assert version_of(found, "transformers") == "4.45.2"
    assert version_of(found, "accelerate") == "0.34.2"
    assert found.value("facts.frameworks.torch.version") == "2.4.0+cu121"
    assert found.value("facts.python.version") == "3.10.12"
    for path in ("facts.frameworks.tensorflow", "facts.gpu.devices"):
        with pytest.raises(UnknownValueError):
            found.value(path)
