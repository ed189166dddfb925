"""Commands whose every output fails."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent.parent
MACHINE = json.loads((HERE / "hosts" / "debian12-cpu-vm" / "host.json").read_text("utf-8"))[
    "answers"
]
