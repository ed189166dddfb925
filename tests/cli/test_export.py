"""`envprint export`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.records import CONDA_LIST, FREEZE, NVIDIA_TABLE


def test_a_record_goes_out_in_another_form(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(CONDA_LIST)
    done = call("export", "list.txt", "--format", "cyclonedx", "-o", "bom.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "bom.json").read_text())["bomFormat"] == "CycloneDX"
    assert "not exported: what the record may not list" in done.stderr
    back = call("diff", "list.txt", "bom.json", cwd=tmp_path)
    assert back.returncode == 0, back.stdout


def test_what_a_form_cannot_hold_is_named_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "freeze.txt").write_text(FREEZE)
    done = call("export", "freeze.txt", "--format", "requirements", cwd=tmp_path)
    assert "numpy==1.26.4" in done.stdout.splitlines()
    assert "not exported: mine 0.1" in done.stderr
    public = call("export", "freeze.txt", "--format", "requirements", "--public", cwd=tmp_path)
    assert "mine" not in public.stdout + public.stderr
    assert "not exported: 3 that no index has" in public.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gpu.txt", "--format", "requirements"), "its packages cannot be exported"),
        (("freeze.txt", "--format", "conda"), "it has no packages of conda"),
        (("freeze.txt", "--format", "xml"), "unknown word 'xml'; "),
        (("freeze.txt",), "required: --format"),
        (("freeze.txt", "--format", "requirements", "-o", "no/such/x"), "no/such/x"),
    ],
)
def test_what_cannot_be_exported_ends_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "freeze.txt").write_text(FREEZE)
    (tmp_path / "gpu.txt").write_text(NVIDIA_TABLE)
    assert_one_line_and_exit_2(call("export", *arguments, cwd=tmp_path), words)
