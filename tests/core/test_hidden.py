"""What is hidden on both sides is neither equal nor different, unless one user's seals tell."""

from __future__ import annotations

import itertools
import json
import os
import stat
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.collectors._runner import capture
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint, digest_facts
from envprint.core.hidden import MARK, REASON, differ, unsealed
from envprint.core.impact import Impact
from envprint.core.redact import safe_text, safe_value
from envprint.core.report import HIDDEN_VALUE, Report
from envprint.core.secret_forms import is_random
from envprint.documents.codec import dumps
from envprint.judging.policy.model import Policy
from envprint.judging.policy.parse import parse_policy
from envprint.machine.live import LiveHost
from envprint.machine.recorded import RecordedHost, RecordingHost
from envprint.machine.sealing import FILE, seal
from envprint.machine.user_files import MACHINE_ID
from envprint.outputs.formats import json as json_output
from envprint.outputs.formats import text as text_output
from tests.builders.judged import compare, judge_drift
from tests.builders.secrets import machine
from tests.builders.secrets_planted import TOKENS
from tests.builders.support import fingerprint, workload

VARIABLE = "facts.environ.variables[{}]"
TOKEN = "ghp_" + "Ab3dEf6hIj9k" * 3
OTHER = "ghp_" + "Zb3dEf6hIj9k" * 3


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration directory, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "envprint"


def another_user(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on with another configuration directory."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent / "another"))


def sides(name: str, before: str, after: str) -> tuple[Fingerprint, Fingerprint]:
    return fingerprint({VARIABLE.format(name): before}), fingerprint({VARIABLE.format(name): after})


def judged(name: str, before: str, after: str, policy: Policy | None = None) -> Report:
    job = workload(["tensorflow"])
    return judge_drift(*sides(name, before, after), job, policy or Policy())


def doubts(report: Report) -> list[str]:
    return sorted({entry.path for entry in report.undecided})


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "LD_LIBRARY_PATH", "XLA_FLAGS", "TF_XLA_FLAGS", "PYTHONPATH", "TF_CONFIG",
     "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "KERAS_BACKEND", "TF_SOMETHING_NEW"],
)  # fmt: skip
def test_a_value_that_is_hidden_on_both_sides_is_undecided(name: str) -> None:
    for value in (MARK, f"/a:{MARK}/lib", f"--x={MARK} --y={MARK}"):
        report = judged(name, value, value)
        assert doubts(report) == [VARIABLE.format(name)]
        assert (report.changes, report.findings, report.expected) == ((), (), ())
        assert report.exit_code(Impact.NUMERIC, fail_on_unknown=True) == 3
        assert report.exit_code(Impact.NUMERIC) == 0
        assert all(d.rule and d.reason for d in report.undecided)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "XLA_FLAGS", "PYTHONPATH"])
def test_what_is_visible_beside_a_hidden_word_is_compared(name: str) -> None:
    report = judged(name, f"/a/{MARK}:/x.so", f"/a/{MARK}:/y.so")
    seen = [c.path for c in report.changes]
    seen += [path for f in (*report.findings, *report.advice) for path in f.paths]
    assert VARIABLE.format(name) in seen


@pytest.mark.parametrize(
    "value", ["/data/hf_cache/x.so", "/opt/sk-learn/x.so", "/srv/eyJhbGc/x.so", "/AKIA/x.so"]
)
def test_a_path_that_begins_like_a_token_differs_from_another(value: str) -> None:
    before, after = (safe_value("LD_PRELOAD", path) for path in (value, f"{value}:/other.so"))
    report = judged("LD_PRELOAD", before, after)
    assert [finding.rule for finding in report.findings] == ["environ-preload-changed"]


def test_a_doubt_about_a_hidden_value_has_an_owner_a_path_and_a_reason() -> None:
    report = judged("TF_CONFIG", MARK, MARK)
    (entry,) = report.undecided
    assert entry[:3] == (HIDDEN_VALUE, VARIABLE.format("TF_CONFIG"), REASON)
    assert json.loads(json_output.render(report))["undecided"] == [
        {"rule": HIDDEN_VALUE, "path": VARIABLE.format("TF_CONFIG"), "reason": REASON}
    ]
    assert "hidden on both sides" in text_output.render(report)
    assert "1 rule could not be decided" in report.summary


