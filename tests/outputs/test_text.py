"""The report for people: what its first screen says, and how much of the rest it shows."""

from __future__ import annotations

import time
from typing import Any

import pytest

from envprint.core.comparison import Change
from envprint.core.impact import Confidence, Impact
from envprint.core.report import (
    OTHER_ENVIRONMENT,
    Code,
    Finding,
    Placement,
    Report,
    Summary,
    Undecided,
    Unjudged,
)
from envprint.core.shell import Command
from envprint.core.workload import Workload
from envprint.outputs.formats import ALL, LIKELY, NONE, QUIET, View
from envprint.outputs.formats.text import render

PLACE = "facts.packages.distributions"
AT = "2026-11-23T09:12:40Z"
BEFORE = Summary(
    "last good run",
    "sha256:0",
    AT,
    (),
    "monday.json",
    "~/venvs/train",
    python="3.11.7",
    machine=("Ubuntu 24.04", "AMD EPYC 7742", "16 CPUs", "2 × A100"),
    code=Code("main", "1a2b3c4", "", None),
)
AFTER = BEFORE._replace(reference="now", label=None)
EMPTY = Report(
    impact=Impact.NONE,
    summary="no difference",
    baseline=BEFORE,
    current=AFTER,
    workload=Workload(("tensorflow",), "gpu"),
    findings=(),
    changes=(),
    undecided=(),
    advice=(),
    ignored=(),
)


def finding(rule: str = "a-rule", **parts: Any) -> Finding:
    made = Finding(
        rule=rule,
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        title=f"Title of {rule}",
        message="A was 1, is 2",
        paths=("facts.environ.variables[A]",),
        before="1",
        after="2",
        why="Why.",
        not_when="Never.",
        remedy="export A=1",
        evidence=("https://example.org/a", "https://example.org/b"),
    )
    return made._replace(**parts)


def report(*findings: Finding, **parts: Any) -> Report:
    impact = max((one.impact for one in findings), default=Impact.NONE)
    causes = tuple(dict.fromkeys(one.rule for one in findings))[:3]
    made = EMPTY._replace(impact=impact, findings=findings, likely_causes=causes)
    return made._replace(**parts)


def shown(what: Report, details: str = NONE, **view: Any) -> str:
    return render(what, View(details=details, **view))


def blocks(what: Report, **view: Any) -> list[str]:
    return shown(what, **view).rstrip().split("\n\n")


# The verdict.


def unjudged(name: str = "timm") -> Unjudged:
    return Unjudged(
        name, f"{PLACE}[{name}].version", "1.0.9", "1.0.11", "package", "trains", "https://read"
    )


@pytest.mark.parametrize("details", [QUIET, NONE, LIKELY, ALL])
def test_the_first_word_says_not_judged_unless_a_finding_is_worse(details: str) -> None:
    for impact in (Impact.NONE, Impact.PERF):
        quiet = report(finding(impact=impact), unjudged=(unjudged(),))
        assert shown(quiet, details).startswith("NOT JUDGED  ")
    for impact in (Impact.NUMERIC, Impact.BREAKS):
        loud = report(finding(impact=impact), unjudged=(unjudged(),))
        assert shown(loud, details).startswith(impact.word.upper())


@pytest.mark.parametrize("details", [QUIET, NONE, LIKELY, ALL])
def test_the_first_word_says_not_checked_whatever_was_found(details: str) -> None:
    reason = "no framework in ~/x"
    for found in ((), (finding(impact=Impact.BREAKS),)):
        unchecked = report(*found, not_checked=reason, summary=reason)
        assert shown(unchecked, details).startswith("NOT CHECKED  no framework in ~/x")


def test_what_was_not_checked_still_lists_what_was_found() -> None:
    reason = "no framework in ~/x; is this the environment that trains? --python PATH"
    text = shown(report(finding(), not_checked=reason))
    assert text.startswith("NOT CHECKED  no framework in ~/x; is this the environment that trains?")
    assert " ".join(text.split()).startswith(f"NOT CHECKED {reason}")
    assert "likely    1  A 1 → 2" in text


@pytest.mark.parametrize("width", [60, 120])
def test_another_environment_that_may_be_meant_has_its_command_in_a_line_of_its_own(
    width: int,
) -> None:
    look = "envprint check --python /a/long/directory/of/many/environments/train"
    meant = AFTER._replace(hint=f"VIRTUAL_ENV names /a/long/directory/of/many: {look}")
    lines = shown(report(current=meant), width=width).splitlines()
    assert f"          {look}" in lines
    assert "VIRTUAL_ENV names /a/long/directory/of/many:" in lines


