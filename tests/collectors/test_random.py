"""The random section: what a process said of its generators."""

from __future__ import annotations

from envprint.collectors import random as section
from envprint.core.fields import Record, require
from envprint.core.fingerprint import Unknown
from tests.builders.support import host


def test_states_are_taken_as_the_process_said_them() -> None:
    answers = {"python": {"state": "sha256:aa"}, "tensorflow": {"state": None}}
    read = section.sample(host(interpreter={"generators": answers}))
    assert read == {"generators": {"python": {"state": "sha256:aa"}, "tensorflow": {"state": None}}}
    require(Record(section.LIVE), read)


def test_one_that_refused_is_unknown_beside_the_others() -> None:
    answers = {"torch": {"error": "RuntimeError: busy"}, "python": {"state": "sha256:aa"}}
    assert section.sample(host(interpreter={"generators": answers})) == {
        "generators": {
            "torch": {"state": Unknown("RuntimeError: busy")},
            "python": {"state": "sha256:aa"},
        }
    }


def test_a_command_has_none() -> None:
    assert section.sample(host(interpreter={})) == {"generators": {}}
