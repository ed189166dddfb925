"""Two real environments that differ in libraries: what is listed as not judged, and the policy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HEADERS = {
    "acme-nets": "Summary: Layers of acme\nRequires-Dist: torch>=2",
    "acme-cli": "Summary: A command line for acme\nClassifier: Environment :: Console",
    "acme-plots": "Summary: Plots of acme\nRequires-Dist: numpy",
    "acme-optional": "Summary: Helpers of acme\nRequires-Dist: torch ; extra == 'nets'",
    "acme-files": "Summary: Reads image files",
}
"""What the METADATA of libraries that no table lists says."""


def environment(place: Path, packages: Mapping[str, str]) -> str:
    """The interpreter of a virtual environment in which these distributions are described."""
    venv.create(place, with_pip=False)
    (site,) = (place / "lib").glob("python*/site-packages")
    for name, version in packages.items():
        folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{HEADERS.get(name, '')}"
        (folder / "METADATA").write_text(f"{head}\n\nWorks with numpy.\n")
        (folder / "INSTALLER").write_text("pip\n")
    (site / "numpy").mkdir()
    (site / "numpy" / "version.py").write_text('short_version = version = "2.4.6"\n')
    return str(place / "bin" / "python")


def envprint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = ("PATH", "LD_LIBRARY_PATH")
    environ = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "envprint", *arguments],
        cwd=folder,
        env={**environ, "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the fingerprints of two environments, before.json and after.json."""
    place = tmp_path_factory.mktemp("not-judged")
    unlisted = dict.fromkeys(HEADERS, "1.0"), dict.fromkeys(HEADERS, "1.0.1")
    framework = {"numpy": "2.4.6"}
    listed = (
        {"transformers": "4.46.1", "wandb": "0.18.0"},
        {
            "transformers": "4.46.2",
            "wandb": "0.19.0",
        },
    )
    for name, *parts in (("before", listed[0], unlisted[0]), ("after", listed[1], unlisted[1])):
        python = environment(place / name, {**framework, **parts[0], **parts[1]})
        done = envprint(place, "capture", "--python", python, "-o", f"{name}.json")
        assert done.returncode == 0, done.stderr
    return place


def report(folder: Path, *options: str) -> Any:
    done = envprint(folder, "diff", "before.json", "after.json", "--format", "json", *options)
    return json.loads(done.stdout)


def test_a_library_of_the_table_and_those_whose_metadata_tell_are_listed(folder: Path) -> None:
    found = [
        (entry["name"], entry["role"], entry["derived"]) for entry in report(folder)["unjudged"]
    ]
    assert found == [
        ("transformers", "trains", False),
        ("acme-nets", "unknown", True),
        ("acme-files", "unknown", False),
    ]


def test_what_takes_no_part_stays_among_the_other_changes(folder: Path) -> None:
    changes = [change["path"] for change in report(folder)["changes"]]
    for name in ("wandb", "acme-cli", "acme-plots", "acme-optional"):
        assert f"facts.packages.distributions[{name}].version" in changes
    assert not any("transformers" in path or "acme-nets" in path for path in changes)


def test_the_text_begins_with_not_judged_and_the_step(folder: Path) -> None:
    done = envprint(folder, "diff", "before.json", "after.json")
    shown = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert shown.startswith("NOT JUDGED")
    assert "transformers 4.46.1 → 4.46.2" in shown


def test_a_policy_accepts_steps_and_shows_what_is_in_force(folder: Path) -> None:
    (folder / "agreed.toml").write_text(
        '[[accept]]\npackage = "transformers"\nstep = "minor"\nreason = "read its notes"\n'
        '[[accept]]\nrole = "unknown"\nstep = "patch"\nreason = "our own"\n'
    )
    told = report(folder, "--policy", "agreed.toml")
    assert (told["unjudged"], told["verdict"]["unjudged"]) == ([], 0)
    assert [one["reason"] for one in told["ignored"]] == ["read its notes", "our own", "our own"]
    shown = envprint(folder, "policy", "show", "--policy", "agreed.toml").stdout
    assert "transformers, up to a minor step: read its notes" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('package = "timm"\nstep = "patch"', "a reason is required"),
        ('reason = "r"', "expected a package or a role"),
        ('package = "timm"\nstep = "huge"\nreason = "r"', "patch, minor, major, any"),
        ('role = "tooling"\nreason = "r"', "expected one of framework, computes"),
        ('package = "timm"\nexpires = "soon"\nreason = "r"', "expected a date"),
        ('packages = "timm"\nreason = "r"', "package"),
        ('package = " "\nreason = "r"', "expected a package"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused_in_one_line(
    folder: Path, entry: str, fault: str
) -> None:
    (folder / "wrong.toml").write_text(f"[[accept]]\n{entry}\n")
    done = envprint(folder, "diff", "before.json", "after.json", "--policy", "wrong.toml")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert fault in line and "accept[0]" in line
