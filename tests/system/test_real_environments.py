"""Packages and frameworks of real environments, against what they say of themselves."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from envprint.collectors import packages
from envprint.collectors.frameworks import section as frameworks
from envprint.machine.live import LiveHost
from tests.builders.environments import build, install
from tests.builders.frameworks import TENSORFLOW, TORCH
from tests.conftest import Build

pytestmark = pytest.mark.slow

BY_METADATA = """
import importlib.metadata, json, re
print(json.dumps(sorted({
    (re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(), one.version)
    for one in importlib.metadata.distributions()
})))
"""


def ask(python: str, code: str) -> Any:
    """What `code` prints as its last line of JSON, run by `python` apart from any directory."""
    done = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def interpreters() -> list[str]:
    return sorted({sys.executable} | {p for p in ("/usr/bin/python3",) if Path(p).exists()})


def distributions(python: str, deep: bool = False) -> Any:
    return packages.collect(LiveHost(python, verify_files=deep))["distributions"]


@pytest.mark.parametrize("python", interpreters())
def test_names_and_versions_are_those_of_importlib_metadata(python: str) -> None:
    section = packages.collect(LiveHost(python))
    copies = {
        (name, copy["version"]) for name, all_ in section["duplicates"].items() for copy in all_
    }
    first = {(name, one["version"]) for name, one in section["distributions"].items()}
    assert sorted(first | copies) == [tuple(pair) for pair in ask(python, BY_METADATA)]


def wheel(folder: Path, source: str) -> str:
    """A wheel of demo 1.0 with a module, a data file, two kinds of script and a comma."""
    files = {
        "demo/__init__.py": source,
        "demo/a,b.txt": "comma",
        "demo-1.0.data/data/share/demo/data.json": "{}",
        "demo-1.0.data/scripts/demo-script": "#!python\nprint(1)\n",
        "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
        "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ndemo = demo:main\n",
    }
    rows = [f'"{name}",{_hash(text)},{len(text)}' for name, text in files.items()]
    files["demo-1.0.dist-info/RECORD"] = "\n".join([*rows, "demo-1.0.dist-info/RECORD,,", ""])
    folder.mkdir()
    path = folder / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return str(path)


def _hash(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return "sha256=" + digest.decode().rstrip("=")


def test_one_wheel_has_one_build_id_and_a_rebuilt_one_another(tmp_path: Path) -> None:
    first, second = wheel(tmp_path / "1", "x = 1\n"), wheel(tmp_path / "2", "x = 2\n")
    seen = {}
    for name, by, file in (("pip", "pip", first), ("uv", "uv", first), ("other", "uv", second)):
        python = build(tmp_path / name, sys.executable, [], by=by)
        install(python, "--no-deps", "--no-index", file, by=by)
        seen[name] = distributions(python)["demo"]
    assert seen["pip"]["build_id"] == seen["uv"]["build_id"] != seen["other"]["build_id"]
    assert [seen[name]["installer"] for name in seen] == ["pip", "uv", "uv"]
    assert seen["pip"]["origin"] == {
        "kind": "archive",
        "url": f"file://{first}",
        "vcs": None,
        "commit": None,
    }


def test_pip_and_uv_agree_on_real_wheels(environment: Build) -> None:
    wanted = ("numpy", "requests", "greenlet", "jupyterlab-widgets", "pip==25.0")
    by_pip, by_uv = (distributions(environment(*wanted, by=by)) for by in ("pip", "uv"))
    own = by_pip.keys() & by_uv.keys() - {"setuptools"}
    assert {"numpy", "requests", "greenlet", "jupyterlab-widgets", "pip"} <= own
    for name in own:
        assert by_pip[name]["build_id"] == by_uv[name]["build_id"], name
        assert by_pip[name]["tags"] == by_uv[name]["tags"] != [], name


def test_deep_finds_the_edited_file_and_nothing_else(tmp_path: Path) -> None:
    demo = wheel(tmp_path / "1", "x = 1")
    python = build(tmp_path / "env", sys.executable, ["six", "requests", demo], by="uv")
    location = Path(distributions(python)["demo"]["location"])
    (location / "demo" / "__init__.py").unlink()  # a link into uv's cache
    (location / "demo" / "__init__.py").write_text("x = 3")
    (location / "demo" / "a,b.txt").unlink()
    section = packages.collect(LiveHost(python, verify_files=True))
    assert section["edited"] == {"demo": ["demo/__init__.py", "demo/a,b.txt"]}
    assert section["files_verified"] is True


TRUTH = """
import importlib, json
def blas(module):
    config = module.show_config(mode="dicts")["Build Dependencies"]["blas"]
    files = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line}
    loaded = [f for f in files if "openblas" in f and f"/{module.__name__}.libs/" in f]
    library = module.__name__ + ".libs/" + loaded[0].rpartition("/")[2]
    return {"name": config["name"], "version": config["version"], "library": library}
