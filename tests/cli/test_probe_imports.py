"""`envprint probe imports` and `check --imports`, in environments made by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.builders.environments import made_by_hand, packages_of

FAILS = "raise ImportError('numpy.core.multiarray failed to import')"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An environment in which pandas fails, numpy works and pytest takes no part."""
    found = made_by_hand(tmp_path / "env", "numpy==2.4.6", "pandas==2.1.4", "pytest==9.0")
    write(found, "pandas", FAILS)
    write(found, "pytest", "raise ImportError('never imported')")
    return found


def write(place: Path, module: str, text: str) -> None:
    (packages_of(place) / module / "__init__.py").write_text(text)


def envprint(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envprint", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_imports_are_shown_with_what_fails_first_and_exit_1(place: Path) -> None:
    done = envprint("probe", "imports", "--python", place)
    head, count, failure, *works = done.stdout.splitlines()
    assert head == "IMPORTS, on the CPU, no GPU visible"
    assert count.split() == "2 libraries; 1 of them fails".split()
    assert failure.split()[:4] == ["FAILS", "pandas", "2.1.4:", "ImportError:"]
    assert works[-1].split()[:3] == ["imports", "numpy", "2.4.6"]
    assert done.returncode == 1


def test_where_everything_can_be_imported_the_exit_code_is_0(place: Path) -> None:
    write(place, "pandas", "")
    assert envprint("probe", "imports", "--python", place).returncode == 0


def test_a_named_library_is_imported_whatever_part_it_takes(place: Path) -> None:
    done = envprint("probe", "imports", "PyTest", "numpy", "--format", "json", "--python", place)
    found = json.loads(done.stdout)["imports"]
    assert {name: one["ok"] for name, one in found.items()} == {"numpy": True, "pytest": False}
    assert found["pytest"]["error"] == "ImportError: never imported"


def test_a_library_can_be_named_by_its_module(tmp_path: Path) -> None:
    place = made_by_hand(tmp_path / "env", "scikit-learn==1.9.1")
    done = envprint("probe", "imports", "sklearn", "--python", place)
    assert "scikit-learn 1.9.1 (sklearn)" in done.stdout
    assert done.returncode == 0


def test_a_library_that_is_not_installed_is_an_error_of_one_line(place: Path) -> None:
    done = envprint("probe", "imports", "pandsa", "--python", place)
    assert done.returncode == 2
    assert done.stderr == (
        "envprint: probe imports: 'pandsa' is not installed here; did you mean pandas?\n"
    )


def test_results_are_kept_in_a_fingerprint_and_a_diff_tells_what_no_longer_starts(
    place: Path, tmp_path: Path
) -> None:
    files = [tmp_path / "fails.json", tmp_path / "works.json"]
    envprint("probe", "imports", "--python", place, "-o", files[0])
    write(place, "pandas", "")
    envprint("probe", "imports", "--python", place, "-o", files[1])
    documents = [json.loads(file.read_text()) for file in files]
    kept = documents[0]["facts"]["probes"]["imports"]
    assert kept["pandas"] == {
        "module": "pandas",
        "version": "2.1.4",
        "ok": False,
        "used": None,
        "error": "ImportError: numpy.core.multiarray failed to import",
    }
    assert documents[0]["digest"] == documents[1]["digest"]
    worse = envprint("diff", files[1], files[0])
    assert (worse.returncode, "probe-import-fails" in worse.stdout) == (1, True)
    assert "import pandas fails (pandas 2.1.4)" in " ".join(worse.stdout.split())
    assert envprint("diff", files[0], files[1]).returncode == 0


def test_check_is_green_without_imports_and_breaks_with_them(place: Path) -> None:
    without = envprint("check", "--python", place, "--format", "json")
    assert "probe-import-fails" not in rules_in(without.stdout)
    done = envprint("check", "--imports", "--python", place, "--format", "json")
    assert done.returncode == 1
    finding = rules_in(done.stdout)["probe-import-fails"]
    assert (finding["impact"], finding["confidence"]) == ("breaks", "measured")
    assert "ImportError: numpy.core.multiarray failed to import" in finding["message"]


def rules_in(report: str) -> dict[str, Any]:
    return {finding["rule"]: finding for finding in json.loads(report)["findings"]}


def test_check_imports_only_what_can_reach_the_named_framework(tmp_path: Path) -> None:
    place = made_by_hand(tmp_path / "env", "numpy==2.4.6", "jax==0.10.2", "flax==0.12.8")
    write(place, "flax", FAILS)
    for framework in ("numpy", "jax"):
        arguments = ("--framework", framework, "--python", place, "--format", "json")
        done = envprint("check", "--imports", *arguments)
        is_reached = framework == "jax"
        assert ("probe-import-fails" in rules_in(done.stdout)) == is_reached


def test_an_interrupt_ends_what_is_being_imported(place: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    write(
        place, "pandas", f"import os\nopen({str(note)!r}, 'w').write(str(os.getpid()))\nwhile 1: 0"
    )
    command = [sys.executable, "-m", "envprint", "probe", "imports", "--python", str(place)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while not note.exists() or not note.read_text():
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_a_first_use_that_fails_is_shown_as_such(tmp_path: Path) -> None:
    found = made_by_hand(tmp_path / "env", "spacy==3.8.7")
    write(found, "spacy", "def blank(language): raise TypeError('no such argument')")
    done = envprint("probe", "imports", "--python", found)
    assert "FAILS      spacy 3.8.7: its first use: TypeError: no such argument" in done.stdout
    assert done.returncode == 1
