"""The plugin for pytest, in runs of its own. With xdist it is in tests/system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envprint.documents.codec import dumps
from tests.builders.environments import put_entry_points, put_framework

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

def test_plain():
    pass

@pytest.mark.envprint
def test_numeric():
    assert False

@pytest.mark.envprint(impact="breaks")
def test_breaks():
    pass

@pytest.mark.envprint(impact="perf", action="xfail")
def test_expected():
    assert False
"""
PASSING = TESTS.replace("assert False", "pass")


class Project:
    """A directory with tests, in which NumPy is installed in some version."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.installed = folder, put_entry_points(folder / "installed")
        (folder / "test_it.py").write_text(TESTS)
        (folder / "pytest.ini").write_text("[pytest]\n")

    def python(self, *arguments: str, numpy: str = "2.4.6") -> subprocess.CompletedProcess[str]:
        installed = self.folder / f"numpy-{numpy}"
        if not installed.exists():
            put_framework(installed, "numpy", numpy)
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={
                **{"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"},
                "PYTHONPATH": os.pathsep.join((str(installed), str(self.installed), str(ROOT))),
            },
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def pytest(self, *options: str, numpy: str = "2.4.6") -> subprocess.CompletedProcess[str]:
        command = ("-m", "pytest", "-p", "no:cacheprovider")
        return self.python(*command, "-rsx", "--strict-markers", *options, numpy=numpy)

    def keep(self, numpy: str = "2.4.6") -> None:
        done = self.python("-m", "envprint", "capture", "-o", "base.json", numpy=numpy)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_without_an_option_the_tests_run_and_nothing_is_imported(project: Project) -> None:
    (project.folder / "test_it.py").write_text(PASSING)
    (project.folder / "conftest.py").write_text(
        "import json, sys\n"
        "def pytest_unconfigure():\n"
        "    found = sorted(name for name in sys.modules if name.startswith('envprint'))\n"
        "    open('loaded.json', 'w').write(json.dumps(found))\n"
    )
    done = project.pytest()
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout
    assert "envprint: " not in done.stdout
    assert json.loads((project.folder / "loaded.json").read_text()) == [
        "envprint",
        "envprint.integrations",
        "envprint.integrations._pytest",
    ]


def test_the_header_names_the_environment(project: Project) -> None:
    (project.folder / "test_it.py").write_text(PASSING)
    done = project.pytest("--envprint")
    assert "\nenvprint: sha256:" in done.stdout and "4 passed" in done.stdout


@pytest.mark.parametrize("way", ["option", "ini"])
def test_where_the_environment_differs_marked_tests_do_not_count(
    way: str, project: Project
) -> None:
    project.keep("1.26.4")
    options = ["--envprint-baseline", "base.json"]
    if way == "ini":
        (project.folder / "pytest.ini").write_text("[pytest]\nenvprint_baseline = base.json\n")
        options = []
    done = project.pytest(*options)
    assert done.returncode == 0, done.stdout
    assert "2 passed, 1 skipped, 1 xfailed" in done.stdout
    (header,) = [line for line in done.stdout.splitlines() if line.startswith("envprint: ")]
    assert "; diverges against base.json: " in header or "; numeric against base.json: " in header
    reason = header.partition("; ")[2]
    assert f"envprint: {reason}"[:60] in done.stdout.partition("SKIPPED")[2]


def test_where_it_is_the_same_all_tests_count(project: Project) -> None:
    project.keep()
    done = project.pytest("--envprint-baseline", "base.json")
    assert done.returncode == 1 and "2 failed, 2 passed" in done.stdout, done.stdout
    assert "; none against base.json: " in done.stdout


def test_a_baseline_that_cannot_be_read_ends_the_run_in_one_line(project: Project) -> None:
    done = project.pytest("--envprint-baseline", "nope.json")
    assert done.returncode == 4
    assert done.stderr.strip().splitlines()[-1].startswith("ERROR: envprint: nope.json: no such")


@pytest.mark.parametrize("arguments", ["impact='loud'", "impact='none'", "action='retry'"])
def test_a_marker_that_means_nothing_is_an_error(arguments: str, project: Project) -> None:
    project.keep()
    text = f"import pytest\n@pytest.mark.envprint({arguments})\ndef test_it(): pass\n"
    (project.folder / "test_it.py").write_text(text)
    done = project.pytest("--envprint-baseline", "base.json")
    assert done.returncode == 4
    assert "the marker envprint takes impact=perf | numeric | diverges | breaks" in done.stderr


def test_the_published_document_is_what_a_baseline_is(project: Project) -> None:
    from tests.builders.support import fingerprint

    (project.folder / "base.json").write_text(dumps(fingerprint()))
    done = project.pytest("--envprint-baseline", "base.json", "-q")
    assert done.returncode in (0, 1), done.stdout + done.stderr
