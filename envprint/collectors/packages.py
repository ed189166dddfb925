"""Every installed distribution: which build of which version, from where, installed by what.

Read by listing directories, never through importlib.metadata. A version alone does not tell two
builds apart; `build_id`, made of the digests in RECORD, does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from envprint.collectors._attempt import attempt, text_or_none
from envprint.collectors._conda import conda_packages
from envprint.collectors._distributions import Installed, distributions
from envprint.collectors._origin import ORIGIN, origin_of
from envprint.collectors._record import build_id, edited_files
from envprint.fields import FLAG, TEXT, Field, ListOf, MapOf, record
from envprint.host import Host
from envprint.model import Unknown

COPY = record(
    Field("version", TEXT, "Version of this copy."),
    Field("location", TEXT, "The search directory that holds it."),
)

FACTS = (
    Field(
        "distributions",
        MapOf(
            record(
                Field("version", TEXT, "Version; null when nothing says it."),
                Field("installer", TEXT, "Content of INSTALLER, such as pip, uv or conda."),
                Field(
                    "origin",
                    ORIGIN,
                    "By PEP 610's direct_url.json. Null when not recorded: installed by conda, by "
                    "the system's package manager, or by nothing that leaves a name.",
                ),
                Field("tags", ListOf(TEXT), "Sorted platform tags of the wheel; null without."),
                Field(
                    "build_id",
                    TEXT,
                    "Digest of the files the wheel brought, by RECORD: the same whatever installed "
                    "it. Null without RECORD or for an editable installation.",
                ),
                Field("location", TEXT, "The search directory that holds it."),
            )
        ),
        "The copy of each distribution that an import finds first, by normalised name.",
    ),
    Field(
        "duplicates",
        MapOf(ListOf(COPY)),
        "Distributions with more than one copy, all of them, the one that an import finds first.",
    ),
    Field(
        "conda",
        MapOf(
            record(
                Field("version", TEXT, "Version of the conda package."),
                Field("build", TEXT, "Build string, such as py311h64a7726_0."),
                Field("channel", TEXT, "URL of the channel, without credentials."),
            )
        ),
        "Packages in conda-meta of the prefix; empty outside conda.",
    ),
    Field(
        "files_verified",
        FLAG,
        "Whether every file was hashed again (`--deep`).",
        unwatched="says how `edited` came about",
    ),
    Field(
        "edited",
        MapOf(ListOf(TEXT)),
        "Distributions with files that differ from RECORD or are gone; known with `--deep` only.",
    ),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the search path of the interpreter, and from its prefix for conda."""
    prefix = str(host.interpreter()["prefix"])
    found = attempt(lambda: _without_sources(host, distributions(host)))
    return {
        **_installed(host, found),
        "conda": attempt(lambda: conda_packages(host, prefix)),
        "files_verified": host.deep(),
    }


def _installed(host: Host, found: Sequence[Installed] | Unknown) -> dict[str, Any]:
    if isinstance(found, Unknown):
        return dict.fromkeys(("distributions", "duplicates", "edited"), found)
    # The first copy wins, as an import finds it.
    first = {one.name: one for one in reversed(found)}
    shallow = Unknown("files are hashed again only with --deep")
    return {
        "distributions": {name: _describe(host, one) for name, one in first.items()},
        "duplicates": _duplicates(found),
        "edited": _edited(host, first) if host.deep() else shallow,
    }


def _describe(host: Host, one: Installed) -> dict[str, Any]:
    path = f"{one.directory}/{one.entry}"
    installer = attempt(lambda: _installer(host, path))
    if isinstance(installer, Unknown):
        origin: Any = installer
    else:
        origin = attempt(lambda: origin_of(host, path, installer))
    editable = isinstance(origin, dict) and origin["kind"] == "editable"
    return {
        "version": one.version,
        "installer": installer,
        "origin": origin,
        "tags": attempt(lambda: parse_tags(text_or_none(host, f"{path}/WHEEL"))),
        "build_id": None if editable else attempt(lambda: _build(host, path, one.entry)),
        "location": one.directory,
    }


def _installer(host: Host, path: str) -> str | None:
    return (text_or_none(host, f"{path}/INSTALLER") or "").strip() or None


def _build(host: Host, path: str, entry: str) -> str | None:
    try:
        return build_id(host.read(f"{path}/RECORD"), entry)
    except (FileNotFoundError, NotADirectoryError):
        return None


# Tag: cp311-cp311-manylinux_2_28_x86_64
# https://packaging.python.org/en/latest/specifications/binary-distribution-format/
def parse_tags(wheel: str | None) -> list[str] | None:
    """The tags in a WHEEL file, sorted; None without one."""
    if wheel is None:
        return None
    return sorted(line[4:].strip() for line in wheel.splitlines() if line.startswith("Tag:"))


def _without_sources(host: Host, found: Sequence[Installed]) -> list[Installed]:
    """`found` without the egg-info that building an editable installation leaves in its sources.

    Where the sources are on the search path, that is the same copy once more.
    """
    several = _duplicates(found).keys()
    sources = {}
    for one in found:
        if one.name in several and one.entry.endswith(".dist-info"):
            origin = attempt(partial(origin_of, host, f"{one.directory}/{one.entry}", None))
            if isinstance(origin, dict) and origin["kind"] == "editable":
                sources[one.name] = origin["url"].removeprefix("file://")
    return [one for one in found if not _lies_in(one, sources.get(one.name))]


def _lies_in(one: Installed, source: str | None) -> bool:
    return (
        source is not None
        and one.entry.endswith(".egg-info")
        and f"{one.directory}/".startswith(f"{source}/")
    )


def _duplicates(found: Sequence[Installed]) -> dict[str, list[dict[str, Any]]]:
    copies: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        version = None if isinstance(one.version, Unknown) else one.version
        copies.setdefault(one.name, []).append({"version": version, "location": one.directory})
    return {name: entries for name, entries in copies.items() if len(entries) > 1}


def _edited(host: Host, first: Mapping[str, Installed]) -> dict[str, list[str] | Unknown]:
    edited = {}
    for name, one in first.items():
        files = attempt(partial(_edited_files, host, one))
        if files:
            edited[name] = files
    return edited


def _edited_files(host: Host, one: Installed) -> list[str]:
    try:
        listed = host.read(f"{one.directory}/{one.entry}/RECORD")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return edited_files(host, one.directory, listed)
