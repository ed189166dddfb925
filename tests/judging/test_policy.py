"""Policies: what they say is in force, or an error says what is wrong and where."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.core.errors import PolicyError
from envprint.core.impact import Impact
from envprint.core.workload import Requirements, Workload
from envprint.judging.policy.find import agreed_policy, find_policy
from envprint.judging.policy.in_force import rows
from envprint.judging.policy.model import Entry, Policy
from envprint.judging.policy.parse import parse_policy
from envprint.judging.policy.template import starting_policy
from envprint.judging.policy.toml import line_of
from tests.builders.edits import edited
from tests.builders.judged import judge_drift, judge_state
from tests.builders.loading import loaded_by
from tests.builders.policies import TODAY, WHOLE


def in_force() -> Policy:
    """What holds here, wherever it was read from."""
    return agreed_policy(None)[0]._replace(file=None)


def parse(text: str) -> Policy:
    return parse_policy(text.encode(), "p", TODAY)


def test_a_whole_policy_is_read() -> None:
    assert parse_policy(WHOLE, "p", TODAY) == Policy(
        fail_on=Impact.DIVERGES,
        on_unknown="fail",
        frameworks=("tensorflow",),
        device="gpu",
        impacts={"os-locale-changed": Impact.NONE},
        required=Requirements(
            min_free_gpu_bytes=20 << 30,
            gpus=2,
            variables={"TF_DETERMINISTIC_OPS": "1"},
            switches=("tensorflow-op-determinism",),
            packages={"numpy": "==2.4.*", "keras": "*"},
        ),
        ignores=(
            Entry("ignore[0]", "gpu-index-moved", "*", "rolling driver upgrade", "2027-01-31"),
            Entry("ignore[1]", "*", "facts.cuda.*", "an old one", "2026-01-31", has_expired=True),
        ),
        expects=(Entry("expect[0]", "*", "facts.cuda.cudnn*", "we compare two cuDNN versions"),),
    )


def test_an_empty_policy_is_the_default() -> None:
    assert parse("") == Policy()


def test_in_pyproject_toml_it_is_a_table_among_others() -> None:
    text = (
        b"[project]\nname = 'x'\n[tool.envprint]\nfail_on = 'perf'\n[tool.envprint.require]\ngpus=1"
    )
    found = parse_policy(text, "some/pyproject.toml", TODAY)
    assert found == Policy(fail_on=Impact.PERF, required=Requirements(gpus=1))
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.replace(b"'perf'", b"5"), "pyproject.toml", TODAY)
    assert str(caught.value).startswith("pyproject.toml, line 4: fail_on: expected string")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail_on = ", "p: not valid TOML"),
        ("\n\nfail_onn = 'none'", "p, line 3: fail_onn: unknown key; did you mean fail_on?"),
        ("zzz = 1", "p, line 1: zzz: unknown key; known: accept, device, expect, fail_on"),
        ("fail_on = 5", "p, line 1: fail_on: expected string, found int"),
        ("fail_on = 'loud'", "p, line 1: fail_on: expected one of none, perf, numeric"),
        ("device = 'tpu'", "p, line 1: device: expected one of cpu, gpu"),
        (
            "frameworks = ['caffe']",
            "p, line 1: frameworks: no framework or library 'caffe'; name what trains: jax",
        ),
        ("[impact]\nx = 'high'", "p, line 2: impact.x: expected one of"),
        ("[[ignore]]\nrule = 'x'", "p, line 1: ignore[0]: a reason is required"),
        ("[[ignore]]\nreason = 'x'", "p, line 1: ignore[0]: expected a rule or a path"),
        ("[[identity]]\nreason = 'x'", "p, line 1: identity[0]: expected a path"),
        (
            "[[ignore]]\nrule='a'\nreason='b'\n[[ignore]]\nrul = 'x'\nreason = 'y'",
            "p, line 5: ignore[1].rul: unknown key; did you mean rule?",
        ),
        ("ignore = 5", "p, line 1: ignore: expected array, found int"),
        ("ignore = [5]", "p, line 1: ignore[0]: expected table, found int"),
        ("[[ignore]]\nrule='x'\nreason='y'\nexpires=5", "p, line 4: ignore[0].expires: expected"),
        ("[[ignore]]\nrule='x'\nreason='y'\nexpires='soon'", "p, line 4: ignore[0].expires: expec"),
        (
            "[[ignore]]\nrule='x'\nreason='y'\nexpires='2027-99-99'",
            "p, line 4: ignore[0].expires: ",
        ),
        (
            "[[ignore]]\nrule='x'\nreason='y'\nexpires='2027-02-29'",
            "p, line 4: ignore[0].expires: ",
        ),
        ("[[ignore]]\nrule='x'\nreason='y'\nexpires='20270131'", "p, line 4: ignore[0].exp"),
        (
            "[[ignore]]\nrule='x'\nreason='y'\nexpires='٢٠٢٧-٠١-٣١'",
            "p, line 4: ignore[0].expires: ",
        ),
        ("[[ignore]]\nrule=''\nreason='y'", "p, line 2: ignore[0].rule: expected a rule, found ''"),
        (
            "[[expect]]\npath=' '\nreason='y'",
            "p, line 2: expect[0].path: expected a path, found ' '",
        ),
        ("[[ignore]]\nrule='x'\nreason='y'\nexpires=12:00:00", "p, line 4: ignore[0].expires: exp"),
        ("[[expect]]\npath='x'", "p, line 1: expect[0]: a reason is required"),
        ("[[expect]]\npath='x'\nreason='y'\nexpires=2027-01-01", "p, line 4: expect[0].expires: u"),
        ("[require]\ngpu = 1", "p, line 2: require.gpu: unknown key; did you mean gpus?"),
        ("[require]\ngpus = -1", "p, line 2: require.gpus: expected a number from 0 to"),
        ("[require]\ngpus = 0x" + "f" * 9_000, "p, line 2: require.gpus: expected a number from"),
        ("[require]\ngpus = " + "9" * 5_000, "p: not valid TOML: "),
        ("expires = 2027-99-99", "p: not valid TOML: "),
        ("[require]\nmin_free_gpu = 'much'", "p, line 2: require.min_free_gpu: expected a size"),
        ("[require]\npackages = { numpy = '2.x' }", "p, line 2: require.packages.numpy: expected"),
        ("[require]\npackages.x = '==" + "9" * 5_000 + "'", "p, line 2: require.packages.x: exp"),
        ("[require.packages]\n\nnumpy = '2.x'", "p, line 3: require.packages.numpy: expected"),
        ("require.variables.SECRET = 'x'", "p, line 1: require.variables.SECRET: envprint does no"),
        ("[require]\nswitches = ['tf']", "p, line 2: require.switches: expected one of cublas-wo"),
        ("x = " + "[" * 100_000, "p: not valid TOML"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_line_and_the_place(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value).strip()


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1"])
def test_a_pyproject_that_was_named_and_has_no_policy_is_noted(text: str) -> None:
    note = "a/pyproject.toml: it contains no table [tool.envprint]: the defaults apply"
    assert parse_policy(text.encode(), "a/pyproject.toml", TODAY) == Policy(notes=(note,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tool = 5", "pyproject.toml, line 1: tool: expected table, found int"),
        ("[[tool]]\nname = 'x'", "pyproject.toml, line 1: tool: expected table, found list"),
        (
            "[tool]\nenvprint = 5",
            "pyproject.toml, line 2: tool.envprint: expected table, found int",
        ),
        ("[[tool.envprint]]", "pyproject.toml, line 1: tool.envprint: expected table, found list"),
    ],
)
def test_a_pyproject_whose_table_is_none_is_an_error_that_names_it(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode(), "pyproject.toml", TODAY)
    assert str(caught.value) == message


def test_a_mark_at_the_beginning_of_the_file_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "envprint.toml"
    path.write_text("fail_on = 'perf'\ndevice = 'gpu'\n", encoding="utf-8-sig")
    policy, name, text = agreed_policy(str(path))
    assert policy == Policy(fail_on=Impact.PERF, device="gpu", file=str(path))
    assert ("fail_on", "perf", "line 1") in rows(policy, name, text)


def test_bytes_that_are_no_text_are_named() -> None:
    with pytest.raises(PolicyError, match="p: not UTF-8 text"):
        parse_policy(b"\xff", "p", TODAY)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("b", "c"), 3),
        (("b", "c d"), 4),
        (("e", "0", "x"), 6),
        (("e", "1", "x"), 8),
        (("e", "1", "missing"), 7),
        (("f", "g", "h"), 9),
        (("nowhere",), None),
    ],
)
def test_a_key_is_found_on_its_line(path: tuple[str, ...], line: int | None) -> None:
    text = 'a = 1\n[b] # x\nc = 2\n"c d" = 3\n[[e]]\nx=1\n[[e]]\nx = 2\n[f.g]\nother = 1'
    assert line_of(text, path) == line


DRIFT = {
    "host": "debian12-cpu-vm",
    "set": {"facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]": "0", "facts.os.kernel_release": "9"},
}
SAME = {"host": "debian12-cpu-vm"}
TENSORFLOW = Workload(("tensorflow",), "cpu", "x86_64")


def drifted(policy: str, **more: Any) -> Any:
    after = {**DRIFT, "set": {**DRIFT["set"], **more}}  # type: ignore[dict-item]
    return judge_drift(edited(SAME), edited(after), TENSORFLOW, parse(policy))


def test_a_raised_and_a_lowered_impact_hold() -> None:
    rule = "tensorflow-onednn-switched"
    assert drifted("").impact is Impact.NUMERIC
    assert drifted(f"[impact]\n{rule} = 'breaks'").impact is Impact.BREAKS
    assert drifted(f"[impact]\n{rule} = 'none'").impact is Impact.NONE


@pytest.mark.parametrize(
    ("entries", "impact"),
    [
        ("'tensorflow-*' = 'none'", Impact.NONE),
        ("'*' = 'none'", Impact.NONE),
        ("'torch-*' = 'none'", Impact.NUMERIC),
        ("'*' = 'none'\n'tensorflow-*' = 'breaks'\n'tensor*' = 'perf'", Impact.BREAKS),
        ("'*-onednn-switched' = 'diverges'\n'tensorflow-onednn-*' = 'perf'", Impact.PERF),
        ("'tensorflow-*' = 'breaks'\n'*tensorflow-' = 'none'", Impact.BREAKS),
        # A pattern has as many letters as the id, and still the id itself is more exact.
        ("'tensorflow-onednn-switched*' = 'none'\n'{}' = 'breaks'", Impact.BREAKS),
    ],
)
def test_an_impact_may_be_that_of_many_rules_and_the_most_exact_entry_holds(
    entries: str, impact: Impact
) -> None:
    report = drifted("[impact]\n" + entries.format("tensorflow-onednn-switched"))
    assert report.impact is impact


def test_what_is_expected_is_shown_apart_and_not_counted() -> None:
    text = "[[expect]]\nrule = 'tensorflow-onednn-*'\nreason = 'we vary oneDNN'\n"
    report = drifted(text)
    assert (report.impact, report.findings, report.also_changed) == (Impact.NONE, (), ())
    assert [(e.rule, e.reason) for e in report.expected] == [
        ("tensorflow-onednn-switched", "we vary oneDNN")
    ]
    assert report.look_next == ()
    # A change that no rule knows can be expected as well, and is then no longer among the others.
    kernel = drifted("[[expect]]\npath = 'facts.os.kernel*'\nreason = 'new kernel'")
    assert [(e.rule, e.path) for e in kernel.expected] == [(None, "facts.os.kernel_release")]
    assert "facts.os.kernel_release" not in {change.path for change in kernel.changes}


def test_what_comes_together_with_the_experiment_is_told() -> None:
    text = "[[expect]]\npath = 'facts.os.kernel*'\nreason = 'new kernel'"
    assert drifted(text).also_changed == ("tensorflow-onednn-switched",)
    assert drifted("").also_changed == ()


def test_an_entry_that_expired_or_fits_nothing_is_reported() -> None:
    expired = "[[ignore]]\nrule='tensorflow-onednn-switched'\nreason='r'\nexpires=2026-01-01"
    report = drifted(expired)
    assert report.impact is Impact.NUMERIC
    assert report.policy_notes == (
        "ignore[0] (tensorflow-onednn-switched) expired on 2026-01-01: r",
    )
    stale = "[[ignore]]\npath='facts.python.*'\nreason='r'\n[[expect]]\nrule='os-*'\nreason='s'"
    assert drifted(stale).policy_notes == (
        "ignore[0] (facts.python.*) matches nothing here: r",
        "expect[0] (os-*) matches nothing here: s",
    )
    # Of what cannot be judged here nothing is said: there is no baseline, or no such workload.
    alone = judge_state(edited(SAME), None, TENSORFLOW, parse(stale))
    gpu_only = drifted("[[ignore]]\nrule='gpu-lost'\nreason='r'")
    assert (alone.policy_notes, gpu_only.policy_notes) == ((), ())
    holds = "[[ignore]]\nrule='tensorflow-onednn-switched'\nreason='r'\nexpires=2027-01-01"
    assert (drifted(holds).impact, drifted(holds).policy_notes) == (Impact.NONE, ())


def test_the_nearest_policy_upwards_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    (tmp_path / ".git").mkdir()
    assert (find_policy(), agreed_policy(None)) == (None, (Policy(), None, ""))
    shared = tmp_path / "pyproject.toml"
    shared.write_text("[project]\nname = 'x'\n")
    assert find_policy() is None
    shared.write_text("[tool.envprint]\nfail_on = 'perf'\n")
    assert find_policy() == str(shared)
    assert agreed_policy(None)[0].fail_on is Impact.PERF
    own = tmp_path / "a" / "envprint.toml"
    own.write_text("fail_on = 'breaks'\n")
    assert in_force() == Policy(fail_on=Impact.BREAKS)
    assert agreed_policy(None)[1] == agreed_policy(None)[0].file == str(own)
    assert agreed_policy(str(shared))[0].fail_on is Impact.PERF
    # Above the root of the repository nothing counts.
    (tmp_path / "a" / ".git").mkdir()
    own.unlink()
    assert find_policy() is None


@pytest.mark.parametrize(
    ("entry", "is_told"),
    [
        ("rule = 'environ-name-misspelt'", True),
        ("rule = 'environ-name-*'", True),
        ("rule = 'environ-name-misspelt'\npath = 'facts.cpu.*'", True),
        # Of rules that need a baseline nothing can be said without one.
        ("rule = 'environ-*'", False),
        ("rule = 'os-locale-changed'", False),
        ("path = 'facts.environ.*'", False),
        # Nor of one that this workload does not reach, that fits, or that could not be decided.
        ("rule = 'gpu-lost'", False),
        ("rule = 'required-package-differs'", False),
        ("rule = 'required-switch-off'", False),
    ],
)
@pytest.mark.parametrize("kind", ["ignore", "expect"])
def test_without_a_baseline_an_entry_about_a_state_that_is_no_more_is_reported(
    kind: str, entry: str, is_told: bool
) -> None:
    policy = parse(
        f"[[{kind}]]\n{entry}\nreason = 'r'\n"
        "[require]\nswitches = ['tensorflow-op-determinism']\npackages = { nothing = '*' }"
    )
    job = TENSORFLOW._replace(required=policy.required)
    report = judge_state(edited(SAME), None, job, policy)
    notes = [note for note in report.policy_notes if "matches nothing here" in note]
    assert len(notes) == is_told


@pytest.fixture
def inner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a folder whose parent, the root of the repository, has a policy."""
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "envprint.toml").write_text("fail_on = 'breaks'")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "text",
    [
        "# see [tool.envprint] in the handbook\n[project]\nname = 'x'",
        "[tool.envprinter]\nfail_on = 'perf'",
        "[project]\ndependencies = ['envprint', 'x # [tool.envprint']",
        "[tools.envprint]\nfail_on = 'perf'",
        "tool = 'envprint'",
        "[[tool]]\nenvprint = {}",
        "[tool.x.envprint]\nfail_on = 'perf'",
    ],
)
def test_a_pyproject_that_only_speaks_of_envprint_is_no_policy(inner: Path, text: str) -> None:
    (inner / "pyproject.toml").write_text(text)
    assert find_policy() == str(inner.parent / "envprint.toml")
    assert in_force() == Policy(fail_on=Impact.BREAKS)


