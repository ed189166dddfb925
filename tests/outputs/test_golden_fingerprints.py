"""Each recorded machine as `envprint show` prints it, and as it is posted."""

from __future__ import annotations

from pathlib import Path

import pytest

from envprint.documents.codec import dumps, loads
from envprint.outputs.fingerprint import render
from envprint.outputs.fingerprints import markdown
from envprint.outputs.public import public_one
from tests.builders.golden_files import Golden

TESTS = Path(__file__).parent.parent
MACHINES = sorted(path.parent.name for path in TESTS.glob("hosts/*/fingerprint.json"))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_is_shown_and_posted_as_it_was(machine: str, golden: Golden) -> None:
    content = (TESTS / "hosts" / machine / "fingerprint.json").read_bytes()
    side = loads(content, machine)
    folder = TESTS / "golden" / "fingerprints"
    for name, text in (
        (f"{machine}.txt", render(side)),
        (f"{machine}.public.md", markdown.render(side)),
        (f"{machine}.public.json", dumps(public_one(side))),
    ):
        golden(folder / name, text)
