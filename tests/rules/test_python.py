"""Rules about the interpreter: the hash seed is advice, a flushed float is a finding."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import Workload
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_drift
from tests.builders.support import drift, fingerprint, state


def python(**values: object) -> Fingerprint:
    return fingerprint({f"facts.python.{name}": value for name, value in values.items()})


def seeded(value: str, variable: str | None) -> Fingerprint:
    names = {} if variable is None else {"PYTHONHASHSEED": variable}
    return fingerprint({"facts.python.hash_seed": value, "facts.environ.variables": names})


def test_another_hash_seed_is_advice_and_never_decides() -> None:
    before, after = seeded("0", "0"), seeded("1", "1")
    advice, undecided = drift("python-hash-seed-changed", before, after)
    assert [(f.impact, f.paths, f.before, f.after) for f in advice] == [
        (
            Impact.DIVERGES,
            ("facts.python.hash_seed", "facts.environ.variables[PYTHONHASHSEED]"),
            "0",
            "1",
        )
    ]
    assert "only to code that iterates over sets" in advice[0].message
    assert undecided == []
    report = judge_drift(before, after, Workload(), Policy())
    assert (report.impact, report.findings, report.changes) == (Impact.NONE, (), ())


def test_the_seed_that_is_fixed_is_the_remedy() -> None:
    advice, _ = drift("python-hash-seed-changed", seeded("random", None), seeded("7", "7"))
    assert advice[0].remedy == "export PYTHONHASHSEED=7"
    assert drift("python-hash-seed-changed", seeded("random", None), seeded("random", None)) == (
        [],
        [],
    )
    unknown = fingerprint(unknown={"facts.python.hash_seed": "?"})
    assert len(drift("python-hash-seed-changed", seeded("0", "0"), unknown)[1]) == 1


def test_a_random_hash_seed_is_advice_before_a_run() -> None:
    advice, undecided = state("python-hash-seed-unset", seeded("random", None))
    assert ([f.after for f in advice], undecided) == (["random"], [])
    assert state("python-hash-seed-unset", seeded("0", "0")) == ([], [])
    unknown = fingerprint(unknown={"facts.python.hash_seed": "?"})
    assert len(state("python-hash-seed-unset", unknown)[1]) == 1
    assert drift("python-hash-seed-unset", seeded("0", "0"), seeded("random", None)) == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [("3.10.13", "3.11.7", 1), ("3.11.2", "3.11.7", 0), ("3.14.0rc1", "3.14.0", 0)],
)
def test_pythons_minor_version_is_advice(before: str, after: str, said: int) -> None:
    advice, undecided = drift(
        "python-minor-version-changed", python(version=before), python(version=after)
    )
    assert (len(advice), undecided) == (said, [])


@pytest.mark.parametrize(
    ("rule", "field", "before", "after", "message"),
    [
        (
            "python-minor-version-changed",
            "version",
            "3.10.13",
            "3.11.7",
            "Python was 3.10.13, is 3.11.7",
        ),
        (
            "python-implementation-changed",
            "implementation",
            "cpython",
            "pypy",
            "python.implementation was cpython, is pypy",
        ),
        (
            "python-gil-switched",
            "gil_enabled",
            True,
            False,
            "python.gil_enabled was True, is False",
        ),
        (
            "python-startup-hooks-changed",
            "startup_hooks",
            [],
            ["patches.pth"],
            "on one side only: patches.pth",
        ),
    ],
)
def test_a_difference_of_the_interpreter_is_numeric(
    rule: str, field: str, before: object, after: object, message: str
) -> None:
    sides = python(**{field: before}), python(**{field: after})
    said, undecided = drift(rule, *sides)
    assert [(f.impact, f.message) for f in said] == [(Impact.NUMERIC, message)]
    assert undecided == []
    assert drift(rule, sides[0], sides[0]) == ([], [])
    unknown = fingerprint(unknown={f"facts.python.{field}": "?"})
    findings, undecided = drift(rule, sides[0], unknown)
    assert (findings, [d.reason for d in undecided]) == ([], ["?"])


def test_flushed_subnormals_are_a_finding() -> None:
    findings, undecided = state("python-subnormals-flushed", python(subnormals_flushed=True))
    assert [(f.impact, f.after) for f in findings] == [(Impact.NUMERIC, True)]
    assert undecided == []
    assert state("python-subnormals-flushed", python(subnormals_flushed=False)) == ([], [])
    unknown = fingerprint(unknown={"facts.python.subnormals_flushed": "?"})
    assert len(state("python-subnormals-flushed", unknown)[1]) == 1


def test_a_mode_that_both_sides_have_is_no_difference() -> None:
    flushed = python(subnormals_flushed=True)
    assert drift("python-subnormals-flushed", flushed, flushed) == ([], [])


@pytest.mark.parametrize(
    "hook", ["distutils-precedence.pth", "_virtualenv.pth", "__editable___mine_1_0_finder.pth"]
)
def test_hooks_of_packaging_tools_are_quiet(hook: str) -> None:
    sides = python(startup_hooks=[]), python(startup_hooks=[hook])
    assert drift("python-startup-hooks-changed", *sides) == ([], [])
