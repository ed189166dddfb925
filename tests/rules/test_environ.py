"""Rules about environment variables: each fires, stays quiet, and admits doubt."""

from __future__ import annotations

from envprint.model import Impact
from tests.support import drift, fingerprint, state

ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"


def test_a_misspelt_name_is_a_finding_that_names_both() -> None:
    now = fingerprint({"facts.environ.misspelt[PYTHONASHSEED]": "PYTHONHASHSEED"})
    findings, doubts = state("environ-name-misspelt", now)
    assert [(f.impact, f.message, f.after) for f in findings] == [
        (Impact.NUMERIC, "PYTHONASHSEED is set, PYTHONHASHSEED was probably meant", "PYTHONASHSEED")
    ]
    assert doubts == []


def test_no_misspelt_name_is_quiet() -> None:
    assert state("environ-name-misspelt", fingerprint({"facts.environ.misspelt": {}})) == ([], [])


def test_unknown_names_leave_the_rule_undecided() -> None:
    now = fingerprint(unknown={"facts.environ.misspelt": "denied"})
    findings, doubts = state("environ-name-misspelt", now)
    assert findings == []
    assert [(d.path, d.reason) for d in doubts] == [("facts.environ.misspelt", "denied")]


def test_onednn_off_is_numeric_for_tensorflow_on_the_cpu() -> None:
    findings, _ = drift(
        "tensorflow-onednn-switched", fingerprint(), fingerprint({ONEDNN: "0"}), ["tensorflow"]
    )
    assert [(f.impact, f.paths, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, (ONEDNN,), None, "0")
    ]


def test_onednn_does_not_reach_numpy() -> None:
    after = fingerprint({ONEDNN: "0"})
    assert drift("tensorflow-onednn-switched", fingerprint(), after, ["numpy"]) == ([], [])
