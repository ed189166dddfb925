"""Planted secrets: none comes through, wherever it stands; and what is none stays as it is.

The table in docs/reliability.md is this test's: kinds by places.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.cli._console import Console
from envprint.collectors._runner import capture
from envprint.core.fingerprint import Unknown
from envprint.core.redact import HIDDEN, is_recorded, safe_arguments, safe_text, safe_value
from envprint.documents.codec import dumps
from envprint.gpu.account import Gap, MemoryHolder, WatchResult
from envprint.judging.policy.model import Policy
from envprint.judging.policy.parse import parse_policy
from envprint.machine.recorded import RecordedHost
from envprint.machine.recorded_environ import kept_variables
from envprint.outputs.formats import json as json_output
from envprint.outputs.formats import text as text_output
from envprint.run import record
from envprint.run.command_interpreter import Started
from envprint.run.job import Ended
from tests.builders import secrets_planted as planted
from tests.builders.judged import judge_drift
from tests.builders.secrets import GIT, Answers, machine
from tests.builders.secrets_planted import KINDS, LOOK_ALIKES, TOKENS
from tests.builders.support import fingerprint, workload

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
SITE = "/raid/envs/train/lib/python3.10/site-packages"
INFO = f"{SITE}/numpy-1.26.4.dist-info"
Plant = Callable[[Answers, str], None]


def _variable(name: str, form: str = "{}") -> Plant:
    def plant(answers: Answers, text: str) -> None:
        answers["environ"][name] = form.format(text)

    return plant


def _file(path: str, form: str = "{}") -> Plant:
    def plant(answers: Answers, text: str) -> None:
        answers["read"][path] = form.replace("{}", text).split("\n")

    return plant


def _json_variable(answers: Answers, text: str) -> None:
    answers["environ"]["TF_CONFIG"] = json.dumps({"task": {"index": 0}, "environment": text})


def _at_start(answers: Answers, text: str) -> None:
    answers["start_environ"] = {**answers["environ"], "TF_AT_START": text}


def _direct_url(answers: Answers, text: str) -> None:
    origin = {"url": text, "vcs_info": {"vcs": text, "commit_id": text}}
    answers["read"][f"{INFO}/direct_url.json"] = [json.dumps(origin)]


def _path_file(answers: Answers, text: str) -> None:
    if is_file_name(text):
        answers["read"][f"{SITE}/{text}.pth"] = ["import os"]


def is_file_name(text: str) -> bool:
    """Whether a file may be called so."""
    return "/" not in text


def _image(answers: Answers, text: str) -> None:
    answers["kind"]["/.dockerenv"] = "file"
    answers["environ"]["JUPYTER_IMAGE"] = text


def _interpreter(key: str, wrap: Callable[[str], Any]) -> Plant:
    def plant(answers: Answers, text: str) -> None:
        answers["interpreter"][""][key] = wrap(text)

    return plant


def _search_path(answers: Answers, text: str) -> None:
    answers["interpreter"][""]["path"].append(f"/srv/{text}")


def _process(key: str) -> Plant:
    def plant(answers: Answers, text: str) -> None:
        process = {"name": "python", "program": "python3", "user": "ann", "started_at_s": 1.0}
        answers["process"].setdefault("4321", {**process, "state": "running"})[key] = text
        held = {"pid": 4321, "used": 1 << 20}
        answers["gpu"][""]["devices"][0]["compute_processes"] = [held]

    return plant


def _gpu_name(answers: Answers, text: str) -> None:
    answers["gpu"][""]["devices"][0]["name"] = text


def _refused(answers: Answers, text: str) -> None:
    answers["cpus"] = {"": {"error": text}}


PLACES: dict[str, Plant] = {
    "a variable allowed by its prefix": _variable("TF_SOMETHING"),
    "a list of paths": _variable("LD_LIBRARY_PATH", "/opt/lib:{}:/usr/lib"),
    "a variable with options": _variable("XLA_FLAGS", "--xla_gpu_autotune_level=0 {}"),
    "a variable with JSON": _json_variable,
    "a variable that names a switch": _variable("KERAS_BACKEND"),
    "a variable as it was at the start": _at_start,
    "the name of the container's image": _image,
    "the URL of Git's remote": _file(f"{GIT}/config", '[remote "origin"]\n\turl = {}\n'),
    "the branch": _file(f"{GIT}/HEAD", "ref: refs/heads/{}\n"),
    "the path of a submodule": _file("/raid/jobs/bert/.gitmodules", '[submodule "x"]\npath = {}\n'),
    "direct_url.json": _direct_url,
    "INSTALLER": _file(f"{INFO}/INSTALLER"),
    "the tag of a wheel": _file(f"{INFO}/WHEEL", "Tag: {}\n"),
    "the version in METADATA": _file(f"{SITE}/odd.egg-info", "Name: odd\nVersion: {}\n"),
    "the name in METADATA": _file(f"{SITE}/even.egg-info", "Name: {}\nVersion: 1\n"),
    "a conda channel": _file(
        "/raid/envs/train/conda-meta/a-1-b.json", '{"channel": "https://c.example/{}/x"}'
    ),
    "the name of a .pth file": _path_file,
    "a path that .pth files and PYTHONPATH add": _search_path,
    "an -X option": _interpreter("x_options", lambda text: {"pycache_prefix": text}),
    "the interpreter's prefix": _interpreter("base_prefix", lambda text: f"/opt/{text}"),
    "the interpreter's compiler": _interpreter("compiler", str),
    "what a framework refuses with": _interpreter(
        "switches", lambda text: {"torch-tf32": {"error": text, "source": "torch"}}
    ),
    "the state of a generator": _interpreter(
        "generators", lambda text: {"numpy": {"error": f"RuntimeError: {text}"}}
    ),
    "a process' name": _process("name"),
    "a process' program": _process("program"),
    "the name of a GPU": _gpu_name,
    "the distribution's name": _file("/etc/os-release", 'ID=x\nPRETTY_NAME="{}"\n'),
    "the reason of an unknown value": _refused,
}
"""Where a capture meets text that others have written."""
NAMED = ("label", "note", "tag", "name of a tag")
OTHERS = ("value of a document", "label of a document", "unknown of a document")
MESSAGES = ("source", "reference", "interpreter", "policy", "store", "output", "API")
RECORDED = ("command", "libraries", "gap", "holder", "unknown")
BESIDE = (*NAMED, *MESSAGES, *RECORDED, *OTHERS, "reason in a policy", "recording of a machine")


@pytest.fixture(autouse=True)
def drawn(request: pytest.FixtureRequest) -> None:
    """A test plants the same words alone as among others."""
    planted.draw_from(request.node.name)


@pytest.mark.parametrize("kind", KINDS)
def test_no_planted_secret_enters_a_fingerprint(kind: str) -> None:
    answers, secrets = machine(), {}
    for place, plant in PLACES.items():
        one = KINDS[kind]()
        plant(answers, one.text)
        secrets[place] = one.secret
    said = {name: KINDS[kind]() for name in NAMED}
    fingerprint = capture(
        RecordedHost(answers),
        label=said["label"].text,
        note=said["note"].text,
        tags={"k": said["tag"].text, said["name of a tag"].text: "v"},
    )
    secrets |= {name: one.secret for name, one in said.items()}
    assert came_through(secrets, dumps(fingerprint)) == []


def came_through(secrets: dict[str, str], text: str) -> list[str]:
    """The places whose secret stands in `text`, as a whole or to more than a half of it."""
    found = []
    for place, secret in secrets.items():
        half = len(secret) // 2 + 1
        parts = {secret, json.dumps(secret)[1:-1], secret[:half], secret[-half:]}
        found += [place] * any(part in text for part in parts)
    return found


def test_every_place_that_is_planted_in_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # Else the test above would find nothing in a place that nobody looks at.
    answers, marks = machine(), {}
    for number, (place, plant) in enumerate(PLACES.items()):
        marks[place] = f"planted{number}in"
        plant(answers, marks[place])
    text = dumps(capture(RecordedHost(answers)))
    assert [place for place, mark in marks.items() if mark not in text] == []


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of its own, in which nothing is saved."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_no_message_repeats_a_secret(
    kind: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = StringIO()
    console = Console(printed, printed)
    secrets = {name: KINDS[kind]() for name in MESSAGES}
    text = {name: one.text for name, one in secrets.items()}
    main(["diff", text["source"], "now"], console)
    main(["show", f"@{text['reference']}"], console)
    main(["capture", "--python", text["interpreter"]], console)
    main(["check", "--policy", text["policy"]], console)
    main(["capture", "-o", f"/nowhere/{text['output']}/f.json"], console)
    monkeypatch.setenv("ENVPRINT_HOME", text["store"])
    main(["log"], console)
    with pytest.raises(envprint.EnvprintError) as error:
        envprint.load(text["API"])
    said = printed.getvalue() + str(error.value)
    assert came_through({name: one.secret for name, one in secrets.items()}, said) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_record_of_a_run_holds_a_secret(kind: str) -> None:
    secrets = {name: KINDS[kind]() for name in RECORDED}
    text = {name: one.text for name, one in secrets.items()}
    holder = MemoryHolder("0", 1, text["holder"], False, True, "2026-11-21T12:00:00Z", None, None)
    gap = Gap(None, text["gap"], "2026-11-21T12:00:00Z", None)
    watched = WatchResult("ok", 1, (holder,), (gap,), {}, {})
    ended = Ended(0, None, 1.0, 0, None, False)
    places = [f"/opt/{text['libraries']}"]
    during = record.During("", "", ended, watched, [f"{places[0]}/x.so"], places)
    started = Started(f"/opt/{text['command']}/python", text["command"], (text["command"],))
    run = record.Run(
        [text["command"], "--password", "hunter2"],
        started, during, fingerprint(), Unknown(text["unknown"]), None, None,
    )  # fmt: skip
    document = json.dumps(record.to_document(run))
    assert came_through({name: one.secret for name, one in secrets.items()}, document) == []


def test_the_digest_of_a_command_tells_nothing_of_a_password() -> None:
    commands = (["x", "--password", word, f"--token={word}", "-v"] for word in ("one", "other"))
    assert len({tuple(safe_arguments(command)) for command in commands}) == 1
    assert safe_arguments(["x", "--level", "three"]) == ["x", "--level", "three"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_report_repeats_a_secret_from_a_policys_reason(kind: str) -> None:
    one = KINDS[kind]()
    entry = f"[[expect]]\npath = 'facts.environ.*'\nreason = '''{one.text}'''\n"
    policy = parse_policy(entry.encode(), "p", "2026-11-21")
    sides = (fingerprint({"facts.environ.variables[TF_X]": value}) for value in "12")
    report = judge_drift(*sides, workload(), policy)
    assert report.expected
    printed = json_output.render(report) + text_output.render(report)
    assert came_through({"reason": one.secret}, printed) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_report_repeats_a_secret_of_a_document_of_somebody_else(
    kind: str, tmp_path: Path
) -> None:
    secrets = {name: KINDS[kind]() for name in OTHERS}
    value, label, reason = (one.text for one in secrets.values())
    variables = dict.fromkeys(
        ("TF_X", "LD_PRELOAD", "MKL_CBWR", "XLA_FLAGS", "KERAS_BACKEND"), value
    )
    values = {f"facts.environ.variables[{name}]": text for name, text in variables.items()}
    theirs = fingerprint(values, {"facts.cpu.model": reason})._replace(label=label)
    report = judge_drift(theirs, fingerprint(), workload(["numpy", "tensorflow"]), Policy())
    path = tmp_path / "theirs.json"
    path.write_text(dumps(theirs))
    shown = StringIO()
    main(["show", str(path)], Console(shown, shown))
    printed = json_output.render(report) + text_output.render(report) + shown.getvalue()
    assert HIDDEN in printed
    assert came_through({name: one.secret for name, one in secrets.items()}, printed) == []


@pytest.mark.parametrize("name", ["password", "api_key", "wandb_api_key", "DB_PASSWORD", "h?token"])
def test_a_tag_is_hidden_by_its_name(name: str) -> None:
    found = capture(RecordedHost(machine()), tags={name: "hunter2", "token": "3", "lr": "0.1"})
    assert found.tags == {name: HIDDEN, "token": "3", "lr": "0.1"}


@pytest.mark.parametrize(
    "host", ["10.0.0.1:3128", "localhost", "localhost:80", "db:5432", "h.example"]
)
def test_a_password_before_a_host_without_a_scheme_is_hidden(host: str) -> None:
    for form in ("{}", "x={} y", "proxy {}, set", '{{"p": "{}"}}'):
        assert safe_text(form.format(f"ann:hunter2@{host}")) == form.format(f"ann:{HIDDEN}@{host}")


def test_a_refresh_token_of_google_is_hidden() -> None:
    assert safe_text("x=1//0" + "eAb3-EfGhIjKl_MnOp" * 3) == f"x={HIDDEN}"


def test_the_punctuation_behind_a_secret_stays() -> None:
    for text in (
        "https://h/x?token={}: no such file",
        "--token {}; see `x`",
        "?, https://h?sig={}.",
    ):
        assert safe_text(text.format("hunter2hunter2")) == text.format(HIDDEN)


@pytest.mark.parametrize("kind", KINDS)
def test_no_recording_of_a_machine_holds_a_secret_variable(kind: str) -> None:
    one = KINDS[kind]()
    assert came_through({"variable": one.secret}, str(kept_variables({"TF_X": one.text}))) == []


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert safe_text(text) == text
    assert safe_value("TF_SOMETHING", text) == text


@pytest.mark.parametrize(("name", "value"), planted.PLAIN_VARIABLES.items())
def test_a_variable_whose_name_only_looks_like_a_secrets_stays(name: str, value: str) -> None:
    assert safe_value(name, value) == value


@pytest.mark.parametrize(("name", "value"), planted.SECRET_VARIABLES.items())
def test_a_variable_is_hidden_by_its_name_alone(name: str, value: str) -> None:
    assert is_recorded(name)
    assert safe_value(name, value) == HIDDEN


@pytest.mark.parametrize("kind", TOKENS)
def test_of_a_value_only_the_secret_word_is_hidden(kind: str) -> None:
    token = TOKENS[kind]().text
    assert safe_value("LD_PRELOAD", f"/a/{token}/x.so:/b.so") == f"/a/{HIDDEN}/x.so:/b.so"
    assert safe_value("XLA_FLAGS", f"--x={token} --y=1") == f"--x={HIDDEN} --y=1"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_hidden_stays_as_it_is_the_second_time(kind: str) -> None:
    once = safe_text(KINDS[kind]().text)
    assert HIDDEN in once
    assert safe_text(once) == once


@pytest.mark.parametrize("kind", TOKENS)
def test_a_word_that_is_shorter_than_its_kind_of_token_stays(kind: str) -> None:
    token = TOKENS[kind]().text
    begin = next(begin for begin in _beginnings() if token.startswith(begin))
    short = token[: len(begin) + 3]
    assert safe_text(f"/data/{short}/x") == f"/data/{short}/x"


def _beginnings() -> Iterator[str]:
    from envprint.core.secret_beginnings import BEGINNINGS

    every = (begin for begins in BEGINNINGS.values() for begin in begins)
    return iter(sorted(every, key=len, reverse=True))


@pytest.mark.skipif(sys.platform != "linux", reason="titles are written over arguments on Linux")
def test_the_title_that_a_program_gives_itself_is_not_taken_for_its_name() -> None:
    from envprint.machine.os_calls import process

    # As setproctitle does: the arguments begin with the name that the kernel knows.
    code = "open('/proc/self/comm', 'w').write('trainer-of-model'); print(flush=True); input()"
    arguments = ["trainer-of-model --password=hunter2", "-c", code]
    with subprocess.Popen(
        arguments, executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        child.stdout.readline()
        found = process(child.pid)
        child.communicate(b"\n")
    assert found["name"] == "trainer-of-mode"
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    "piece",
    ["token", "auth={", "auth=[", "token='", "a:", "@", "https://a:b@", "curl ", "bearer ", "\\",
     "eyJaaaa-", "ghp_", "glpat-", "a+", "xoxb-", "hooks.slack.com/services/", "-----BEGIN A",
     '{"name":"', "?token=", "--token ", "x=key://", "cookie: "],
)  # fmt: skip
def test_a_hostile_text_is_looked_through_in_time(piece: str) -> None:
    start_s = time.process_time()
    for begin in ("", "https://", "key=1 "):
        safe_text(begin + piece * (6000 // len(piece)))
    assert time.process_time() - start_s < 5


def test_the_page_says_what_was_planted() -> None:
    places = len(PLACES) + len(BESIDE)
    slashes = sum(not is_file_name(make().text) for make in KINDS.values())
    line = f"| {len(KINDS)} | {places} | {len(KINDS) * places - slashes:,} | 0 |"
    page = " ".join(PAGE.read_text().split())
    assert line in page
    assert f"{len(LOOK_ALIKES)} look-alikes and {len(planted.PLAIN_VARIABLES)} variables" in page
    assert (len(KINDS) >= 25, places >= 25, len(LOOK_ALIKES) >= 200) == (True, True, True)
    for name in (*KINDS, *PLACES, *BESIDE):
        assert name in page, name
