"""Work has a bound: no input of a few kilobytes takes seconds, no file takes all memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from envprint.collectors._requirements import requirements
from envprint.core.errors import DocumentError, EnvprintError, InterpreterError, PolicyError
from envprint.core.fingerprint import split_path
from envprint.core.units import parse_seconds, parse_size
from envprint.documents import codec
from envprint.documents.codec import MAX_ITEMS, parse_json
from envprint.judging.policy.model import matches
from envprint.judging.policy.parse import parse_policy
from envprint.judging.policy.toml import MAX_POLICY_BYTES
from envprint.machine.host import MAX_ANSWER_BYTES
from envprint.machine.live import LiveHost
from envprint.machine.nvml.calls import MARK as OF_THE_CHILD
from envprint.machine.nvml.messages import NvmlMessages, finished


def seconds(action: Callable[[], object]) -> float:
    """The processor time that it takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


@pytest.mark.parametrize("stars", [1, 10, 1000, 50_000])
def test_a_pattern_of_many_stars_takes_no_longer_than_one_of_few(stars: int) -> None:
    text = "facts.environ.variables[" + "a" * 2000 + "]"
    assert seconds(lambda: matches("*a" * stars + "*b", text)) < 0.5


@pytest.mark.parametrize(
    ("pattern", "text", "does"),
    [
        ("*", "", True),
        ("*", "a\nb", True),
        ("a", "a", True),
        ("a", "ab", False),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*", "abc", True),
        ("*ab*ab", "ab", False),
        ("*ab*ab", "abab", True),
        ("a**b", "axb", True),
        ("facts.gpu.devices[*].name", "facts.gpu.devices[0].name", True),
        ("*x*y*z", "xz", False),
        ("ab*bc", "abc", False),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, text: str, does: bool) -> None:
    assert matches(pattern, text) is does


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "a[" * 100_000, "]" * 200_000, ".[" * 100_000, "a." * 100_000]
)
def test_a_path_of_open_brackets_is_split_in_linear_time(text: str) -> None:
    assert seconds(lambda: split_path(text)) < 1


def test_lines_and_numbers_of_any_length_take_no_longer_than_their_size() -> None:
    line = b"Name: a\nRequires-Dist: n" + b"Q" * 300_000
    assert seconds(lambda: list(requirements(line))) < 0.5
    for parse, text in product(
        (parse_seconds, parse_size), ("5" + "\v" * 300_000 + "x", "5" * 300_000)
    ):
        with pytest.raises(ValueError, match="expected"):
            parse(text)
    assert (parse_seconds(" 5 m "), parse_size(" 20 GiB ")) == (300.0, 20 << 30)


def test_the_keys_of_a_path_are_what_they_were() -> None:
    assert split_path("facts.environ.variables[TF_X]") == ["facts", "environ", "variables", "TF_X"]
    assert split_path("a[b.c]d") == ["a", "b.c", "d"]
    assert split_path("a[b") == ["a", "b"]


