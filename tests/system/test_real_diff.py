"""Two real environments that differ in one package, one variable and the CPU affinity."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from envprint.knowledge import AS_OF
from tests.builders.environments import build
from tests.conftest import Build, Distributions

pytestmark = pytest.mark.slow

PINNED = ("packaging==25.0", "six==1.17.0")


def envprint(*arguments: object, prefix: tuple[str, ...] = (), **variables: str) -> str:
    """Run the command with nothing of the test run's own variables; returns stdout."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "envprint", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def by_rule(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["rule"]: finding for finding in report["findings"]}


def test_a_package_a_variable_and_the_affinity_are_captured_diffed_and_judged(
    environment: Build, tmp_path: Path
) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    assert shutil.which("taskset"), "util-linux is needed: it brings taskset"
    assert len(os.sched_getaffinity(0)) > 1, "an affinity of one CPU cannot be narrowed"
    one = environment("numpy==2.2.6", *PINNED)
    other = environment("numpy==2.3.5", *PINNED)
    envprint("capture", "--python", one, "-o", before, "--label", "before")
    envprint(
        *("capture", "--python", other, "-o", after, "--label", "after"),
        prefix=("taskset", "-c", str(min(os.sched_getaffinity(0)))),
        OPENBLAS_CORETYPE="Sandybridge",
    )
    report = json.loads(envprint("diff", before, after, "--format", "json"))

    assert report["verdict"]["impact"] == "numeric"
    assert report["context"] == {
        "frameworks": ["numpy"],
        "libraries": [],
        "knowledge": {"as_of": AS_OF, "newer": 0, "packages": []},
        "computes_on": {"numpy": {"device": "cpu", "reason": "it computes on the CPU only"}},
        "device": "cpu",
        "prefix": report["current"]["prefix"],
        "policy": None,
        "only": [],
        "only_baseline": [],
        "only_current": [],
    }
    found = by_rule(report)
    assert found["numpy-version-changed"]["before"] == "2.2.6"
    assert found["numpy-version-changed"]["after"] == "2.3.5"
    assert "facts.cpu.usable_threads" in found["cpu-usable-threads-changed"]["paths"]
    assert found["cpu-usable-threads-changed"]["after"] == 1
    assert "Sandybridge" in found["openblas-core-changed"]["message"]
    for finding in found.values():
        assert finding["why"] and finding["remedy"] and finding["evidence"]
    explained = {path for finding in found.values() for path in finding["paths"]}
    left = {change["path"] for change in report["changes"]}
    assert "facts.packages.distributions[numpy].version" not in left
    assert not any("six" in path and path.endswith(".version") for path in left | explained)

    text = envprint("diff", before, after)
    assert text.startswith("NUMERIC   Results differ by rounding")
    assert "\nbefore    " in text and '"before"' in text


def test_an_unchanged_environment_keeps_its_digest_elsewhere_and_later(
    environment: Build, tmp_path: Path
) -> None:
    python = environment("numpy==2.2.6", *PINNED)
    documents = []
    for folder in ("one", "other/deeper"):
        place = tmp_path / folder
        place.mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-m", "envprint", "capture", "--python", python],
            cwd=place,
            capture_output=True,
            check=True,
        )
        documents.append(json.loads(done.stdout))
    first, second = documents
    assert first["digest"] == second["digest"]
    assert first["facts"] == second["facts"]


def test_the_environment_seen_from_outside_is_the_one_seen_from_inside(
    distributions: Distributions, tmp_path: Path
) -> None:
    """A tool that runs in an environment of its own (uvx, pipx) records the same facts."""
    python = build(tmp_path / "env", sys.executable, [*PINNED, distributions.wheel], by="uv")
    outside = json.loads(envprint("capture", "--python", python))
    done = subprocess.run(
        [python, "-m", "envprint", "capture"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    inside = json.loads(done.stdout)
    # The two ran in different directories, which is all that `code` is about.
    assert outside["facts"].pop("code") and inside["facts"].pop("code")
    assert outside["facts"] == inside["facts"]
    assert outside["digest"] == inside["digest"]
