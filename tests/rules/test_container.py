"""Rules about containers and services: all of them advice."""

from __future__ import annotations

from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

LIMIT = "facts.container.memory_limit_bytes"
IMAGE = "facts.container.image"
SERVICE = "facts.container.notebook_service"


def test_a_lower_memory_limit_may_end_the_job() -> None:
    rule = "container-memory-limit-lowered"
    free, wide, tight = (fingerprint({LIMIT: value}) for value in (None, 64 << 30, 16 << 30))
    advice, undecided = drift(rule, wide, tight)
    assert [(f.impact, f.message) for f in advice] == [
        (Impact.BREAKS, "memory was 64.0 GiB, is limited to 16.0 GiB")
    ]
    assert undecided == []
    assert [f.message for f in drift(rule, free, tight)[0]] == [
        "memory was not limited, is limited to 16.0 GiB"
    ]
    assert drift(rule, tight, wide) == ([], [])
    assert drift(rule, tight, free) == ([], [])
    assert len(drift(rule, free, fingerprint(unknown={LIMIT: "denied"}))[1]) == 1


def test_another_image_is_advice() -> None:
    before, after = fingerprint({IMAGE: "a:1"}), fingerprint({IMAGE: "a:2"})
    advice, undecided = drift("container-changed", before, after)
    assert ([f.message for f in advice], undecided) == (["image was a:1, is a:2"], [])
    assert drift("container-changed", before, before) == ([], [])


def test_leaving_the_container_is_advice() -> None:
    before, after = fingerprint({"facts.container.kind": "docker"}), fingerprint()
    assert [f.message for f in drift("container-changed", before, after)[0]] == [
        "kind was docker, is none"
    ]


def test_an_image_that_neither_side_can_see_is_no_doubt() -> None:
    unknown = fingerprint(unknown={IMAGE: "not visible from inside"})
    assert drift("container-changed", unknown, unknown) == ([], [])
    assert len(drift("container-changed", fingerprint({IMAGE: "a:1"}), unknown)[1]) == 1


def test_a_managed_service_is_named() -> None:
    advice, undecided = state("container-managed-service", fingerprint({SERVICE: "colab"}))
    assert ([f.message for f in advice], undecided) == (["this is a session of colab"], [])
    assert state("container-managed-service", fingerprint()) == ([], [])
    assert len(state("container-managed-service", fingerprint(unknown={SERVICE: "?"}))[1]) == 1
