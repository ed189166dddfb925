"""Forecasts that probes on both sides have settled are lowered, in words that say so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.rule import Match, Rule
from envprint.judging import judge
from envprint.judging.policy.model import Policy
from envprint.outputs.formats import json as json_output
from envprint.outputs.formats import text
from envprint.rules import catalogue
from tests.builders.judged import judge_drift, judge_state
from tests.builders.support import fingerprint, workload

NUMERIC = "facts.probes.numeric"
CORE = "facts.environ.variables[OPENBLAS_CORETYPE]"


def side(core: str | None, varying: tuple[str, ...] = (), **probes: str) -> Fingerprint:
    """A fingerprint with a BLAS kernel asked for, and one digest from each probe."""
    numeric: dict[str, Any] = {
        key.replace("_", " ").replace(" gpu", " on gpu:"): {
            "revision": "r",
            "version": "1",
            "device": "cpu",
            "settings": {},
            "runs": 1,
            "digests": {"matmul/large float32": digest, "libm/exp float32": "e"},
            "varying": list(varying),
        }
        for key, digest in probes.items()
    }
    values = {
        "facts.environ.variables": {"OPENBLAS_CORETYPE": core} if core else {},
        "facts.cpu.architecture": "x86_64",
        "facts.cpu.flags": ["avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"],
        "facts.frameworks.numpy.version": "2.4.6",
        NUMERIC: numeric,
    }
    return fingerprint(values)


def judged(before: Fingerprint, after: Fingerprint, *names: str, policy: Policy) -> Report:
    return judge_drift(before, after, workload(names), policy)


def finding_of(report: Report, rule: str = "openblas-core-changed") -> Any:
    (finding,) = [f for f in report.findings if f.rule == rule]
    return finding


BEFORE, AFTER = side(None, numpy="a"), side("Haswell", numpy="a")


def test_equal_bits_in_all_operations_lower_a_forecast_and_say_so() -> None:
    report = judged(BEFORE, AFTER, "numpy", policy=Policy())
    finding = finding_of(report)
    assert finding.impact is Impact.NONE
    assert finding.probed_equal == (
        "numeric was expected, but probes on both sides gave the same bits in all operations they "
        "cover on the CPU: 2 of numpy"
    )
    assert report.impact is Impact.NONE
    assert report.summary.startswith(
        "not seen here, as it was probed: OpenBLAS uses a different kernel"
    )
    assert report.exit_code(Impact.NUMERIC) == 0
    shown = text.render(report)
    head, found, *_ = shown.split("\n\n")
    assert " ".join(head.split()) == (
        "NONE Not seen here, as it was probed: OpenBLAS uses a different kernel."
    )
    assert found.startswith("found     1  ")
    assert "\nNONE      OpenBLAS uses a different kernel" in shown
    assert "  not seen  numeric was expected, but probes" in shown
    (document,) = json.loads(json_output.render(report))["findings"]
    assert (document["impact"], document["not_seen"]) == ("none", finding.probed_equal)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (side(None), side("Haswell"), ["numpy"]),
        (side(None, numpy="a"), side("Haswell"), ["numpy"]),
        (side(None, numpy="a"), side("Haswell", numpy="b"), ["numpy"]),
        (side(None, torch="a"), side("Haswell", torch="a"), ["numpy"]),
        (BEFORE, AFTER, ["numpy", "scikit-learn"]),
        (side(None, ("libm/exp float32",), numpy="a"), AFTER, ["numpy"]),
    ],
    ids=[
        "no probes",
        "one side only",
        "other bits",
        "another framework",
        "a framework without a probe",
        "a side that does not repeat itself",
    ],
)
def test_a_forecast_stands_without_equal_bits_of_every_framework(
    before: Fingerprint, after: Fingerprint, names: list[str]
) -> None:
    finding = finding_of(judged(before, after, *names, policy=Policy()))
    assert (finding.impact, finding.probed_equal) == (Impact.NUMERIC, None)


def test_an_operation_that_one_side_could_not_compute_settles_nothing() -> None:
    place = f"{NUMERIC}[numpy].digests[fft/real float32]"
    after = AFTER._replace(unknown={place: "it crashed"})
    assert finding_of(judged(BEFORE, after, "numpy", policy=Policy())).impact is Impact.NUMERIC


def test_what_a_team_has_decided_stands() -> None:
    policy = Policy(impacts={"openblas-core-changed": Impact.DIVERGES})
    assert finding_of(judged(BEFORE, AFTER, "numpy", policy=policy)).impact is Impact.DIVERGES
    for name in ("openblas-core-changed", "openblas-*"):
        policy = Policy(impacts={name: Impact.NUMERIC})
        assert finding_of(judged(BEFORE, AFTER, "numpy", policy=policy)).impact is Impact.NUMERIC


def test_a_probe_on_the_cpu_settles_nothing_for_a_job_on_a_gpu() -> None:
    old, new = "2.12.0", "2.13.0"
    sides = [
        fingerprint({"facts.frameworks.torch.version": v, NUMERIC: p.value(NUMERIC)})
        for v, p in ((old, side(None, torch="a")), (new, side(None, torch="a")))
    ]
    on_cpu = judge_drift(*sides, workload(["torch"]), Policy())
    on_gpu = judge_drift(*sides, workload(["torch"], "gpu"), Policy())
    assert finding_of(on_cpu, "torch-version-changed").impact is Impact.NONE
    assert finding_of(on_gpu, "torch-version-changed").impact is Impact.NUMERIC


def test_what_was_computed_is_a_cause_only_when_no_other_is_found() -> None:
    report = judged(side(None, numpy="a"), side("Haswell", numpy="b"), "numpy", policy=Policy())
    assert report.likely_causes == ("openblas-core-changed",)
    alone = judged(side(None, numpy="a"), side(None, numpy="b"), "numpy", policy=Policy())
    assert alone.likely_causes == ("probe-arithmetic-differs",)


def forecast(*names: str, impact: Impact = Impact.BREAKS) -> Rule:
    """A rule that expects that these distributions do not start together."""
    match = Match("they do not fit", ("facts.packages.distributions",), None, None, impact)
    (rule,) = [rule for rule in catalogue() if rule.id == "probe-import-fails"]
    return rule._replace(id="pair", state=lambda now, job: [match._replace(imports=names)])


def installed(ok: bool | None, version: str = "2.1.4") -> Fingerprint:
    """A fingerprint with pandas 2.1.4, and what came of importing a version."""
    one = {"module": "pandas", "version": version, "ok": ok, "error": None}
    return fingerprint(
        {
            "facts.packages.distributions[pandas].version": "2.1.4",
            "facts.probes.imports": {} if ok is None else {"pandas": one},
        }
    )


@pytest.mark.parametrize(
    ("now", "names", "impact"),
    [
        (installed(ok=True), ("pandas",), Impact.NONE),
        (installed(ok=True), ("pandas", "numpy"), Impact.BREAKS),
        (installed(ok=True), (), Impact.BREAKS),
        (installed(ok=False), ("pandas",), Impact.BREAKS),
        (installed(ok=None), ("pandas",), Impact.BREAKS),
        (installed(ok=True, version="2.2.3"), ("pandas",), Impact.BREAKS),
    ],
)
def test_an_import_that_works_refutes_that_it_does_not_start(
    now: Fingerprint, names: tuple[str, ...], impact: Impact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "applying", lambda *_: [forecast(*names)])
    report = judge_state(now, None, workload(["numpy"]), Policy())
    finding = finding_of(report, "pair")
    assert finding.impact == report.impact == impact
    if impact is Impact.NONE:
        assert finding.probed_equal == "breaks was expected, but here pandas 2.1.4 can be imported"
        assert report.summary.startswith("not seen here, as it was probed")
    else:
        assert finding.probed_equal is None


def test_a_team_that_calls_a_pair_broken_is_not_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "applying", lambda *_: [forecast("pandas")])
    policy = Policy(impacts={"pair": Impact.BREAKS})
    report = judge_state(installed(ok=True), None, workload(["numpy"]), policy)
    assert finding_of(report, "pair").impact is Impact.BREAKS
