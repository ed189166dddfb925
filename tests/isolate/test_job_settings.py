"""Which recorded variables a recreated job gets, and which only somebody who trusts the record."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.isolate.job_settings import JobSettings, environment, loads_code, settings_of
from tests.builders.hostile import NOT_A_WORD
from tests.builders.support import fingerprint

VARIABLES = "facts.environ.variables"


def settings(
    variables: dict[str, Any], *, trust: bool = False, unknown: Any = None, **values: Any
) -> JobSettings:
    facts = {VARIABLES: variables} | {k.replace("__", "."): v for k, v in values.items()}
    return settings_of(fingerprint(facts, unknown or {}), trust=trust)


def test_recorded_variables_are_set_as_they_were() -> None:
    found = settings({"OMP_NUM_THREADS": "4", "LANG": "C.UTF-8", "XLA_FLAGS": "--a=1 --b='x y'"})
    assert found.variables == {
        "LANG": "C.UTF-8", "OMP_NUM_THREADS": "4", "XLA_FLAGS": "--a=1 --b='x y'",
    }  # fmt: skip
    assert found.left_out == ()


def test_hidden_and_unknown_values_are_named() -> None:
    found = settings(
        {"TF_A_TOKEN": "<hidden>", "XLA_FLAGS": "--x=<hidden> --y"},
        unknown={f"{VARIABLES}[NCCL_DEBUG]": "not valid text"},
    )
    assert found.variables == {}
    assert {one.name: one.reason for one in found.left_out} == {
        "NCCL_DEBUG": "unknown: not valid text",
        "TF_A_TOKEN": "its value is hidden in the record",
        "XLA_FLAGS": "its value is hidden in the record",
    }


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME",
     "CUDA_INJECTION64_PATH", "NCCL_NET_PLUGIN", "PYTHONBREAKPOINT"],
)  # fmt: skip
def test_a_variable_that_names_code_is_set_only_if_the_record_is_trusted(name: str) -> None:
    found = settings({name: "/home/me/lib"})
    assert found.variables == {}
    assert found.left_out[0].name == name
    assert "--trust" in found.left_out[0].reason
    assert settings({name: "/home/me/lib"}, trust=True).variables == {name: "/home/me/lib"}
    assert loads_code(name)


@pytest.mark.parametrize("name", ["A B", "A;touch x", "", "1A", "A=B", "TF_\nX", "PATH", "HOME"])
def test_a_name_that_envprint_would_not_record_is_not_set(name: str) -> None:
    assert settings({name: "1"}, trust=True).variables == {}


@pytest.mark.parametrize("text", NOT_A_WORD.values(), ids=NOT_A_WORD)
def test_a_value_that_no_shell_can_write_is_named(text: str) -> None:
    assert settings({"TF_X": text}, trust=True).variables == {}


@pytest.mark.parametrize("value", [None, 7, ["x"], {"a": 1}])
def test_a_value_that_is_no_text_is_not_set(value: object) -> None:
    assert settings({"TF_X": value}).variables == {}


def test_the_hash_seed_is_set_wherever_it_came_from() -> None:
    assert settings({}, facts__python__hash_seed="7").variables == {"PYTHONHASHSEED": "7"}
    assert settings({}, facts__python__hash_seed="random").variables == {}
    assert settings({}, facts__python__hash_seed="0; touch x").variables == {}


@pytest.mark.parametrize(
    ("value", "cpus"), [(3, 3), (None, None), (0, None), (True, None), ("3", None)]
)
def test_the_number_of_cpus_is_that_of_the_record(value: object, cpus: int | None) -> None:
    assert settings({}, facts__cpu__usable_threads=value).cpus == cpus


def test_a_job_gets_the_recorded_variables_and_no_others_of_their_kind() -> None:
    found = settings({"OMP_NUM_THREADS": "4", "TF_X": "~/x", "TF_A_TOKEN": "<hidden>"})
    given = {
        "HOME": "/home/you", "PATH": "/bin", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2",
        "TF_A_TOKEN": "mine", "LD_LIBRARY_PATH": "/lib", "MY_OWN": "1",
    }  # fmt: skip
    assert environment(found, given) == {
        "HOME": "/home/you", "PATH": "/bin", "OMP_NUM_THREADS": "4", "TF_X": "/home/you/x",
        "TF_A_TOKEN": "mine", "LD_LIBRARY_PATH": "/lib", "MY_OWN": "1",
    }  # fmt: skip
