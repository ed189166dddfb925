"""Texts that act on a shell, its history or a terminal where a command is made of them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

SUBSTITUTED = {
    "command": "$(touch x) y",
    "command, alone": "$(touch x)",
    "backquotes": "`touch x`",
    "parameter": "$HOME",
    "parameter with a command": "${HOME:+$(touch x)}",
    "field separator": "a${IFS}touch${IFS}x",
    "arithmetic": "$((1 + $(touch x; echo 1)))",
    "process": "<(touch x)",
    "process, written to": ">(touch x)",
    "escape": "$'\\x41'",
    "translated": '$"touch x"',
    "prompt": "${PS1@P}",
}
SEPARATED = {
    "semicolon": "a; touch x",
    "semicolon, in front": "; touch x;",
    "background": "a & touch x &",
    "and": "a && touch x",
    "or": "a || touch x",
    "pipe": "a | touch x",
    "newline": "a\ntouch x\n",
    "carriage return": "a\r\ntouch x",
    "output": "a > x",
    "output, alone": ">x",
    "error output": "2>x",
    "input": "<x",
    "here-document": "<<EOF\ntouch x\nEOF",
    "subshell": "(touch x)",
    "group": "{ touch x; }",
    "comment": "# touch x",
    "comment at the end": "a #",
}
QUOTES = {
    "single quote": "it's",
    "single quotes around a command": "'; touch x; '",
    "double quotes around a command": '"; touch x; "',
    "quote of a quote": "'\"'\"'; touch x; '",
    "quote of a quote, with $": "'$'\\''$(touch x)",
    "backslash": "\\",
    "backslash at the end": "a\\",
    "backslash and quote": "\\'; touch x; #",
    "unbalanced": "\"'`",
}
EXPANDED = {
    "option": "-rf",
    "option with an address": "--index-url=http://example.invalid/ x",
    "any file": "*",
    "any letter": "?",
    "set": "[a-z]*",
    "braces": "{a,b}",
    "home": "~",
    "home of root": "~root",
    "home in a list": "a:~/b",
    "path of a program, in zsh": "=touch",
    "the same in a list": "a:=touch",
    "job": "%1",
    "history": "!touch",
    "last command": "!!",
    "history beside a quote": "it's !! 'x'",
    "quick substitution": "^touch^rm^",
    "assignment": "x=$(touch x)",
    "two blanks": "a  b",
    "blanks around": " a ",
    "nothing but a blank": " ",
    "address of a package": "@ file:///x",
}
WRITTEN = {
    "letters of many languages": "é ü 雪 ж",
    "reversed text": "\u202ex hcuot",
    "no width": "\u200b$(touch x)",
    "no break": "a\xa0touch\xa0x",
    "line separator": "a\u2028touch x",
    "next line": "a\x85touch x",
    "tab": "a\ttouch x",
    "bell": "\x07",
    "escape sequence": "\x1b[2J\x1b]0;x\x07",
    "escape sequence and quotes": "\x1b[31m'; touch x; '!!",
    "end of a bracketed paste": "\x1b[201~touch x\n",
    "interrupt": "\x03touch x\n",
    "delete": "\x7f",
    "command of a runner": "::error::x",
    "command of a runner in a line": "a ::add-mask::x",
    "older command of a runner": "a##[error]x",
    "command of another runner": "##vso[task.setvariable variable=a]x",
    "marks without width": "a\u061c\u180e\u2060\ufeff\ufff9b\u3164\ufe0f",
    "tags": "a\U000e0041\U000e007f",
    "no UTF-8": "\udcff$(touch x)",
}
NOT_A_WORD = {
    "NUL": "a\0touch x",
    "half of a pair": "\ud800$(touch x)",
    "hidden part": "<hidden>",
    "hidden part among others": "a=<hidden> $(touch x)",
}
"""Of these no word can be made: there is no command."""
WORDS = {**SUBSTITUTED, **SEPARATED, **QUOTES, **EXPANDED, **WRITTEN}
HOSTILE = {**WORDS, **NOT_A_WORD}

# The words of a command, as bash splits and expands them, without running it; then what it does.
_SPLIT = """
set -o history -o histexpand
export() { :; }; unset() { :; }; pip() { :; }; python() { :; }
touch() { : > "$1"; }
command_not_found_handle() { :; }
"""


def is_complete(line: str) -> bool:
    """Whether `bash -n` takes it for a whole command."""
    done = subprocess.run(["bash", "-n"], input=_octets(line), capture_output=True, check=False)
    return done.returncode == 0 and not done.stderr


def words(lines: Sequence[str], directory: Path) -> list[list[str]]:
    """The words of each line in bash, with its history on; then each is run, in `directory`.

    No program is found there, but what `touch` would do is done.
    """
    script = _SPLIT
    for line in lines:
        script += f"words=( {line}\n)\nprintf '%s\\0' ${{#words[@]}} \"${{words[@]}}\"\n"
    script += "".join(f"{line}\n" for line in lines)
    done = subprocess.run(
        ["/bin/bash", "--norc"],
        input=_octets(script),
        capture_output=True,
        check=False,
        cwd=directory,
        env={"PATH": "", "HOME": "/home", "LC_ALL": "C.UTF-8"},
    )
    words = iter(done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1])
    return [list(islice(words, int(count))) for count in words]


def _octets(text: str) -> bytes:
    return f"{text}\n".encode("utf-8", "surrogateescape")
