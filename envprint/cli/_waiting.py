"""Waits until the GPUs are free enough, and their memory has settled."""

from __future__ import annotations

import time
from collections.abc import Callable

from envprint.errors import Undetermined
from envprint.model import Fingerprint, Impact
from envprint.report import Report

WAITED_FOR = (
    "gpu-convolution-workspace-short",
    "gpu-exclusive-taken",
    "gpu-memory-free-low",
    "gpu-memory-held-by-others",
    "gpu-memory-unattributed",
)
"""The rules about what other programs give back when they end."""
PAUSE_S = 2.0
SETTLED_BYTES = 16 << 20
"""Two looks that differ by less see memory that is not being released any more."""


def wait(
    capture: Callable[[], Fingerprint],
    judge: Callable[[Fingerprint], Report],
    fail_on: Impact,
    limit_s: float,
    tell: Callable[[str], None],
) -> Fingerprint:
    """The first capture whose GPUs are free and settled, or the last one before `limit_s`.

    What is waited for is told when it changes.
    """
    until, told, before = time.monotonic() + limit_s, "", None
    while True:
        now = capture()
        lack = _lack(judge(now), fail_on)
        left_s = until - time.monotonic()
        settled = _are_alike(_free(now), before)
        if left_s <= 0 or (not lack and settled):
            return now
        text = lack or "free memory of the GPUs has not settled yet"
        if text != told:
            tell(f"waiting, {left_s:.0f} s at most: {text}")
        told, before = text, _free(now)
        time.sleep(min(PAUSE_S, max(0.0, left_s)))


def _lack(report: Report, fail_on: Impact) -> str:
    """What is to be waited for, in words; empty when there is nothing."""
    return "; ".join(
        finding.message
        for finding in report.findings
        if finding.rule in WAITED_FOR and finding.impact >= fail_on
    )


def _free(now: Fingerprint) -> dict[str, int]:
    """Free bytes by GPU, of those that tell."""
    try:
        devices = now.value("live.gpu.devices") or {}
    except Undetermined:
        return {}
    found = {key: device.get("memory_free_bytes") for key, device in devices.items()}
    return {key: free for key, free in found.items() if free is not None}


def _are_alike(now: dict[str, int], before: dict[str, int] | None) -> bool:
    if before is None:
        return not now
    return now.keys() == before.keys() and all(
        abs(free - before[key]) < SETTLED_BYTES for key, free in now.items()
    )
