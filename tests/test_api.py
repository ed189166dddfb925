"""`import envprint` as a script uses it."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.core.errors import UnknownValueError
from envprint.core.impact import Impact
from envprint.core.rule import Match, Rule
from envprint.documents.codec import dumps
from envprint.judging import judge
from tests.builders.environments import put_framework
from tests.builders.rules import a_rule
from tests.builders.support import fingerprint

NUMPY = "facts.frameworks.numpy"
ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"


def test_the_public_names_are_these_and_all_load() -> None:
    assert envprint.__all__ == [
        "DriftError",
        "DriftWarning",
        "EnvprintError",
        "Fingerprint",
        "Impact",
        "Report",
        "Seeded",
        "capture",
        "check",
        "diff",
        "dump",
        "fleet",
        "gpu",
        "integrations",
        "load",
        "seed",
    ]
    for name in envprint.__all__:
        assert getattr(envprint, name).__doc__
    assert set(envprint.__all__) <= set(dir(envprint))
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        envprint.nope  # noqa: B018  the access is the test


def test_capture_dump_load_diff_go_round(tmp_path: Path) -> None:
    now = envprint.capture(label="mine")
    assert now.captured_via == "python"
    envprint.dump(now, tmp_path / "run.json")
    read = envprint.load(tmp_path / "run.json")
    assert read == now
    report = envprint.diff(read, now)
    assert (report.impact, report.findings, report.changes) == (envprint.Impact.NONE, (), ())


def test_diff_takes_files_and_narrows_the_workload(tmp_path: Path) -> None:
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text(dumps(fingerprint()))
    after.write_text(dumps(fingerprint({ONEDNN: "0"})))
    # These documents record hardly anything, so most rules cannot be decided; this one can.
    report = envprint.diff(fingerprint(), fingerprint({ONEDNN: "0"}), frameworks=["tensorflow"])
    assert report.impact == envprint.Impact.NUMERIC
    assert envprint.diff(before, after, frameworks=["numpy"]).findings == ()


def test_check_raises_with_the_report_when_the_threshold_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(put_framework(tmp_path, "numpy"))
    monkeypatch.setenv("LD_PRELOD", "0")
    with pytest.raises(envprint.DriftError, match="misspelt") as caught:
        envprint.check(fail_on="numeric")
    assert "environ-name-misspelt" in [f.rule for f in caught.value.report.findings]
    with pytest.warns(envprint.DriftWarning, match=r"numeric: .*misspelt"):
        assert envprint.check(fail_on="breaks").impact == envprint.Impact.NUMERIC


def test_check_warns_when_nothing_was_checked(tmp_path: Path) -> None:
    text = "envprint: not checked: no framework in /opt/lint; is this the environment that trains"
    now = fingerprint({"facts.python.prefix": "/opt/lint"})
    with pytest.warns(UserWarning, match=text) as told:
        report = envprint.check(current=now)
    assert told[0].filename == __file__
    assert str(report.not_checked) in str(told[0].message)
    policy = tmp_path / "policy.toml"
    policy.write_text("on_unknown = 'fail'")
    with pytest.raises(envprint.DriftError, match="not checked: no framework in /opt/lint"):
        envprint.check(current=now, policy=policy)


def test_what_is_installed_counts_where_nothing_is_imported() -> None:
    now = fingerprint({NUMPY: {"version": "2.4.6"}, "facts.frameworks.imported": []})
    assert envprint.check(current=now).not_checked is None
    imported = fingerprint({NUMPY: None, "facts.frameworks.imported": ["numpy"]})
    assert envprint.check(current=imported).workload.frameworks == ("numpy",)


def test_a_framework_that_is_named_must_be_installed_and_need_not_be_imported() -> None:
    now = fingerprint({NUMPY: {"version": "2.4.6"}, "facts.frameworks.imported": []})
    assert envprint.check(current=now, frameworks="numpy").findings == ()
    with pytest.raises(envprint.DriftError, match="torch is named and is not installed"):
        envprint.check(current=now, frameworks=["numpy", "torch"])
    assert envprint.diff(now, now, frameworks=["torch"]).findings == ()


def misspelt() -> envprint.DriftError:
    """What a check raises here, with a real report."""
    with pytest.raises(envprint.DriftError) as caught:
        envprint.check(baseline=envprint.capture(), fail_on="none", policy=os.devnull)
    return caught.value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_check_raises_can_be_pickled_and_copied(
    monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.setenv("LD_PRELOD", "0")
    raised = misspelt()
    raised.rank = 3  # type: ignore[attr-defined]  as add_note and pools of workers do
    for twin in (
        pickle.loads(pickle.dumps(raised, protocol)),
        copy.copy(raised),
        copy.deepcopy(raised),
    ):
        assert type(twin) is envprint.DriftError
        assert (str(twin), twin.report, twin.rank) == (str(raised), raised.report, 3)


def test_what_is_raised_in_a_worker_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOD", "0")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        arrived = pool.submit(envprint.check, fail_on="numeric").exception(timeout=120)
    assert isinstance(arrived, envprint.DriftError)
    assert "environ-name-misspelt" in [finding.rule for finding in arrived.report.findings]


def test_a_value_that_is_unknown_is_an_error_that_can_be_pickled() -> None:
    with pytest.raises(UnknownValueError) as caught:
        fingerprint({}, {"facts.gpu": "no driver"}).value("facts.gpu.count")
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (twin.path, twin.reason, str(twin)) == (
        "facts.gpu",
        "no driver",
        "facts.gpu: no driver",
    )


def refused(*rules: Rule, **options: Any) -> str:
    """What a check says when these are all the rules there are."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(envprint.DriftError) as caught:
        patch.setattr(judge, "applying", lambda *_: rules)
        now = fingerprint({NUMPY: {"version": "2.4.6"}}, {"facts.gpu": "no\ndriver"})
        envprint.check(current=now, **options)
    return str(caught.value)