def test_a_policy_can_settle_what_is_hidden() -> None:
    for entry in (
        "[[ignore]]\npath = 'facts.environ.variables[TF_CONFIG]'\nreason = 'the same'\n",
        "[[expect]]\nrule = 'hidden-value'\nreason = 'the same'\n",
        "[impact]\nhidden-value = 'none'\n",
    ):
        policy = parse_policy(entry.encode(), "p", "2026-11-21")
        report = judged("TF_CONFIG", MARK, MARK, policy)
        assert report.exit_code(Impact.NUMERIC, fail_on_unknown=True) == 0
        assert (policy.notes, report.policy_notes) == ((), ())


def test_what_is_hidden_in_code_and_live_values_counts_for_nothing() -> None:
    paths = ("facts.code.repository", "live.gpu.pids_are_ours")
    both = fingerprint(dict.fromkeys(paths, f"https://{MARK}@h/x"))
    report = judge_drift(both, both, workload(), Policy())
    assert doubts(report) == list(paths)
    assert report.exit_code(Impact.PERF, fail_on_unknown=True) == 0


def test_equal_seals_are_equal_and_others_are_a_change() -> None:
    one, same, other = (safe_text(f"x {word}", seal) for word in (TOKEN, TOKEN, OTHER))
    assert (differ(one, same), differ(one, other)) == (False, True)
    assert doubts(judged("TF_X", one, same)) == []
    assert [c.path for c in judged("TF_X", one, other).unjudged] == [VARIABLE.format("TF_X")]


def test_seals_of_two_users_tell_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = safe_text(TOKEN, seal)
    another_user(config, monkeypatch)
    for other in (safe_text(TOKEN, seal), safe_text(OTHER, seal), safe_text(TOKEN)):
        assert differ(one, other) is None
        assert doubts(judged("TF_X", one, other)) == [VARIABLE.format("TF_X")]


def test_one_word_that_differs_decides_over_others_that_cannot_be_told() -> None:
    one, other = (safe_text(f"--password=x {word}", seal) for word in (TOKEN, OTHER))
    assert differ(one, other) is True
    assert differ(one, one) is None


def test_hidden_words_inside_lists_and_records_are_compared_too() -> None:
    for wrap in (lambda x: [x], lambda x: {"a": x}, lambda x: [{"a": [x]}]):
        assert differ(wrap(MARK), wrap(MARK)) is None
        assert differ(wrap(f"a{MARK}"), wrap(f"b{MARK}")) is True
        assert differ(wrap("a"), wrap("a")) is False
    assert differ([MARK], [MARK, MARK]) is True
    assert differ({"a": MARK}, {"b": MARK}) is True
    assert differ(MARK, None) is True


def test_a_comparison_raises_for_what_is_hidden() -> None:
    comparison = compare(*sides("TF_X", MARK, MARK))
    assert (comparison.changes, comparison.hidden) == ((), (VARIABLE.format("TF_X"),))
    with pytest.raises(UnknownValueError):
        comparison.change(VARIABLE.format("TF_X"))


@pytest.mark.parametrize(
    "word",
    ["abc", "hunter2", "correct horse battery", "a" * 40, "0" * 32, "my-long-password-of-words-1",
     "AKIAIOSFODNN7EXAMPLE"],
)  # fmt: skip
def test_a_word_that_could_be_guessed_is_never_sealed(word: str) -> None:
    assert not is_random(word)
    assert safe_value("TORCH_API_KEY", word, seal) == MARK


@pytest.mark.parametrize("word", ["0f1e2d3c4b5a69788796a5b4c3d2e1f0", TOKEN])
def test_a_random_word_under_a_secret_name_is_sealed(word: str) -> None:
    assert safe_value("TORCH_API_KEY", word, seal).startswith(f"{MARK}#")


def test_the_key_is_the_users_own_and_in_no_document(config: Path, tmp_path: Path) -> None:
    variables = {**os.environ, "TF_X": TOKEN, "TORCH_API_KEY": "hunter2"}
    documents = []
    for name in ("one", "two"):
        argv = [sys.executable, "-m", "envprint", "capture", "-o", f"{name}.json", "--save", name]
        subprocess.run(argv, cwd=tmp_path, env=variables, check=True, capture_output=True)
        documents.append((tmp_path / f"{name}.json").read_text())
    key = (config / FILE).read_bytes()
    assert stat.S_IMODE((config / FILE).stat().st_mode) == 0o600
    assert {path.name for path in config.iterdir()} == {FILE, MACHINE_ID}
    written = b"".join(
        p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and config not in p.parents
    )
    assert key not in written
    assert key.hex().encode() not in written
    assert TOKEN.encode() not in written
    one, two = map(json.loads, documents)
    assert one["digest"] == two["digest"]
    assert MARK + "#" in one["facts"]["environ"]["variables"]["TF_X"]
    assert one["facts"]["environ"]["variables"] == two["facts"]["environ"]["variables"]


