"""The random section: what a process said of its generators."""

from __future__ import annotations

from typing import Any

from envprint.collectors import random as section
from envprint.core.fields import Record, require
from envprint.core.fingerprint import Unknown
from tests.builders.support import host

NOT_TOLD = Unknown("the generator does not report how it was seeded")


def sample(**answers: Any) -> Any:
    return section.sample(host(interpreter=answers))


def test_states_and_seeds_are_taken_as_the_process_said_them() -> None:
    answers = {
        "python": {"state": "sha256:aa", "seeded": None, "seed": None},
        "numpy": {"state": "sha256:bb", "seeded": True, "seed": None},
        "torch": {"state": "sha256:cc", "seeded": True, "seed": "7"},
        "tensorflow": {"state": None, "seeded": False, "seed": None},
    }
    assert sample(generators=answers, process="f00d")["generators"] == {
        "python": {"state": "sha256:aa", "seeded": NOT_TOLD, "seed": NOT_TOLD},
        "numpy": {"state": "sha256:bb", "seeded": True, "seed": NOT_TOLD},
        "torch": {"state": "sha256:cc", "seeded": True, "seed": "7"},
        "tensorflow": {"state": None, "seeded": False, "seed": None},
    }


def test_one_that_refused_is_unknown_beside_the_others() -> None:
    python = {"state": "sha256:aa", "seeded": True, "seed": "7"}
    answers = {"torch": {"error": "RuntimeError: busy"}, "python": python}
    assert sample(generators=answers)["generators"] == {
        "torch": dict.fromkeys(("state", "seeded", "seed"), Unknown("RuntimeError: busy")),
        "python": python,
    }


def test_imported_libraries_that_draw_are_those_of_the_table() -> None:
    answers = {"numpy": {"state": "a", "seeded": True, "seed": "7"}}
    modules = ["json", "keras", "numpy", "transformers"]
    assert sample(generators=answers, modules=modules)["drawn_by"] == {
        "numpy": ["transformers"],
        "python": ["keras", "transformers"],
    }


def test_a_command_has_none() -> None:
    found = sample()
    assert found == {"generators": {}, "drawn_by": {}, "process": None}
    require(Record(section.LIVE), found)


def test_a_section_has_the_declared_shape() -> None:
    answers = {"torch": {"state": "sha256:cc", "seeded": True, "seed": "7"}}
    require(Record(section.LIVE), sample(generators=answers, modules=["ray"], process="f00d"))
