"""Shows that two states of the code judge alike: what they say of every recorded machine.

    python -m tests.hosts.oracle write OLD.json            # in the checkout of the old state
    python -m tests.hosts.oracle write NEW.json            # in that of the new one
    python -m tests.hosts.oracle compare OLD.json NEW.json

`write` captures every recorded machine and judges each alone and each pair of them, for every
framework and device. It keeps fingerprints and reports without their texts, one to a line: ids,
impacts, paths, values and the order of all of these. `compare` prints what differs and exits with
1 if anything does. `write --machines DIR` reads the recorded machines of another checkout, for two
states of the code that have recorded different machines.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import FRAMEWORKS
from envprint.documents.codec import to_document
from tests.hosts.judge import captured, report

MACHINES = Path(__file__).parent
WORKLOADS = [
    (frameworks, device)
    for frameworks in ((), *((name,) for name in FRAMEWORKS), FRAMEWORKS)
    for device in ("cpu", "gpu")
]
TEXTS = {"summary", "look_next", "machine", "title", "message", "why", "not_when", "remedy"}
TEXTS |= {"remedy_kind", "note"}
TEXTS |= {"reason", "policy_notes"}
VALUES = {"before", "after"}
"""What stands in the fingerprints: every part of it counts, whatever its name."""
MAX_SHOWN = 20


def judgements(machines: Path) -> Iterator[tuple[str, Any]]:
    """Every fingerprint and report, by a name that says what it is of."""
    states = {
        path.parent.name: captured(json.loads(path.read_text(encoding="utf-8"))["answers"])
        for path in sorted(machines.glob("*/host.json"))
    }
    for name, state in states.items():
        yield name, _fingerprint(state)
    for frameworks, device in WORKLOADS:
        job = f"{'+'.join(frameworks) or 'any'} on {device}"
        for after, now in states.items():
            yield f"{after}: {job}", _report(report(now, None, frameworks, device))
            for before, was in states.items():
                key = f"{before} to {after}: {job}"
                yield key, _report(report(now, was, frameworks, device))


def _fingerprint(state: Fingerprint) -> Any:
    document = to_document(state)
    del document["envprint_version"]
    return {**document, "unknown": sorted(document["unknown"])}


def _report(text: str) -> Any:
    return without_texts(json.loads(text))


def without_texts(value: Any) -> Any:
    """A report, or a part of one, without what is written for a person to read."""
    if isinstance(value, list):
        return [without_texts(item) for item in value]
    if isinstance(value, dict):
        kept = {
            key: item if key in VALUES else without_texts(item)
            for key, item in value.items()
            if key not in TEXTS
        }
        if "not_seen" in kept:
            kept["not_seen"] = kept["not_seen"] is not None
        return kept
    return value


def write(machines: Path, target: Path) -> int:
    """Write all judgements to `target`; returns the exit code."""
    lines = (
        f"{json.dumps(name)}: {json.dumps(said, sort_keys=True)}"
        for name, said in judgements(machines)
    )
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


def compare(old: Path, new: Path) -> int:
    """Print what differs between two files; returns the exit code, 1 for any difference."""
    before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (old, new))
    different = [f"{name}: {path}" for name, path in _differences(before, after)]
    for line in different[:MAX_SHOWN]:
        print(line)
    print(f"{len(before)} and {len(after)} judgements, {len(different)} differ")
    return int(bool(different))


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            yield name, f"only in {'the new' if name in after else 'the old'}"
        elif before[name] != after[name]:
            yield name, _first(before[name], after[name])


def _first(before: Any, after: Any, path: str = "") -> str:
    """Where two values first differ, and how."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        items = [(f"{path}.{key}", before[key], after[key]) for key in before]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        items = [(f"{path}[{n}]", *both) for n, both in enumerate(zip(before, after, strict=True))]
    else:
        items = []
    for inner, old, new in items:
        if old != new:
            return _first(old, new, inner)
    return f"{path or 'all of it'}: {str(before)[:120]} is now {str(after)[:120]}"


def main(argv: list[str] | None = None) -> int:
    """Write or compare; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hosts.oracle",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    writing = verbs.add_parser("write")
    writing.add_argument("target", type=Path)
    writing.add_argument("--machines", type=Path, default=MACHINES)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    options = parser.parse_args(argv)
    if options.verb == "write":
        return write(options.machines, options.target)
    return compare(options.old, options.new)


if __name__ == "__main__":
    raise SystemExit(main())
