"""`import envprint` as a script uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

import envprint
from envprint.document import dumps
from tests.support import fingerprint

ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"


def test_the_public_names_are_these_and_all_load() -> None:
    assert envprint.__all__ == [
        "DriftError",
        "EnvprintError",
        "Fingerprint",
        "Impact",
        "Report",
        "Seeded",
        "capture",
        "check",
        "diff",
        "dump",
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONASHSEED", "0")
    with pytest.raises(envprint.DriftError, match="misspelt") as caught:
        envprint.check(fail_on="numeric")
    assert "environ-name-misspelt" in [f.rule for f in caught.value.report.findings]
    assert envprint.check(fail_on="breaks").impact == envprint.Impact.NUMERIC


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fail_on": "loud"}, "no impact 'loud'"),
        ({"frameworks": "caffe"}, "no framework 'caffe'"),
        ({"baseline": "/nope.json"}, "/nope.json: no such file"),
        ({"policy": "/nope.toml"}, "/nope.toml: no such file"),
    ],
)
def test_mistakes_are_envprint_errors(options: dict[str, str], message: str) -> None:
    with pytest.raises(envprint.EnvprintError, match=message):
        envprint.check(**options)  # type: ignore[arg-type]
