"""Which engine a process runs in, and what that has set."""

from __future__ import annotations

import pytest

from envprint import knowledge
from envprint.collectors._runner import capture
from envprint.core.known_variables import ENGINES
from envprint.knowledge.engines import TABLE, engine_of, set_by
from tests.builders.support import host

TORCHRUN = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}


def test_every_engine_of_the_table_can_be_recognised() -> None:
    known = {engine for _, engine in ENGINES}
    known |= {entry["launcher"] for entry in knowledge.entries("launchers")}
    assert {entry["engine"] for entry in knowledge.entries(TABLE)} <= known


@pytest.mark.parametrize(
    ("variables", "engine"),
    [
        ({}, None),
        ({"OMP_NUM_THREADS": "1"}, None),
        ({"RAY_RAYLET_PID": "7"}, "Ray"),
        ({"__DASK_PARENT_PID": "7", "SLURM_PROCID": "0"}, "Dask"),
        (TORCHRUN, "torchrun"),
        ({"SLURM_PROCID": "0", "SLURM_STEP_ID": "0"}, "srun"),
    ],
)
def test_a_process_is_in_the_engine_that_started_it(
    variables: dict[str, str], engine: str | None
) -> None:
    assert engine_of(variables) == engine


@pytest.mark.parametrize("via", ["cli", "python"])
def test_a_capture_says_in_which_engine_it_was_made_and_its_digest_does_not(via: str) -> None:
    asked = {"now": "2026-11-29T07:00:00Z", "identity": {"home": "/home/me"}}
    outside = capture(host(environ={}, **asked), via=via)
    inside = capture(host(environ={"RAY_RAYLET_PID": "7"}, **asked), via=via)
    assert (outside.captured_via, outside.engine) == (via, None)
    assert (inside.captured_via, inside.engine) == (f"{via}:Ray", "Ray")
    assert inside.digest == outside.digest


def test_an_unknown_engine_sets_nothing_that_is_known() -> None:
    assert set_by("Another one") == ()
    assert "OMP_NUM_THREADS" in set_by("torchrun")
