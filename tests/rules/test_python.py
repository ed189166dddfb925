"""Rules about the interpreter: the hash seed is advice, a flushed float is a finding."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import FRAMEWORKS, Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import Workload
from envprint.judging.policy.model import Policy
from envprint.rules import catalogue
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
def test_pythons_minor_version_is_judged_and_its_patch_version_is_not(
    before: str, after: str, said: int
) -> None:
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


def installed(prefix: str, *names: str, **beside: Any) -> Fingerprint:
    """An environment with frameworks and other packages, all of version 1.0."""
    values: dict[str, Any] = {"facts.python.prefix": prefix, **beside}
    for name in names:
        values[f"facts.packages.distributions[{name}]"] = {"version": "1.0"}
        if name in FRAMEWORKS:
            values[f"facts.frameworks.{name.replace('-', '_')}"] = {"version": "1.0"}
    return fingerprint(values)


OTHER = "python-environment-differs"
GENERAL = next(rule.remedy for rule in catalogue() if rule.id == OTHER)
TRAIN = ("numpy", "tensorflow", "keras", "wrapt", "six", "pip")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        pytest.param(
            TRAIN,
            ("ruff", "pip"),
            "/a → /b: numpy, tensorflow, keras and 2 more are not in /b",
            id="a linter's",
        ),
        pytest.param(("numpy", "pip"), ("pip",), "/a → /b: numpy is not in /b", id="a new venv"),
        pytest.param(
            ("ruff",),
            ("numpy", "torch"),
            "/a → /b: numpy, torch are not in /a",
            id="the baseline is the wrong one",
        ),
        pytest.param(
            ("numpy", "torch", "pip"),
            ("jax", "numpy", "tensorflow"),
            "/a → /b: torch is not in /b",
            id="another framework",
        ),
        pytest.param(
            ("numpy", "torch", *"abcdef"),
            ("numpy", "pip"),
            "/a → /b: torch, a, b and 4 more are not in /b",
            id="numpy in both and little else",
        ),
    ],
)
def test_two_installations_are_told_from_one_that_changed(
    before: tuple[str, ...], after: tuple[str, ...], message: str
) -> None:
    findings, undecided = drift(OTHER, installed("/a", *before), installed("/b", *after), [])
    assert [(f.impact, f.message, f.before, f.after) for f in findings] == [
        (Impact.NONE, message, "/a", "/b")
    ]
    assert undecided == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(installed("/a", *TRAIN), installed("/b", *TRAIN), id="moved"),
        pytest.param(installed("/a", *TRAIN), installed("/a", "pip"), id="uninstalled in place"),
        pytest.param(
            installed("/a", *TRAIN), installed("/b", *TRAIN, "jax"), id="one framework more"
        ),
        pytest.param(
            installed("/a", *TRAIN, "jax"), installed("/b", *TRAIN), id="one framework less"
        ),
        pytest.param(
            installed("/a", "numpy", "torch"),
            installed("/b", "numpy", "torch", *"abcdef"),
            id="other tools around the same frameworks",
        ),
        pytest.param(installed("/a", "ruff"), installed("/b", "black"), id="no framework at all"),
    ],
)
def test_one_environment_in_two_places_is_no_other_one(
    before: Fingerprint, after: Fingerprint
) -> None:
    assert drift(OTHER, before, after, []) == ([], [])


def test_an_unknown_place_or_unknown_packages_leave_it_undecided() -> None:
    known = installed("/a", *TRAIN)
    for path in ("facts.python.prefix", "facts.packages.distributions"):
        lost = installed("/b", "pip")._replace(unknown={path: "denied"})
        findings, undecided = drift(OTHER, known, lost, [])
        assert findings == []
        assert [entry.path for entry in undecided] == [path]


def test_the_command_quotes_what_a_document_says_and_is_given_only_where_it_works() -> None:
    before = installed("~/my venv; rm x", *TRAIN)._replace(reference="a b.json", is_here=True)
    after = installed("/b", "pip")._replace(chosen="--python")
    cases = {
        "envprint check 'a b.json' --python ~/'my venv; rm x'": (before, after),
        GENERAL: (before._replace(is_here=False), after),
    }
    for remedy, sides in cases.items():
        findings, _ = drift(OTHER, *sides, [])
        assert [finding.remedy for finding in findings] == [remedy]
    for reference in (None, "-", "now"):
        findings, _ = drift(OTHER, before._replace(reference=reference), after, [])
        assert [finding.remedy for finding in findings] == [GENERAL]
    findings, _ = drift(OTHER, before, after._replace(chosen=None), [])
    assert [finding.remedy for finding in findings] == [GENERAL]