@pytest.mark.parametrize(
    "text",
    [
        "[ tool . envprint ]\nfail_on = 'perf'",
        "[tool]\nenvprint = { fail_on = 'perf' }",
        "tool.envprint.fail_on = 'perf'",
        "tool = { envprint = { fail_on = 'perf' } }",
        "[tool.'envprint']\nfail_on = 'perf'",
        "\ufeff[tool.envprint]\nfail_on = 'perf'",
    ],
)
def test_every_spelling_of_the_table_is_a_policy(inner: Path, text: str) -> None:
    (inner / "pyproject.toml").write_text(text)
    assert find_policy() == str(inner / "pyproject.toml")
    assert in_force() == Policy(fail_on=Impact.PERF)


def test_a_pyproject_that_may_hold_a_policy_and_cannot_be_read_is_an_error(inner: Path) -> None:
    (inner / "pyproject.toml").write_text("[tool.envprint\nfail_on = 'perf'")
    with pytest.raises(PolicyError, match=r"inner/pyproject\.toml: not valid TOML"):
        find_policy()
    # One that has nothing to do with it is other people's.
    (inner / "pyproject.toml").write_text("[tool.other")
    assert find_policy() == str(inner.parent / "envprint.toml")


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (Path.mkdir, "a directory"),
        (os.mkfifo, "a pipe, a socket or a device"),
        (lambda path: path.symlink_to("nowhere"), "a link that leads nowhere"),
    ],
)
def test_a_policy_file_that_is_none_is_an_error_and_not_passed_over(
    inner: Path, make: Callable[[Path], None], found: str
) -> None:
    make(inner / "envprint.toml")
    with pytest.raises(PolicyError) as caught:
        agreed_policy(None)
    assert str(caught.value) == f"{inner}/envprint.toml: expected a policy file, found {found}"


