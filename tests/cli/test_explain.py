"""`envprint explain` for ids that stand in reports without being rules."""

from __future__ import annotations

import io
import json

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.report import HIDDEN_VALUE, NOT_JUDGED


def said(*arguments: str) -> str:
    out = io.StringIO()
    assert main(["explain", *arguments], Console(out, io.StringIO())) == 0
    return out.getvalue()


@pytest.mark.parametrize("name", [HIDDEN_VALUE, NOT_JUDGED])
def test_what_stands_in_a_report_in_place_of_a_rule_is_explained(name: str) -> None:
    page = said(name)
    assert page.startswith(f"# {name}\n")
    document = json.loads(said(name, "--format", "json"))
    assert document["rule"] == name
    assert document["why"] in page
    assert document["remedy"] in page
