"""What of a record can be installed elsewhere, and what a document cannot smuggle in."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.errors import UnknownValueError
from envprint.isolate.wanted import Wanted, wanted_of
from tests.builders.support import fingerprint

INDEX = {"kind": "index", "url": None, "vcs": None, "commit": None}
GIT = "https://example.org/team/tool"
COMMIT = "7e1c" * 10


def entry(version: object, **fields: Any) -> dict[str, Any]:
    return {
        "version": version, "installer": "pip", "origin": INDEX, "tags": ["py3-none-any"],
        "build_id": "abc", **fields,
    }  # fmt: skip


def wanted(*, trust: bool = False, **distributions: dict[str, Any]) -> Wanted:
    named = {name.replace("_", "-"): found for name, found in distributions.items()}
    side = fingerprint({"facts.packages.distributions": named, "facts.python.version": "3.11.7"})
    return wanted_of(side, trust=trust)


def requirements(found: Wanted) -> list[str]:
    return [pin.requirement for pin in found.pins]


def reasons(found: Wanted) -> list[str]:
    return list(map(str, found.lacking))


def test_each_distribution_is_pinned_with_what_shows_its_build() -> None:
    found = wanted(numpy=entry("2.4.6"), ml_dtypes=entry("0.6.0rc1"))
    assert found.python == "3.11.7"
    assert requirements(found) == ["ml-dtypes==0.6.0rc1", "numpy==2.4.6"]
    assert (found.pins[1].build_id, found.pins[1].tags) == ("abc", ("py3-none-any",))
    assert (found.lacking, found.notes) == ((), ())


@pytest.mark.parametrize(
    ("name", "version", "place"),
    [
        ("torch", "2.13.0+cpu", "https://download.pytorch.org/whl/cpu"),
        ("torchvision", "0.28.0+cu130", "https://download.pytorch.org/whl/cu130"),
        ("torchaudio", "2.1.0+rocm5.6", "https://download.pytorch.org/whl/rocm5.6"),
        ("torch", "2.13.0+mine", None),
        ("acme", "1.0+cpu", None),
        ("torch", "2.13.0", None),
    ],
)
def test_a_local_version_is_looked_for_where_its_project_publishes_it(
    name: str, version: str, place: str | None
) -> None:
    (pin,) = wanted(**{name: entry(version)}).pins
    assert pin.published_at == place


def test_that_the_index_of_a_local_version_is_not_recorded_is_shown() -> None:
    notes = wanted(torch=entry("2.13.0+cpu"), acme=entry("1.0+mine"), numpy=entry("2.4.6")).notes
    assert notes == (
        "acme 1.0+mine: no index is known that has builds with +mine",
        "torch 2.13.0+cpu: the record does not name its index; builds with +cpu are at "
        "https://download.pytorch.org/whl/cpu",
    )


def direct(kind: str, url: str | None, vcs: str | None = None, commit: object = None) -> Any:
    return entry("1.0", origin={"kind": kind, "url": url, "vcs": vcs, "commit": commit})


def test_what_is_not_from_an_index_is_never_looked_up_on_one() -> None:
    found = wanted(
        archive=direct("archive", "file:///home/me/a b.whl"),
        editable=direct("editable", "file:///home/me/tool"),
        local=direct("local", "file:///home/me/other"),
        vcs=direct("vcs", GIT, "git", COMMIT),
    )
    assert found.pins == ()
    assert reasons(found) == [
        "archive 1.0: installed from the file 'file:///home/me/a b.whl'",
        "editable 1.0: an editable installation of the directory file:///home/me/tool, which "
        "only that machine has",
        "local 1.0: installed from the directory file:///home/me/other, which only that machine "
        "has",
        f"vcs 1.0: installed from the repository {GIT} at {COMMIT}",
    ]


def test_an_address_of_a_document_is_used_if_it_is_trusted() -> None:
    found = wanted(
        trust=True,
        archive=direct("archive", "https://example.org/a-1.0-py3-none-any.whl"),
        vcs=direct("vcs", GIT, "git", COMMIT),
        editable=direct("editable", "file:///home/me/tool"),
    )
    assert requirements(found) == [
        "archive @ https://example.org/a-1.0-py3-none-any.whl",
        f"vcs @ git+{GIT}@{COMMIT}",
    ]
    assert [lack.name for lack in found.lacking] == ["editable"]


@pytest.mark.parametrize(
    ("url", "commit"),
    [
        ("https://<hidden>@example.org/tool", COMMIT),
        ("https://me:word@example.org/tool", COMMIT),
        ("file:///home/me/tool", COMMIT),
        ("ssh://git@example.org/tool", COMMIT),
        ("http://example.org/tool", COMMIT),
        ("https://example.org/tool --index-url https://evil.example", COMMIT),
        ("https://example.org/tool\n-e .", COMMIT),
        ("--upload-pack=touch", COMMIT),
        (GIT, "main"),
        (GIT, "--help"),
        (GIT, None),
        (GIT, 7),
        (None, COMMIT),
    ],
)
def test_a_strange_address_is_not_used_even_if_it_is_trusted(
    url: str | None, commit: object
) -> None:
    found = wanted(trust=True, tool=direct("vcs", url, "git", commit))
    assert found.pins == ()
    assert "word" not in reasons(found)[0]


HOSTILE = ["--index-url=https://evil.example", "a; touch /tmp/x", "-e .", "../up", "a b", "", "ä"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strange_name_or_version_is_no_pin(text: str) -> None:
    assert wanted(**{text: entry("1.0")}).pins == ()
    assert wanted(numpy=entry(text)).pins == ()


def test_a_version_that_is_unknown_or_absent_is_named() -> None:
    assert reasons(wanted(numpy=entry(None))) == ["numpy: its version is not recorded"]
    path = "facts.packages.distributions[numpy].version"
    side = fingerprint({"facts.python.version": "3.11.7"}, {path: "not readable"})
    side = side._replace(
        facts={**side.facts, "packages": {"distributions": {"numpy": {"origin": INDEX}}}}
    )
    assert reasons(wanted_of(side)) == ["numpy: its version is not recorded"]


def test_what_another_package_manager_installed_is_shown() -> None:
    found = wanted(numpy=entry("2.4.6", installer="conda", origin=None))
    assert requirements(found) == ["numpy==2.4.6"]
    assert found.notes == (
        "1 of the distributions were installed by conda (numpy): an index has other builds of "
        "the same versions; environment.yml names conda's",
    )


def test_distributions_that_are_unknown_are_an_error_with_the_reason() -> None:
    side = fingerprint(
        {"facts.python.version": "3.11.7"}, {"facts.packages.distributions": "not readable"}
    )
    with pytest.raises(UnknownValueError, match="not readable"):
        wanted_of(side)


def test_what_was_edited_or_there_twice_is_shown() -> None:
    side = fingerprint(
        {
            "facts.packages.distributions": {"numpy": entry("2.4.6")},
            "facts.packages.edited": {"numpy": ["numpy/core.py"]},
            "facts.packages.duplicates": {"six": []},
        }
    )
    assert wanted_of(side).notes == (
        "numpy: 1 file edited there, which an index has unedited",
        "six: several copies there; the one that an import finds first is installed",
    )
    assert wanted_of(side).python == ""
