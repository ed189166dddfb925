"""A virtual environment of 300 distributions: some are real, the rest have only metadata."""

from __future__ import annotations

import base64
import hashlib
import random
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.speed.tools import PEERS, TOOLS
from tests.builders.environments import ROOT, packages_of

DISTRIBUTIONS = 300
RECORD_LINES = 180
"""Mean lines of a RECORD: 45,528 lines in 250 real distributions."""


def make_environment(place: Path) -> Path:
    """An environment with envprint, its peers and made distributions; returns its interpreter."""
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    peers = [f"{peer.name}=={peer.version}" for peer in PEERS]
    pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, ROOT, *peers], check=True)
    fill(packages_of(place), DISTRIBUTIONS)
    return python


def fill(site: Path, total: int) -> None:
    """Add made distributions to a directory of packages until it has so many."""
    choose = random.Random(1)
    for number in range(len(list(site.glob("*.dist-info"))), total):
        make_distribution(site, f"made_{number:05}", choose)


def make_distribution(site: Path, name: str, choose: random.Random) -> None:
    """The dist-info directory that pip leaves; its files need not exist to be listed."""
    version = f"1.{choose.randrange(20)}.{choose.randrange(9)}"
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "x\n" * 200
    )
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: made\nTag: py3-none-any\n")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text("".join(sorted(record_lines(name, info.name, choose))))


def record_lines(name: str, info: str, choose: random.Random) -> Iterator[str]:
    """As pip writes them: sorted, half of them compiled files without a hash."""
    for number in range(max(3, round(choose.expovariate(1 / (RECORD_LINES / 2))))):
        digest = hashlib.sha256(f"{name}{number}".encode()).digest()
        code = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        yield f"{name}/__pycache__/module_{number:04}.cpython-311.pyc,,\r\n"
        yield f"{name}/module_{number:04}.py,sha256={code},{choose.randrange(20000)}\r\n"
    yield f"{info}/INSTALLER,sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg,4\r\n"
    yield f"{info}/RECORD,,\r\n"


def remove_bytecode(python: Path) -> None:
    """Remove the compiled files of the tools themselves; those of their dependencies stay."""
    site = packages_of(python.parent.parent)
    for tool in TOOLS:
        for folder in sorted((site / tool.package).rglob("__pycache__")):
            shutil.rmtree(folder)


def compile_again(python: Path) -> None:
    """Make them again."""
    site = packages_of(python.parent.parent)
    subprocess.run(
        [python, "-m", "compileall", "-q", *(site / tool.package for tool in TOOLS)], check=True
    )
