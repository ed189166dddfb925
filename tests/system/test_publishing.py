"""What is published says the same everywhere, and what is built holds what it says."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from envprint.core.version import __version__
from envprint.judging.policy.toml import parse_toml
from tests.conftest import Build, Distributions

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = parse_toml(
    (ROOT / "pyproject.toml").read_text("utf-8"), "pyproject.toml"
)["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
RECIPE_FILE = ROOT / "recipe/recipe.yaml"
RECIPE = yaml.safe_load(RECIPE_FILE.read_text("utf-8"))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def run(*arguments: object) -> str:
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout


def test_the_citation_follows_its_schema() -> None:
    schema = ("--builtin-schema", "vendor.citation-file-format", "--default-filetype", "yaml")
    run(sys.executable, "-m", "check_jsonschema", *schema, ROOT / "CITATION.cff")


def test_citation_recipe_and_project_say_the_same() -> None:
    assert CITATION["version"] == RECIPE["context"]["version"] == __version__
    assert CITATION["license"] == RECIPE["about"]["license"] == PROJECT["license"]
    assert CITATION["abstract"] == RECIPE["about"]["summary"] == PROJECT["description"]
    assert CITATION["authors"] == PROJECT["authors"]
    entry = f"envprint = {PROJECT['scripts']['envprint']}"
    assert RECIPE["build"]["python"]["entry_points"] == [entry]


def test_the_recipe_has_the_dependencies_of_the_project() -> None:
    def named(text: str) -> tuple[str, str]:
        name, _, versions = text.partition(" ")
        return name, versions

    wanted = {
        (requirement.name, str(requirement.specifier))
        for requirement in map(Requirement, PROJECT["dependencies"])
    }
    python = ("python", PROJECT["requires-python"])
    assert {named(text) for text in RECIPE["requirements"]["run"]} == wanted | {python}
    assert python in {named(text) for text in RECIPE["requirements"]["host"]}


def test_addresses_of_the_project_stand_in_one_place() -> None:
    """They are placeholders, and whoever publishes the project replaces them there."""
    assert set(PROJECT["urls"]) == {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
    place = "example.org/envprint"
    assert all(url.startswith(f"https://{place}") for url in PROJECT["urls"].values())
    files = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    texts = (
        ROOT / file for file in files if file.endswith((".py", ".md", ".toml", ".yml", ".yaml"))
    )
    naming = {
        path.relative_to(ROOT).as_posix() for path in texts if place in path.read_text("utf-8")
    }
    assert naming == {"pyproject.toml", "tests/system/test_publishing.py"}


@pytest.mark.parametrize("what", ["a rule", "a known break", "a machine", "a pair"])
def test_the_guide_says_how_to_add(what: str) -> None:
    assert f"## Add {what}\n" in CONTRIBUTING


def test_every_file_that_the_guide_names_exists() -> None:
    for name in re.findall(r"`((?:envprint|tests|docs|schemas)/[\w/.-]*)`", CONTRIBUTING):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"`(\w+\.json)`", CONTRIBUTING):
        assert (ROOT / "envprint/knowledge" / name).exists(), name
    (set_up,) = re.findall(r"^(python3 -m venv .*)$", CONTRIBUTING, re.MULTILINE)
    assert set_up in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_wheel_and_sdist_say_all_and_hold_the_same(
    distributions: Distributions, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "uv", "build", "-q", "--wheel", "-o", tmp_path, ROOT)
    (of_tree,), of_sdist = tmp_path.glob("*.whl"), Path(distributions.wheel)
    assert of_tree.name == of_sdist.name == f"envprint-{__version__}-py3-none-any.whl"
    assert contents(of_tree) == contents(of_sdist)
    with tarfile.open(distributions.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "CITATION.cff", "CONTRIBUTING.md", "action.yml"} <= names
    assert {"recipe/recipe.yaml", "tests/conftest.py", "schemas/report-1.json"} <= names
    check_metadata(contents(of_tree)[f"envprint-{__version__}.dist-info/METADATA"])


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check_metadata(text: bytes) -> None:
    made = Metadata.from_email(text, validate=True)
    assert made.summary == PROJECT["description"]
    assert made.description_content_type == "text/markdown"
    assert (made.description or "").startswith("# envprint")
    assert made.project_urls == PROJECT["urls"]
    assert made.license_expression == "Apache-2.0"
    assert made.license_files == ["LICENSE"]
    assert made.author == "The envprint authors"
    assert str(made.requires_python) == PROJECT["requires-python"]
    assert sorted(made.classifiers or ()) == sorted(PROJECT["classifiers"])
    assert set(PROJECT["optional-dependencies"]) == set(made.provides_extra or ())


@pytest.mark.slow
def test_the_builder_of_conda_packages_reads_the_recipe(environment: Build) -> None:
    python = environment("py-rattler-build==0.73.0")
    code = (
        "import sys; from rattler_build import Stage0Recipe, VariantConfig;"
        "(one,) = Stage0Recipe.from_file(sys.argv[1]).render(VariantConfig()); print(one)"
    )
    shown = run(python, "-c", code, RECIPE_FILE)
    assert f"package='envprint', version='{__version__}'" in shown
