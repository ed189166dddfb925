"""`envprint isolate` with packages as switches: real environments, of wheels made for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.builders.commands import call
from tests.builders.environments import NotHereError, bare, install, interpreter, packages_of
from tests.builders.isolated import answer_of, document_of
from tests.builders.wheels import only_index, wheel

pytestmark = pytest.mark.slow

Isolate = Callable[..., "subprocess.CompletedProcess[str]"]
Pins = Mapping[str, str]


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A directory that stands for the index."""
    return tmp_path / "wheels"


@pytest.fixture
def isolate(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Isolate:
    """A function that records one environment and isolates it from another, which is active."""
    only_index(wheels, monkeypatch, tmp_path / "cache")
    project = tmp_path / "project"
    project.mkdir()

    def made(name: str, pins: Pins, base: str = sys.executable) -> dict[str, str]:
        place = tmp_path / name
        python = bare(place, base)
        requirements = [f"{package}=={version}" for package, version in pins.items()]
        links = ("--no-index", "--find-links", str(wheels), "--no-deps")
        install(python, *links, *requirements, by="uv")
        kept = {key: value for key, value in os.environ.items() if key[:4] in ("PIP_", "UV_C")}
        path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
        places = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path)}
        return {**kept, **places, "VIRTUAL_ENV": str(place), "PATH": path}

    def isolated(
        job: str,
        before: Pins,
        after: Pins,
        *options: str,
        prepare: Callable[[], object] = lambda: None,
        old_python: str = sys.executable,
    ) -> subprocess.CompletedProcess[str]:
        (project / "job.py").write_text(job)
        old, new = made("old", before, old_python), made("new", after)
        done = call("capture", "-o", "old.json", env=old, cwd=project)
        assert done.returncode == 0, done.stderr
        prepare()
        words = [
            "isolate",
            "old.json",
            "--result",
            "stdout:loss (.*)",
            *options,
            "--format",
            "json",
        ]
        return call(*words, "--", "python", "job.py", env=new, cwd=project, timeout_s=400)

    return isolated


def two_versions(wheels: Path, *names: str) -> tuple[dict[str, str], dict[str, str]]:
    """Wheels of both versions of each, and the pins of both sides."""
    for name in names:
        for version in ("1.0", "2.0"):
            wheel(wheels, name, version, content=f"value = {float(version)}\n")
    return dict.fromkeys(names, "1.0"), dict.fromkeys(names, "2.0")


def test_one_package_among_forty_is_named_with_the_version_to_go_back_to(
    isolate: Isolate, wheels: Path
) -> None:
    names = [f"package-{number}" for number in range(40)]
    before, after = two_versions(wheels, *names)
    done = isolate("import package_17\nprint('loss', package_17.value)\n", before, after)
    answer = answer_of(done)
    assert answer.needed == answer.fix == ["package-17"]
    assert answer.commands == ["pip install --no-deps package-17==1.0"]
    assert answer.rest == "baseline"


def test_versions_that_need_each_other_are_switched_together(
    isolate: Isolate, wheels: Path
) -> None:
    others = [f"package-{number}" for number in range(6)]
    before, after = two_versions(wheels, *others)
    for version, needed in (("1.0", "lib<2"), ("2.0", "lib>=2")):
        wheel(wheels, "app", version, requires=[needed], content=f"needs = {needed!r}\n")
        wheel(wheels, "lib", version, content=f"value = {version}\n")
    job = (
        "import app, lib\nassert ('<' in app.needs) == (lib.value < 2)\nprint('loss', lib.value)\n"
    )
    done = isolate(job, {"app": "1.0", "lib": "1.0"} | before, {"app": "2.0", "lib": "2.0"} | after)
    answer = answer_of(done)
    assert set(answer.needed) == {"app", "lib"}
    assert "did not run" not in done.stderr


def test_a_need_that_no_metadata_names_is_learned(isolate: Isolate, wheels: Path) -> None:
    others = [f"package-{number}" for number in range(6)]
    before, after = two_versions(wheels, *others, "app", "lib")
    job = "import app, lib\nassert app.value == lib.value\nprint('loss', lib.value)\n"
    done = isolate(job, before, after)
    answer = answer_of(done)
    assert set(answer.needed) == {"app", "lib"}
    assert "did not run" in done.stderr


