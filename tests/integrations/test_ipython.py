"""What a notebook is told; real kernels are in tests/system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envprint.integrations._ipython import Watch, too_late

NUMPY = frozenset({"numpy", "sys"})


def test_a_variable_that_was_read_at_import_is_too_late() -> None:
    found = [*too_late({}, {"OMP_NUM_THREADS": "1"}, NUMPY)]
    assert found == [
        "OMP_NUM_THREADS is set too late: numpy may have read it at import. Restart the kernel "
        "and set it first"
    ]


def test_the_page_shows_what_is_printed() -> None:
    (text,) = too_late({}, {"OPENBLAS_NUM_THREADS": "1"}, NUMPY)
    page = Path(__file__).parents[2] / "docs" / "tests-and-notebooks.md"
    assert f"\nenvprint: {text}\n" in page.read_text("utf-8")


def test_a_variable_that_is_read_when_the_kernel_starts_is_always_too_late() -> None:
    (text,) = too_late({}, {"PYTHONHASHSEED": "0"}, frozenset())
    assert text.startswith("PYTHONHASHSEED is set too late: it is read when the kernel starts")


@pytest.mark.parametrize(
    ("before", "after", "modules"),
    [
        ({}, {"OMP_NUM_THREADS": "1"}, frozenset()),
        ({}, {"TF_ENABLE_ONEDNN_OPTS": "0"}, NUMPY),
        ({"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "1"}, NUMPY),
        ({}, {"MY_SETTING": "1"}, NUMPY),
    ],
)
def test_what_nobody_has_read_yet_is_in_time(
    before: dict[str, str], after: dict[str, str], modules: frozenset[str]
) -> None:
    assert [*too_late(before, after, modules)] == []


def test_a_module_by_another_name_counts() -> None:
    (text,) = too_late({}, {"OPENBLAS_NUM_THREADS": "1"}, frozenset({"sklearn"}))
    assert "scikit-learn may have read it" in text


def test_each_cell_is_compared_with_what_was_there_before_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jax", sys)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    watch = Watch()
    monkeypatch.setitem(os.environ, "XLA_FLAGS", "--x")
    watch.after()
    assert "envprint: XLA_FLAGS is set too late: jax" in capsys.readouterr().err
    watch.before()
    watch.after()
    assert capsys.readouterr().err == ""
