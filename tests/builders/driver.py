"""A simulated driver that a watch looks at."""

from __future__ import annotations

from pathlib import Path

from tests.nvml import simulator

IDLE = (Path(__file__).parent.parent / "nvml" / "scenarios" / "idle" / "driver.txt").read_text(
    encoding="utf-8"
)


class Driver:
    """A simulated driver whose answers change while it is watched."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.answers()

    def answers(self, *entries: str) -> None:
        """An idle card, with these entries on top."""
        written = self._file.with_suffix(".new")
        written.write_text("\n".join((IDLE, *entries)) + "\n", encoding="utf-8")
        simulator.validate(written)
        written.replace(self._file)

    def holds(self, **amounts: int) -> None:
        """These pids hold so many MiB."""
        listed = " ".join(f"{pid[1:]}:{amount}MiB" for pid, amount in amounts.items())
        used = 4 + sum(amounts.values())
        self.answers(
            f"nvmlDeviceGetComputeRunningProcesses@0 = ok {listed}",
            f"nvmlDeviceGetMemoryInfo@0 = ok 40960MiB 594MiB {used}MiB {40366 - used}MiB",
        )