def test_an_unchanged_environment_has_one_digest_for_two_users(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sealed() -> dict[str, Any]:
        return {"environ": {"variables": {"TF_X": safe_text(TOKEN, seal)}}}

    mine = sealed()
    another_user(config, monkeypatch)
    others = sealed()
    assert mine != others
    assert digest_facts(mine) == digest_facts(others)
    assert unsealed(str(mine)) == unsealed(str(others))


def test_a_key_that_others_can_read_or_have_put_there_is_not_used(config: Path) -> None:
    config.mkdir(parents=True)
    for content, mode in ((b"k" * 32, 0o644), (b"k" * 32, 0o640), (b"short", 0o600), (b"", 0o600)):
        (config / FILE).write_bytes(content)
        (config / FILE).chmod(mode)
        seal.__globals__["_key"].cache_clear()
        assert seal(TOKEN) is None
        assert safe_text(TOKEN, seal) == MARK
    (config / FILE).unlink()
    (config / FILE).symlink_to("/etc/hostname")
    seal.__globals__["_key"].cache_clear()
    assert seal(TOKEN) is None


def test_a_file_in_place_of_the_directory_seals_nothing(config: Path) -> None:
    config.parent.mkdir()
    config.write_text("")
    assert safe_text(TOKEN, seal) == MARK


def test_of_several_that_make_the_key_at_once_all_have_the_same(config: Path) -> None:
    code = f"from envprint.machine.sealing import seal; print(seal({TOKEN!r}))"
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ)
        for _ in range(6)
    ]
    told = {run.communicate()[0] for run in runs}
    assert len(told) == 1
    assert [path.name for path in config.iterdir()] == [FILE]


def test_where_nothing_is_random_no_key_is_made(config: Path) -> None:
    capture(RecordedHost(machine()))
    safe_value("TORCH_API_KEY", "hunter2", seal)
    assert not config.exists()


def test_a_recording_seals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = machine()
    answers["environ"]["TF_X"] = TOKEN
    assert MARK + "#" not in dumps(capture(RecordedHost(answers)))
    assert RecordingHost(LiveHost()).seal(TOKEN) is None


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_sealed_where_its_form_holds_enough_chance(kind: str) -> None:
    token = TOKENS[kind]().text
    weak = kind.startswith(("AWS", "GitLab", "Docker"))
    assert (safe_text(token, seal) == MARK) == weak


def test_seals_survive_a_second_look() -> None:
    for text in (f"https://ann:{TOKEN}@h/x", f"--token={TOKEN}", TOKEN, f'{{"token": "{TOKEN}"}}'):
        once = safe_text(text, seal)
        assert MARK + "#" in once
        assert safe_text(once, seal) == once
        assert safe_text(once) == once


def test_diff_of_two_old_documents_with_hidden_values_is_undecided(tmp_path: Path) -> None:
    names = []
    for side in ("before", "after"):
        path = tmp_path / f"{side}.json"
        path.write_text(dumps(fingerprint({VARIABLE.format("LD_PRELOAD"): MARK})))
        names.append(str(path))
    for action, code in (("fail", 3), ("warn", 0), ("ignore", 0)):
        printed = StringIO()
        argv = ["diff", *names, "--on-unknown", action, "--framework", "numpy", "--format", "json"]
        assert main(argv, Console(printed, StringIO())) == code
        found = json.loads(printed.getvalue())["undecided"]
        assert VARIABLE.format("LD_PRELOAD") in {entry["path"] for entry in found}


def test_many_equal_sections_are_looked_through_once() -> None:
    values = {f"facts.packages.distributions[p{n}].version": "1" for n in range(50)}
    both = fingerprint(values | {"facts.packages.distributions[p7].installer": MARK})
    assert compare(both, both).hidden == ("facts.packages.distributions[p7].installer",)
    assert not list(itertools.chain(compare(both, both).changes))
