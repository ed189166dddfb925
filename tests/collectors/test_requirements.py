"""What installed distributions ask for and do not get."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.requirements import Requirement

from envprint.collectors import packages
from envprint.collectors._requirements import requirements, unmet
from envprint.core.fingerprint import Unknown
from tests.builders.markers import LINUX
from tests.builders.support import host

SITE = "/env/lib/python3.11/site-packages"


def metadata(*lines: str) -> bytes:
    head = ["Metadata-Version: 2.1", "Name: demo", *(f"Requires-Dist: {line}" for line in lines)]
    return "\n".join([*head, "", "Requires-Dist: of-the-description"]).encode()


@pytest.mark.parametrize(
    ("line", "installed", "found"),
    [
        ("numpy<2,>=1.22", {"numpy": "2.0.2"}, [("numpy", "<2,>=1.22", "2.0.2")]),
        ("numpy<2,>=1.22", {"numpy": "1.26.4"}, []),
        ("numpy (>=1.20)", {"numpy": "1.19"}, [("numpy", ">=1.20", "1.19")]),
        ("Typing_Extensions", {}, [("typing-extensions", "", None)]),
        ("requests[socks]>=3", {"requests": "2.1"}, [("requests", ">=3", "2.1")]),
        ("torch==2.5.1", {"torch": "2.5.1+cu124"}, []),
        ("dateutil>=2.9", {"dateutil": "2.9.0.post0"}, []),
        ("demo @ https://example.org/demo.zip", {"demo": "1"}, []),
        ("numpy>=3", {"numpy": None}, []),
        ("numpy>=3", {"numpy": "no version"}, []),
        ("numpy>=3 ; extra == 'test'", {}, []),
        ('tomli>=1; python_version < "3.11"', {}, []),
        ('tomli>=1; python_version >= "3.11"', {}, [("tomli", ">=1", None)]),
        ('tomli>=1; platform_release > "4"', {}, []),
        ("opencv-python>=4", {"opencv-python-headless": "4.10"}, []),
        (
            "opencv-python>=5",
            {"opencv-python-headless": "4.10"},
            [("opencv-python", ">=5", "4.10")],
        ),
        ("tensorflow<2.19,>=2.18", {"tensorflow-cpu": "2.18.1"}, []),
    ],
)
def test_a_requirement_is_unmet_where_nothing_installed_fulfils_it(
    line: str, installed: dict[str, str | None], found: list[tuple[str, str, str | None]]
) -> None:
    said = [tuple(one.values()) for one in unmet([*requirements(metadata(line))], installed, LINUX)]
    assert said == found


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_line_is_read_as_packaging_reads_it(end: str) -> None:
    lines = ["A.b-C>=1,<2 ; python_version<'4'", "d", "e[f,g] (~=1.4)", "h!=1.0 , >0.9"]
    content = metadata(*lines).replace(b"\n", end.encode())
    for read, line in zip(requirements(content), lines, strict=True):
        said = Requirement(line.replace("(", "").replace(")", ""))
        assert read[0] == said.name.lower().replace(".", "-")
        assert set(read[1].split(",")) - {""} == {str(clause) for clause in said.specifier}
        assert bool(read[2]) is (said.marker is not None)


def collected(read: dict[str, Any], **more: Any) -> Any:
    interpreter = {
        "path": [SITE], "prefix": "/env", "version": "3.11.4", "implementation": "cpython",
        "platform": "linux",
    }  # fmt: skip
    system = {"machine": "x86_64", "system": "Linux", "release": "6.1", "version": "#1"}
    answers = {"interpreter": interpreter, "system": system, "deep": False, "read": read, **more}
    return packages.collect(host(**answers))["unmet"]


def test_only_what_may_take_part_is_read() -> None:
    def described(name: str) -> dict[str, str]:
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Requires-Dist: numpy>=3", "", ""]
        return {f"{SITE}/{name}-1.0.dist-info/METADATA": "\n".join(lines)}

    names = ("transformers", "wandb", "unlisted_thing", "nvidia_cublas_cu12")
    read = {path: text for name in names for path, text in described(name).items()}
    missing = [{"name": "numpy", "specifier": ">=3", "installed": None}]
    assert collected(read) == {
        "transformers": missing,
        "unlisted-thing": missing,
        "nvidia-cublas-cu12": missing,
    }
    assert collected({f"{SITE}/transformers-1.0.dist-info/RECORD": ""}) == {}


def test_metadata_that_cannot_be_read_is_unknown_for_its_distribution_alone() -> None:
    read: dict[str, Any] = {
        f"{SITE}/torch-2.0.dist-info/METADATA": {"errno": 13},
        f"{SITE}/scipy-1.0.dist-info/METADATA": metadata("numpy>=3").decode(),
    }
    found = collected(read)
    assert isinstance(found["torch"], Unknown)
    assert found["scipy"] == [{"name": "numpy", "specifier": ">=3", "installed": None}]


def test_without_the_kernels_name_nothing_can_be_said() -> None:
    read = {f"{SITE}/scipy-1.0.dist-info/METADATA": metadata("numpy>=3").decode()}
    assert isinstance(collected(read, system={"error": "denied"}), Unknown)
