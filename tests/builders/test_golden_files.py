"""What a test says of a generated file that is not the stored one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.golden_files import SHOWN_LINES, Golden, must_equal


def test_a_failure_ends_with_the_command_that_rewrites_the_file(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("same\nold\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception) as failure:
        must_equal(tmp_path / "report.txt", "same\nnew\n", "python -m pytest --update-golden t.py")
    lines = str(failure.value).splitlines()
    assert lines[-1] == "python -m pytest --update-golden t.py"
    assert {"-old", "+new"} <= set(lines)


def test_a_missing_file_and_a_long_difference_end_with_it_too(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        must_equal(tmp_path / "new.json", "line\n" * 9999, "the command")
    lines = str(failure.value).splitlines()
    assert lines[-1] == "the command"
    assert len(lines) <= SHOWN_LINES + 2


def test_the_command_names_the_test_file_that_holds_the_generated_one(
    golden: Golden, tmp_path: Path, update_golden: bool
) -> None:
    if update_golden:
        pytest.skip("files are rewritten and not compared")
    with pytest.raises(pytest.fail.Exception) as failure:
        golden(tmp_path / "page.md", "text\n")
    command = "python -m pytest --update-golden tests/builders/test_golden_files.py"
    assert str(failure.value).splitlines()[-1] == command
