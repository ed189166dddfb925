"""`conda list`, whose names are not always those of distributions."""

from __future__ import annotations

import pytest

from envprint.core.errors import UnknownValueError
from tests.builders.records import CONDA_LIST, CONDA_LIST_JSON, take_in, version_of


def test_packages_of_conda_and_of_pip_are_told_apart() -> None:
    found = take_in(CONDA_LIST)
    conda = found.facts["packages"]["conda"]
    assert "timm" not in conda
    assert conda["cudatoolkit"] == {
        "version": "11.3.1",
        "build": "h2bc3f7f_2",
        "channel": "conda-forge",
    }
    assert (version_of(found, "timm"), version_of(found, "numpy")) == ("0.9.16", "1.23.5")
    assert version_of(found, "torch") == "2.1.0"
    assert found.value("facts.python.version") == "3.9.19"


def test_the_build_of_pytorch_tells_cuda_and_cudnn() -> None:
    assert take_in(CONDA_LIST).facts["frameworks"]["torch"] == {
        "version": "2.1.0",
        "build": "cuda",
        "cuda_version": "12.1",
        "cudnn_version": "8.9.2",
    }


def test_a_distribution_that_the_list_may_name_otherwise_is_unknown() -> None:
    found = take_in(CONDA_LIST)
    with pytest.raises(UnknownValueError, match="does not say which of its packages"):
        version_of(found, "opencv-python")
    assert found.value("facts.packages.conda[mkl]") is None


def test_a_list_that_was_cut_off_says_nothing_of_the_rest() -> None:
    cut = take_in(CONDA_LIST[: CONDA_LIST.index("python  ")])
    with pytest.raises(UnknownValueError, match="cut off"):
        cut.value("facts.packages.conda[pytorch]")


def test_json_says_the_same() -> None:
    found = take_in(CONDA_LIST_JSON)
    assert found.value("facts.packages.conda[numpy].build") == "py39hf6e8229_1"
    assert version_of(found, "timm") == "0.9.16"