def test_a_pre_flight_compares_with_other_runs() -> None:
    alone = report(finding(), baseline=None)
    assert " ".join(blocks(alone)[0].split()) == (
        "NUMERIC Results can differ by rounding from those of other runs: title of a-rule."
    )


def test_several_causes_follow_the_verdict_with_change_and_fix() -> None:
    verdict, causes, *_ = blocks(report(finding("a"), finding("b", message="B was x, is y")))
    assert verdict.split() == (
        "NUMERIC Results differ by rounding: equal at first, further apart with every step.".split()
    )
    assert causes.splitlines() == [
        "likely    1  Title of a  A 1 → 2",
        "             fix: export A=1",
        "          2  Title of b  B x → y",
        "             fix: export A=1",
    ]


def test_a_cause_of_less_impact_than_the_verdict_says_so() -> None:
    lines = blocks(report(finding("a", impact=Impact.BREAKS), finding("b")))[1].splitlines()
    assert lines[0] == "likely    1  Title of a            A 1 → 2"
    assert lines[2] == "          2  Title of b (numeric)  A 1 → 2"


def test_findings_that_say_the_same_are_one_cause_with_all_their_variables() -> None:
    alike = [finding(message=f"{name} was 1, is 2", remedy=f"export {name}=1") for name in "ABCDEF"]
    text = shown(report(*alike), LIKELY)
    assert text.count("Why.") == text.count("Never.") == 1
    assert "likely    1  A 1 → 2; B 1 → 2; C 1 → 2; D 1 → 2; E 1 → 2; F 1 → 2" in text
    for name in "ABCDEF":
        assert f"export {name}=1" in text
    assert text.count("https://example.org/a") == 1


def test_what_is_likely_is_shown_in_full_and_all_else_with_all_details_only() -> None:
    many = [finding(f"rule-{number}", why=f"Why {number}.") for number in range(5)]
    whole = report(*many)
    assert "Why" not in shown(whole)
    assert [f"Why {number}." in shown(whole, LIKELY) for number in range(5)] == [True] * 3 + [
        False
    ] * 2
    assert all(f"Why {number}." in shown(whole, ALL) for number in range(5))


def test_a_finding_in_full_has_its_rule_at_the_right_edge_and_labels() -> None:
    text = shown(report(finding()), LIKELY).partition("LIKELY CAUSES\n")[2].splitlines()
    assert text == [
        "NUMERIC   Title of a-rule" + "a-rule".rjust(80 - 25),
        "  before → after   A 1 → 2",
        "  why       Why.",
        "  unless    Never.",
        "  fix       export A=1",
        "  evidence  measured: https://example.org/a",
        "            1 more: envprint explain a-rule",
    ]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("A was unset (on), is 0", "A unset (on) → 0"),
        ("A was x, is y: B was 1, is 2", "A x → y: B 1 → 2"),
        ("A was 1, is 2; B was 3, is 4", "A 1 → 2; B 3 → 4"),
        ("A was :4096:8, is unset", "A :4096:8 → unset"),
        ("torch was 2.1, is not installed", "torch 2.1 → not installed"),
        ("it was there", "it was there"),
    ],
)
def test_every_change_reads_before_then_after(message: str, text: str) -> None:
    assert f"likely    1  {text}\n" in shown(report(finding(message=message, after=None)))


def elsewhere(remedy: str) -> Finding:
    """What the rule about another environment finds, where the frameworks are missing."""
    return finding(
        OTHER_ENVIRONMENT,
        impact=Impact.NONE,
        message="~/venvs/train → ~/venvs/lint: numpy, tensorflow and 2 more are not in "
        "~/venvs/lint",
        paths=("facts.python.prefix", "facts.frameworks.numpy.version"),
        before="~/venvs/train",
        after="~/venvs/lint",
        remedy=remedy,
    )


LOOK_THERE = Command("envprint check monday.json --python ~/venvs/train")


