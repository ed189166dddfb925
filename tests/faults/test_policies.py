"""Places of the policy that mutants have shown no other test to look at."""

from __future__ import annotations

import pytest

from envprint.core.comparison import Comparison
from envprint.core.errors import EnvprintError, PolicyError
from envprint.core.impact import Impact
from envprint.core.report import Undecided, Unjudged
from envprint.core.workload import Workload
from envprint.judging.evaluate import Evaluation, on_comparison
from envprint.judging.policy import parse as parsing
from envprint.judging.policy.accept import accepted, covers, step
from envprint.judging.policy.model import Accept, Entry, OneOff, Policy, imagined_rule, notes
from envprint.judging.policy.one_off import with_one_offs
from envprint.judging.policy.parse import parse_policy
from envprint.judging.policy.toml import MAX_POLICY_BYTES, decoded
from envprint.rules import catalogue
from tests.builders.judged import compare
from tests.builders.support import fingerprint

TODAY = "2026-11-21"
SECTIONS = ("facts.gpu", "facts.packages", "live.gpu", "live.host")
PATH = "facts.packages.distributions[timm].version"
TIMM = Unjudged("timm", PATH, "1.0.1", "1.0.2", "package", "trains", "read")


def parse(text: str) -> Policy:
    return parse_policy(text.encode(), "p", TODAY)


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as error:
        parse(text)
    return str(error.value)


def one_off(ignore: str | None = None, expect: str | None = None) -> Policy:
    given = [[OneOff(name, "why")] if name is not None else [] for name in (ignore, expect)]
    return with_one_offs(Policy(), given[0], given[1], SECTIONS)


# What one call adds.


def test_what_one_call_adds_stands_behind_the_policys_own() -> None:
    own = Policy(
        ignores=(Entry("ignore[0]", "a", "*", "r"),), expects=(Entry("expect[0]", "b", "*", "r"),)
    )
    found = with_one_offs(own, [OneOff("os-*", "x")], [OneOff("live.host.a", "y")], SECTIONS)
    assert found.ignores == (*own.ignores, Entry("ignore", "os-*", "*", "x", is_one_off=True))
    assert found.expects == (
        *own.expects,
        Entry("expect", "*", "live.host.a", "y", is_one_off=True),
    )


def test_a_rule_that_there_is_not_is_refused_in_one_call() -> None:
    with pytest.raises(EnvprintError, match=r"^ignore: no rule is called gpu-ordr-changed; did"):
        one_off(ignore="gpu-ordr-changed")


@pytest.mark.parametrize(
    "path",
    [
        *("facts.gpu", "facts.gpu.count", "facts.gpu[0]", "live.host.*", "facts.packages*"),
        *("*", "f*", "facts.*", "facts.g*", "facts.gpu.*", "live.gpu[*].x", "facts.gpu*.x"),
    ],
)
def test_a_path_that_a_section_may_have_is_expected(path: str) -> None:
    assert [entry.path for entry in one_off(expect=path).expects] == [path]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("facts.g", "did you mean facts.gpu?"),
        ("facts.gpux*", "did you mean facts.gpu?"),
        ("gpu.count", "did you mean facts.gpu.count?"),
        ("host", "did you mean live.host?"),
        ("host.a.b", "did you mean live.host.a.b?"),
        ("facts.pakages.distributions[numpy].version", "did you mean facts.packages?"),
        ("x*", "facts.gpu, facts.packages, live.gpu, live.host"),
    ],
)
def test_a_path_that_no_section_has_is_refused_with_the_nearest(path: str, hint: str) -> None:
    with pytest.raises(EnvprintError) as error:
        one_off(expect=path)
    assert str(error.value).startswith(f"expect: no path matches {path!r}; ")
    assert hint in str(error.value)


def test_a_refusal_repeats_no_more_than_eighty_letters() -> None:
    long = "gpu." + "x" * 200
    with pytest.raises(EnvprintError) as error:
        one_off(expect=long)
    shown = f"{long[:80]!r}; did you mean {f'facts.{long}'[:80]}?"
    assert str(error.value) == f"expect: no path matches {shown}"
    assert f"called {'y' * 80};" in str(imagined_rule("y" * 200))


