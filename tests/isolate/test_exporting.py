"""Packages in the forms of other tools, each read back by what reads that form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint
from envprint.core.text import is_unicode
from envprint.isolate.exporting import FORMS, export
from tests.builders.hostile import HOSTILE
from tests.builders.records import (
    COLLECT_ENV,
    CONDA_EXPORT,
    CONDA_LIST,
    CYCLONEDX,
    FREEZE,
    NVIDIA_XML,
    take_in,
    version_of,
)
from tests.builders.support import fingerprint

INDEX = {"kind": "index", "url": None, "vcs": None, "commit": None}
OWN = {"kind": "editable", "url": "file:///home/ann/secret-project", "vcs": None, "commit": None}
PRIVATE = "https://conda.example.org/private/linux-64"


def captured() -> Fingerprint:
    """An environment with what its owner would not post."""
    return fingerprint(
        {
            "facts.python": {"version": "3.11.7", "implementation": "cpython"},
            "facts.packages.distributions": {
                "numpy": {"version": "1.26.4", "origin": INDEX, "installer": "conda"},
                "six": {"version": "1.16.0", "origin": INDEX, "installer": "pip"},
                "secret-project": {"version": "0.1", "origin": OWN, "installer": "pip"},
            },
            "facts.packages.conda": {
                "numpy": {
                    "version": "1.26.4",
                    "build": "py311h64a7726_0",
                    "channel": "conda-forge",
                },
                "own": {"version": "1", "build": "0", "channel": PRIVATE},
            },
        }
    )


def pins(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and line[0] not in "#-"]
    return {one.name: str(one.specifier) for one in map(Requirement, lines)}


def test_requirements_are_pins_that_packaging_reads() -> None:
    found = export(captured(), "requirements", public=False)
    assert pins(found.text) == {"numpy": "==1.26.4", "six": "==1.16.0"}
    assert [text.partition(":")[0] for text in found.left_out] == ["secret-project 0.1"]


def test_a_conda_file_is_yaml_with_builds_and_with_what_pip_installs() -> None:
    data = yaml.safe_load(export(captured(), "conda", public=False).text)
    assert data["channels"] == ["conda-forge", "nodefaults"]
    assert data["dependencies"] == [
        "numpy=1.26.4=py311h64a7726_0",
        "own=1=0",
        {"pip": ["six==1.16.0"]},
    ]


def purls(document: Mapping[str, Any]) -> list[str]:
    return [one["purl"] for one in document["components"] if "purl" in one]


def test_a_bill_of_materials_names_each_package_once() -> None:
    document = json.loads(export(captured(), "cyclonedx", public=False).text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert purls(document) == [
        "pkg:pypi/six@1.16.0",
        "pkg:conda/numpy@1.26.4?build=py311h64a7726_0",
        "pkg:conda/own@1?build=0",
    ]
    assert document["metadata"]["timestamp"] == captured().captured_at


@pytest.mark.parametrize("form", ["requirements", "conda", "cyclonedx"])
def test_the_public_gets_nothing_of_the_users_own(form: str) -> None:
    found = export(captured(), form, public=True)
    for word in ("secret", "/ann", "private", "2026-11-21"):
        assert word not in found.text + "".join(found.left_out)
    assert "secret" in "".join(export(captured(), form, public=False).left_out)


@pytest.mark.parametrize("text", [FREEZE, CONDA_LIST, CONDA_EXPORT, COLLECT_ENV, CYCLONEDX])
def test_what_is_exported_is_imported_with_the_same_versions(text: str) -> None:
    side = take_in(text)
    again = take_in(export(side, "cyclonedx", public=False).text)
    for name in again.facts["packages"]["distributions"]:
        assert version_of(again, name) == version_of(side, name)


def test_what_a_record_may_not_list_is_said() -> None:
    found = export(take_in(COLLECT_ENV), "requirements", public=False)
    assert any("lists a few packages only" in text for text in found.left_out)


@pytest.mark.parametrize("form", FORMS)
def test_unknown_packages_cannot_be_exported(form: str) -> None:
    with pytest.raises(EnvprintError, match="is unknown: not in nvidia-smi"):
        export(take_in(NVIDIA_XML), form, public=False)


def test_an_environment_without_conda_has_no_file_for_it() -> None:
    with pytest.raises(EnvprintError, match="no packages of conda"):
        export(take_in(FREEZE), "conda", public=False)


@pytest.mark.parametrize("trap", sorted(filter(is_unicode, HOSTILE.values())))
@pytest.mark.parametrize("form", ["requirements", "conda", "cyclonedx"])
def test_a_hostile_document_cannot_get_a_line_of_its_own_in(form: str, trap: str) -> None:
    name = trap.replace("]", "").replace("[", "")
    side = fingerprint({"facts.packages": {"distributions": {}, "conda": {}}})
    packages = side.facts["packages"]
    for word in (name, "numpy"):
        packages["distributions"][word] = {"version": trap, "origin": INDEX}
        packages["conda"][word] = {"version": trap, "build": trap, "channel": trap}
    text = export(side, form, public=False).text
    if form == "requirements":
        assert pins(text) == {}
    elif form == "conda":
        assert yaml.safe_load(text)["dependencies"] is None
    else:
        assert all(purl.startswith("pkg:conda/") for purl in purls(json.loads(text)))
        assert "\n" not in "".join(purls(json.loads(text)))
