"""The recorded machines of tests/hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HOSTS = Path(__file__).parent.parent / "hosts"
MACHINES = sorted(path.parent.name for path in HOSTS.glob("*/host.json"))


def recorded(machine: str) -> Any:
    """The content of a machine's host.json."""
    return json.loads((HOSTS / machine / "host.json").read_text(encoding="utf-8"))
