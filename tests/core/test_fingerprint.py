"""The values that everything else shares."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.comparison import Change
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import OTHERS, STEP, _steps
from tests.builders.support import fingerprint


def test_a_value_that_is_known_is_got_whatever_the_default() -> None:
    known = fingerprint({"facts.os.locale": "C", "facts.gpu.count": 0})
    assert known.get("facts.os.locale") == "C"
    assert known.get("facts.gpu.count", 7) == 0


@pytest.mark.parametrize("path", ["facts.gpu.count", "facts.gpu.status", "facts.cpu.model"])
def test_a_value_that_is_unknown_or_absent_is_the_default(path: str) -> None:
    some = fingerprint(
        {"facts.gpu.status": None}, {"facts.gpu.count": "denied", "facts.cpu": "denied"}
    )
    assert some.get(path) is None
    assert some.get(path, "none") == "none"


def test_what_a_rule_reads_is_never_taken_for_absent_when_it_is_unknown() -> None:
    some = fingerprint({}, {"facts.gpu.count": "denied"})
    with pytest.raises(UnknownValueError, match="denied"):
        some.value("facts.gpu.count")


@pytest.mark.parametrize(
    ("before", "after", "kind"), [(None, 0, "added"), (0, None, "removed"), (0, "", "changed")]
)
def test_a_change_is_named_after_the_side_that_is_absent(
    before: object, after: object, kind: str
) -> None:
    assert Change.between("facts.a", before, after) == ("facts.a", kind, before, after)


@given(st.text(alphabet="ab.[]*", max_size=12))
def test_the_steps_of_a_path_are_those_of_its_pattern(path: str) -> None:
    """Those of entries and their fields are taken from the path before."""
    matches = list(re.finditer(STEP, path))
    found = [(path[: m.end()], m[2] or m[1], path[: m.start()] + OTHERS) for m in matches]
    assert list(_steps(path)) == found
