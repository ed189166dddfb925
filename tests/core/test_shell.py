"""A value of a document is one word of a command, whatever it holds."""

from __future__ import annotations

import random
import shlex
import subprocess
from pathlib import Path

import pytest

from envprint.core.shell import command, export, in_turn, is_name, quoted, unset
from envprint.core.text import has_command_of_runners
from tests.builders.hostile import EXPANDED, HOSTILE, NOT_A_WORD, WORDS, is_complete, words

each_word = pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
OTHER_THAN_SHLEX = {EXPANDED[name] for name in ("path of a program, in zsh", "the same in a list")}
"""`shlex.quote` has the POSIX shell in mind, which does not expand these."""


def word(text: str) -> str:
    """`text` quoted, which it can be."""
    found = quoted(text)
    assert found is not None
    return found


@each_word
def test_a_quoted_text_is_printable_and_complete(text: str) -> None:
    assert word(text).isprintable()
    assert is_complete(f": {word(text)}")


def test_bash_reads_each_word_back_and_runs_nothing(tmp_path: Path) -> None:
    results = words([f": {word(text)}" for text in WORDS.values()], tmp_path)
    assert results == [[":", text] for text in WORDS.values()]
    assert list(tmp_path.iterdir()) == []


def test_bash_reads_back_whatever_there_is(tmp_path: Path) -> None:
    source = random.Random(20261128)
    alphabet = "'\"\\$`!;&|<>(){}[]*?~#=%^@:, \t\n\r\x1b\x7f\x85\xa0\u2028\u202eab1é雪\udc80"
    texts = ["".join(source.choices(alphabet, k=source.randint(0, 12))) for _ in range(2_000)]
    assert words([f": {word(text)}" for text in texts], tmp_path) == [[":", text] for text in texts]
    assert list(tmp_path.iterdir()) == []


@each_word
def test_a_printable_text_is_quoted_as_the_standard_library_does(text: str) -> None:
    is_usual = text not in OTHER_THAN_SHLEX and not has_command_of_runners(text)
    if is_usual and text.isprintable():
        assert quoted(text) == shlex.quote(text)


@pytest.mark.parametrize(
    "text", ["", "4", "0,1", "2.8.0+cu128", ":4096:8", "/opt/a-b", "a=b", "%1"]
)
def test_what_needs_no_quotes_gets_none_and_nothing_is_a_word_too(text: str) -> None:
    assert quoted(text) == shlex.quote(text)


@pytest.mark.parametrize("text", NOT_A_WORD.values(), ids=NOT_A_WORD)
def test_what_cannot_be_a_word_makes_no_command(text: str) -> None:
    assert quoted(text) is None
    assert export("TF_X", text) is None
    assert command("Use {} or {}.", "a", text) is None


@pytest.mark.parametrize("name", [*HOSTILE.values(), "", "1A", "A-B", "A B", "A=", "Ä", "A\n", "ſ"])
def test_a_name_that_is_none_makes_no_command(name: str) -> None:
    assert not is_name(name)
    assert (export(name, "1"), unset(name)) == (None, None)


def test_commands_are_made_of_words() -> None:
    assert is_name("_a1")
    assert export("_a1", "") == "export _a1=''"
    assert in_turn(export("A", "$(b)"), unset("B")) == "export A='$(b)'; unset B"
    assert in_turn(export("A", "1"), None) is None
    assert command("Use {} or {}.", "a b", "{}") == "Use 'a b' or '{}'."
    assert command("Use {}.", None) is None


def test_a_posix_shell_runs_nothing_either(tmp_path: Path) -> None:
    script = "touch() { : > x; }\n" + "".join(f": {word(text)}\n" for text in WORDS.values())
    for shell in ("sh", "bash --posix"):
        done = subprocess.run(
            shell.split(),
            input=script.encode("utf-8", "surrogateescape"),
            capture_output=True,
            cwd=tmp_path,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["ghp_" + "Ab3dEf6hIj9k" * 3, "--password=hunter2", "https://a:b@h"]
)
def test_there_is_no_command_with_a_secret(text: str) -> None:
    assert quoted(text) is None
    assert export("MKL_CBWR", text) is None
