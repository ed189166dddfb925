"""The calls that a watch skips for a while, because the driver crashed or hung in them.

One broken card must not hide the others, and a card that recovers must show up again. Calls have
the child's format: the function, the GPU's index, further numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.machine.nvml.queries import PROCESS_LISTS

FIRST_S, LONGEST_S = 10.0, 600.0
"""How long to skip; doubles each time, as a hang hides all GPUs until its timeout."""
MOST_OF_ONE = 3
"""After so many failing calls a GPU is skipped entirely: each one has cost a child."""


class Spared:
    """Grows with every failure until the driver answers all calls. Times are monotonic."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._for_s = FIRST_S
        self._until_s = 0.0

    def add(self, call: str, reason: str, now_s: float) -> None:
        """Record that the driver crashed or hung in this call."""
        self._reasons[call] = reason
        self._until_s = now_s + self._for_s
        self._for_s = min(2 * self._for_s, LONGEST_S)

    def clear(self) -> None:
        """Record that the driver has answered every call."""
        self._reasons.clear()
        self._for_s = FIRST_S

    def is_over(self, now_s: float) -> bool:
        """Whether it is time to try all calls again."""
        return now_s >= self._until_s

    def calls(self, now_s: float) -> dict[str, str]:
        """The calls that a child starting now must skip, with the reasons."""
        found: dict[str, str] = {}
        failures: dict[str, int] = {}
        for call, reason in () if self.is_over(now_s) else self._reasons.items():
            found |= dict.fromkeys((call, *_older(call)), reason)
            name, gpu, *_ = (*call.split(" "), "")
            if name.startswith("nvmlDevice") and gpu:
                failures[gpu] = failures.get(gpu, 0) + 1
                if failures[gpu] == MOST_OF_ONE:
                    found[f"nvmlDeviceGetHandleByIndex {gpu} {gpu}"] = reason
        return found


def _older(call: str) -> Iterator[str]:
    """The same call through older interfaces, which would fail in the same driver."""
    name, *numbers = call.split(" ")
    if name in PROCESS_LISTS.values():
        for version in ("_v2", "_v1"):
            yield " ".join((name + version, *numbers))
    elif name == "nvmlDeviceGetMemoryInfo":
        # The newer struct's version contains its size, which is far above any device index.
        yield " ".join((name, *(n for n in numbers if int(n) < 1 << 16)))