"""
SCIENCE = (
    TRUTH
    + """
import numpy, scipy, scipy.linalg
truth = {
    "numpy": {"version": numpy.__version__, "blas": blas(numpy)},
    "scipy": {"version": scipy.__version__, "blas": blas(scipy)},
}
"""
)
OF_TENSORFLOW = (
    SCIENCE
    + """
import keras, sklearn, tensorflow
build = tensorflow.sysconfig.get_build_info()
truth.update(
    scikit_learn={"version": sklearn.__version__},
    keras={
        "version": keras.__version__,
        "backend": keras.backend.backend(),
        "floatx": keras.config.floatx(),
        "epsilon": keras.config.epsilon(),
        "image_data_format": keras.config.image_data_format(),
        "legacy_version": None,
    },
    tensorflow={
        "version": tensorflow.__version__,
        "distribution": "tensorflow-cpu",
        "build": "cuda" if build["is_cuda_build"] else "cpu",
        "cuda_version": build.get("cuda_version"),
        "cudnn_version": build.get("cudnn_version"),
        "compute_capabilities": build.get("cuda_compute_capabilities"),
    },
    torch=None,
    jax=None,
)
print(json.dumps(truth))
"""
)
OF_TORCH = (
    SCIENCE
    + """
import jax, jaxlib, torch
truth.update(
    torch={
        "version": torch.__version__,
        "build": "cuda" if torch.version.cuda else "cpu",
        "cuda_version": torch.version.cuda,
        "cudnn_version": torch.backends.cudnn.version(),
        "git_version": torch.version.git_version,
    },
    jax={
        "version": jax.__version__,
        "jaxlib_version": jaxlib.__version__,
        "plugins": {},
        "unknown_xla_flags": None,  # no XLA_FLAGS is set
    },
    scikit_learn=None,
    tensorflow=None,
    keras=None,
)
print(json.dumps(truth))
"""
)


@pytest.mark.parametrize(
    ("requirements", "code"),
    [
        pytest.param(TENSORFLOW, OF_TENSORFLOW, id="tensorflow"),
        pytest.param(TORCH, OF_TORCH, id="torch", marks=pytest.mark.long),
    ],
)
def test_files_tell_what_the_imported_frameworks_say(
    environment: Build, requirements: tuple[str, ...], code: str
) -> None:
    python = environment(*requirements)
    read = frameworks.collect(LiveHost(python))
    assert read == {**ask(python, code), "imported": []}


def capture_of(python: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "envprint", "capture", "--python", python]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_equal_environments_in_two_places_have_one_digest(tmp_path: Path) -> None:
    one = wheel(tmp_path / "wheels", "value = 1\n")
    places = ("here/env", "there/and deeper/env", "aside/env")
    pythons = [build(tmp_path / place, sys.executable, ["pip==25.0"], by="uv") for place in places]
    for python in pythons:
        install(python, "--no-index", one, by="pip")
    outside = tmp_path / "src"
    outside.mkdir()
    site = next((tmp_path / "aside/env/lib").glob("python*/site-packages"))
    (site / "outside.pth").write_text(f"{outside}\n")
    here, there, aside = map(capture_of, pythons)
    assert here["digest"] == there["digest"] != aside["digest"]
    assert here["section_digests"] == there["section_digests"]
    differing = {
        name
        for name, digest in here["section_digests"].items()
        if digest != aside["section_digests"][name]
    }
    assert differing == {"python"}
