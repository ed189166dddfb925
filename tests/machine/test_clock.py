"""How a time is written."""

from __future__ import annotations

import re

import pytest

from envprint.machine.clock import utc


def test_a_time_is_written_in_utc_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert utc(0) == "1970-01-01T00:00:00Z"
    assert utc(1709164799.9) == "2024-02-28T23:59:59Z"


def test_without_a_time_it_is_now() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc())
