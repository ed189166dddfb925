"""`pip freeze`, and lists of pins that only look like one."""

from __future__ import annotations

import pytest

from envprint.core.errors import DocumentError, UnknownValueError
from tests.builders.records import FREEZE, SHORT_FREEZE, take_in, version_of

ORIGIN = "facts.packages.distributions[{}].origin"


def test_versions_and_origins_are_read() -> None:
    found = take_in(FREEZE)
    assert version_of(found, "numpy") == "1.26.4"
    assert version_of(found, "zope-interface") == "7.0"
    assert version_of(found, "local") == "1.5"
    assert found.value(ORIGIN.format("local") + ".kind") == "archive"
    assert found.value(ORIGIN.format("mine") + ".kind") == "editable"
    git = found.value(ORIGIN.format("r"))
    assert (git["kind"], git["vcs"], git["url"]) == ("editable", "git", "https://github.com/o/r")
    assert git["commit"].startswith("7e1c0ffee")


def test_a_framework_of_a_whole_list_is_known_and_so_is_its_absence() -> None:
    found = take_in(FREEZE)
    assert found.value("facts.frameworks.tensorflow.version") == "2.16.1"
    assert found.value("facts.frameworks.torch") is None
    assert version_of(found, "torch") is None


def test_what_a_freeze_leaves_out_is_unknown() -> None:
    for name in ("pip", "setuptools"):
        with pytest.raises(UnknownValueError, match="a pip freeze leaves it out"):
            version_of(take_in(FREEZE), name)


def test_a_few_pins_may_be_the_requirements_of_a_model() -> None:
    found = take_in(SHORT_FREEZE)
    assert version_of(found, "numpy") == "2.4.6"
    with pytest.raises(UnknownValueError, match="a short list of pins"):
        version_of(found, "torch")
    assert version_of(take_in(SHORT_FREEZE, "pip-freeze"), "torch") is None


def test_a_path_of_that_machine_is_not_taken_over() -> None:
    with pytest.raises(UnknownValueError, match="which is not taken over"):
        take_in(FREEZE).value(ORIGIN.format("local") + ".url")


def test_an_editable_installation_without_a_name_may_be_any_package() -> None:
    found = take_in(FREEZE + "-e file:///home/ann/another\n")
    with pytest.raises(UnknownValueError, match="listed without its name"):
        version_of(found, "another")
    assert version_of(found, "numpy") == "1.26.4"


@pytest.mark.parametrize("line", ["numpy>=1", "$(touch x)==1", "-r other.txt", "a==1 --hash=x"])
def test_a_line_of_another_kind_is_named(line: str) -> None:
    with pytest.raises(DocumentError, match="not a line of a pip freeze"):
        take_in(f"six==1\n{line}\n", "pip-freeze")
