"""Compiled modules that a new environment takes over."""

from __future__ import annotations

import os
from pathlib import Path

from envprint.isolate.bytecode import share


def module(place: Path, content: str) -> Path:
    (place / "__pycache__").mkdir(parents=True)
    (place / "a.py").write_text(content)
    (place / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled " + content.encode())
    return place / "a.py"


def test_bytecode_of_the_very_same_file_is_taken_over(tmp_path: Path) -> None:
    original = module(tmp_path / "end", "x = 1\n")
    (tmp_path / "trial").mkdir()
    os.link(original, tmp_path / "trial" / "a.py")
    share(str(tmp_path / "end"), str(tmp_path / "trial"))
    made = tmp_path / "trial" / "__pycache__" / "a.cpython-311.pyc"
    assert made.read_bytes() == b"compiled x = 1\n"


def test_bytecode_of_another_version_is_not_even_with_the_same_size_and_time(
    tmp_path: Path,
) -> None:
    original = module(tmp_path / "end", "x = 1\n")
    other = tmp_path / "trial" / "a.py"
    other.parent.mkdir()
    other.write_text("x = 2\n")
    os.utime(other, ns=(0, original.stat().st_mtime_ns))
    share(str(tmp_path / "end"), str(tmp_path / "trial"))
    assert not list((tmp_path / "trial").rglob("*.pyc"))
