"""`conda env export`, and what conda, MLflow or people write in its form."""

from __future__ import annotations

import pytest

from envprint.core.errors import DocumentError, UnknownValueError
from envprint.core.fingerprint import DECLARED
from tests.builders.records import CONDA_EXPORT, CONDA_FROM_HISTORY, take_in, version_of


def test_an_export_with_builds_is_what_is_installed() -> None:
    found = take_in(CONDA_EXPORT)
    assert not found.captured_via.endswith(DECLARED)
    assert found.value("facts.packages.conda[numpy].build") == "py39hf6e8229_1"
    assert (version_of(found, "timm"), version_of(found, "numpy")) == ("0.9.16", "1.23.5")
    assert found.value("facts.packages.conda[mkl]") is None
    assert found.value("facts.python.version") == "3.9.19"


def test_an_export_of_the_history_is_what_was_wanted() -> None:
    found = take_in(CONDA_FROM_HISTORY)
    assert found.captured_via.endswith(DECLARED)
    assert found.value("facts.packages.conda[pytorch-lightning].version") == "1.8.6"
    for path in ("conda[python].version", "conda[torchvision].version", "conda[mkl]"):
        with pytest.raises(UnknownValueError):
            found.value(f"facts.packages.{path}")
    with pytest.raises(UnknownValueError):
        found.value("facts.python.version")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\ndependencies:\n  - &a numpy\n  - *a\n", "line 3: a form of YAML"),
        ("name: !!python/object/apply:os.system [x]\ndependencies:\n", "line 1: a form of YAML"),
        ("name: x\ndependencies:\n  - {a: b}\n", "line 3: a form of YAML"),
        ("name: x\ndependencies: |\n  x\n", "line 2: a form of YAML"),
        ("name: x\nname: y\ndependencies:\n", "line 2: the key 'name' occurs twice"),
        ("name: x\ndependencies:\n  - a\n   - b\n", "line 4: indented more"),
        ("name: x\ndependencies: {}\n", "expected a list of dependencies"),
        ("name: x\ndependencies:\n" + "".join(f"{' ' * n}- \n" for n in range(40)), "nested"),
    ],
)
def test_other_yaml_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        take_in(text, "conda-env")
