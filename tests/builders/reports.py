"""Reports for tests of outputs: one that is small, and texts that act somewhere."""

from __future__ import annotations

from typing import Any

from envprint.core.comparison import Change
from envprint.core.impact import Confidence, Impact
from envprint.core.report import (
    Expected,
    Finding,
    Ignored,
    Placement,
    Report,
    Summary,
    Undecided,
    Unjudged,
)
from envprint.core.shell import Command
from envprint.core.workload import Workload

PLACE = "facts.packages.distributions"
ACTING = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "end of a block": "</details></summary></style>]]>-->*/",
    "attributes": "\" onload=alert(1) x='`",
    "emphasis": "*a* _b_ **c** ~~d~~ $e$",
    "link": "[a](https://example.invalid) ![b](https://example.invalid/b.png)",
    "address": "https://example.invalid/x www.example.invalid a@example.invalid",
    "mention": "@octocat and @a-team/b",
    "reference": "#1 GH-1 a/b#2 :+1:",
    "table": "a | b || c \\| d \\\\| e",
    "heading": "# a\n## b",
    "list": "- a\n1. b\n+ c",
    "quote": "> a",
    "fence": "```\nx\n```\n~~~",
    "backquotes": "` `` ```",
    "backslash": "\\",
    "entity": "&lt;b&gt; &#60;b&#62; &amp;",
    "command": "::error::x",
    "command in a line": "a\n::add-mask::x\n::set-output name=a::b",
    "older command": "##[error]x ##vso[task.setvariable variable=a]x",
    "percent": "100%0A::error::x%",
    "formula": '=HYPERLINK("http://example.invalid")',
    "formulas": "+1+1",
    "dash": "-1+cmd|' /C calc'!A0",
    "at": "@SUM(1)",
    "formula behind a blank": "\t =1+1",
    "wide formula": "\uff1d1+1",
    "controls": "\x00\x01\x08\x0b\x0c\x1b[31m\x7f\x85\x9f",
    "no characters": "\ufffe\uffff\ud800",
    "direction": "\u202eabc\u2066\u200b",
    "nothing": "",
    "blank": " ",
}
"""What a browser, a renderer of Markdown, a runner of jobs, a spreadsheet or a parser acts on."""


def a_finding(rule: str = "a-rule", **parts: Any) -> Finding:
    """A finding that measures rounding."""
    made = Finding(
        rule=rule,
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        title=f"Title of {rule}",
        message="numpy was 1, is 2",
        paths=(f"{PLACE}[numpy].version",),
        before="1",
        after="2",
        why="Why.",
        not_when="Never.",
        remedy=Command("pip install numpy==1"),
        evidence=("https://numpy.org/x",),
    )
    return made._replace(**parts)


SIDE = Summary(
    "a label",
    "sha256:0",
    "2026-11-23T09:12:40Z",
    (("cpu", "AMD EPYC"),),
    "monday.json",
    "~/venvs/train",
    python="3.11.7",
    machine=("Ubuntu 24.04", "AMD EPYC", "16 CPUs", "no GPU"),
)


def a_report(**parts: Any) -> Report:
    """A report with one finding and nothing else."""
    made = Report(
        impact=Impact.NUMERIC,
        summary="a summary",
        baseline=SIDE,
        current=SIDE._replace(reference="now"),
        workload=Workload(("numpy",), "cpu"),
        findings=(a_finding(),),
        changes=(),
        undecided=(),
        advice=(),
        ignored=(),
    )
    return made._replace(**parts)


def hostile_report(text: str) -> Report:
    """A report in which every value of a document is this text."""
    side = SIDE._replace(
        label=text, reference=text, prefix=text, lines=(("cpu", text),), machine=(text,)
    )
    path = f"{PLACE}[{text}].version"
    found = a_finding(message=text, paths=(path,), before=text, after=text, remedy=f"Undo {text}")
    return a_report(
        summary=text,
        baseline=side,
        current=side._replace(hint=text, chosen=text),
        findings=(found, found._replace(message=f"{text} was {text}, is {text}")),
        changes=(
            Change(path, "changed", text, text),
            Change(f"facts.environ.variables[{text}]", "added", None, {text: [text]}),
        ),
        undecided=(Undecided("b-rule", path, text, Impact.NUMERIC),),
        advice=(found._replace(rule="c-rule", advice=True),),
        ignored=(Ignored("d-rule", text, text, text),),
        expected=(Expected("e-rule", path, text, text),),
        unjudged=(Unjudged(text, path, text, text, "package", "trains", "https://example.org"),),
        policy=text,
        look_next=(text,),
        policy_notes=(text,),
        computes_on=(Placement("numpy", "cpu", text),),
        not_checked=text,
    )
