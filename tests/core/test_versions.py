"""Version texts as numbers, on odd texts too."""

from __future__ import annotations

import pytest

from envprint.core.versions import is_below, numbers


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