def test_another_environment_is_named_before_what_it_lacks() -> None:
    gone = [
        finding(
            "framework-missing",
            impact=Impact.BREAKS,
            message=f"{name} was 2.0, is not installed",
            paths=(f"facts.packages.distributions[{name}].version",),
            before="2.0",
            after=None,
        )
        for name in ("numpy", "tensorflow")
    ]
    other = report(*gone, elsewhere(LOOK_THERE), current=AFTER._replace(prefix="~/venvs/lint"))
    verdict, missing, *_ = blocks(other, width=100)
    assert verdict == (
        "BREAKS    Another environment is looked at: ~/venvs/train (monday.json) → ~/venvs/lint."
    )
    assert [line.strip() for line in missing.splitlines()] == [
        "numpy, tensorflow and 2 more are not in ~/venvs/lint.",
        "envprint check monday.json --python ~/venvs/train",
    ]
    assert "likely    " not in shown(other)
    assert shown(other, QUIET).startswith("BREAKS    Another environment is looked at")
    here = report(*gone)
    assert shown(here).startswith("BREAKS    Probably does not run: title of framework-missing")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_to_do_about_another_environment_fits_the_width_if_it_is_text(width: int) -> None:
    text = "Look at the environment of the baseline: activate it, or name it with --python."
    lines = shown(report(elsewhere(text)), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert text in " ".join(" ".join(lines).split())
    long = Command(f"envprint check {'a' * 80}.json --python ~/'my venvs/$(x)'")
    assert f"          {long}" in shown(report(elsewhere(long)), width=width).splitlines()


# Width, and commands.

LONG = "export LD_LIBRARY_PATH=" + ":".join(f"/opt/a-long-directory-{n}/lib" for n in range(6))


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("details", [NONE, LIKELY, ALL])
def test_a_command_is_never_broken_whatever_the_width(width: int, details: str) -> None:
    text = shown(report(finding(remedy=Command(LONG)), finding("b")), details, width=width)
    assert f"fix: {LONG}\n" in text
    assert (f"  fix       {LONG}\n" in text) == (details != NONE)


def test_a_long_prose_is_cut_and_commands_are_shown_whole_without_it() -> None:
    prose = "Look at the versions first, then give the variables of both sides equal values. " * 3
    both = Command("export A='x  y'", "export B=2")
    text = shown(report(finding(remedy=both, note="Before it starts."), finding("b", remedy=prose)))
    assert "fix: export A='x  y'\n                  export B=2\n" in text
    assert " …\n" in text
    assert "Before it starts" not in text


def test_a_wide_terminal_has_longer_lines_and_a_narrow_one_shorter() -> None:
    words = finding(why="word " * 60)
    for width in (60, 80, 120):
        lines = shown(report(words), LIKELY, width=width).splitlines()
        assert width - 6 <= max(map(len, lines)) <= width


# What was compared.


def test_each_side_has_the_name_that_the_user_gave_it() -> None:
    sides = blocks(report(finding()))[2].splitlines()
    assert sides[0] == 'before    monday.json "last good run", 2026-11-23 09:12 UTC, ~/venvs/train'
    assert sides[1] == "after     now, ~/venvs/train, python 3.11.7"


def test_the_reason_why_an_environment_was_chosen_stands_behind_it() -> None:
    chosen = AFTER._replace(chosen="the active environment")
    text = shown(report(current=chosen))
    assert "after     now, ~/venvs/train, the active environment, python 3.11.7" in text


def test_of_the_machine_what_differs_comes_first() -> None:
    other = AFTER._replace(machine=("Ubuntu 24.04", "AMD EPYC 7742", "16 CPUs", "no GPU"))
    text = shown(report(current=other))
    assert "machine   2 × A100 → no GPU; the same: Ubuntu 24.04, AMD EPYC 7742, 16 CPUs" in text
    assert "machine   the same: Ubuntu 24.04" in shown(report())


def test_what_neither_side_knows_of_the_machine_is_not_the_same() -> None:
    parts = ("Ubuntu 24.04", "unknown processor", "16 CPUs", "unknown GPUs")
    sides = [summary._replace(machine=parts) for summary in (BEFORE, AFTER)]
    text = shown(report()._replace(baseline=sides[0], current=sides[1]))
    assert "machine   the same: Ubuntu 24.04, 16 CPUs; unknown on both sides: processor," in text


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (Code("main", "1a2b3c4", "", None), "the same: main 1a2b3c4"),
        (Code("main", "7d8e9f0", "2 files not committed", "x"), "main 1a2b3c4 → 7d8e9f0, 2 files"),
        (Code("dev", "7d8e9f0", "", None), "main 1a2b3c4 → dev 7d8e9f0"),
        (Code("main", "1a2b3c4", "1 file not committed", "x"), "main 1a2b3c4, all committed → 1"),
        (None, "main 1a2b3c4 → none"),
    ],
)
def test_the_code_has_a_line_of_its_own(after: Code | None, text: str) -> None:
    assert f"code      {text}" in shown(report(current=AFTER._replace(code=after)))


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ([("tensorflow", "gpu", "GPU 0, 1")], "tensorflow → GPU 0, 1"),
        ([("torch", "gpu", "GPU 0, 1, 2, 3, 4, 5, 6, 7")], "torch → GPU 0 to 7"),
        ([("torch", "gpu", "GPU 1, 0, 3")], "torch → GPU 1, 0, 3"),
        ([("torch", "cpu", "a CPU build")], "torch → CPU (a CPU build)"),
        (
            [("jax", "gpu", "GPU 0"), ("torch", "cpu", "a CPU build")],
            "jax → GPU 0; torch → CPU (a CPU build)",
        ),
        (
            [("jax", "cpu", "no GPU"), ("numpy", "cpu", "as always"), ("torch", "cpu", "no GPU")],
            "jax, torch → CPU (no GPU); numpy → CPU",
        ),
        ([("tensorflow", "gpu", "Metal, by a plugin")], "tensorflow → GPU (Metal, by a plugin)"),
        ([("torch", None, "denied\x1b[2J")], "torch → unknown (denied"),
    ],
)
def test_where_each_framework_computes_has_a_line(
    places: list[tuple[str, str | None, str]], text: str
) -> None:
    here = report(computes_on=tuple(Placement(*place) for place in places))
    assert f"runs on   {text}" in shown(here)
    assert "\x1b" not in shown(here)


