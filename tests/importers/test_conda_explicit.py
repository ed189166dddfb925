"""`conda list --explicit`."""

from __future__ import annotations

import pytest

from envprint.core.errors import DocumentError, UnknownValueError
from tests.builders.records import CONDA_EXPLICIT, take_in, version_of


def test_version_and_build_are_in_the_address_whose_host_is_left_out() -> None:
    found = take_in(CONDA_EXPLICIT)
    assert found.value("facts.packages.conda[numpy]") == {
        "version": "1.23.5",
        "build": "py39hf6e8229_1",
    }
    assert found.value("facts.packages.conda[tzdata].version") == "2024a"
    assert found.value("facts.packages.conda[mkl]") is None


def test_what_pip_has_installed_is_unknown() -> None:
    with pytest.raises(UnknownValueError, match="leaves out what pip has installed"):
        version_of(take_in(CONDA_EXPLICIT), "timm")


def test_another_line_is_named() -> None:
    with pytest.raises(DocumentError, match="not the address of a conda package"):
        take_in(f"{CONDA_EXPLICIT}numpy=1.2\n")
