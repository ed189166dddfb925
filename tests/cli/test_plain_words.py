"""Words that are read without argparse mean what argparse makes of them."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from envprint.cli import verb_named, verb_names
from envprint.cli._parser import parser_of
from envprint.cli._plain_words import PlainWords
from envprint.core.errors import EnvprintError
from tests.builders.commands import assert_one_line_and_exit_2, call

ODD = ("-", "--", "", " ", "-x", "--no-such", "-1", "a=b", "--output=f", "-of", "-qv", "--outp")
VALUES = (
    "now",
    "text",
    "json",
    "torch",
    "cpu",
    "10",
    "20GiB",
    "10m",
    "likely",
    "gpu",
    "k=v",
    "x y",
)
ROUNDS = 300
PLAIN = [name for name in verb_names() if not hasattr(verb_named(name), "ACTIONS")]
"""argparse itself reads the words of the others."""


def by_argparse(verb: str, words: Sequence[str]) -> dict[str, Any] | None:
    """The values; None for what it refuses."""
    try:
        return vars(parser_of(verb, verb_named(verb)).parse_args(list(words)))
    except (EnvprintError, SystemExit):
        return None


def plainly(verb: str, words: Sequence[str]) -> dict[str, Any] | None:
    """The values; None if they are left to argparse."""
    plain = PlainWords()
    verb_named(verb).add_arguments(cast("argparse.ArgumentParser", plain))
    found = plain.read(words)
    return None if found is None else vars(found)


def options_of(verb: str) -> list[str]:
    actions = parser_of(verb, verb_named(verb))._actions
    return [name for action in actions for name in action.option_strings]


def lines(verb: str) -> Iterator[list[str]]:
    """Every option alone, and with every value before and behind places; then any words at all."""
    for option in options_of(verb):
        yield [option]
        for value in (*VALUES, *ODD):
            yield [option, value]
            yield ["a.json", option, value]
            yield [option, value, "a.json", "b.json"]
            yield ["a.json", option, value, "b.json"]
    choose = random.Random(1)
    known = [*options_of(verb), *VALUES, *ODD]
    for _ in range(ROUNDS):
        yield choose.choices(known, k=choose.randrange(8))


@pytest.mark.parametrize("verb", PLAIN)
def test_what_is_read_plainly_is_what_argparse_reads(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in lines(verb):
        found = plainly(verb, words)
        if found is not None:
            assert found == by_argparse(verb, words), words
    capsys.readouterr()


@pytest.mark.parametrize(
    "line",
    [
        "capture",
        "capture -o f.json --label x --no-cache --tag a=b --tag c=d --timeout 20",
        "diff a.json b.json",
        "diff a.json b.json -o report.html --format html --framework torch -v",
        "diff --fail-on diverges @monday now --only packages --only gpu --ignore os-*=same",
        "check",
        "check a.json --min-free-gpu 20GiB --on-unknown fail --strict",
        "check --format github -q -",
        "show --format json",
    ],
)
def test_common_command_lines_are_plain(line: str) -> None:
    verb, *words = line.split()
    assert plainly(verb, words) == by_argparse(verb, words) is not None


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (verb, words)
        for verb in ("diff", "check", "capture")
        for words in (["--help"], ["-h"], ["--no-such"], ["--timeout", "0"], ["--python=x"])
    ],
)
def test_help_errors_and_other_forms_are_left_to_argparse(verb: str, words: list[str]) -> None:
    assert plainly(verb, words) is None


@pytest.mark.parametrize("words", ["diff a.json a.json", "check", "capture -o f.json"])
def test_a_common_command_line_loads_no_argparse(words: str, tmp_path: Any) -> None:
    program = (
        "import sys; from envprint.cli import main; "
        "main(['capture', '-o', 'a.json']); main(sys.argv[1:]); "
        "sys.exit(', '.join({'argparse', 'gettext', 'locale'} & {*sys.modules}) or None)"
    )
    command = [sys.executable, "-c", program, *words.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("chek",), "unknown word 'chek'; did you mean check?"),
        (("fleet", "dif"), "unknown word 'dif'; did you mean diff?"),
        (("diff", "a", "b", "--format", "htm"), "unknown word 'htm'; did you mean html?"),
        (("check", "--fail-on", "x" * 200), "unknown word 'xxx"),
    ],
)
def test_a_word_that_is_no_choice_is_answered_with_the_nearest(
    words: tuple[str, ...], text: str
) -> None:
    assert_one_line_and_exit_2(call(*words), text)
