"""The examples and experiments on the pages of rules, made from tests and measurements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envprint.core.report import DEVICES, Finding
from envprint.core.rule import Rule
from envprint.core.text import one_line
from envprint.outputs import rule_examples
from envprint.outputs.rule_page import page, related
from envprint.rules import catalogue
from tests.benchmarks.accuracy.pair import PARTS, Pair, load
from tests.builders.golden_files import Golden
from tests.builders.support import Case, ask

RULES = {rule.id: rule for rule in catalogue()}
HEAD = (
    '"""What a rule says in one case of its tests, and how the pairs that rules cite were measured.'
)
HEAD += """

Made by `pytest tests/outputs/test_rule_examples.py --update-golden`; the pages of rules show it.
\"\"\"

from __future__ import annotations

"""


def test_the_examples_are_those_of_the_tests(cases: list[Case], golden: Golden) -> None:
    found: dict[str, Finding] = {}
    for case in cases:
        if case.findings and case.rule not in found:
            said, _ = ask(case.rule, case.before, case.after, case.workload)
            if is_readable(said[0].message):
                found[case.rule] = said[0]
    assert found.keys() == RULES.keys()
    examples = {name: example(found[name]) for name in sorted(found)}
    experiments = {pair.id: experiment(pair) for pair in cited()}
    golden(
        Path(rule_examples.__file__),
        HEAD + written("EXAMPLES", examples) + "\n" + written("EXPERIMENTS", experiments),
    )


def written(name: str, texts: dict[str, str]) -> str:
    lines = "".join(f"    {quoted(key)}: {quoted(text)},\n" for key, text in texts.items())
    return f"{name}: dict[str, str] = {{\n{lines}}}\n"


def quoted(text: str) -> str:
    return "'" + text + "'" if '"' in text and "'" not in text else f'"{escaped(text)}"'


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def is_readable(text: str) -> bool:
    return text.isprintable() and len(text) < 240


def example(finding: Finding) -> str:
    """`title: what changed`, as a report says it."""
    word = "ADVICE" if finding.advice else finding.impact.word.upper()
    return f"{word}  {finding.title}: {one_line(finding.message)}"


def cited() -> Iterator[Pair]:
    names = {evidence.measured for rule in catalogue() for evidence in rule.evidence}
    pairs = {pair.id: pair for part in PARTS for pair in load(part) if pair.id in names}
    return iter(pairs[name] for name in sorted(pairs))


def experiment(pair: Pair) -> str:
    """What was changed, in which job, how often it ran, and what came out."""
    where = f"job {pair.job} with {pair.framework} on {DEVICES[pair.device]}"
    difference = pair.max_rel_loss_diff
    much = f", losses up to {difference:.1g} apart (relative)" if difference else ""
    return f"{pair.change}, {where}, {pair.runs} runs a side: {pair.measured}{much}"


each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)


@each_rule
def test_each_page_has_an_example_and_related_rules(rule: Rule) -> None:
    shown = page(rule)
    assert "\n## Example\n" in shown
    assert rule_examples.EXAMPLES[rule.id] in shown
    names = related(rule)
    assert rule.id not in names
    assert set(names) <= RULES.keys()
    assert len(names) <= 8
    assert all(name in shown for name in names)


@each_rule
def test_each_measurement_that_a_rule_cites_can_be_repeated(rule: Rule) -> None:
    shown = page(rule)
    for evidence in rule.evidence:
        if evidence.measured:
            assert rule_examples.EXPERIMENTS[evidence.measured] in shown
            command = f"python -m tests.benchmarks.accuracy.measure --pair {evidence.measured}"
            assert command in shown


def test_rules_about_one_value_are_related() -> None:
    assert "gpu-memory-unattributed" in related(RULES["gpu-memory-held-by-others"])
    assert "tensorflow-onednn-switched" in related(RULES["onednn-isa-limited"])
    assert "numpy-generator-changed" in related(RULES["numpy-version-changed"])