def test_a_policy_file_may_be_a_link(inner: Path) -> None:
    (inner / "envprint.toml").symlink_to("../envprint.toml")
    assert in_force() == Policy(fail_on=Impact.BREAKS)


IMAGINED = """\
[impact]
numpy-verson-changed = "none"
"cud-*" = "none"
"cuda-*" = "none"
[[ignore]]
reason = "r"
rule = "zzz"
[[expect]]
path = "facts.*"
reason = "r"
"""
LINES = (
    "p, line 2: impact.numpy-verson-changed: no rule is called numpy-verson-changed; did you mean "
    "numpy-version-changed?",
    "p, line 3: impact.cud-*: no rule is called cud-*; `envprint explain` lists them",
    "p, line 7: ignore[0].rule: no rule is called zzz; `envprint explain` lists them",
)


def test_rules_that_a_policy_only_imagines_are_named_with_their_lines() -> None:
    assert parse(IMAGINED).notes == LINES
    assert drifted(IMAGINED).policy_notes[:3] == LINES
    assert parse("[[ignore]]\npath = 'facts.*'\nreason = 'r'").notes == ()


def test_the_functions_warn_of_a_policy_as_the_command_line_does(
    inner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = inner / "p"
    policy.write_text(IMAGINED)
    one = edited(SAME)
    for judged in (
        lambda: envprint.diff(one, one, policy="p"),
        lambda: envprint.check(current=one, policy="p"),
    ):
        with pytest.warns(UserWarning) as caught:
            notes = judged().policy_notes
        assert tuple(str(warning.message) for warning in caught) == notes[:3] == LINES
        assert {warning.filename for warning in caught} == {__file__}
    assert main(["policy", "show", "--policy", "p"]) == 0
    assert capsys.readouterr().err.splitlines() == [f"envprint: warning: {line}" for line in LINES]


def test_of_two_policies_in_one_folder_a_report_says_which_is_not_in_force(inner: Path) -> None:
    (inner / "envprint.toml").write_text("fail_on = 'breaks'")
    (inner / "pyproject.toml").write_text("[tool.envprint]\nfail_on = 'perf'")
    policy = agreed_policy(None)[0]
    why = "is not in force, because envprint.toml beside it comes first"
    note = f"{inner}/pyproject.toml: [tool.envprint] {why}"
    assert in_force() == Policy(fail_on=Impact.BREAKS, notes=(note,))
    assert judge_state(edited(SAME), None, TENSORFLOW, policy).policy_notes == (note,)
    # Who names a file knows which; and a file that is not valid is none.
    assert agreed_policy("envprint.toml")[0].notes == ()
    (inner / "pyproject.toml").write_text("[tool.envprint")
    assert agreed_policy(None)[0].notes == ()


def test_a_pyproject_without_a_policy_costs_no_parser(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert not loaded_by("-m", "envprint", "check", cwd=tmp_path) & {"tomllib", "tomli"}


@pytest.mark.parametrize("machine", ["debian12-cpu-vm", "dgx-a100", "macos-arm64"])
def test_a_policy_to_begin_with_is_valid_and_changes_nothing(machine: str) -> None:
    text = starting_policy(edited({"host": machine}))
    assert parse(text) == Policy()
    # With its comments taken off it is valid, too, and names what is on that machine.
    active = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [[") else line
        for line in text.splitlines()
    )
    policy = parse(active)
    assert policy.ignores[0].rule == "gpu-memory-held-by-others"
    assert (policy.required.gpus == 8) == (machine == "dgx-a100")


@pytest.mark.parametrize(
    ("begun", "expires"),
    [
        ("2026-11-21", "2027-11-21"),
        ("2024-02-29", "2025-02-28"),
        ("2028-02-29", "2029-02-28"),
        ("2032-02-29", "2033-02-28"),
        ("2027-02-28", "2028-02-28"),
    ],
)
def test_the_first_ignore_of_a_new_policy_holds_for_a_year_whatever_the_day(
    begun: str, expires: str
) -> None:
    text = starting_policy(edited({"host": "debian12-cpu-vm", "captured_at": f"{begun}T12:00:00Z"}))
    assert f"# expires = {expires}\n" in text


def test_what_is_in_force_is_shown_with_its_source() -> None:
    shown = {
        key: (value, source)
        for key, value, source in rows(parse_policy(WHOLE, "p", TODAY), "p", WHOLE.decode())
    }
    assert shown["fail_on"] == ("diverges", "line 2")
    assert shown["require.packages.numpy"] == ("==2.4.*", "line 15")
    assert shown["require.variables.TF_DETERMINISTIC_OPS"] == ("1", "line 13")
    assert shown["ignore[1]"] == (
        "facts.cuda.*: an old one, until 2026-01-31, which is over",
        "line 22",
    )
    assert shown["expect[0]"][1] == "line 27"
    assert {key: source for key, _, source in rows(Policy(), None, "")} == {
        "fail_on": "default",
        "on_unknown": "default",
        "frameworks": "default",
        "device": "default",
    }
