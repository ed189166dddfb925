"""The way back: commands in the order to run them, each with the findings that it removes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.core.shell import commands, kind
from envprint.core.way_back import WayBack
from envprint.documents.codec import fingerprint_shape
from envprint.judging.context import Request, agreed
from envprint.judging.way_back import way_back
from envprint.outputs.formats import json as as_json
from envprint.outputs.formats import text as as_text
from tests.builders.hostile import HOSTILE, is_complete, words
from tests.builders.support import fingerprint

INDEX = {"kind": "index", "url": None, "vcs": None, "commit": None}
DISTRIBUTIONS = "facts.packages.distributions"
VARIABLES = "facts.environ.variables"
LIBC = "math-libc-changed"


def installed(version: str, installer: str = "pip", origin: Any = INDEX) -> dict[str, Any]:
    return {"version": version, "installer": installer, "origin": origin, "build_id": None,
            "tags": None, "location": "/v", "takes_part": None}  # fmt: skip


def side(
    packages: dict[str, dict[str, Any]],
    variables: dict[str, str] | None = None,
    **values: Any,
) -> Fingerprint:
    pip = {"pip": installed("26.0")}
    frameworks = {
        f"facts.frameworks.{name.replace('-', '_')}": {"version": entry["version"]}
        for name, entry in packages.items()
        if name in ("numpy", "torch", "scikit-learn", "tensorflow", "jax")
    }
    return fingerprint(
        {
            DISTRIBUTIONS: {**pip, **packages},
            VARIABLES: variables or {},
            "facts.python.version": "3.11.7",
            "facts.cpu.flags": ["avx2", "fma"],
            "facts.cpu.architecture": "x86_64",
            **frameworks,
            **{path.replace("__", "."): value for path, value in values.items()},
        }
    )


def report_of(before: Fingerprint, after: Fingerprint, *frameworks: str) -> Report:
    context = agreed(Request(frameworks=frameworks, device="cpu"), fingerprint_shape)
    return context.drift(before, after)


def way(before: Fingerprint, after: Fingerprint, *frameworks: str) -> WayBack:
    return way_back(report_of(before, after, *frameworks), before, after)


def lines(found: WayBack) -> list[str]:
    return [step.command for step in found.steps]


def test_a_package_a_variable_and_what_came_along_lead_back_in_this_order() -> None:
    before = side({"numpy": installed("1.26.4"), "six": installed("1.16.0")})
    after = side(
        {"numpy": installed("2.4.6"), "six": installed("1.17.0"), "new": installed("1.0")},
        {"OPENBLAS_CORETYPE": "Nehalem"},
    )
    found = way(before, after, "numpy")
    assert lines(found) == [
        "pip uninstall --yes new",
        "pip install --no-deps numpy==1.26.4",
        "pip install --no-deps six==1.16.0",
        "unset OPENBLAS_CORETYPE",
    ]
    removes = {step.command.split()[-1]: step.removes for step in found.steps}
    assert "numpy-version-changed" in removes["numpy==1.26.4"]
    assert removes["OPENBLAS_CORETYPE"] == ("openblas-core-changed",)
    assert removes["six==1.16.0"] == ()


def test_what_nobody_has_judged_is_led_back_too() -> None:
    before, after = side({"timm": installed("0.9.0")}), side({"timm": installed("0.9.1")})
    (step,) = way(before, after).steps
    assert step.command == "pip install --no-deps timm==0.9.0"
    assert step.removes == ("not-judged",)
    assert step.note == "timm 0.9.0 → 0.9.1"


def test_a_local_version_comes_from_its_own_index() -> None:
    before, after = side({"torch": installed("2.9.0+cpu")}), side({"torch": installed("2.8.0")})
    assert lines(way(before, after, "torch")) == [
        "pip install --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.9.0+cpu"
    ]


def test_another_package_that_owns_the_same_files_goes_first() -> None:
    before = side(
        {"tensorflow-cpu": installed("2.19.0")},
        facts__frameworks__tensorflow={"version": "2.19.0", "distribution": "tensorflow-cpu"},
    )
    after = side({"tensorflow": installed("2.20.0")})
    assert lines(way(before, after)) == [
        "pip uninstall --yes tensorflow",
        "pip install --no-deps tensorflow-cpu==2.19.0",
    ]


def test_uv_is_used_where_it_has_installed_and_pip_is_not_there() -> None:
    sides = [side({"numpy": installed(v, "uv")}) for v in ("1.26.4", "2.4.6")]
    for one in sides:
        del one.facts["packages"]["distributions"]["pip"]
    assert lines(way(*sides, "numpy")) == ["uv pip install --no-deps numpy==1.26.4"]


@pytest.mark.parametrize(("installer", "has_pip", "fix"), [
    ("uv", False, "uv pip install numpy==1.26.4"),
    ("uv", True, "pip install numpy==1.26.4"),
    ("pip", False, "pip install numpy==1.26.4"),
])  # fmt: skip
def test_the_fix_of_a_finding_is_for_the_installer_that_is_there(
    installer: str, has_pip: bool, fix: str
) -> None:
    sides = [side({"numpy": installed(v, installer)}) for v in ("1.26.4", "2.4.6")]
    for one in sides:
        if not has_pip:
            del one.facts["packages"]["distributions"]["pip"]
    (found,) = report_of(*sides, "numpy").findings
    assert (found.remedy, kind(found.remedy)) == (fix, "command")


def test_removing_with_uv_takes_no_option_that_only_pip_has() -> None:
    before = side({"tensorflow": installed("2.19.0", "uv")})
    after = side({"tensorflow-cpu": installed("2.19.0", "uv")})
    for one in (before, after):
        del one.facts["packages"]["distributions"]["pip"]
    texts = [part for one in report_of(before, after).findings for part in commands(one.remedy)]
    assert not [text for text in texts if text.startswith("pip ") or "--yes" in text]


def test_conda_installs_the_recorded_build() -> None:
    before = side({"numpy": installed("1.26.4", "conda", None)})
    before.facts["packages"]["conda"] = {"numpy": {"version": "1.26.4", "build": "py311_0"}}
    after = side({"numpy": installed("2.4.6", "conda", None)})
    assert "conda install --yes --no-deps numpy=1.26.4=py311_0" in lines(way(before, after))


def test_what_no_index_has_is_said_and_looked_up_nowhere() -> None:
    local = {"kind": "editable", "url": "file:///home/me/timm", "vcs": None, "commit": None}
    before = side({"timm": installed("0.9.0", origin=local)})
    after = side({"timm": installed("0.9.1")})
    found = way(before, after)
    assert found.steps == ()
    assert [(gap.rule, gap.message) for gap in found.without] == [
        ("not-judged", "timm 0.9.0 → 0.9.1")
    ]


def test_another_python_needs_an_environment_of_its_own() -> None:
    before = side({"numpy": installed("1.26.4")}, facts__python__version="3.10.1")
    after = side({"numpy": installed("2.4.6")}, {"OPENBLAS_CORETYPE": "Nehalem"})
    before = before._replace(reference="old run.json")
    found = way(before, after, "numpy")
    assert lines(found) == [
        "envprint recreate 'old run.json' -o recreated --venv recreated/venv",
        ". recreated/venv/bin/activate",
        "unset OPENBLAS_CORETYPE",
    ]
    assert "numpy-version-changed" in found.steps[0].removes


def test_a_variable_gets_the_value_back_that_it_had() -> None:
    before = side({"numpy": installed("2.4.6")}, {"OPENBLAS_CORETYPE": "Sandy bridge's"})
    after = side({"numpy": installed("2.4.6")}, {"OPENBLAS_CORETYPE": "Nehalem"})
    before.facts["environ"]["variables"]["OPENBLAS_CORETYPE"] = "Prescott"
    assert lines(way(before, after, "numpy")) == ["export OPENBLAS_CORETYPE=Prescott"]


def test_a_finding_without_a_command_is_named_with_its_words() -> None:
    before = side({"numpy": installed("2.4.6")}, facts__math__libm="glibc 2.31")
    after = side({"numpy": installed("2.4.6")}, facts__math__libm="glibc 2.39")
    found = way(before, after, "numpy")
    assert found.steps == ()
    (gap,) = found.without
    assert gap.rule == LIBC
    assert gap.remedy


def test_no_difference_needs_no_command() -> None:
    one = side({"numpy": installed("2.4.6")})
    assert way(one, one) == WayBack((), (), ())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_value_is_inert_in_the_block(text: str, tmp_path: Path) -> None:
    before = side({"numpy": installed("2.4.6")}, {"OPENBLAS_CORETYPE": text, text: "1"})
    before.facts["packages"]["distributions"][text] = installed(text)
    after = side({"numpy": installed("2.4.5")}, {"OPENBLAS_CORETYPE": "Nehalem"})
    before = before._replace(reference=text, label=text)
    report = report_of(before, after, "numpy")
    report = report._replace(way_back=way_back(report, before, after))
    block = as_text.render(report)
    left = [line for line in block.splitlines() if not line.startswith("#")]
    assert all(line.startswith(("pip ", "export ", "unset ", "envprint ")) for line in left)
    block = block.encode("utf-8", "backslashreplace").decode()
    assert is_complete(block)
    words(block.splitlines(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_block_is_made_of_commands_and_comments_only() -> None:
    before = side({"numpy": installed("1.26.4")}, facts__math__libm="glibc 2.31")
    after = side({"numpy": installed("2.4.6")}, facts__math__libm="glibc 2.39")
    before = before._replace(reference="a.json")
    report = report_of(before, after, "numpy")
    report = report._replace(way_back=way_back(report, before, after))
    first, second, *others = as_text.render(report).splitlines()
    assert first.startswith("# NUMERIC ")
    assert second == "# The way back to a.json, to run where the job runs:"
    assert others[0].startswith("pip install --no-deps numpy==1.26.4  # numpy-version-changed")
    assert "# Without a command:" in others
    assert any(line.startswith(f"#   {LIBC}: ") for line in others)


def test_the_document_has_the_way_back_only_if_it_is_wanted() -> None:
    before, after = side({"numpy": installed("1.26.4")}), side({"numpy": installed("2.4.6")})
    report = report_of(before, after, "numpy")
    assert "way_back" not in json.loads(as_json.render(report))
    report = report._replace(way_back=way_back(report, before, after))
    document = json.loads(as_json.render(report))["way_back"]
    assert document["steps"] == [
        {
            "command": "pip install --no-deps numpy==1.26.4",
            "removes": ["numpy-version-changed"],
            "note": None,
        }
    ]
    assert (document["in_program"], document["without"]) == ([], [])
