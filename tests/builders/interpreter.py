"""Interpreters to look at."""

from __future__ import annotations

from pathlib import Path

from envprint.machine.live import LiveHost


def observe(tmp_path: Path, script: str) -> dict[str, object]:
    """What a live host learns from an interpreter that is started by `script`."""
    starter = tmp_path / "python"
    starter.write_text(f"#!/bin/sh\n{script}\n")
    starter.chmod(0o755)
    return dict(LiveHost(str(starter)).interpreter())