# What is not known.


def test_undecided_rules_are_on_the_first_screen_with_the_commonest_reason_first() -> None:
    silent = [
        Undecided(f"rule-{n}", "live.gpu.devices", "no answer", Impact.NUMERIC) for n in range(3)
    ]
    denied = Undecided("other", "facts.os.kernel", "denied", Impact.BREAKS)
    text = shown(report(undecided=(denied, *silent)))
    assert "undecided 3 rules: no answer (live.gpu.devices)\n          1 rule: denied" in text


def test_what_nobody_has_judged_is_named_with_where_to_read() -> None:
    text = shown(report(unjudged=(unjudged(),)))
    assert "not       timm 1.0.9 → 1.0.11 (trains): nobody has measured this step" in text
    assert "judged    read: https://read" in text
    many = shown(report(unjudged=tuple(unjudged(f"lib{n}") for n in range(9))))
    assert "and 6 more: lib3, lib4, lib5, lib6, lib7, lib8" in many


# Packages and other changes.


def change(name: str, field: str, before: Any, after: Any) -> Change:
    return Change.between(f"facts.packages.distributions[{name}]{field}", before, after)


def test_packages_are_a_table_that_begins_with_what_takes_part() -> None:
    whole = report(
        finding(paths=("facts.packages.distributions[numpy].version",), before="1", after="2"),
        unjudged=(unjudged(),),
        changes=(
            change("six", ".version", "1.16", "1.17"),
            change("new", "", None, {"version": "3"}),
        ),
    )
    for details in (LIKELY, ALL):
        table = shown(whole, details).partition("PACKAGES\n")[2].split("\n\n")[0].splitlines()
        assert [line.split() for line in table] == [
            ["name", "before", "after", "role"],
            ["numpy", "1", "2", "framework"],
            ["timm", "1.0.9", "1.0.11", "trains"],
            ["six", "1.16", "1.17", "transitive"],
            ["new", "-", "3"],
        ]


def test_builds_are_shown_with_all_details_only() -> None:
    builds = report(finding(), changes=(change("six", ".build_id", "abc", "def"),))
    assert "abc" not in shown(builds, LIKELY)
    assert "six build_id abc → def" in shown(builds, ALL)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (["/a", "/b"], ["/b", "/c"], "no longer /a; new /c"),
        (["/a", "/b"], ["/b", "/a"], "the same in a different order"),
        (["/a"], ["/a", "/a"], "repeated differently: 1 → 2 entries"),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, "no longer a (1); new c (4); b 2 → 3"),
        ({"a": ["x"]}, {"a": ["x", "y"]}, "a new y"),
        ("x", ["y"], "x → y"),
    ],
)
def test_a_list_or_map_says_what_changed_inside(before: Any, after: Any, text: str) -> None:
    differing = report(changes=(Change("facts.python.search_path", "changed", before, after),))
    assert f"python    search_path {text}\n" in shown(differing, ALL)


def test_values_of_the_moment_say_what_they_were() -> None:
    moment = Change("live.host.disk_free_bytes", "changed", 20 << 30, 10 << 30)
    assert "live      host disk_free_bytes 20.0 GiB → 10.0 GiB\n" in shown(
        report(changes=(moment,)), ALL
    )


def test_a_large_report_takes_linear_time() -> None:
    def seconds(count: int) -> float:
        changes = [change(f"p{n}", ".version", "1", "2") for n in range(count)]
        changes += [change(f"p{n}", ".location", "a", "b") for n in range(count)]
        findings = [finding(f"rule-{n}") for n in range(count)]
        large = report(*findings, changes=tuple(changes))
        begun = time.process_time()
        shown(large, ALL)
        return time.process_time() - begun

    seconds(500)
    assert seconds(4000) < 20 * max(seconds(500), 0.01)
