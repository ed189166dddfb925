"""Published GPU cases: what a source says of a change, beside what envprint says of it.

No machine here can show them, so each is a recorded machine with edits, and the truth is what the
source says. An edit is a path with its value, or a part (`cards`, `driver`, `torch`, ...) that
stands for all paths such a thing fills; `{"unknown": reason}` makes a place unknown.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import envprint
from envprint.core.fingerprint import Fingerprint, digest_facts, is_inside, split_path
from envprint.core.report import Report
from envprint.documents.codec import from_document, to_document
from tests.benchmarks.accuracy import published_machine as machine
from tests.benchmarks.accuracy import published_wheels as wheels

CASES = Path(__file__).with_name("published.jsonl")
HOSTS = Path(__file__).parents[2] / "hosts"

PARTS: Mapping[str, Callable[[machine.Facts, Any], machine.Edits]] = {
    "cards": machine.cards,
    "driver": machine.driver,
    "held": machine.held,
    "numpy": wheels.numpy,
    "no_gpu": machine.no_gpu,
    "python": wheels.python,
    "tensorflow": wheels.tensorflow,
    "torch": wheels.torch,
}

BASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "desktop": (
        "ubuntu-rtx2080ti",
        {
            "facts.cuda.shadowed": [],
            "facts.cuda.toolkits": {},
            "facts.determinism.switches": {},
            "facts.environ.misspelt": {},
            "facts.environ.variables": {"LANG": "en_US.UTF-8", "PYTHONHASHSEED": "0"},
            "cards": "RTX 2080 Ti",
            "tensorflow": "2.15.1",
        },
    ),
    "server": ("dgx-a100", {"cards": ["A100 40GB"] * 8, "torch": "2.3.0+cu121"}),
    "tensorflow-1": (
        "ubuntu-rtx2080ti",
        {
            "facts.environ.misspelt": {},
            "facts.environ.variables": {"LANG": "en_US.UTF-8", "TF_DETERMINISTIC_OPS": "1"},
            "python": "3.7.5",
            **wheels.TENSORFLOW_1,
            "driver": "440.100",
        },
    ),
}
"""Recordings without what is wrong with them: a variable misspelt, memory held, two copies."""


class Case(NamedTuple):
    """One row of published.jsonl."""

    id: str
    area: str
    change: str
    framework: str
    device: str
    recording: str
    """A folder in tests/hosts, or one of `BASES`."""
    both: Mapping[str, Any]
    """Edits of both sides, made first."""
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    measured: str
    """The truth: none, numeric, diverges or breaks."""
    said: str
    source: str
    kind: str
    """measured: somebody ran it; stated: a project or vendor says so."""
    conditional: str | None = None
    """For which code it is otherwise; such a case is not counted, but must be mentioned."""


def load() -> list[Case]:
    """All cases, in the order of the file."""
    lines = CASES.read_text(encoding="utf-8").splitlines()
    return [Case(**json.loads(line)) for line in lines]


def judged(case: Case) -> Report:
    """What `envprint diff` makes of the two sides."""
    return envprint.diff(*sides(case), frameworks=[case.framework], device=case.device)


def sides(case: Case) -> tuple[Fingerprint, Fingerprint]:
    """The fingerprint before and after the change."""
    documents = [_base(case.recording), _base(case.recording)]
    for document, own in zip(documents, (case.before, case.after), strict=True):
        for edits in (case.both, own):
            _edit(document, edits)
        sections, digest = digest_facts(document["facts"])
        document |= {"digest": digest, "section_digests": sections}
    before, after = (from_document(document, case.id) for document in documents)
    return before, after


def paths(case: Case) -> set[str]:
    """Every path that the case sets, on either side."""
    facts = _base(case.recording)["facts"]
    return {
        path for edits in (case.both, case.before, case.after) for path, _ in _paths(facts, edits)
    }


def _base(recording: str) -> dict[str, Any]:
    return copy.deepcopy(_made(recording))


@cache
def _made(recording: str) -> dict[str, Any]:
    folder, edits = BASES.get(recording, (recording, {}))
    document = to_document(envprint.load(HOSTS / folder / "fingerprint.json"))
    document["unknown"] = dict(document["unknown"])
    _edit(document, edits)
    return document


def _edit(document: dict[str, Any], edits: Mapping[str, Any]) -> None:
    for name, value in edits.items():
        for path, inner in list(_paths(document["facts"], {name: value})):
            _set(document, path, inner)


def _paths(facts: machine.Facts, edits: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in edits.items():
        if name in PARTS:
            yield from PARTS[name](facts, value).items()
        else:
            yield name, value


def _set(document: dict[str, Any], path: str, value: Any) -> None:
    """Set, take away (None in a map) or make unknown what is at `path`."""
    unknown = document["unknown"]
    for known in [place for place in unknown if is_inside(place, path)]:
        del unknown[known]
    *outer, last = split_path(path)
    place = document
    for key in outer:
        place = place[key]
    if isinstance(value, dict) and value.keys() == {"unknown"}:
        unknown[path] = value["unknown"]
        place.pop(last, None)
    elif value is None and path.endswith("]"):
        place.pop(last, None)
    else:
        place[last] = value
