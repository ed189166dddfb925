"""Waits until the GPUs are known to be free enough and their memory use is stable."""

from __future__ import annotations

import time
from collections.abc import Callable

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report

WAITED_FOR = (
    "gpu-convolution-workspace-short",
    "gpu-exclusive-taken",
    "gpu-memory-free-low",
    "gpu-memory-held-by-others",
    "gpu-memory-unattributed",
)
"""Rules about what other programs release when they end."""
DECIDED_BY = "gpu-memory-free-low"
"""The rule that needs the free memory of every GPU visible to the job."""
GPUS = ("facts.gpu.devices", "live.gpu.devices")
PAUSE_S = 2.0
SETTLED_BYTES = 16 << 20
"""Bytes. A smaller difference between two looks means that no memory is being released."""


def wait(
    capture: Callable[[], Fingerprint],
    judge: Callable[[Fingerprint], Report],
    fail_on: Impact,
    limit_s: float,
    tell: Callable[[str], None],
) -> Fingerprint:
    """The first capture whose GPUs are free and stable, or the last one before `limit_s`.

    `tell` gets what is waited for whenever that changes, and at the end what remained unknown.
    """
    until, message, before = time.monotonic() + limit_s, "", None
    while True:
        now = capture()
        report, free = judge(now), _free(now)
        left_s = until - time.monotonic()
        reason = _unknown_reason(report, fail_on)
        text = _lack(report, fail_on) or reason or _unsettled(free, before)
        if not text:
            return now
        if left_s <= 0:
            if reason:
                tell(f"{limit_s:.0f} s are over: {reason}")
            return now
        if text != message:
            tell(f"waiting, {left_s:.0f} s at most: {text}")
        message, before = text, free
        time.sleep(min(PAUSE_S, left_s))


def _lack(report: Report, fail_on: Impact) -> str:
    """What is to be waited for, in words; empty if nothing is."""
    return "; ".join(
        finding.message
        for finding in report.findings
        if finding.rule in WAITED_FOR and finding.impact >= fail_on
    )


def _unknown_reason(report: Report, fail_on: Impact) -> str:
    """Why the driver does not show whether the GPUs are free, in words; empty if it does."""
    for entry in report.undecided:
        # Which GPUs, or parts of them, the job gets does not depend on time.
        is_silence = entry.path.startswith(GPUS) and not entry.path.endswith(".mig_devices")
        if entry.rule == DECIDED_BY and entry.impact >= fail_on and is_silence:
            return f"free memory of the GPUs is unknown: {entry.reason}"
    return ""


def _free(now: Fingerprint) -> dict[str, int]:
    """Free bytes by GPU, where known."""
    devices = now.get("live.gpu.devices", {})
    found = {key: device.get("memory_free_bytes") for key, device in devices.items()}
    return {key: free for key, free in found.items() if free is not None}


def _unsettled(now: dict[str, int], before: dict[str, int] | None) -> str:
    """The memory that is still being released, in words; empty if two looks agree."""
    known = before or {}
    if now.keys() == known.keys() and all(
        abs(free - known[key]) < SETTLED_BYTES for key, free in now.items()
    ):
        return ""
    return "free memory of the GPUs has not settled yet"
