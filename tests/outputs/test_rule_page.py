"""`envprint explain`: a page for every id that appears anywhere, and help with a mistyped one."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.measurements import OUTCOMES
from envprint.outputs.rule_page import page, section_of
from envprint.rules import catalogue

ROOT = Path(__file__).parents[2]
RULES = {rule.id: rule for rule in catalogue()}
DOCUMENTS = sorted(ROOT.glob("tests/golden/*/report.json"))
TEXTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("tests/golden/*/report.txt")),
    *sorted(ROOT.glob("envprint/**/*.py")),
]


def explain(*arguments: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    return main(["explain", *arguments], Console(out, err)), out.getvalue(), err.getvalue()


def ids_in_documents() -> set[str]:
    """The rules that the golden reports name, in whatever part."""
    found: set[str] = set()
    for path in DOCUMENTS:
        report = json.loads(path.read_text(encoding="utf-8"))
        for part in ("findings", "advice", "undecided", "ignored"):
            found |= {entry["rule"] for entry in report[part]}
        found |= set(report["verdict"].get("likely_causes", ()))
    return found


def ids_in_texts() -> set[str]:
    """The rules that texts tell the reader to have explained, or link to."""
    told = r"envprint explain ([a-z0-9]+(?:-[a-z0-9]+)+)|rules/([a-z0-9-]+)\.md"
    return {
        first or second
        for path in TEXTS
        for first, second in re.findall(told, path.read_text(encoding="utf-8"))
    }


def test_golden_reports_and_texts_name_rules() -> None:
    assert len(ids_in_documents()) >= 10
    assert "tensorflow-onednn-switched" in ids_in_texts()


@pytest.mark.parametrize("name", sorted({*RULES, *ids_in_documents(), *ids_in_texts()}))
def test_every_id_that_appears_anywhere_has_its_page(name: str) -> None:
    code, out, err = explain(name)
    assert (code, err) == (0, "")
    rule = RULES[name]
    for said in (rule.title, rule.impact.word, rule.confidence.value, rule.applies.text):
        assert said in out
    for said in (rule.why, rule.not_when, rule.remedy, *(e.what for e in rule.evidence)):
        assert said in out
    for evidence in rule.evidence:
        own = OUTCOMES[evidence.measured] if evidence.measured else "no other source"
        assert (evidence.url or own) in out


def test_a_page_says_what_was_measured_and_what_came_out() -> None:
    line = "* 2.3.5 and 2.4.6: measured numeric with numpy 2.4.6 → 2.3.5 on the CPU (np.v2_3_5)"
    assert line in page(RULES["numpy-version-changed"]).splitlines()


def test_without_an_id_all_are_listed_in_both_formats() -> None:
    code, out, _ = explain()
    assert code == 0
    rows = [line.split() for line in out.splitlines() if re.match(r"  [a-z]", line)]
    assert sorted(row[0] for row in rows) == list(RULES)
    assert all(rule.title in " ".join(out.split()) for rule in RULES.values())
    heads = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert heads == sorted({section_of(name).upper() for name in RULES})
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = explain("--format", "json")
    assert code == 0
    listed = json.loads(out)
    assert [entry["rule"] for entry in listed] == list(RULES)
    assert all(evidence["source"] for entry in listed for evidence in entry["evidence"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("numpy-verson-changed", "did you mean numpy-version-changed"),
        ("TensorFlow_oneDNN-swiched", "did you mean tensorflow-onednn-switched"),
        ("zzz", "`envprint explain` lists them all"),
        ("x" * 100_000, "`envprint explain` lists them all"),
        ("", "`envprint explain` lists them all"),
    ],
)
def test_a_mistyped_id_gets_one_line_of_help(typed: str, meant: str) -> None:
    code, out, err = explain(typed)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert meant in err
    assert len(err) < 300


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (["mkl"], "mkl-branch-changed"),
        (["thread", "pool"], "math-thread-pools-changed"),
        (["TF_ENABLE_ONEDNN_OPTS"], "tensorflow-onednn-switched"),
        (["live.gpu"], "gpu-memory-held-by-others"),
        (["OneDNN"], "tensorflow-onednn-switched"),
    ],
)
def test_words_find_rules_whatever_their_case(words: list[str], some: str) -> None:
    code, out, err = explain(*words)
    assert (code, err) == (0, "")
    assert some in out.split()
    assert 0 < len(re.findall(r"(?m)^  [a-z]", out)) < len(RULES)
    code, out, _ = explain(*words, "--format", "json")
    assert some in [entry["rule"] for entry in json.loads(out)]


def test_all_words_are_wanted() -> None:
    assert explain("mkl", "zzz")[0] == 2


@pytest.mark.parametrize("typed", ["TensorFlow-oneDNN-switched", "tensorflow_onednn_switched"])
def test_an_id_is_found_in_another_spelling(typed: str) -> None:
    assert explain(typed) == explain("tensorflow-onednn-switched")
