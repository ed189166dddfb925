"""What stands after `pip install` is a name and versions, and nothing else."""

from __future__ import annotations

import random
import re

import pytest
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from envprint.core.requirement import pinned, specified
from tests.builders.hostile import HOSTILE

each_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


@each_text
def test_a_hostile_name_makes_no_line(text: str) -> None:
    inside = () if text == "-rf" else (f"numpy{text}", f"a{text}b")  # where it is a plain name
    for name in (text, f"{text}numpy", *inside):
        assert (pinned(name, "1"), specified(name, ">=1")) == (None, None)


@each_text
def test_a_hostile_version_makes_no_line(text: str) -> None:
    for version in (text, f"1.0{text}", f"{text}1.0"):
        line = pinned("numpy", version)
        # White space around a version is none of it.
        assert line is None or line == f"numpy=={Version(version)}"
        assert line is None or text.strip() == ""


@each_text
def test_a_hostile_specifier_makes_no_line(text: str) -> None:
    for specifier in (f"=={text}", f"==={text}", f">=1,{text}", f"==1.0{text}", f"{text}==1.0"):
        line = specified("numpy", specifier)
        # What is left of a blank or of a single sign is a plain line.
        assert line is None or re.fullmatch(r"numpy[<>=]+[0-9.]+", line)
        assert line is None or Requirement(line)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("2.4.6", "numpy==2.4.6"),
        ("2.8.0+cu128", "numpy==2.8.0+cu128"),
        ("2.1.0a0+b5021ba", "numpy==2.1.0a0+b5021ba"),
        ("2.5.0.dev20240901", "numpy==2.5.0.dev20240901"),
        ("1!2.0", "numpy==1!2.0"),
        ("1.0-RC.1", "numpy==1.0rc1"),
        (" 1.0\n", "numpy==1.0"),
        ("9" * 5_000, None),
        ("1.0,>0", None),
        ("1.0 --pre", None),
        ("1.0; extra == 'x'", None),
        ("", None),
    ],
)
def test_a_version_is_what_packaging_takes_for_one(version: str, line: str | None) -> None:
    assert pinned("numpy", version) == line


def test_a_usual_version_needs_no_packaging_and_packaging_agrees() -> None:
    source = random.Random(20261128)
    pieces = [
        "0",
        "1",
        "12",
        ".",
        "a1",
        "b",
        "rc2",
        "+",
        "cu128",
        "x.y",
        "-",
        "_",
        " ",
        ".post1",
        "V",
    ]
    for _ in range(20_000):
        text = "".join(source.choices(pieces, k=source.randint(1, 6)))
        try:
            known = Version(text)
        except InvalidVersion:
            assert pinned("a", text) is None, text
        else:
            line = pinned("a", text)
            assert line and Version(line.removeprefix("a==")) == known, text


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a b", "a;b", "a[b]", "a @ b", "ſ", "a\n", "../a"]
)
def test_a_name_is_what_packaging_takes_for_one(name: str) -> None:
    assert pinned(name, "1") is None


def test_a_specifier_stays_as_it_was_written_but_for_blanks() -> None:
    assert specified("numpy", ">=2.4, <3") == "numpy>=2.4,<3"
    assert specified("numpy", " == 2.4.* ,") == "numpy==2.4.*"
    assert specified("numpy", "===1 touch") is None
    assert specified("scikit_learn", "") == "scikit_learn"
    assert specified("numpy", "===2.4.6-local") == "numpy===2.4.6-local"
    assert specified("numpy", "===$(x)") is None
    assert specified("numpy", "2.4") is None
    assert pinned("tensorflow", "2.15.1", "[and-cuda]") == "tensorflow[and-cuda]==2.15.1"
