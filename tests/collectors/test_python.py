"""The python section: prefixes, hash seeds, start-up hooks."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import python as section
from envprint.core.fingerprint import Unknown
from envprint.machine.hash_seed import hash_seed, seed_of, text_hash
from tests.builders.support import host

SITE = "/usr/lib/python3/dist-packages"
SAID = {
    "implementation": "cpython",
    "version": "3.11.2",
    "compiler": "GCC 12.2.0",
    "executable": "/usr/bin/python3",
    "prefix": "/usr",
    "base_prefix": "/usr",
    "platform": "linux",
    "byte_order": "little",
    "flags": {"optimize": 1, "hash_randomization": 1, "ignore_environment": 0},
    "x_options": {"dev": "True"},
    "gil_enabled": True,
    "subnormals_flushed": False,
    "libc": "glibc 2.36",
    "path": ["/usr/lib/python311.zip", "/usr/lib/python3.11", SITE],
    "site_hooks": ["sitecustomize"],
}


def said(**changes: Any) -> dict[str, Any]:
    return {**SAID, **changes}


def test_a_system_interpreter_is_read_whole() -> None:
    machine = host(
        interpreter=SAID,
        real_path={"/usr/bin/python3": "/usr/bin/python3.11"},
        environ={"PYTHONHASHSEED": "3"},
        read={f"{SITE}/distutils-precedence.pth": "import os; 1\n"},
    )
    assert section.collect(machine) == {
        "implementation": "cpython",
        "version": "3.11.2",
        "compiler": "GCC 12.2.0",
        "executable": "/usr/bin/python3.11",
        "prefix": "/usr",
        "base_prefix": "/usr",
        "prefix_kind": "system",
        "flags": {"optimize": 1, "ignore_environment": 0},
        "x_options": {"dev": "True"},
        "gil_enabled": True,
        "hash_seed": "3",
        "startup_hooks": ["distutils-precedence.pth", "sitecustomize"],
        "search_path": ["/usr/lib/python311.zip", "/usr/lib/python3.11", SITE],
        "byte_order": "little",
        "subnormals_flushed": False,
    }


def test_every_declared_field_is_answered() -> None:
    read = section.collect(host(interpreter=SAID))
    assert sorted(read) == sorted(field.name for field in section.FACTS)


def test_a_venv_made_from_conda_is_a_venv() -> None:
    machine = host(
        interpreter=said(prefix="/e/venv", base_prefix="/opt/conda"),
        kind={"/e/venv/conda-meta": "directory"},
    )
    assert section.collect(machine)["prefix_kind"] == "venv"


def test_a_conda_environment_is_known_by_its_metadata() -> None:
    machine = host(
        interpreter=said(prefix="/opt/conda", base_prefix="/opt/conda"),
        kind={"/opt/conda/conda-meta": "directory"},
    )
    assert section.collect(machine)["prefix_kind"] == "conda"


def test_an_embedded_interpreter_has_no_executable() -> None:
    assert section.collect(host(interpreter=said(executable="")))["executable"] is None


def test_a_site_directory_that_may_not_be_listed_leaves_the_hooks_unknown() -> None:
    machine = host(interpreter=SAID, names={SITE: {"error": "EACCES"}})
    read = section.collect(machine)
    assert read["startup_hooks"] == Unknown(f"{SITE}: Permission denied")
    assert read["version"] == "3.11.2"


def test_hidden_path_files_and_other_directories_hold_no_hooks() -> None:
    machine = host(
        interpreter=said(site_hooks=[], path=[SITE, "/home/x/project"]),
        read={
            f"{SITE}/.hidden.pth": "import a\n",
            f"{SITE}/paths.pth": "/home/x/project\n",
            "/home/x/project/b.pth": "import b\n",
        },
    )
    assert section.collect(machine)["startup_hooks"] == []


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("import os\n", True),
        ("import\tos", True),
        ("/a/path\nimport x; y()\n", True),
        ("# import os\n", False),
        (" import os\n", False),
        ("important/directory\n", False),
        ("", False),
        ("\ufffd\0\n", False),
    ],
)
def test_lines_that_begin_with_import_run_code(text: str, runs: bool) -> None:
    assert section.runs_code(text) is runs


def test_the_hash_is_that_of_cpython() -> None:
    # From CPython 3.13 (siphash13) and 3.10 (siphash24) under PYTHONHASHSEED=7, then 0.
    assert text_hash("abc", 7, 1, 3) == -7459679063432183616
    assert text_hash("abc", 7, 2, 4) == 6835189622241514291
    assert text_hash("abcdefghij", 0, 1, 3) == -829746140550000655
    assert text_hash("abcdefghij", 0, 2, 4) == 6662533936660743767


def probed(seed: int, **changes: Any) -> dict[str, Any]:
    probe = text_hash("envprint", seed, 1, 3)
    return said(hash_algorithm="siphash13", hash_probe=probe, **changes)


def test_a_seed_that_is_wished_for_but_not_in_force_is_random() -> None:
    # -R, or PYTHONHASHSEED set by the program itself after its start.
    assert hash_seed(probed(12345), [{"PYTHONHASHSEED": "7"}]) == "random"


def test_a_seed_is_known_when_the_start_variables_cannot_be_read() -> None:
    machine = host(
        interpreter=probed(7),
        start_environ={"error": "EACCES"},
        environ={"PYTHONHASHSEED": "7"},
    )
    assert section.collect(machine)["hash_seed"] == "7"


def test_the_value_at_the_start_counts_not_the_one_set_later() -> None:
    machine = host(
        interpreter=probed(7),
        start_environ={"PYTHONHASHSEED": "7"},
        environ={"PYTHONHASHSEED": "0"},
    )
    assert section.collect(machine)["hash_seed"] == "7"


def test_seed_zero_is_seen_without_any_variable() -> None:
    assert hash_seed(probed(0), []) == "0"


@pytest.mark.parametrize(
    ("flags", "variables", "seed"),
    [
        ({"hash_randomization": 0}, {}, "0"),
        ({"hash_randomization": 1}, {"PYTHONHASHSEED": "7"}, "7"),
        ({"hash_randomization": 1, "ignore_environment": 1}, {"PYTHONHASHSEED": "7"}, "random"),
        ({"hash_randomization": 1}, {}, "random"),
        ({}, {"PYTHONHASHSEED": "7"}, "7"),
    ],
)
def test_without_a_known_hash_the_flags_and_variables_decide(
    flags: dict[str, int], variables: dict[str, str], seed: str
) -> None:
    described = said(flags=flags, hash_algorithm="fnv", hash_probe=1)
    assert hash_seed(described, [variables]) == seed


@pytest.mark.parametrize(
    ("value", "seed"),
    [
        ("0", "0"),
        ("007", "7"),
        (" 5", "5"),
        ("+5", "5"),
        ("4294967295", "4294967295"),
        ("4294967296", None),
        ("random", None),
        ("", None),
        (None, None),
        ("1_0", None),
        ("٣", None),
        ("-1", None),
    ],
)
def test_seeds_are_read_as_the_interpreter_reads_them(value: str | None, seed: str | None) -> None:
    assert seed_of(value) == seed
