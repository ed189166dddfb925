"""A remedy is safe to paste, whoever wrote the document that it is about."""

from __future__ import annotations

import ast
import json
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.rule import Match
from envprint.core.shell import Command, commands, kind, quoted
from envprint.core.workload import Workload
from envprint.judging.evaluate import on_comparison, on_fingerprint
from envprint.judging.policy.model import Policy
from envprint.judging.policy.template import starting_policy
from envprint.outputs.drift_error import refusal
from envprint.outputs.formats import ALL, View
from envprint.outputs.formats._words import wrapped_remedy
from envprint.outputs.formats.json import render as as_json
from envprint.outputs.formats.text import render
from envprint.rules import catalogue
from tests.builders.golden_files import Golden
from tests.builders.hostile import HOSTILE, SUBSTITUTED, is_complete, words
from tests.builders.judged import compare, judge_drift, judge_state
from tests.builders.support import Case, fingerprint, workload
from tests.builders.traps import TRAPS, Trap

PACKAGE = Path(envprint.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HOST = Path(__file__).parent.parent / "hosts" / "debian12-cpu-vm" / "fingerprint.json"
RULES = {rule.id: rule for rule in catalogue()}
MKL = {"facts.cpu.flags": ["avx", "avx2", "fma"], "facts.cpu.vendor": "GenuineIntel"}
PROGRAMS = (*("conda", "envprint", "export", "nvidia-smi", "pip", "sudo", "unset"),)
"""With which a command of a remedy begins."""
PROSE = r", |[.:]$| (?:or|on|before|after|then|and) "
"""What a command would not have, but for words inside quotes."""
COMMAND_IN_TEXT = r"(?:export|unset) [A-Z]|pip (?:un)?install|\bsudo |python …|nvidia-smi -"
SAMPLE = SUBSTITUTED["command"]
MARK = "zQ7"
MARKED = f" $(x)'\n;{MARK}"
INNOCENT = ".dev71997"
"""Behind a version it is a version still."""
QUOTED = re.compile(r"""(?<![\w'])\$?'[^']*'(?:"'"'[^']*')*""")

each_trap = pytest.mark.parametrize("trap", TRAPS, ids=[f"{t.rule}: {t.place}" for t in TRAPS])


def matches(
    name: str, before: Fingerprint | None, after: Fingerprint, job: Workload
) -> list[Match]:
    """What one rule sees."""
    rule = RULES[name]
    if before:
        return [*on_comparison(rule, compare(before, after), job).matches]
    return [*on_fingerprint(rule, after, job).matches]


def remedy(trap: Trap, text: str) -> str:
    """What is to be done about the trap with that text in it."""
    job = workload(trap.frameworks, trap.device, required=trap.required(text))
    (found,) = {match.remedy for match in matches(trap.rule, *trap.sides(text), job)}
    return found or RULES[trap.rule].remedy


def pieces(trap: Trap, text: str) -> list[str]:
    """Its commands."""
    found = remedy(trap, text)
    return found.split("; ", trap.remedy.count("; "))


def test_there_are_enough_hostile_documents() -> None:
    assert len(HOSTILE) >= 60
    assert len({trap.rule for trap in TRAPS}) >= 30


@each_trap
def test_bash_reads_the_words_that_are_meant_and_runs_nothing(trap: Trap, tmp_path: Path) -> None:
    texts = [text for text in HOSTILE.values() if trap.commands(text) is not None]
    lines = [piece for text in texts for piece in pieces(trap, text)]
    assert words(lines, tmp_path) == [line for text in texts for line in trap.commands(text) or ()]
    assert list(tmp_path.iterdir()) == []
    assert is_complete("\n".join(lines))


@each_trap
def test_a_text_of_which_no_word_can_be_made_makes_no_command(trap: Trap) -> None:
    for text in HOSTILE.values():
        if trap.commands(text) is None:
            assert remedy(trap, text) == RULES[trap.rule].remedy, text


@each_trap
def test_a_remedy_can_be_printed_as_it_is(trap: Trap) -> None:
    for text in HOSTILE.values():
        assert remedy(trap, text).isprintable(), text


def test_the_test_sees_a_command_that_runs(tmp_path: Path) -> None:
    assert words(["export A=$(touch x) y"], tmp_path) == [["export", "A=", "y"]]
    assert [made.name for made in tmp_path.iterdir()] == ["x"]
    assert not is_complete("export A='")


@pytest.mark.parametrize("text", [SAMPLE, "a  b " * 40, "it's " * 40], ids=["short", "long", "'"])
def test_no_command_is_broken_over_two_lines_or_loses_a_blank(text: str) -> None:
    for trap in TRAPS:
        if re.fullmatch(r"export \w+=\{\}", trap.remedy) and trap.commands(text):
            before, after = trap.sides(text)
            job = workload(trap.frameworks, trap.device, required=trap.required(text))
            if before:
                report = judge_drift(before, after, job, Policy())
            else:
                report = judge_state(after, None, job, Policy())
            command = remedy(trap, text)
            shown = render(report, View(details=ALL)).splitlines()
            assert any(line.endswith(f" {command}") for line in shown)
            refused = refusal(report, Impact.NONE, strict=True).splitlines()
            assert any(line.endswith(f"do: {command}") for line in refused)


def test_the_blanks_of_prose_are_where_lines_may_break_and_those_of_commands_are_not() -> None:
    prose = "Look at NumPy's and SciPy's versions first, then at those of the rest. " * 2
    lines = wrapped_remedy(prose.strip(), 70)
    assert len(lines) > 1
    assert max(map(len, lines)) <= 70
    assert " ".join(lines) == prose.strip()
    pasted = [f"export A{number}='b  c {'d' * 80}'" for number in (1, 2)]
    assert wrapped_remedy(Command(*pasted), 70) == pasted


def test_each_remedy_is_a_text_or_what_can_be_pasted(cases: list[Case]) -> None:
    found = {(rule.remedy, rule.note) for rule in RULES.values()}
    for case in firing(cases):
        for match in matches(case.rule, case.before, case.after, case.workload):
            found |= {(match.remedy or RULES[case.rule].remedy, match.note)}
    pasted = [line for remedy, _ in found for line in commands(remedy)]
    assert len(pasted) > 60
    assert is_complete("\n".join(pasted))
    for line in pasted:
        assert line.split()[0] in PROGRAMS, line
        assert not re.search(PROSE, line), line
    for remedy, note in found:
        if kind(remedy) == "python":
            ast.parse(remedy)
        if kind(remedy) == "text":
            assert not re.search(COMMAND_IN_TEXT, remedy), remedy
        assert "…" not in remedy + note, remedy
        assert not re.search(COMMAND_IN_TEXT, note), note
        assert not note or note.endswith((".", "locally", "()")), note


def test_a_remedy_keeps_its_commands_on_its_way_to_a_report() -> None:
    before = fingerprint({"facts.environ.variables[MKL_CBWR]": "AVX2", **MKL})
    after = fingerprint({"facts.environ.variables[MKL_CBWR]": "COMPATIBLE", **MKL})
    report = judge_drift(before, after, workload(["torch"]), Policy())
    (finding,) = (one for one in report.findings if one.rule == "mkl-branch-changed")
    copy = pickle.loads(pickle.dumps(finding))
    for one in (finding, copy):
        assert commands(one.remedy) == ("export MKL_CBWR=AVX2",)
    (entry,) = (e for e in json.loads(as_json(report))["findings"] if e["rule"] == finding.rule)
    assert (entry["remedy"], entry["remedy_kind"]) == ("export MKL_CBWR=AVX2", "command")


def test_a_baseline_with_a_command_in_a_variable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(HOST.read_text())
    document["facts"]["frameworks"]["torch"] = {"version": "2.8.0", "build": "cpu"}
    current, baseline = tmp_path / "current.json", tmp_path / "baseline.json"
    current.write_text(json.dumps(document))
    document["facts"]["environ"]["variables"]["MKL_CBWR"] = SAMPLE
    document["facts"]["frameworks"]["torch"]["version"] = "2.7.0; touch x"
    baseline.write_text(json.dumps(document))
    for form in ("text", "json"):
        assert (
            main(["diff", str(baseline), str(current), "--framework", "torch", "--format", form])
            == 1
        )
        printed = capsys.readouterr().out
        assert "export MKL_CBWR='$(touch x) y'" in printed
        assert "pip install torch==2.7.0" not in printed


def test_a_policy_made_of_a_hostile_version_says_nothing_that_was_not_agreed() -> None:
    version = "facts.packages.distributions[numpy].version"
    for text in HOSTILE.values():
        policy = starting_policy(fingerprint({version: f'2{text}"\nfail_on = "breaks'}))
        assert "breaks" not in policy.partition("[require]")[2], text
    assert 'numpy = "==2.4.6"' in starting_policy(fingerprint({version: "2.4.6"}))


COMMANDS = (
    "export ",
    "unset ",
    "pip install",
    "pip uninstall",
    "kill ",
    "taskset ",
    "sudo ",
    "rm ",
)


def test_no_command_is_made_but_by_the_function_that_quotes() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))
                found = [name for name in COMMANDS if re.search(rf"\b{name}", text)]
                assert found == [], (path, text)
            if isinstance(node, ast.keyword) and node.arg == "remedy":
                value = ast.unparse(node.value)
                made = [n for n in ast.walk(node.value) if isinstance(n, (ast.JoinedStr, ast.Mod))]
                assert not made or value.startswith("Code("), (path, value)


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all texts inside a value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from strings(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from strings(item, (*path, number))


def replaced(value: Any, path: tuple[Any, ...], change: Callable[[str], str]) -> Any:
    """A copy of `value` in which the text at `path` is changed."""
    if not path:
        return change(value)
    first, *rest = path
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[first] = replaced(value[first], tuple(rest), change)
    return copy


def renamed(value: Any, path: tuple[Any, ...], change: Callable[[str], str]) -> Any:
    """A copy of `value` in which the name of what is at `path` is changed."""
    *outer, last = path
    if not isinstance(last, str):
        return value

    def change_name(record: Any) -> Any:
        return {change(key) if key == last else key: item for key, item in record.items()}

    return replaced(value, tuple(outer), change_name)


def variants(side: Fingerprint, mark: str) -> Iterator[Fingerprint]:
    """The fingerprint with a mark in one text: behind it, in its place, or behind its name."""

    def behind(text: str) -> str:
        return text + mark

    for place in ("facts", "live"):
        values = getattr(side, place)
        for path in strings(values):
            yield side._replace(**{place: replaced(values, path, behind)})
            yield side._replace(**{place: replaced(values, path, lambda text: mark)})
            yield side._replace(**{place: renamed(values, path, behind)})


def remedies(case: Case, mark: str) -> Iterator[str]:
    """What the rule of a case tells to do, with a mark in any one text of its documents."""
    sides = [(case.before, after) for after in variants(case.after, mark)]
    if case.before:
        sides += [(before, case.after) for before in variants(case.before, mark)]
    for before, after in sides:
        for match in matches(case.rule, before, after, case.workload):
            if match.remedy and mark[-3:] in match.remedy:
                yield match.remedy


def firing(cases: list[Case]) -> Iterator[Case]:
    """Those in which a rule says something, of two sides or of a state."""
    yield from (case for case in cases if case.findings and (case.before or RULES[case.rule].state))


def test_no_text_of_any_document_gets_into_a_remedy_unquoted(cases: list[Case]) -> None:
    for case in firing(cases):
        for found in remedies(case, MARKED):
            assert MARK not in QUOTED.sub("", found), (case.rule, found)
            assert found.isprintable(), (case.rule, found)


COMMAND = r"\b(?:export|unset) [A-Z]|\b(?:pip|sudo|kill|envprint) |[`$]"


def test_no_message_tells_to_run_a_command(cases: list[Case]) -> None:
    # Messages hold values as they are; commands stand in remedies.
    for case in firing(cases):
        for match in matches(case.rule, case.before, case.after, case.workload):
            assert not re.search(COMMAND, match.message)


def test_every_rule_that_takes_up_a_text_has_a_trap(cases: list[Case]) -> None:
    have = {trap.rule for trap in TRAPS}
    others = [case for case in firing(cases) if case.rule not in have]
    assert {case.rule for case in others if any(remedies(case, INNOCENT))} == set()
    assert {case.rule for case in others if any(remedies(case, MARKED))} == set()


def tables() -> Iterator[str]:
    """The end of the page, which says what is tried."""
    yield f"| rule | where the text stands | remedy, for the text `{SAMPLE}` |"
    yield "|---|---|---|"
    for trap in TRAPS:
        shown = f"`{remedy(trap, SAMPLE)}`" if trap.commands(SAMPLE) else "the rule's own words"
        yield f"| {trap.rule} | {trap.place} | {shown} |"
    yield from ("", "### The texts", "", "| what it is | as JSON | as a word |", "|---|---|---|")
    for name, text in HOSTILE.items():
        word = quoted(text)
        yield f"| {name} | {_code(json.dumps(text))} | {_code(word) if word else 'no command'} |"


def _code(text: str) -> str:
    """`text` as code in a cell of a table."""
    fence = "``" if "`" in text else "`"
    blank = " " if "`" in text else ""
    return f"{fence}{blank}{text}{blank}{fence}".replace("|", "\\|")


def test_the_page_says_what_is_tried(golden: Golden) -> None:
    prose = PAGE.read_text(encoding="utf-8").partition("| rule |")[0]
    golden(PAGE, prose + "\n".join(tables()) + "\n")
