"""What a module must offer is a `Protocol`, and mypy holds every module that is found to it.

No module is listed: a new one is found by its place, and what it lacks is a type error.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from envprint import cli, collectors, integrations, rules
from envprint.core.discovery import load_parts, module_names
from envprint.outputs import fingerprints, formats
from envprint.probes import programs

ROOT = Path(__file__).parents[2]


class Seam(NamedTuple):
    """A module, and the protocol that it has to follow."""

    module: str
    package: str
    protocol: str


def found(package: ModuleType) -> list[str]:
    """The full names of the public modules in a package."""
    return [f"{package.__name__}.{name}" for name in module_names(package)]


def seams() -> Iterator[Seam]:
    """Every module that something finds by its place, once for each protocol."""
    for name in found(collectors):
        yield from sections(name)
    for section in found(rules):
        if section != f"{rules.__name__}.{rules.KIT}":
            for module in load_parts(section):
                yield Seam(module.__name__, rules.__name__, "RuleFile")
    for package, protocol in ((formats, "Format"), (fingerprints, "FingerprintFormat")):
        yield from (Seam(name, package.__name__, protocol) for name in found(package))
    for name in found(cli):
        yield Seam(name, cli.__name__, "Verb")
        yield from optional(name, cli, COULD_NOT="FailingVerb")
    for name in found(integrations):
        # An adapter's class needs its framework, so that it is not asked for.
        kind = "Tracker" if "log" in vars(import_module(name)) else "Adapter"
        yield Seam(name, integrations.__name__, kind)
    yield from probes()


def sections(name: str) -> Iterator[Seam]:
    """A section follows the protocol of facts or of live values, or both, but never none."""
    module = import_module(name)
    place = f"{name}.section" if hasattr(module, "__path__") else name
    two = [
        *optional(place, collectors, FACTS="FactsSection", collect="FactsSection"),
        *optional(place, collectors, LIVE="LiveSection", sample="LiveSection"),
    ]
    yield from dict.fromkeys(two or [Seam(place, collectors.__name__, "FactsSection")])
    yield from optional(place, collectors, NEEDS_GPU_READING="WaitingSection")


def probes() -> Iterator[Seam]:
    """Programs, the further files that some of them name, and those that train."""
    folder = Path(programs.__path__[0])
    for name in found(programs):
        yield Seam(name, programs.__name__, "Program")
        yield from optional(name, programs, PARTS="ProgramOfParts")
        for part in getattr(import_module(name), "PARTS", ()):
            stem = part.removesuffix(".py")
            yield Seam(f"{programs.__name__}.{stem}", programs.__name__, "Operations")
    for path in sorted(folder.glob("_training_*.py")):
        yield Seam(f"{programs.__name__}.{path.stem}", programs.__name__, "TrainingProgram")


def optional(name: str, package: ModuleType, **protocols: str) -> Iterator[Seam]:
    """The protocols of those attributes that a module has."""
    module = import_module(name)
    for attribute, protocol in protocols.items():
        if hasattr(module, attribute):
            yield Seam(name, package.__name__, protocol)


def refused(seams: list[Seam], folder: Path) -> tuple[list[Seam], str]:
    """The modules that mypy does not take for what their protocols ask for, and what it says."""
    names = sorted({seam.module for seam in seams} | {seam.package for seam in seams})
    lines = [f"import {name}" for name in names]
    place = {}
    for number, (module, package, protocol) in enumerate(seams):
        lines.append(f"seam{number}: {package}.{protocol} = {module}")
        place[len(lines)] = seams[number]
    program = folder / "seams.py"
    program.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    faults = re.findall(r"seams\.py:(\d+): error: Incompatible types in assignment", said)
    assert said.count(" error: ") == len(faults) and done.returncode == bool(faults), said
    return [place[int(line)] for line in faults], said


def test_every_module_that_is_found_offers_what_its_place_asks_for(tmp_path: Path) -> None:
    every = [*seams()]
    assert len(every) > 80
    assert {seam.protocol for seam in every} >= set(BAD)
    wrong, said = refused(every, tmp_path)
    assert wrong == [], said


USER = """
import envprint

now = envprint.capture(label="mine")
report = envprint.diff("a.json", now, frameworks="sklearn", only=["gpu"], ignore={"gpu-*": "why"})
reveal_type(envprint.load("a.json").to_dict())
reveal_type(now.to_text() + report.to_text() + report.to_json() + report._repr_html_())
reveal_type(report._replace(summary="").to_text())
reveal_type(report.impact)
reveal_type(report.findings[0].remedy)
reveal_type(envprint.check(now, expect=["facts.cuda.*"], only="gpu").to_json())
try:
    envprint.check()
except envprint.DriftError as error:
    reveal_type(error.report.to_dict())
"""
REVEALED = ["dict[str, Any]", "str", "str", "envprint.core.impact.Impact", "str", "str"]


def test_a_type_checker_knows_what_a_user_can_do_with_a_result(tmp_path: Path) -> None:
    program = tmp_path / "user.py"
    program.write_text(USER)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    revealed = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert [re.sub(r"\b(builtins|typing)\.", "", kind) for kind in revealed] == [
        *REVEALED,
        REVEALED[0],
    ]


BAD = {
    "FactsSection": (collectors, "FACTS = ()\ndef sample(host: object) -> None: pass"),
    "LiveSection": (collectors, "LIVE = ()\ndef sample() -> dict[str, object]: return {}"),
    "WaitingSection": (collectors, "NEEDS_GPU_READING = 'yes'"),
    "RuleFile": (rules, "RULE = ()"),
    "Format": (formats, "def show(report: object) -> str: return ''"),
    "FingerprintFormat": (fingerprints, "def render(report: int) -> str: return ''"),
    "Verb": (cli, "HELP = EPILOG = ''\ndef run(options: object, console: object) -> None: pass"),
    "FailingVerb": (cli, "COULD_NOT = '2'"),
    "Program": (programs, "MODULE = 'x'\nON_GPU = True"),
    "ProgramOfParts": (programs, "PARTS = 'x.py'"),
    "Operations": (programs, "def operations(device: str) -> None: pass"),
    "TrainingProgram": (programs, "MODULE = 'x'\ndef begin(settings: object) -> None: pass"),
    "Adapter": (integrations, "class Callback: pass"),
    "Tracker": (integrations, "def log() -> None: pass"),
}
"""Protocol to its package, and to a module that does not follow it."""


def test_a_module_that_lacks_what_its_place_asks_for_is_a_type_error(tmp_path: Path) -> None:
    every = []
    for protocol, (package, text) in BAD.items():
        (tmp_path / f"bad_{protocol}.py").write_text(f"{text}\n")
        every.append(Seam(f"bad_{protocol}", package.__name__, protocol))
    wrong, said = refused(every, tmp_path)
    assert wrong == every, said
