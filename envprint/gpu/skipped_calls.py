"""The calls that a watch leaves out for a time, because the driver crashed or hung in them.

One broken card must not hide the others, and one that has recovered is to be seen again. Calls are
named as the child names them: the function, the number of the GPU, further numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.machine.nvml.queries import PROCESS_LISTS

FIRST_S, LONGEST_S = 10.0, 600.0
"""For how long; twice as long each time, since a hang hides all GPUs until its time is over."""
MAX_FAILURES_OF_ONE = 3
"""After so many calls of one GPU it is left out whole: each of them has cost a child."""


class SkippedCalls:
    """Grows with every failure, until the driver answers all calls; times are monotonic."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._for_s = FIRST_S
        self._until_s = 0.0

    def add(self, call: str, reason: str, now_s: float) -> None:
        """The driver crashed or hung in this call."""
        self._reasons[call] = reason
        self._until_s = now_s + self._for_s
        self._for_s = min(2 * self._for_s, LONGEST_S)

    def clear(self) -> None:
        """The driver has answered, and no call was left out."""
        self._reasons.clear()
        self._for_s = FIRST_S

    def is_over(self, now_s: float) -> bool:
        """Whether all calls are to be tried again."""
        return now_s >= self._until_s

    def calls(self, now_s: float) -> dict[str, str]:
        """What a child that begins now leaves out, and why."""
        found: dict[str, str] = {}
        failures: dict[str, int] = {}
        for call, reason in () if self.is_over(now_s) else self._reasons.items():
            found |= dict.fromkeys((call, *_older(call)), reason)
            name, gpu, *_ = (*call.split(" "), "")
            if name.startswith("nvmlDevice") and gpu:
                failures[gpu] = failures.get(gpu, 0) + 1
                if failures[gpu] == MAX_FAILURES_OF_ONE:
                    found[f"nvmlDeviceGetHandleByIndex {gpu} {gpu}"] = reason
        return found


def _older(call: str) -> Iterator[str]:
    """The same asked through older interfaces, which are no way around a driver in trouble."""
    name, *numbers = call.split(" ")
    if name in PROCESS_LISTS.values():
        for version in ("_v2", "_v1"):
            yield " ".join((name + version, *numbers))
    elif name == "nvmlDeviceGetMemoryInfo":
        # The version of the newer struct is its size and more, far above the number of a device.
        yield " ".join((name, *(n for n in numbers if int(n) < 1 << 16)))
