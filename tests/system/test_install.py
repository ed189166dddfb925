"""Wheel, sdist and editable install each work, find the schemas, and slow no interpreter start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.environments import build
from tests.conftest import Distributions

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def run(*arguments: object, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, arguments)), capture_output=True, text=True, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(("form", "by"), [("wheel", "uv"), ("sdist", "pip"), ("editable", "uv")])
def test_each_form_of_install_finds_the_schemas_and_the_tables(
    form: str, by: str, distributions: Distributions, tmp_path: Path
) -> None:
    what = {
        "wheel": [distributions.wheel],
        "sdist": [distributions.sdist],
        "editable": ["-e", str(ROOT)],
    }[form]
    python = Path(build(tmp_path / "env", sys.executable, what, by=by))
    shipped = (ROOT / "schemas/fingerprint-1.json").read_text()
    assert run(python.parent / "envprint", "schema", "fingerprint", cwd=tmp_path) == shipped
    run(python, "-m", "envprint", "capture", "-o", "f.json", cwd=tmp_path)
    assert run(python, "-m", "envprint", "validate", "f.json", cwd=tmp_path) == "f.json: valid\n"
    code = "from envprint.knowledge import find; print(find('cuda_driver_floors', cuda='12'))"
    assert "525.60.13" in run(python, "-c", code, cwd=tmp_path)


def test_the_wheel_holds_the_package_the_licence_and_nothing_else(
    distributions: Distributions,
) -> None:
    import zipfile

    names = zipfile.ZipFile(distributions.wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top.partition("-")[0] for top in tops} == {"envprint"}
    assert "envprint/py.typed" in names
    assert f"envprint/_precompiled/{sys.implementation.cache_tag}" in names
    tables = {str(path.relative_to(ROOT)) for path in ROOT.glob("envprint/knowledge/**/*.json")}
    assert tables <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.endswith(".pth") for name in names)
