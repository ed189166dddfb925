"""`pip inspect`, which says where each distribution came from."""

from __future__ import annotations

from tests.builders.records import PIP_INSPECT, take_in, version_of


def test_distributions_origins_and_the_environment_are_read() -> None:
    found = take_in(PIP_INSPECT)
    assert version_of(found, "numpy") == "1.26.4"
    origins = {
        name: entry["origin"] for name, entry in found.facts["packages"]["distributions"].items()
    }
    assert origins["numpy"]["kind"] == "index"
    assert origins["mine"] == {"kind": "editable", "vcs": None, "commit": None}
    assert origins["r"] == {
        "kind": "vcs",
        "url": "https://example.org/o/r",
        "vcs": "git",
        "commit": "7e1c",
    }
    assert found.value("facts.packages.distributions[r].installer") == "uv"
    assert found.facts["python"] == {"version": "3.11.7", "implementation": "cpython"}
    assert found.facts["os"] == {"system": "Linux", "kernel_release": "6.1.0-18-amd64"}
    assert found.value("facts.cpu.architecture") == "x86_64"