def test_packages_that_were_added_and_removed_are_switches(isolate: Isolate, wheels: Path) -> None:
    two_versions(wheels, "gone", "new", "kept")
    job = (
        "import importlib.util as u\n"
        "print('loss', u.find_spec('gone') is None, u.find_spec('new') is None)\n"
    )
    done = isolate(job, {"gone": "1.0", "kept": "1.0"}, {"new": "2.0", "kept": "2.0"})
    answer = answer_of(done)
    assert set(answer.needed) == {"gone", "new"}
    assert set(answer.commands) == {
        "pip install --no-deps gone==1.0",
        "pip uninstall -y new",
    }


def test_a_package_that_can_no_longer_be_had_is_fixed_and_the_search_goes_on(
    isolate: Isolate, wheels: Path
) -> None:
    before, after = two_versions(wheels, "lost", "lib")
    done = isolate(
        "import lib\nprint('loss', lib.value)\n",
        before,
        after,
        prepare=(wheels / "lost-1.0-py3-none-any.whl").unlink,
    )
    assert answer_of(done).needed == ["lib"]
    [fixed] = [one for one in document_of(done)["not_switchable"] if "lost" in one["name"]]
    assert "cannot be had" in fixed["reason"]


def test_where_nothing_that_differs_can_be_had_there_is_no_search(
    isolate: Isolate, wheels: Path
) -> None:
    before, after = two_versions(wheels, "lost")
    done = isolate(
        "print('loss 1')\n",
        before,
        after,
        prepare=(wheels / "lost-1.0-py3-none-any.whl").unlink,
    )
    assert done.returncode == 2
    assert "nothing is left to switch" in done.stderr
    assert "lost" in done.stderr


def test_a_first_import_that_fails_with_one_version_is_found(
    isolate: Isolate, wheels: Path
) -> None:
    before, after = two_versions(wheels, "lib", "other")
    wheel(wheels, "lib", "2.0", content="raise ImportError('built for another')\n")
    done = isolate("import lib\nprint('loss', lib.value)\n", before, after)
    answer = answer_of(done)
    assert answer.needed == ["lib"]
    assert "fails: ImportError" in document_of(done)["result"]["after"]


def test_an_editable_installation_of_the_active_environment_is_there_in_each_trial(
    isolate: Isolate, wheels: Path, tmp_path: Path
) -> None:
    before, after = two_versions(wheels, "lib")
    source = tmp_path / "source"
    source.mkdir()
    (source / "mine.py").write_text("offset = 10\n")

    def edit() -> None:
        library = packages_of(tmp_path / "new")
        (library / "mine.pth").write_text(f"{source}\n")
        info = library / "mine-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.1\n")
        url = json.dumps({"url": source.as_uri(), "dir_info": {"editable": True}})
        (info / "direct_url.json").write_text(url)
        (info / "RECORD").write_text("mine.pth,,\nmine-0.1.dist-info/METADATA,,\n")

    job = "import lib, mine\nprint('loss', lib.value + mine.offset)\n"
    done = isolate(job, before, after, prepare=edit)
    assert answer_of(done).needed == ["lib"]


def test_the_minor_version_of_python_is_a_switch_and_brings_its_packages(
    isolate: Isolate, wheels: Path
) -> None:
    own, other = f"3.{sys.version_info[1]}", None
    for minor in range(10, 15):
        # The built-in sum compensates its rounding from 3.12 on.
        if (minor >= 12) != (sys.version_info >= (3, 12)):
            with suppress(NotHereError):
                other = interpreter(f"3.{minor}")
    if other is None:
        pytest.skip(f"besides {own} needs a Python on the other side of 3.12")
    before, after = two_versions(wheels, "lib")
    wheel(wheels, "same", "1.0")
    job = "print('loss', sum([0.1] * 10))\n"
    done = isolate(job, {**before, "same": "1.0"}, {**after, "same": "1.0"}, old_python=other)
    answer = answer_of(done)
    assert set(answer.needed) == {"Python", "lib"}
    assert document_of(done)["notes"] == []
    assert answer.commands == ["pip install --no-deps lib==1.0"]


def test_no_environment_of_a_search_is_left_behind(
    isolate: Isolate, wheels: Path, tmp_path: Path
) -> None:
    before, after = two_versions(wheels, "lib")
    isolate("import lib\nprint('loss', lib.value)\n", before, after)
    assert list((tmp_path / "cache" / "envprint" / "isolate" / "work").iterdir()) == []