# Where there are texts, tracing the memory takes ten seconds for a million items.
@pytest.mark.parametrize(
    ("item", "limit"),
    [
        *((item, MAX_ITEMS) for item in (b"[],", b"{},", b"0,", b"[0,")),
        *((item, MAX_ITEMS // 10) for item in (b'"",', b'{"a":0},')),
    ],
)
def test_a_document_of_millions_of_items_is_refused_before_it_is_read(
    item: bytes, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "MAX_ITEMS", limit)
    content = b"[" + item * (limit + 1) + b"0]"
    tracemalloc.start()
    with pytest.raises(DocumentError, match=f"more than {limit:,} items, not a fingerprint"):
        parse_json(content, "f")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * len(content) + limit


def test_commas_in_texts_are_no_items() -> None:
    text = "," * (MAX_ITEMS + 1) + '"' + "[{"
    assert parse_json(json.dumps([text]).encode(), "f") == [text]


def test_a_policy_larger_than_its_limit_is_refused() -> None:
    content = b"#" + b" " * MAX_POLICY_BYTES
    with pytest.raises(PolicyError, match="larger than 1 MiB, not a policy"):
        parse_policy(content, "envprint.toml", "2026-11-28")


@pytest.mark.parametrize(
    "line", ["[", "[[a", "a", '"', "[a.b", "a.", "#", "[a]#", "a = [[", "'''"], ids=str
)
def test_a_policy_of_odd_lines_takes_no_longer_than_its_size(line: str) -> None:
    content = (line + " " * 300_000 + "\nfail_on = 5\n").encode()

    def parse() -> None:
        with pytest.raises(EnvprintError):
            parse_policy(content, "envprint.toml", "2026-11-28")

    assert seconds(parse) < 2


def test_a_sparse_file_of_gigabytes_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "RECORD"
    with path.open("wb") as file:
        file.truncate(6 << 30)
    begun_s = time.monotonic()
    with pytest.raises(OSError, match="larger than 32 MiB"):
        LiveHost().read(str(path))
    assert time.monotonic() - begun_s < 1


def test_a_file_that_says_it_is_empty_is_read_up_to_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("envprint.machine.live.MAX_ANSWER_BYTES", 100)
    with pytest.raises(OSError, match="larger than"):
        LiveHost().read("/proc/self/maps")


@pytest.mark.parametrize(
    "words", [["is", ["count"], 4294967295], ["is", ["devices", 9**9, "x"], 1]]
)
def test_a_driver_that_counts_billions_takes_no_memory(words: list[object]) -> None:
    messages = NvmlMessages()
    tracemalloc.start()
    messages.take(OF_THE_CHILD + json.dumps(["is", ["devices", 0, "name"], "A100"]).encode())
    messages.take(OF_THE_CHILD + json.dumps(words).encode())
    reading = finished(messages.reading)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reading["devices"][0]["name"] == "A100"
    assert peak < 10_000_000


def program(folder: Path, text: str) -> str:
    path = folder / "python"
    path.write_text(f"#!{sys.executable} -IS\n{text}\n")
    path.chmod(0o755)
    return str(path)


MARK = "'\\x02envprint\\x03'"
SAYS = {
    "nothing": ("", "expected Python 3.6 or later, it ended with 0"),
    "no JSON": (f"print({MARK} + '{{')", "not understood: Expecting"),
    "a number": (f"print({MARK} + '5')", "not understood: expected object, found int"),
    "an empty object": (f"print({MARK} + '{{}}')", "not understood: implementation: it is missing"),
    "another type": (
        f"print({MARK} + '{{\"implementation\": 5}}')",
        "not understood: implementation: expected string, found int",
    ),
    "deep nesting": (f"print({MARK} + '[' * 100000)", "not understood"),
    "a large number": (f"print({MARK} + '9' * 100000)", "not understood"),
    "no UTF-8": (f"import os; os.write(1, {MARK}.encode() + b'\\xff')", "not understood"),
    "an error": ("raise SystemExit(3)", "it ended with 3"),
}


@pytest.mark.parametrize("kind", SAYS)
def test_a_program_that_answers_like_no_interpreter_is_one_line(kind: str, tmp_path: Path) -> None:
    text, error = SAYS[kind]
    with pytest.raises(InterpreterError) as raised:
        LiveHost(program(tmp_path, text))
    assert error in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["'x' * 65536", "'x' * 65536 + '\\n'"])
def test_an_interpreter_that_prints_without_end_is_stopped_at_the_limit(
    text: str, tmp_path: Path
) -> None:
    path = program(tmp_path, f"import os\nwhile True: os.write(1, ({text}).encode())")
    done = measured(["capture", "--python", path, "-o", os.devnull])
    assert "it printed more than 32 MiB" in done.stderr
    assert done.returncode == 2
    assert done.seconds < 15
    assert done.peak_bytes < 300 << 20


class Measured(subprocess.CompletedProcess[str]):
    """How a command of envprint ended, how long it took and what it used."""

    seconds: float
    peak_bytes: int


def measured(arguments: list[str], **variables: str) -> Measured:
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], check=False, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)\n"
        "sys.exit(done.returncode)\n"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "envprint", *arguments]
    begun_s = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    found = Measured(done.args, done.returncode, done.stdout, done.stderr)
    found.seconds = time.monotonic() - begun_s
    found.peak_bytes = int(done.stdout)
    return found


@pytest.mark.parametrize(
    "text", ["import time; time.sleep(600)", "import sys; sys.stdin.read(); 1"]
)
def test_an_interpreter_that_does_not_answer_costs_no_more_than_the_limit(
    text: str, tmp_path: Path
) -> None:
    path = program(tmp_path, text)
    done = measured(["capture", "--python", path, "--timeout", "2", "-o", os.devnull])
    assert done.returncode == 2
    assert "did not answer within 2 s" in done.stderr or "it ended with 0" in done.stderr
    assert done.seconds < 2 + 1 + 3  # and what two starts of Python take here


DEAD_DIRECTORY_SERVICE = """
import pwd, time
pwd.getpwuid = lambda *_: time.sleep(600)
pwd.getpwnam = pwd.getpwuid
import sys
from envprint.__main__ import script
script()
"""


def test_a_dead_directory_service_costs_no_more_than_the_limit(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DEAD_DIRECTORY_SERVICE]
    command += ["capture", "--identify", "--timeout", "2", "-o", "f.json"]
    variables = {name: text for name, text in os.environ.items() if name != "HOME"}
    begun_s = time.monotonic()
    subprocess.run(command, cwd=tmp_path, check=True, env=variables)
    assert time.monotonic() - begun_s < 2 + 1 + 2
    document = json.loads((tmp_path / "f.json").read_text())
    assert document["unknown"]["identity"] == "no answer within 2 s"


def test_the_driver_may_not_take_longer_than_the_whole() -> None:
    done = measured(["capture", "--timeout", "5", "--gpu-timeout", "6", "-o", os.devnull])
    assert done.returncode == 2
    assert "--gpu-timeout 6 is longer than the whole capture may take: --timeout 5" in done.stderr


def test_limits_are_those_that_are_stated() -> None:
    stated = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text("utf-8")
    for limit in (f"{MAX_ITEMS:,} items", f"{MAX_ANSWER_BYTES >> 20} MiB", "1 MiB", "64 MiB"):
        assert limit in stated