def test_of_one_call_an_entry_that_matches_nothing_is_named_whatever_was_judged() -> None:
    policy = one_off(ignore="os-*", expect="live.host.a")
    assert list(notes(policy, [], None, [])) == [
        "ignore (os-*) matches nothing here: why",
        "expect (live.host.a) matches nothing here: why",
    ]
    lasting = Policy(ignores=tuple(one._replace(is_one_off=False) for one in policy.ignores))
    assert list(notes(lasting, [], None, [])) == []


# What entries match.


def changed(path: str, before: str, after: str) -> Comparison:
    return compare(fingerprint({path: before}), fingerprint({path: after}))


@pytest.mark.parametrize(
    ("entry", "is_named"),
    [
        ({"path": "facts.os.kernel*"}, False),
        ({"path": "facts.os.na*"}, True),
        ({"rule": "os-*", "path": "facts.os.kernel*"}, True),
    ],
)
def test_an_entry_without_a_rule_matches_a_change_that_no_rule_recognises(
    entry: dict[str, str], is_named: bool
) -> None:
    values = {"rule": "*", "path": "*", "reason": "r", **entry}
    policy = Policy(ignores=(Entry("ignore", is_one_off=True, **values),))
    comparison = changed("facts.os.kernel_release", "6.1", "6.8")
    assert bool([*notes(policy, [], comparison, [])]) is is_named
    assert [*notes(policy, [], None, [])] != []


def test_an_entry_about_what_is_hidden_on_both_sides_is_not_said_to_match_nothing() -> None:
    comparison = changed("facts.environ.variables[TF_X]", "<hidden>", "<hidden>")
    assert comparison.hidden
    evaluations = judged(comparison)
    for entry in ({"rule": "hidden-value"}, {"path": "facts.environ.variables[TF_X]"}):
        values = {"rule": "*", "path": "*", "reason": "r", **entry}
        policy = Policy(ignores=(Entry("ignore[0]", **values),))
        assert [*notes(policy, evaluations, comparison, [])] == []
    other = Policy(ignores=(Entry("ignore[0]", "*", "facts.environ.variables[TF_Y]", "r"),))
    assert len([*notes(other, evaluations, comparison, [])]) == 1


def judged(comparison: Comparison) -> list[Evaluation]:
    job = Workload(("tensorflow",), "cpu", "x86_64")
    return [on_comparison(rule, comparison, job) for rule in catalogue()[:3]]


@pytest.mark.parametrize("kind", ["ignores", "expects"])
def test_an_undecided_rule_reaches_nothing_where_an_entry_that_has_not_expired_covers_it(
    kind: str,
) -> None:
    undecided = Undecided("os-x", "facts.os.name", "why", Impact.BREAKS)
    entry = Entry("e", "os-*", "*", "r", "2026-01-01")
    for one, impact in (
        (entry, Impact.NONE),
        (entry._replace(has_expired=True), Impact.BREAKS),
        (entry._replace(rule="gpu-*"), Impact.BREAKS),
    ):
        assert Policy()._replace(**{kind: (one,)}).reach(undecided) is impact


# What is accepted.


@pytest.mark.parametrize(
    ("before", "after", "size"),
    [
        ("1", "1.1", "minor"),
        ("1.1", "1", "minor"),
        ("1", "1.0.1", "patch"),
        ("1", "1.0", "patch"),
        ("1!1.0", "1.0", "major"),
        ("1.0", "1!1.0", "major"),
        ("0!1.0", "1.1", "minor"),
        ("2.0", "1.9", "major"),
        ("1.0+cpu", "1.0+cu128", "build"),
        ("1.0", "1.0+cu128", "build"),
        ("1.0rc1", "1.0", "patch"),
        ("odd", "1.0", None),
        ("1.0", "odd", None),
    ],
)
def test_the_size_of_a_step(before: str, after: str, size: str | None) -> None:
    assert step(before, after) == size


