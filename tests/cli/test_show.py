"""`envprint show` for people: nothing is lost, nothing acts on the terminal, 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from envprint.documents.codec import loads
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
    assert shown.count("  unknown ") == sum(path.count(".") > 1 for path in one.unknown)


def test_escapes_in_a_document_are_shown_and_not_sent() -> None:
    hostile = fingerprint({"facts.os.locale": "\x1b[2J\u202e"})._replace(label="\x07")
    assert "\x1b" not in render(hostile)
    assert "\\x1b[2J\\u202e" in render(hostile)
