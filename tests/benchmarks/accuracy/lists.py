"""How much of a real series of package lists is left not judged, and whether anything is silent.

    python -m tests.benchmarks.accuracy.lists FOLDER [--about TEXT --write]

FOLDER holds texts of `pip freeze`, one after another by name: the images of a service, say. Each
pair of neighbours is judged. A library that takes part and moved must be found, advised, measured
or listed as not judged; one of which nothing is said is *silent*. `--write` keeps the figures in
`lists.json` and makes docs/accuracy.md anew.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import envprint
from envprint.core.fingerprint import Fingerprint, digest_facts, split_path
from envprint.core.report import Report
from envprint.documents.codec import from_document, to_document
from envprint.knowledge import roles
from envprint.rules.kit.packages import measured_equal
from tests.benchmarks.accuracy.page import PAGE, page
from tests.benchmarks.accuracy.share import KEPT, Share
from tests.builders.environments import made_by_hand

WHOLE = ("numpy", "scipy", "scikit-learn", "keras", "torch", "jax")
"""What the made environment holds, so that its capture has a record of each."""
TENSORFLOW = {
    **{"distribution": "tensorflow", "build": "cpu", "compute_capabilities": []},
    **{"cuda_version": None, "cudnn_version": None},
}
"""TensorFlow's record: what it was built with does not stand in a list."""
ENTRY = ("installer", "origin", "tags", "build_id", "location", "takes_part")
"""What a list does not say of a distribution."""
PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([A-Za-z0-9._+!-]+)\s*(?:[;#].*)?$")


class Judged(NamedTuple):
    """What came of one pair of neighbours."""

    moved: int
    """Libraries whose version changed."""
    unjudged: Mapping[str, int]
    """How many are not judged, by role."""
    silent: tuple[str, ...]


def main() -> None:
    """Judge the neighbours of the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--about", default="", help="what these lists are, for the page")
    parser.add_argument("--write", action="store_true", help="keep the figures, make the page")
    options = parser.parse_args()
    files = sorted(file for file in options.folder.iterdir() if file.is_file())
    if len(files) < 2:
        parser.error(f"{options.folder} holds no two lists")
    found = dict(judged(files))
    for name, one in found.items():
        print(f"{name}: {one.moved} moved, {_text(one.unjudged)}", *one.silent, flush=True)
    share = shared(found.values(), len(files), options.about)
    print(share)
    if options.write:
        KEPT.write_text(json.dumps(share._asdict(), indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(), encoding="utf-8")


def judged(files: Iterable[Path]) -> Iterator[tuple[str, Judged]]:
    """Each pair of neighbours by the names of its two lists, and what came of it."""
    captures = ((file.stem, captured(pins(file.read_text(encoding="utf-8")))) for file in files)
    for (older, before), (newer, after) in pairwise(captures):
        yield f"{older} {newer}", judge(before, after)


def pins(text: str) -> dict[str, str]:
    """The distributions of a list, with their versions; what is no release is left out."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in PIN.findall(text)}


def captured(versions: Mapping[str, str]) -> Fingerprint:
    """What a capture of an environment with these distributions holds.

    What their own metadata would say of the part they take is unknown, as it is to a list.
    """
    document = copy.deepcopy(_empty())
    facts = document["facts"]
    facts["packages"]["distributions"] = {
        name: {**dict.fromkeys(ENTRY), "version": version} for name, version in versions.items()
    }
    records = {**facts["frameworks"], "tensorflow": TENSORFLOW}
    for name in records.keys() - {"imported"}:
        version = _version_of(name, versions)
        facts["frameworks"][name] = version and {**records[name], "version": version}
    sections, digest = digest_facts(facts)
    return from_document({**document, "digest": digest, "section_digests": sections}, "list")


def _version_of(framework: str, versions: Mapping[str, str]) -> str | None:
    """The version of a framework, whichever of its distributions is in the list."""
    names = (framework.replace("_", "-"), f"{framework}-cpu")
    return next((versions[name] for name in names if name in versions), None)


@cache
def _empty() -> dict[str, Any]:
    """The capture of an environment in which every framework is a few files."""
    with tempfile.TemporaryDirectory() as folder:
        place = made_by_hand(Path(folder), *(f"{name}==1.0" for name in WHOLE))
        return to_document(envprint.capture(python=str(place / "bin" / "python")))


def judge(before: Fingerprint, after: Fingerprint) -> Judged:
    """What the report says of the libraries that moved, and of which of them it says nothing."""
    report = envprint.diff(before, after, device="cpu")
    by_role = Counter(entry.role for entry in report.unjudged)
    return Judged(len(dict(_moved(before, after))), by_role, silent(report, before, after))


def silent(report: Report, before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """The libraries that take part and moved, unmeasured, and of which the report says nothing."""
    named = _named(report)
    return tuple(
        name
        for name, versions in _moved(before, after)
        if name not in named
        and roles.part(name, None, report.workload)
        and not measured_equal(name, *versions)
    )


def _moved(before: Fingerprint, after: Fingerprint) -> Iterator[tuple[str, tuple[str, str]]]:
    """The distributions of both lists whose version changed."""
    older, newer = (side.value("facts.packages.distributions") for side in (before, after))
    for name in sorted(older.keys() & newer.keys()):
        versions = (older[name]["version"], newer[name]["version"])
        if versions[0] != versions[1]:
            yield name, versions


def _named(report: Report) -> set[str]:
    """The distributions that the report speaks of."""
    said = (*report.findings, *report.advice, *report.undecided)
    paths = [path for one in said for path in getattr(one, "paths", ())]
    keys = {key.replace("_", "-") for path in paths for key in split_path(path)}
    return keys | {entry.name for entry in report.unjudged}


def shared(found: Collection[Judged], lists: int, about: str) -> Share:
    """The figures of all pairs together."""
    roles_of_all = sorted({role for one in found for role in one.unjudged})
    return Share(
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        about=about,
        lists=lists,
        pairs=len(found),
        moved=sum(one.moved for one in found),
        unjudged=sum(sum(one.unjudged.values()) for one in found),
        silent=sum(len(one.silent) for one in found),
        pairs_by_role={role: sum(role in one.unjudged for one in found) for role in roles_of_all},
    )


def _text(unjudged: Mapping[str, int]) -> str:
    """How many are not judged, by role."""
    roles_text = ", ".join(f"{count} {role}" for role, count in sorted(unjudged.items()))
    return f"not judged: {roles_text or 'none'}; silent:"


if __name__ == "__main__":
    main()
