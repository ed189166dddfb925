"""`pip list`, in columns and as JSON."""

from __future__ import annotations

import pytest

from envprint.core.errors import DocumentError
from tests.builders.records import PIP_LIST, PIP_LIST_JSON, take_in, version_of


def test_the_columns_are_read_up_to_the_first_other_line() -> None:
    found = take_in(f"my environment:\n\n{PIP_LIST}\nPlease help, it is 3.0 times slower\n")
    assert sorted(found.facts["packages"]["distributions"]) == ["mine", "numpy", "torch"]
    assert version_of(found, "torch") == "2.1.0+cu121"
    assert found.value("facts.packages.distributions[mine].origin.kind") == "editable"
    assert version_of(found, "jax") is None


def test_json_is_read() -> None:
    found = take_in(PIP_LIST_JSON)
    assert (version_of(found, "numpy"), version_of(found, "six")) == ("1.26.4", "1")


def test_other_json_is_no_pip_list() -> None:
    with pytest.raises(DocumentError, match="expected a list of objects"):
        take_in('[{"name": "numpy"}]', "pip-list")
