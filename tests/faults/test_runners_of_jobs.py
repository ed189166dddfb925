"""A log is read by machines too: no text of a document is a command to the runner of a job."""

from __future__ import annotations

import json
import re
import unicodedata
from io import StringIO
from itertools import product
from pathlib import Path

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.discovery import module_names
from envprint.core.shell import quoted
from envprint.core.text import plain, wrapped
from envprint.documents.codec import dumps, loads, to_json
from envprint.outputs import formats
from envprint.outputs.notebook import fingerprint_html
from tests.builders.support import fingerprint

# GitHub trims a line and looks for `::` at its beginning, and for `##[` anywhere; Azure looks for
# `##vso[` anywhere. https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
ACTS = re.compile(r"^\s*::[A-Za-z]|##[A-Za-z]*\[", re.MULTILINE)
COMMANDS = [
    *("::error::x", "::add-mask::x", "::stop-commands::x", "::set-output name=a::b"),
    *("##[error]x", "##[group]x", "##[add-matcher]x", "###[error]x", "##vso[task.complete]x"),
    *("##teamcity[message text='x']", "##VSO[task.complete]x"),
]
BEFORE = ["", " ", "a ", "a\n", "a\r", "a\t", "a\xa0", "a\u2028", "a" * 70 + " ", "word " * 14]
UNSEEN = (
    "\u061c\u200b\u200c\u200d\u200e\u2060\ufeff\u180e\ufff9\xad\u3164\ufe0f\U000e0041\U000e007f"
)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_of_a_text_begins_with_a_command(command: str) -> None:
    for before in BEFORE:
        assert not ACTS.search(plain(before + command))
        assert not ACTS.search("\n".join(wrapped(before + command, 40)))


def test_what_only_looks_alike_stays_as_it_is() -> None:
    for text in (
        "std::vector",
        "torch::jit",
        "::1",
        "a :: b",
        "## heading",
        "#[x]",
        "C##",
        "a::b::",
    ):
        assert plain(text) == text
    assert plain("é 雪 ж ا") == "é 雪 ж ا"


@pytest.mark.parametrize("mark", UNSEEN)
def test_what_nobody_can_see_is_written_as_an_escape(mark: str) -> None:
    escape = f"\\U{ord(mark):08x}" if ord(mark) > 0xFFFF else f"\\u{ord(mark):04x}"
    assert plain(f"a{mark}b") in (f"a{escape}b", f"a\\x{ord(mark):02x}b")


def test_every_format_character_that_has_no_width_is_an_escape() -> None:
    seen = set(
        map(chr, [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD])
    )
    seen |= set(map(chr, range(0x13430, 0x13440)))
    formats_of_unicode = {chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Cf"}
    assert {mark for mark in formats_of_unicode - seen if plain(mark) == mark} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_json_holds_no_command_and_means_the_same(command: str) -> None:
    document = {command: [command, {"a": f"x {command}"}]}
    text = to_json(document)
    assert not ACTS.search(text)
    assert json.loads(text) == document


@pytest.mark.parametrize("command", COMMANDS)
def test_a_word_of_a_shell_holds_no_command(command: str) -> None:
    for text in (command, f"a {command}"):
        word = quoted(text)
        assert word is not None
        assert not ACTS.search(word)
        assert plain(word) == word


def hostile(folder: Path, command: str) -> tuple[str, str]:
    """Two documents that hold the command wherever a text may stand."""
    paths = []
    for name, version in (("a.json", "1.0"), ("b.json", "2.0")):
        values = {
            "facts.packages.distributions": {f"p {command}": {"version": f"{version} {command}"}},
            "facts.environ.variables": {"TF_X": f"{version} {command}", f"TF_{command}": command},
            "facts.os.name": f"{command} {version}",
            "facts.python.version": f"{version}",
            "facts.python.prefix": command,
            "facts.gpu.devices": {command: {"name": command}},
        }
        made = fingerprint(values, {f"facts.cuda.{command}": command, "facts.math": command})
        made = made._replace(label=command, note=command, tags={command: command})
        (folder / name).write_text(dumps(made))
        assert loads((folder / name).read_bytes(), name)
        paths.append(str(folder / name))
    return paths[0], paths[1]


OWN = "github"
"""What prints commands of its own; that no text adds one is tested in tests/outputs/."""
VERBS = [
    *(["show", "{a}"], ["validate", "{a}"], ["diff", "{a}", "{b}"], ["diff", "{a}", "{b}", "-q"]),
    *(
        ["diff", "{a}", "{b}", "-v", "--format", name]
        for name in module_names(formats)
        if name != OWN
    ),
    *(["diff", "{a}", "{b}", "--only", "{c}"], ["diff", "{a}", "{c}"], ["explain", "{c}"]),
    *(["diff", "{a}", "{b}", "--policy", "{p}"], ["bisect", "{a}", "{b}", "--explain"], ["{c}"]),
    *(["policy", "show", "--policy", "{p}"], ["show", "{a}", "--section", "environ"]),
]


@pytest.mark.parametrize(
    ("verb", "command"), [*product(range(len(VERBS)), COMMANDS[:1] + COMMANDS[4:5])]
)
def test_no_verb_prints_a_command(verb: int, command: str, tmp_path: Path) -> None:
    a, b = hostile(tmp_path, command)
    policy = tmp_path / f"{command.replace('/', '')[:20]} envprint.toml"
    policy.write_text(f'[[ignore]]\npath = "* {command}"\nreason = "{command}"\n')
    places = {"a": a, "b": b, "c": f" {command}", "p": str(policy)}
    out, err = StringIO(), StringIO()
    main([word.format(**places) for word in VERBS[verb]], Console(out, err))
    printed = out.getvalue() + err.getvalue()
    assert printed
    assert not ACTS.search(printed), ACTS.findall(printed)


def test_no_notebook_shows_a_command() -> None:
    made = fingerprint({"facts.os.name": "##[error]x"})._replace(label=" ::error::x")
    assert not ACTS.search(fingerprint_html(made))
