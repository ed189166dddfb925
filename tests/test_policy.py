"""Policies: what they say is in force, or an error says what is wrong and where."""

from __future__ import annotations

import pytest

from envprint.errors import PolicyError
from envprint.model import Impact
from envprint.policy import Ignore, Policy
from envprint.policy_file import parse_policy

WHOLE = b"""
fail_on = "diverges"
on_unknown = "fail"
frameworks = ["tensorflow"]
device = "gpu"

[impact]
"os-locale-changed" = "none"

[[ignore]]
rule = "gpu-driver-changed"
reason = "rolling driver upgrade"
expires = 2027-01-31

[[ignore]]
path = "facts.cuda.*"
reason = "an old one"
expires = 2026-01-31
"""


def test_a_whole_policy_is_read_and_expired_entries_do_not_hold() -> None:
    assert parse_policy(WHOLE, "p", "2026-11-21") == Policy(
        fail_on=Impact.DIVERGES,
        on_unknown="fail",
        frameworks=("tensorflow",),
        device="gpu",
        impacts={"os-locale-changed": Impact.NONE},
        ignores=(Ignore("gpu-driver-changed", "*", "rolling driver upgrade", "2027-01-31"),),
    )


def test_an_empty_policy_is_the_default() -> None:
    assert parse_policy(b"", "p", "2026-11-21") == Policy()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"fail_on = ", "p: not valid TOML"),
        (b"\xff", "p: not UTF-8 text"),
        (b"fail_onn = 'none'", "p: fail_onn: unknown key"),
        (b"fail_on = 5", "p: fail_on: expected string, found int"),
        (b"fail_on = 'loud'", "p: fail_on: expected one of none, perf, numeric"),
        (b"device = 'tpu'", "p: device: expected one of cpu, gpu"),
        (b"frameworks = ['caffe']", "p: frameworks: expected one of"),
        (b"[impact]\nx = 'high'", "p: impact.x: expected one of"),
        (b"[[ignore]]\nrule = 'x'", "p: ignore[0]: a reason is required"),
        (b"[[ignore]]\nreason = 'x'", "p: ignore[0]: expected a rule or a path"),
        (b"[[ignore]]\nrul = 'x'\nreason = 'y'", "p: ignore[0].rul: unknown key"),
        (b"ignore = 5", "p: ignore: expected array, found int"),
        (b"ignore = [5]", "p: ignore[0]: expected object, found int"),
        (b"[[ignore]]\nrule='x'\nreason='y'\nexpires=5", "p: ignore[0].expires: expected date"),
        (b"[[ignore]]\nrule='x'\nreason='y'\nexpires='soon'", "p: ignore[0]: expires: expected"),
        (b"[[ignore]]\nrule='x'\nreason='y'\nexpires=12:00:00", "p: ignore[0]: expires: expected"),
        (b"x = " + b"[" * 100_000, "p: not valid TOML"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_place(text: bytes, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "p", "2026-11-21")
    assert str(caught.value).startswith(message)