def says(*messages: str) -> Any:
    """A state check that always sees all of these."""
    return lambda now, workload: [
        Match(text, (f"facts.os.{i}",)) for i, text in enumerate(messages)
    ]


def test_an_error_of_one_reason_is_one_line_with_what_is_so_its_rule_and_what_to_do() -> None:
    text = refused(a_rule("bad", state=says("6.8\x1b[2J is\nbad"), impact=Impact.BREAKS))
    assert text == "breaks: 6.8\\x1b[2J is bad (bad); do: Nothing."


def test_an_error_of_several_reasons_names_those_that_count_the_worst_first() -> None:
    rules = (
        a_rule("slow", state=says("it is slow"), impact=Impact.PERF),
        a_rule("tip", state=says("a tip"), impact=Impact.DIVERGES, advice=True),
        a_rule("a", state=says("one", "two"), impact=Impact.NUMERIC),
    )
    several = "numeric: results differ by rounding: equal at first, further apart with every step"
    numeric = ["  numeric   one (a)", "  numeric   two (a)", "            do: Nothing."]
    assert refused(*rules).splitlines() == [several, *numeric]
    assert refused(*rules, strict=True).splitlines() == [
        "diverges: a different run from the first step",
        "  diverges  a tip (tip)",
        "            do: Nothing.",
        *numeric,
    ]
    assert refused(*rules, fail_on="diverges", strict=True) == "diverges: a tip (tip); do: Nothing."


def test_an_error_for_what_could_not_be_decided_says_why(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("on_unknown = 'fail'")

    def asks(now: Any, workload: Any) -> Iterator[Match]:
        yield from now.value("facts.gpu.count")

    assert refused(a_rule("gpu", state=asks), policy=policy).splitlines() == [
        "undecided: 1 rule that could reach the threshold",
        "  gpu: facts.gpu: no driver",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fail_on": "loud"}, "no impact 'loud'"),
        ({"fail_on": 2}, "no impact 2; known: none, perf, numeric, diverges, breaks"),
        ({"frameworks": "caffe"}, "no framework or library 'caffe'; name what trains: jax, "),
        (
            {"frameworks": ["numpy", "tensorflw"]},
            "no framework or library 'tensorflw'; did you mean tensorflow",
        ),
        ({"device": "cuda"}, "no device 'cuda'; known: cpu, gpu"),
        ({"device": "GPU"}, "no device 'GPU'; known: cpu, gpu"),
        ({"device": ""}, "no device ''; known: cpu, gpu"),
        ({"device": ["gpu"]}, r"no device \['gpu'\]"),
        ({"baseline": "/nope.json"}, "/nope.json: no such file"),
        ({"policy": "/nope.toml"}, "/nope.toml: no such file"),
    ],
)
def test_mistakes_are_envprint_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(envprint.EnvprintError, match=message):
        envprint.check(**options)


@pytest.mark.parametrize("mistake", [{"device": "tpu"}, {"frameworks": ["caffe"]}])
def test_a_diff_for_a_workload_that_there_is_not_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(envprint.EnvprintError, match=r"known: |name what trains: "):
        envprint.diff(fingerprint(), fingerprint(), **mistake)


def test_a_workload_may_be_named_in_every_way_that_it_has() -> None:
    for device in (None, "cpu", "gpu"):
        report = envprint.diff(
            fingerprint(), fingerprint(), frameworks=iter(["torch"]), device=device
        )
        assert report.workload.device == (device or "cpu")
        assert report.workload.frameworks == ("torch",)
