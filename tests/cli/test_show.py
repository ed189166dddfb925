"""`envprint show` for people: nothing is lost, nothing acts on the terminal, 80 columns."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.documents.codec import dumps, loads
from envprint.outputs.fingerprint import render
from tests.builders.support import fingerprint

HOSTS = Path(__file__).parent.parent / "hosts"
MACHINES = sorted(path.parent.name for path in HOSTS.glob("*/fingerprint.json"))


def test_values_are_said_in_the_form_a_person_expects() -> None:
    shown = render(
        fingerprint(
            {
                "facts.packages.distributions[numpy]": {
                    "version": "2.4.6",
                    "origin": {"kind": "index"},
                },
                "facts.packages.distributions[mine]": {
                    "version": "0.1",
                    "origin": {"kind": "editable"},
                },
                "facts.packages.conda": {},
                "facts.python.gil_enabled": True,
                "facts.environ.variables[TZ]": "",
                "facts.math.blas": [{"name": "openblas", "owner": "numpy", "version": None}],
                "live.gpu.devices[0]": {"memory_used_bytes": 996 << 20},
                "live.host.memory_total_bytes": 24 << 30,
            },
            unknown={"facts.packages.edited": "only with --deep"},
        )._replace(label="mine", note="a note", tags={"k": "v"})
    )
    for line in (
        "captured  mine, 2026-11-21T12:00:00Z by envprint 0.1.0",
        "note      a note",
        "tag       k = v",
        "          distributions: numpy 2.4.6, mine 0.1 (editable)",
        "  none    conda",
        "  unknown edited: only with --deep",
        "          gil_enabled: yes",
        "          variables: TZ empty",
        "          blas: name openblas; owner numpy",
        "          devices 0: memory_used_bytes 996 MiB",
        "          memory_total: 24.0 GiB",
        "HOST, at this moment",
    ):
        assert line in shown.splitlines()


@pytest.mark.parametrize("machine", MACHINES)
def test_every_field_and_unknown_of_a_machine_is_there_in_80_columns(machine: str) -> None:
    one = loads((HOSTS / machine / "fingerprint.json").read_bytes(), machine)
    shown = render(one)
    # A word that is longer than a line, such as a path, is not broken.
    assert all(len(line) <= 80 or len(line.split()) <= 2 for line in shown.splitlines())
    words = shown.replace("\n", " ")
    for section in (*one.facts.values(), *one.live.values()):
        for name in section:
            assert name.removesuffix("_bytes") in words
    assert shown.count("  unknown ") == len(one.unknown)


def test_escapes_in_a_document_are_shown_and_not_sent() -> None:
    hostile = fingerprint({"facts.os.locale": "\x1b[2J\u202e"})._replace(label="\x07")
    assert "\x1b" not in render(hostile)
    assert "\\x1b[2J\\u202e" in render(hostile)


def show(*arguments: str) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of `envprint show`."""
    out, err = StringIO(), StringIO()
    code = main(["show", *arguments], Console(out, err))
    return code, out.getvalue(), err.getvalue()


def in_json(*arguments: str) -> Any:
    code, out, _ = show(*arguments, "--format", "json")
    assert code == 0
    return json.loads(out)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_section_in_json_is_what_stands_in_the_document_with_what_is_unknown(
    machine: str,
) -> None:
    file = str(HOSTS / machine / "fingerprint.json")
    whole = json.loads(Path(file).read_text())
    assert in_json(file)["facts"] == whole["facts"]
    assert in_json(file, "--section", "gpu", "--section", "live.gpu", "--section", "cpu") == {
        "facts": {name: whole["facts"][name] for name in ("cpu", "gpu") if name in whole["facts"]},
        "live": {name: whole["live"][name] for name in ("gpu",) if name in whole["live"]},
        "unknown": {
            path: reason
            for path, reason in whole["unknown"].items()
            if path.startswith(("facts.gpu", "live.gpu", "facts.cpu"))
        },
    }


def test_a_section_for_people_has_its_fields_and_no_others() -> None:
    file = str(HOSTS / "dgx-a100" / "fingerprint.json")
    code, out, _ = show(file, "--section", "live.gpu", "--section", "facts.os")
    assert code == 0
    headings = [line for line in out.splitlines() if line[:1].isupper()]
    assert headings == ["OS", "GPU, at this moment"]
    assert out.startswith("captured  ")
    assert "kernel_release" in out
    assert "distributions" not in out


def test_a_section_that_is_unknown_as_a_whole_is_shown_with_the_reason(tmp_path: Path) -> None:
    one = fingerprint(unknown={"facts.gpu": "no answer"})
    assert "\nGPU\n  unknown all of it: no answer\n" in render(one)
    file = tmp_path / "one.json"
    file.write_text(dumps(one))
    assert "no answer" in show(str(file), "--section", "gpu")[1]
    part = in_json(str(file), "--section", "gpu")
    assert (part["facts"], part["unknown"]["facts.gpu"]) == ({}, "no answer")


@pytest.mark.parametrize(
    ("name", "near"), [("gpus", "gpu"), ("live.gp", "live.gpu"), ("package", "packages")]
)
def test_a_section_that_there_is_not_is_refused_with_the_nearest(name: str, near: str) -> None:
    code, out, err = show("/nope.json", "--section", name)
    assert (code, out) == (2, "")
    assert err == f"envprint: no section '{name}'; did you mean {near}?\n"
