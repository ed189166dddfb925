"""Millions of malformed inputs to every reader: `python -m tests.faults.campaign --inputs 5000000`.

Each reader gets as much time as the others, so that cheap ones get more inputs. What a reader may
refuse with is declared; anything else is a fault, and its input is kept. Then each reader gets
inputs of 256 KiB, whose memory is measured.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults.mutate import mutated
from tests.faults.readers import READERS, Reader

ROUND_S = 0.1
SLOW_S = 1.0
MEMORY_BYTES = 2 << 30
"""What the process may take: an input that asks for more is a fault, not the end of it."""
LARGE_BYTES = 1 << 18


class Count:
    """What came of the inputs of one reader."""

    def __init__(self) -> None:
        self.inputs = self.refused = self.accepted = self.uncaught = self.slow = 0
        self.slowest_s = self.peak_ratio = 0.0
        self.faults: list[str] = []

    def take(self, reader: Reader, content: bytes) -> None:
        """Give the reader one input."""
        begun_s = time.thread_time()
        try:
            reader.read(content)
            self.accepted += 1
        except reader.refuses:
            self.refused += 1
        except Exception as error:  # noqa: BLE001  that is what is looked for
            self.uncaught += 1
            self.faults = [*self.faults, f"{type(error).__name__}: {error}: {content[:300]!r}"][:5]
        took_s = time.thread_time() - begun_s
        self.inputs += 1
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > SLOW_S:
            self.slow += 1
            self.faults = [*self.faults, f"{took_s:.1f} s: {content[:300]!r}"][:5]

    def measure(self, reader: Reader, chance: random.Random) -> None:
        """The memory that large inputs take, in multiples of their size."""
        for _ in range(3):
            content = mutated(reader.seeds, chance) or b" "
            content = content * (LARGE_BYTES // len(content) + 1)
            self.take(reader, content)
            tracemalloc.start()
            with suppress(Exception):  # it was counted just before
                reader.read(content)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            self.peak_ratio = max(self.peak_ratio, round(peak / len(content), 1))


def run(inputs: int, seed: int, out: Path | None = None) -> dict[str, Any]:
    """Give `inputs` to all readers together; `out` gets the figures now and then."""
    counts = {name: Count() for name in READERS}
    chance, begun_s, told_s = random.Random(seed), time.monotonic(), 0.0
    while sum(count.inputs for count in counts.values()) < inputs:
        for name, reader in READERS.items():
            until_s = time.thread_time() + ROUND_S
            while time.thread_time() < until_s:
                counts[name].take(reader, mutated(reader.seeds, chance))
        if out and time.monotonic() - told_s > 20:
            told_s = time.monotonic()
            out.write_text(json.dumps(figures(counts, begun_s), indent=1))
    for name, reader in READERS.items():
        counts[name].measure(reader, chance)
    found = figures(counts, begun_s)
    if out:
        out.write_text(json.dumps(found, indent=1))
    return found


def figures(counts: dict[str, Count], begun_s: float) -> dict[str, Any]:
    """The counts, and their sums."""
    keys = ("inputs", "refused", "accepted", "uncaught", "slow")
    return {
        "seconds": round(time.monotonic() - begun_s),
        **{key: sum(getattr(count, key) for count in counts.values()) for key in keys},
        "readers": {name: vars(count) for name, count in counts.items()},
    }


def main() -> int:
    """Run it, and print the figures; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    found = run(options.inputs, options.seed, options.out)
    print(json.dumps(found, indent=1))
    return 1 if found["uncaught"] or found["slow"] else 0


if __name__ == "__main__":
    sys.exit(main())
