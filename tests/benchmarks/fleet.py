"""Groups and judges made fleets, and prints what that costs.

    python -m tests.benchmarks.fleet [--folder DIR] [--verify] [--cards] [COUNT…]

Each machine has 300 packages and one of 50 environments; with `--cards`, all have one environment,
and each has GPUs and a rank of its own. The documents are removed again.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from envprint.core.fingerprint import digest_facts
from envprint.documents.codec import to_json
from tests.builders.fleets import Document, card, member, put, recorded, variable

COUNTS = (10, 100, 1_000, 10_000, 100_000)
ENVIRONMENTS, PACKAGES = 50, 300
RUN = """
import json, resource, sys, time
import envprint
found = envprint.fleet.diff(sys.argv[1], verify=sys.argv[2] == "verify")
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([found.size, len(found.groups), used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def environments(machine: str = "debian12-cpu-vm") -> list[Document]:
    """The same machine with packages of which one more differs in each."""
    base = recorded(machine)
    listed = base["facts"]["packages"]["distributions"]
    like = {**next(iter(listed.values())), "location": None, "origin": None, "tags": []}
    for number in range(PACKAGES - len(listed)):
        build = f"{number:032x}"
        listed[f"package-{number}"] = {**like, "version": f"1.{number}.0", "build_id": build}
    made = []
    for number in range(ENVIRONMENTS):
        one = copy.deepcopy(base)
        changed = one["facts"]["packages"]["distributions"][f"package-{number}"]
        changed["version"] = f"2.{number}.0" if number else changed["version"]
        one["section_digests"], one["digest"] = digest_facts(one["facts"])
        made.append(one)
    return made


def make(folder: Path, count: int, kinds: list[Document]) -> None:
    """So many documents; most machines have the first environment."""
    texts = []
    for kind in kinds:
        text = to_json({**kind, "machine_id": "MACHINE", "tags": {"rank": "RANK"}})
        texts.append(text.encode().partition(b'"MACHINE"'))
    for number in range(count):
        before, _, after = texts[number // 10 % ENVIRONMENTS if number % 10 == 0 else 0]
        after = after.replace(b'"RANK"', b'"%d"' % (number % 8 + 1))
        place = folder / f"{number // 1000:03}"
        if number % 1000 == 0:
            place.mkdir(parents=True, exist_ok=True)
        content = b'%s"%032x"%s' % (before, number, after)
        (place / f"node{number:06}.json").write_bytes(content)


def make_with_cards(folder: Path, count: int) -> None:
    """So many documents of one environment, each with GPUs and a rank of its own."""
    base = recorded()
    for number in range(count):
        names = (card(number), variable("RANK", str(number + 1)))
        put(folder, f"node{number:06}", member(base, *names))


def measure(folder: Path, mode: str = "") -> list[float]:
    """Machines, groups, seconds of CPU and KiB of memory, of a process of its own."""
    command = [sys.executable, "-c", RUN, str(folder), mode]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure each count, and remove what was made."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--cards", action="store_true", help="GPUs and a rank of their own")
    parser.add_argument("counts", nargs="*", type=int, default=COUNTS)
    options = parser.parse_args()
    kinds = environments()
    print("| machines | groups | CPU | memory | each |\n|---|---|---|---|---|")
    options.folder.mkdir(parents=True, exist_ok=True)
    for count in options.counts:
        folder = Path(tempfile.mkdtemp(dir=options.folder))
        try:
            if options.cards:
                make_with_cards(folder, count)
            else:
                make(folder, count, kinds)
            size, groups, seconds, memory = measure(folder, "verify" if options.verify else "")
        finally:
            shutil.rmtree(folder)
        each = f"{1e6 * seconds / size:,.0f} µs"
        print(f"| {size:,} | {groups} | {seconds:.2f} s | {memory / 1024:.0f} MiB | {each} |")


if __name__ == "__main__":
    main()
