"""A conda environment is recreated by conda, from channels that a document cannot choose."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from envprint.isolate.conda_file import conda_file
from tests.builders.hostile import HOSTILE
from tests.builders.support import fingerprint

FORGE = "https://conda.anaconda.org/conda-forge/linux-64"


def text(packages: dict[str, Any], *, trust: bool = False) -> str:
    side = fingerprint({"facts.packages.conda": packages})
    found = conda_file(side, "Written here", trust=trust)
    assert found
    return found


def package(version: str, build: str = "h1_0", channel: str = FORGE) -> dict[str, str]:
    return {"version": version, "build": build, "channel": channel}


def test_another_environment_has_no_such_file() -> None:
    assert conda_file(fingerprint({"facts.packages.conda": {}}), "x") is None


def test_each_package_has_its_version_and_its_build() -> None:
    document = yaml.safe_load(
        text(
            {
                "numpy": package("1.26.4", "py311h64a7726_0"),
                "_libgcc_mutex": package("0.1", "main"),
                "mkl": package("2024.0", channel="https://repo.anaconda.com/pkgs/main/linux-64"),
            }
        )
    )
    assert document == {
        "channels": ["conda-forge", "defaults"],
        "dependencies": [
            "_libgcc_mutex=0.1=main", "mkl=2024.0=h1_0", "numpy=1.26.4=py311h64a7726_0",
        ],
    }  # fmt: skip


def test_a_strange_channel_is_used_only_if_the_record_is_trusted() -> None:
    strange = {"tool": package("1.0", channel="https://evil.example/channel/linux-64")}
    assert yaml.safe_load(text(strange))["channels"] == ["nodefaults"]
    assert "evil.example" in text(strange)
    trusted = yaml.safe_load(text(strange, trust=True))
    assert trusted["channels"] == ["https://evil.example/channel/linux-64", "nodefaults"]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_value_writes_nothing_but_comments(value: str) -> None:
    made = text(
        {
            value: package("1.0"), "a": package(value), "b": package("1.0", value),
            "c": package("1.0", channel=value),
        },
        trust=True,
    )  # fmt: skip
    lines = [line for line in made.splitlines() if not line.startswith("#")]
    assert lines == [
        "channels:", "  - conda-forge", "  - nodefaults", "dependencies:", "  - c=1.0=h1_0",
    ]  # fmt: skip