def test_a_change_is_accepted_by_an_entry_about_it_that_has_not_expired() -> None:
    ignore = Entry("ignore[0]", "not-judged", PATH, "r")
    accept = Accept("accept[0]", "timm", "trains", "patch", "a")
    for policy, reason in (
        (Policy(ignores=(ignore,)), "r"),
        (Policy(ignores=(ignore._replace(path="facts.os.*"),)), None),
        (Policy(ignores=(ignore._replace(rule="os-*"),)), None),
        (Policy(ignores=(ignore._replace(has_expired=True),)), None),
        (Policy(ignores=(ignore,), accepts=(accept,)), "a"),
        (Policy(ignores=(ignore,), accepts=(accept._replace(has_expired=True),)), "r"),
        (Policy(accepts=(accept._replace(package="*x"),)), None),
        (Policy(accepts=(accept._replace(role="draws"),)), None),
    ):
        found = accepted(policy, TIMM)
        assert (found.reason if found else None) == reason


def test_only_a_version_has_a_step_and_any_includes_the_rest() -> None:
    patch = Accept("a", "timm", "*", "patch", "r")
    for entry in (
        TIMM._replace(after="1.1.0"),
        TIMM._replace(after="1.0.1+cpu"),
        TIMM._replace(before=None),
        TIMM._replace(after=None),
        TIMM._replace(path=PATH.replace("version", "build_id")),
    ):
        assert not covers(patch, entry)
        assert covers(patch._replace(step="any"), entry)
    assert covers(patch, TIMM)
    assert covers(patch._replace(step="minor"), TIMM)


# What is read.


@pytest.mark.parametrize("kind", ["ignore", "accept"])
@pytest.mark.parametrize(
    ("day", "is_over"), [("2026-11-20", True), ("2026-11-21", False), ("2026-11-22", False)]
)
def test_an_entry_holds_on_its_last_day(kind: str, day: str, is_over: bool) -> None:
    subject = {"ignore": "rule = 'os-*'", "accept": "package = 'timm'"}[kind]
    policy = parse(f"[[{kind}]]\n{subject}\nreason = 'r'\nexpires = {day}")
    (entry,) = (*policy.ignores, *policy.accepts)
    assert (entry.expires, entry.has_expired) == (day, is_over)


def test_of_a_time_the_day_counts() -> None:
    policy = parse("[[ignore]]\nrule = 'os-*'\nreason = 'r'\nexpires = 2027-01-31T10:00:00Z")
    assert policy.ignores[0].expires == "2027-01-31"


def test_only_a_size_is_said_to_need_a_unit() -> None:
    assert refusal("[require]\nmin_free_gpu = 20").endswith("such as '20 GiB'")
    assert refusal("[require]\ngpus = '2'").endswith("found str")


@pytest.mark.parametrize("count", [-1, 1025])
def test_a_number_of_gpus_that_no_machine_has_is_refused(count: int) -> None:
    assert "expected a number from 0 to 1024" in refusal(f"[require]\ngpus = {count}")
    for possible in (0, 1024):
        assert parse(f"[require]\ngpus = {possible}").required.gpus == possible


def test_an_entry_about_a_path_does_not_load_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(parsing, "imagined_rule", asked.append)
    entries = "\n".join(
        f"[[{kind}]]\npath = 'facts.os.*'\nreason = 'r'" for kind in ("ignore", "expect")
    )
    assert parse(entries).notes == ()
    assert asked == []
    parse(entries + "\n[[expect]]\nrule = 'os-*'\nreason = 'r'\n[impact]\nb = 'none'")
    assert asked == ["b", "os-*"]


def test_a_policy_of_the_largest_size_is_read() -> None:
    assert len(decoded(b"#" * MAX_POLICY_BYTES, "p")) == MAX_POLICY_BYTES
    with pytest.raises(PolicyError):
        decoded(b"#" * (MAX_POLICY_BYTES + 1), "p")


def test_whom_the_user_trusts_is_named_by_a_place() -> None:
    assert parse("[trust]\nfilters = ['~/a', '/b/*', '*']").trusted == ("~/a", "/b/*", "*")
    for other in ("a", "", "~a", "./a"):
        message = "line 2: trust.filters[1]: expected a path from the root or from ~, found"
        assert message in refusal(f"[trust]\nfilters = ['/x', '{other}']")
    assert f"found '{'a' * 80}'" in refusal(f"[trust]\nfilters = ['{'a' * 200}']")
