"""The differ's laws: equal is empty, sides mirror, unknown is neither equal nor different."""

from __future__ import annotations

from hypothesis import given

from envprint.core.comparison import Change
from envprint.core.fingerprint import Fingerprint
from tests.builders.fingerprints import fingerprints
from tests.builders.judged import compare
from tests.builders.support import fingerprint


@given(fingerprints())
def test_nothing_differs_from_itself(one: Fingerprint) -> None:
    assert compare(one, one).changes == ()


@given(fingerprints(), fingerprints())
def test_swapping_the_sides_mirrors_every_change(one: Fingerprint, other: Fingerprint) -> None:
    mirror = {"added": "removed", "removed": "added", "changed": "changed"}
    forth = compare(one, other).changes
    back = compare(other, one).changes
    assert forth == tuple(Change(c.path, mirror[c.kind], c.after, c.before) for c in back)


@given(fingerprints(), fingerprints())
def test_what_is_unknown_on_a_side_is_never_a_change(one: Fingerprint, other: Fingerprint) -> None:
    paths = {change.path for change in compare(one, other).changes}
    assert paths.isdisjoint(one.unknown.keys() | other.unknown.keys())


def test_a_map_entry_that_appears_is_added_whole() -> None:
    before = fingerprint({"facts.packages.distributions": {}})
    after = fingerprint({"facts.packages.distributions[numpy]": {"version": "2.4.6"}})
    assert compare(before, after).changes == (
        Change("facts.packages.distributions[numpy]", "added", None, {"version": "2.4.6"}),
    )


def test_a_change_is_found_at_its_deepest_place() -> None:
    before = fingerprint({"facts.packages.distributions[numpy].version": "2.4.5"})
    after = fingerprint({"facts.packages.distributions[numpy].version": "2.4.6"})
    assert compare(before, after).changes == (
        Change("facts.packages.distributions[numpy].version", "changed", "2.4.5", "2.4.6"),
    )


def test_a_field_that_one_side_did_not_record_is_no_change() -> None:
    before = fingerprint({"facts.os.system": "Linux"})
    after = fingerprint({"facts.os.system": "Linux", "facts.os.libc": "glibc 2.36"})
    assert compare(before, after).changes == ()


def test_null_against_a_value_is_a_change() -> None:
    before = fingerprint({"facts.container.kind": None})
    after = fingerprint({"facts.container.kind": "docker"})
    assert compare(before, after).changes == (
        Change("facts.container.kind", "added", None, "docker"),
    )
