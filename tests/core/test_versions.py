"""Version texts as numbers, on odd texts too."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envprint.core.versions import is_below, is_between, meets, numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.21.0", (2, 21, 0)),
        ("550.90.07", (550, 90, 7)),
        ("2.13.0+cu128", (2, 13, 0)),
        ("3.14.0rc1", (3, 14, 0)),
        (" 9.1 ", (9, 1)),
        ("v2", ()),
        ("", ()),
    ],
)
def test_the_leading_numbers_count(text: str, expected: tuple[int, ...]) -> None:
    assert numbers(text) == expected


def test_ten_is_above_nine() -> None:
    assert is_below("2.9.1", "2.10.0")
    assert not is_below("2.10.0", "2.9.1")


def test_places_that_are_left_out_do_not_count() -> None:
    assert not is_below("525", "525.60.13")
    assert is_below("524", "525.60.13")


@pytest.mark.parametrize(
    ("version", "floor", "below"),
    [
        ("2.16.0rc1", "2.16", True),
        ("2.16.0.post1", "2.16", False),
        ("0.5.0.dev20241201", "0.5.0", True),
        ("2.15.0+cu132", "2.15", False),
        ("2.15.0rc2+cu132", "2.15", True),
        ("not a version", "1.0", False),
        ("12.4-beta of ours", "12.5", True),
    ],
)
def test_pre_releases_come_before_their_release_and_odd_texts_by_their_numbers(
    version: str, floor: str, below: bool
) -> None:
    assert is_below(version, floor) is below


VERSIONS = (
    *("1", "1.0.0", "1.0.post1", "1.2.3", "1.10", "2.0.0", "2.18.1", "4.21.0", "5.0.0"),
    *("5.0.0.post2", "2.8.0+cu128", "0.4.1", "0.4.1.dev3", "1.0rc1", "2.0.0a1", "2024.1.0"),
)
BOUNDS = (
    *("1", "1.0", "1.2.3", "2.0.0", "2.18", "4.21.0", "5.0.0dev", "5.0.0.dev0", "5.0.0rc1"),
    *(
        "2.0.0a1",
        "2.0a.0",
        "2.0.rc-1",
        "2.0-dev",
        "1.0.post1",
        "0.4",
        "1.*",
        "1.0.*",
        "2.18.*",
        "0.4.*",
    ),
)


@pytest.mark.parametrize("operator", ["~=", "==", "!=", "<=", ">=", "<", ">"])
def test_a_version_meets_a_specifier_where_packaging_says_so(operator: str) -> None:
    for version in VERSIONS:
        for bound in BOUNDS:
            try:
                said = SpecifierSet(operator + bound).contains(version, prereleases=True)
            except ValueError:
                said = None
            assert meets(version, operator + bound) is said, (version, operator, bound)


def test_all_clauses_of_a_specifier_count() -> None:
    assert meets("4.25.3", ">=3.20.3, !=4.21.0, <5.0.0dev") is True
    assert meets("4.21.0", ">=3.20.3,!=4.21.0,<5.0.0dev") is False
    assert meets("3.1", "") is True
    assert meets("no version", ">=1") is None


@pytest.mark.parametrize(
    ("version", "is_inside"),
    [
        *(("1.2", True), ("1.2.0", True), ("1.9.9", True), ("2", True), ("2.0.0", True)),
        *(("1.1.9", False), ("2.0.1", False), ("1.5rc1", False), ("odd", False), ("", False)),
    ],
)
def test_a_plain_release_lies_between_two_others(version: str, is_inside: bool) -> None:
    assert is_between(version, "1.2", "2.0") is is_inside


@given(st.text(alphabet="0123456789.a ", max_size=60))
def test_leading_numbers_are_those_of_a_pattern(text: str) -> None:
    leading = re.match(r"\d{1,18}(?:\.\d{1,18})*", text.strip(), re.ASCII)
    assert numbers(text) == (tuple(map(int, leading[0].split("."))) if leading else ())
