"""What neighbouring tools say of a few planted differences: the table of docs/comparison.md.

    python -m tests.benchmarks.peers --write

An environment with NumPy, a small package of our own, envprint and the pinned neighbours is made
from the package index. Each tool records it, one thing is changed, each records again and compares.
What a tool also lists where nothing was changed is left out of its cells, and so are load, memory
and time, which change by themselves. It takes half a minute.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.speed.tools import OURS, PEERS
from tests.builders.environments import ROOT
from tests.builders.wheels import wheel

PAGE = ROOT / "docs" / "comparison.md"
BEGIN = "<!-- measured: written by `python -m tests.benchmarks.peers --write` -->"
END = "<!-- end of what is measured -->"
NUMPY = ("2.3.5", "2.4.6")
GRADES = (
    *("none", "perf", "numeric", "diverges", "breaks"),
    *("informational", "low", "medium", "material", "high", "critical"),
)
"""Those of all tools, each tool's in its own order."""
VARIES = re.compile(r"live\.host\.|system\.(?:mem_available|load_)")
"""What no two records have in common."""
Rows = dict[str, str]
"""What a comparison lists, with its grade."""


class Planted(NamedTuple):
    """One difference: a variable that is set, or a package that is installed."""

    name: str
    variables: Mapping[str, str]
    package: str = ""


PLANTED = (
    Planted("nothing", {}),
    Planted("threads: `OPENBLAS_NUM_THREADS=1`", {"OPENBLAS_NUM_THREADS": "1"}),
    Planted("a kernel: `OPENBLAS_CORETYPE=Nehalem`", {"OPENBLAS_CORETYPE": "Nehalem"}),
    Planted("a variable of no effect: `EDITOR=vi`", {"EDITOR": "vi"}),
    Planted(f"a package: NumPy {NUMPY[0]} → {NUMPY[1]}", {}, f"numpy=={NUMPY[1]}"),
    Planted("a rebuilt package: equal version, other code", {}, "rebuilt"),
)


def of_envprint(document: Any) -> Rows:
    """Findings with their impact; a change without a finding is listed as having none."""
    rows = {change["path"]: "listed" for change in document["changes"]}
    return (
        rows
        | {finding["rule"]: finding["impact"] for finding in document["findings"]}
        | {entry["path"]: "not judged" for entry in document["unjudged"]}
    )


def of_ceteris(document: Any) -> Rows:
    """Fields that are not equal."""
    return {
        field["path"]: field["severity"]
        for field in document["fields"]
        if field["classification"] not in ("match", "matched")
    }


def of_venv_match(document: Any) -> Rows:
    """Differences."""
    return {entry["path"]: entry["severity"] for entry in document["differences"]}


def of_envfixer(document: Any) -> Rows:
    """Causes, with the confidence that it has in each."""
    return {entry["key"]: entry["confidence"] for entry in document["causes"]}


def of_mlenv(document: Any) -> Rows:
    """Changes."""
    return {f"{entry['section']}.{entry['key']}": entry["risk"] for entry in document}


READERS: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Rows]]] = {
    "envprint": (("--format", "json", "--framework", "numpy"), of_envprint),
    "ceteris": (("--json",), of_ceteris),
    "venv-match": (("--format", "json"), of_venv_match),
    "envfixer": (("--format", "json", "--top", "0"), of_envfixer),
    "mlenv-cli": (("--json",), of_mlenv),
}
TOOLS = (OURS, *PEERS)


class Bench:
    """An environment in a folder, and a project in which the tools are started."""

    def __init__(self, folder: Path) -> None:
        self.place, self.project = folder / "train", folder / "project"
        self.project.mkdir()
        (self.project / "pyproject.toml").write_text('[project]\nname = "job"\nversion = "1"\n')
        self.builds = {
            name: wheel(folder / name, "demo", "1.0", content=f"FACTOR = {number}\n")
            for number, name in enumerate(("built", "rebuilt"))
        }
        self.uv("venv", "-q", "-p", sys.executable, str(self.place))
        self.install(str(ROOT), *(f"{peer.name}=={peer.version}" for peer in PEERS))
        self.restore()

    def uv(self, *words: str) -> None:
        subprocess.run([sys.executable, "-m", "uv", *words], check=True)

    def install(self, *what: str) -> None:
        self.uv("pip", "install", "-q", "--reinstall-package=demo", "-p", str(self.place), *what)

    def restore(self) -> None:
        self.install(f"numpy=={NUMPY[0]}", str(self.builds["built"]))

    def run(self, words: tuple[str, ...], variables: Mapping[str, str]) -> str:
        """The output of a tool in the active environment."""
        path = os.pathsep.join((str(self.place / "bin"), os.environ["PATH"]))
        clean = {"PATH": path, "VIRTUAL_ENV": str(self.place), "HOME": str(self.project)}
        done = subprocess.run(
            [str(self.place / "bin" / words[0]), *words[1:]], cwd=self.project,
            env=clean | dict(variables), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in (0, 1, 2):
            raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def record(self, side: str, variables: Mapping[str, str]) -> None:
        for tool in TOOLS:
            self.run(tool.capture, variables)
            (self.project / "new.json").rename(self.project / f"{tool.name}-{side}.json")

    def compared(self) -> dict[str, Rows]:
        """What each tool lists."""
        found = {}
        for tool in TOOLS:
            options, read = READERS[tool.name]
            sides = (f"{tool.name}-a.json", f"{tool.name}-b.json")
            text = self.run((*tool.diff[:2], *sides, *options), {})
            found[tool.name] = read(json.loads(text))
        return found


def measured() -> dict[str, dict[str, Rows]]:
    """What each tool lists for each planted difference."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.record("a", {})
        for planted in PLANTED:
            if planted.package:
                bench.install(str(bench.builds.get(planted.package, planted.package)))
            bench.record("b", planted.variables)
            found[planted.name] = bench.compared()
            if planted.package:
                bench.restore()
    return found


def cell(rows: Rows, always: Rows) -> str:
    """The worst grade of what is listed beyond what always is."""
    grades = {
        grade
        for name, grade in rows.items()
        if always.get(name) != grade and not VARIES.match(name)
    }
    graded = [grade for grade in GRADES if grade in grades]
    return graded[-1] if graded else ", ".join(sorted(grades)) or "–"


def section(found: Mapping[str, Mapping[str, Rows]]) -> Iterator[str]:
    """The lines of the table, markers included."""
    quiet = found[PLANTED[0].name]
    yield from (BEGIN, "")
    yield from textwrap.wrap(
        f"Run on {datetime.now(timezone.utc):%Y-%m-%d} with CPython {platform.python_version()} on "
        f"{platform.system()}, without a GPU.", 100,
    )  # fmt: skip
    yield ""
    yield f"| planted | {' | '.join(tool.label for tool in TOOLS)} |"
    yield f"|---|{'---|' * len(TOOLS)}"
    for name, tools in found.items():
        always = {} if name == PLANTED[0].name else quiet
        cells = [cell(tools[tool.name], always.get(tool.name, {})) for tool in TOOLS]
        yield f"| {name} | {' | '.join(cells)} |"
    yield from ("", END)


def main() -> None:
    """Print what was found, and write it to the page if that is wanted."""
    found = measured()
    if "-v" in sys.argv:
        print(json.dumps(found, indent=1))
    text = "\n".join(section(found))
    print(text)
    if "--write" in sys.argv:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(before + text + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
