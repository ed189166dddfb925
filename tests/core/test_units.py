"""Sizes as people write them."""

from __future__ import annotations

import pytest

from envprint.core.units import parse_size, size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("20GiB", 20 << 30),
        ("20 GiB", 20 << 30),
        ("20GB", 20 << 30),
        ("20G", 20 << 30),
        ("20g", 20 << 30),
        (" 1.5 gib ", 3 << 29),
        ("512m", 512 << 20),
        ("4k", 4096),
        ("1T", 1 << 40),
        ("4096 B", 4096),
        ("4096b", 4096),
        ("0 GiB", 0),
        # As much in any unit.
        ("0", 0),
    ],
)
def test_a_size_is_a_number_and_a_unit(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["20", " 20 ", "1.5", "21474836480", "00"])
def test_a_size_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text.strip()} needs a unit, such as 20GiB$"):
        parse_size(text)


@pytest.mark.parametrize("text", ["", "GiB", "lots", "-1G", "20 iB", "20 X", "1e3G", "2\u0660 GiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size such as '20 GiB'"):
        parse_size(text)


def test_a_size_is_shown_in_gib_from_ten_on() -> None:
    texts = [size(count << 20) for count in (0, 996, 10_239, 10_240, 24_064)]
    assert texts == ["0 MiB", "996 MiB", "10,239 MiB", "10.0 GiB", "23.5 GiB"]
