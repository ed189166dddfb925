"""The record of a run, as a document."""

from __future__ import annotations

from typing import Any

GIB = 1 << 30


def a_record(name: str = "python", **parts: Any) -> dict[str, Any]:
    """Twenty minutes with a desktop, an intruder called `name` and a silence of the driver."""

    def at(minute: int) -> str:
        return f"2026-11-29T01:{minute:02}:00Z"

    moments = [
        {"gpu": "GPU-1", "seen_at": at(minute), "used_bytes": used * GIB, "own_bytes": own * GIB}
        for minute, used, own in ((0, 1, 0), (5, 5, 4), (10, 8, 4), (20, 5, 4))
    ]
    desktop = {"gpu": "GPU-1", "pid": 1201, "name": "Xorg", "own": False, "at_start": True}
    intruder = {"gpu": "GPU-1", "pid": 4711, "name": name, "own": False, "at_start": False}
    record = {
        "schema_version": "1.1",
        "envprint_version": "0.1.0",
        "command": {"name": "python", "arguments": 1, "digest": "sha256:0"},
        "started_at": at(0),
        "ended_at": at(20),
        "duration_s": 1200.0,
        "exit_code": 0,
        "signal": None,
        "left_behind": 0,
        "label": None,
        "note": None,
        "hash_seed": None,
        "preflight": {"impact": "none", "rules": [], "baseline": None},
        "digest_after": None,
        "changed_meanwhile": [],
        "gpus": {
            "status": "ok",
            "samples": 1200,
            "holders": [
                {**desktop, "seen_from": at(0), "seen_until": None, "peak_bytes": 1 * GIB},
                {**intruder, "seen_from": at(10), "seen_until": at(15), "peak_bytes": 3 * GIB},
            ],
            "gaps": [{"gpu": None, "reason": "hung", "seen_from": at(16), "seen_until": at(17)}],
            "used_peak_bytes": {"GPU-1": 8 * GIB},
            "own_peak_bytes": {"GPU-1": 4 * GIB},
            "memory": moments,
        },
        "memory_peak_bytes": None,
        "libraries": [],
        "interpreter": {"path": None, "reason": "x", "steps": [], "other_prefixes": []},
        "unknown": {},
    }
    return record | parts
