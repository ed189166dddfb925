"""Digests and comparisons that do not depend on where an environment lies."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.fingerprint import Location, alike, digest_facts
from envprint.documents import codec
from envprint.documents.codec import fingerprint_shape
from envprint.judging.compare import compare
from tests.builders.support import fingerprint


def environment(prefix: str, **other: Any) -> dict[str, Any]:
    """The facts of an environment at `prefix`, with one distribution in it."""
    return {
        "facts.python.prefix": prefix,
        "facts.python.search_path": ["/usr/lib/python3.11", f"{prefix}/lib/python3.11"],
        "facts.environ.variables": {"LD_LIBRARY_PATH": f"{prefix}/lib:/opt/cuda/lib"},
        "facts.packages.distributions": {"demo": {"version": "1", "location": f"{prefix}/lib"}},
        **other,
    }


def digest(facts: dict[str, Any]) -> str:
    return fingerprint(facts).digest


@pytest.mark.parametrize(
    "prefix",
    ["~/venv", "/opt/a b/venv", "/home/\u00fc/venv", '/x/quo"te', "/x/back\\slash", "/x/(v+)"],
)
def test_equal_environments_in_two_places_have_equal_digests(prefix: str) -> None:
    here, there = fingerprint(environment("/srv/venv")), fingerprint(environment(prefix))
    assert here.digest == there.digest
    assert here.section_digests == there.section_digests
    changes = compare(here, there, fingerprint_shape()).changes
    assert [change.path for change in changes] == ["facts.python.prefix"]


@given(
    st.sampled_from(["/a", "/a/b", "/ab", r"C:\\x", "/a b", "~/x"]),
    st.lists(st.sampled_from([*"/ab:, -_.~", "PREFIX", r"\\", '"', "\u00e9"]), max_size=9),
)
def test_only_whole_paths_are_marks(prefix: str, pieces: list[str]) -> None:
    text = '"' + "".join(pieces).replace("PREFIX", prefix) + '"'
    whole = rf'(?<![\w.~/-]){re.escape(prefix)}(?=[/":;, \\])'
    assert Location(prefix).removed(text) == re.sub(whole, lambda _: r"\u0000prefix", text)


@pytest.mark.parametrize(
    "entry",
    [
        "/home/me/src",  # a .pth to the outside
        "/srv/venv2/lib",  # begins like the prefix, but lies beside it
        "/mnt/srv/venv/lib",  # ends like it
        "/srv",
    ],
)
def test_a_path_outside_the_prefix_counts(entry: str) -> None:
    plain = environment("/srv/venv")
    more = [*plain["facts.python.search_path"], entry]
    assert digest(plain) != digest(environment("/srv/venv", **{"facts.python.search_path": more}))
    other = [*plain["facts.python.search_path"], f"{entry}x"]
    assert digest(environment("/srv/venv", **{"facts.python.search_path": more})) != digest(
        environment("/srv/venv", **{"facts.python.search_path": other})
    )


def test_a_path_in_one_environment_is_not_the_same_path_outside_the_other() -> None:
    inside = environment("/a", **{"facts.cuda.driver_library": {"path": "/a/lib/libcuda.so"}})
    outside = environment("/b", **{"facts.cuda.driver_library": {"path": "/a/lib/libcuda.so"}})
    assert digest(inside) != digest(outside)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/tmp/dask-scratch-space/worker-k3l2x0a1", "/tmp/dask-scratch-space/worker-9_zzb4qe"),
        ("/tmp/dask-scratch-space-1000/worker-k3l2x0a1", "/job7/dask-scratch-space/worker-9zz"),
        (
            "/tmp/ray/session_2026-11-20_09-12-44_123456_789/runtime_resources/x",
            "/tmp/ray/session_2026-11-21_10-00-00_654321_12/runtime_resources/x",
        ),
        (
            "/tmp/spark-00000000-1111-2222-3333-444444444444/userFiles-"
            "00000000-1111-2222-3333-444444444444",
            "/tmp/spark-99999999-1111-2222-3333-444444444444/userFiles-"
            "99999999-1111-2222-3333-444444444444",
        ),
    ],
)
def test_the_scratch_directories_of_two_workers_do_not_differ(one: str, other: str) -> None:
    sides = [
        fingerprint(environment("/srv/venv", **{"facts.python.search_path": [path, "/usr/lib"]}))
        for path in (one, other)
    ]
    assert sides[0].digest == sides[1].digest
    assert not compare(*sides, fingerprint_shape()).changes


@pytest.mark.parametrize("prefix", ["/", "", None, "//"])
def test_without_a_prefix_of_its_own_nothing_is_replaced(prefix: str | None) -> None:
    facts = {"python": {"prefix": prefix, "search_path": ["/lib"]}}
    assert digest_facts(facts) == digest_facts(facts, form=1)


def test_a_document_of_form_1_gets_the_digest_of_form_2_and_both_are_valid() -> None:
    new = json.loads(codec.dumps(fingerprint(environment("/srv/venv"))))
    old = {**new, "schema_version": "1.0"}
    del old["digest_form"]
    old["section_digests"], old["digest"] = digest_facts(old["facts"], form=1)
    assert old["digest"] != new["digest"]
    read = codec.loads(json.dumps(old).encode(), "old")
    assert (read.digest, read.digest_form) == (new["digest"], 2)
    assert read.section_digests == new["section_digests"]


def test_the_time_grows_with_the_text_alone() -> None:
    def seconds(count: int) -> float:
        text = json.dumps(["/srv/venv/" + "/session_" * count, '"' * count, "/" * count])
        begun = time.process_time()
        Location("/srv/venv").removed(text)
        return time.process_time() - begun

    assert seconds(80_000) < 30 * max(seconds(8_000), 0.0005)


def test_lists_and_texts_compare_without_their_places() -> None:
    places = Location("/a"), Location("/b")
    assert alike(["/a/x", "/usr"], ["/b/x", "/usr"], places)
    assert not alike(["/a/x"], ["/a/x"], places)
