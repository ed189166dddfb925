"""`envprint import`, and records wherever a file is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import envprint
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.records import COLLECT_ENV, FREEZE, NVIDIA_XML, UV_LOCK


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)


def test_a_record_becomes_a_document_that_every_verb_reads(tmp_path: Path) -> None:
    write(tmp_path, freeze=FREEZE)
    done = call("import", "freeze.txt", "-o", "x.json", "--label", "theirs", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    document = json.loads((tmp_path / "x.json").read_text())
    assert (document["captured_via"], document["label"]) == ("import:pip-freeze", "theirs")
    assert call("validate", "x.json", cwd=tmp_path).returncode == 0
    assert call("diff", "x.json", "freeze.txt", cwd=tmp_path).returncode == 0
    assert "tensorflow 2.16.1" in call("show", "x.json", cwd=tmp_path).stdout


def test_a_record_comes_through_a_pipe_and_is_kept_in_the_store(tmp_path: Path) -> None:
    done = call("import", "-", "--save", "gpu", cwd=tmp_path, stdin=NVIDIA_XML.encode())
    assert done.returncode == 0
    assert "NVIDIA A100" in call("show", "@gpu", cwd=tmp_path).stdout
    assert call("promote", "@gpu", "theirs", cwd=tmp_path).returncode == 0


def test_two_pasted_texts_are_compared_and_the_report_says_what_they_are(tmp_path: Path) -> None:
    write(tmp_path, a=f"Help!\n{COLLECT_ENV}", b=COLLECT_ENV.replace("2.1.0+cu121", "2.4.0+cu124"))
    done = call("diff", "a.txt", "b.txt", cwd=tmp_path)
    assert done.returncode == 1
    assert "PyTorch 2.1.0+cu121 → 2.4.0+cu124" in done.stdout
    assert "a.txt, collect-env, imported 20" in done.stdout


def test_a_record_is_promoted_as_the_document_that_it_makes(tmp_path: Path) -> None:
    write(tmp_path, freeze=FREEZE)
    assert call("promote", "freeze.txt", "theirs", cwd=tmp_path).returncode == 0
    assert call("diff", "@theirs", "freeze.txt", cwd=tmp_path).returncode == 0


def test_a_lock_is_compared_as_what_is_to_be_installed(tmp_path: Path) -> None:
    write(tmp_path, lock=UV_LOCK, freeze=FREEZE)
    done = call("diff", "lock.txt", "freeze.txt", "-v", cwd=tmp_path)
    assert "uv-lock says what is to be installed, not what is" in done.stdout


def test_python_loads_a_record(tmp_path: Path) -> None:
    write(tmp_path, freeze=FREEZE)
    found = envprint.load(tmp_path / "freeze.txt")
    assert found.value("facts.packages.distributions[numpy].version") == "1.26.4"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "prose.txt"), "prose.txt: no record of a known form: collect-env"),
        (("import", "freeze.txt", "--from", "uv-lock"), "freeze.txt: not valid TOML"),
        (("import", "freeze.txt", "--from", "nothing"), "unknown word 'nothing'; known: "),
        (("import", "missing.txt"), "missing.txt: no such file"),
        (("import", "."), "is a directory, expected a record file"),
        (("diff", "prose.txt", "freeze.txt"), "it is no record of another tool"),
        (("show", "broken.txt"), "broken.txt: not valid XML"),
    ],
)
def test_what_is_no_record_ends_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    write(tmp_path, freeze=FREEZE, prose="Dear all,\n", broken=NVIDIA_XML.replace("</gpu>", ""))
    assert_one_line_and_exit_2(call(*arguments, cwd=tmp_path), words)
