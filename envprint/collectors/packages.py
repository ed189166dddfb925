"""Every installed distribution: which build of which version, from where, installed by what.

Read by listing directories, never through importlib.metadata. A version alone does not tell two
builds apart; `build_id`, made of the digests in RECORD, does.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from envprint.collectors._conda import conda_packages
from envprint.collectors._dist_info import Installed, distributions
from envprint.collectors._requirements import Metadata, unmet_of
from envprint.collectors._takes_part import Listed, listed, takes_part
from envprint.core.fields import FLAG, TEXT, Field, ListOf, MapOf, record
from envprint.core.fingerprint import Unknown
from envprint.core.redact import Seal, safe_text
from envprint.machine.attempt import attempt, reason_of, text_or_none
from envprint.machine.host import Host

# The build, identified by RECORD, the list of a distribution's files and their hashes. Every
# installer unpacks the same files from a wheel, adds a few of its own and rewrites the list. A
# digest of the list without these distinguishes two builds of a version and needs no other file.
# Works on lines of bytes, as the lists of a common environment have 50,000 of them.

ADDED = (b"INSTALLER,", b"REQUESTED,", b"direct_url.json,", b"provenance_url.json,", b"uv_")
"""Continuation, after the dist-info directory, of the lines that an installer adds."""

SCRIPTS = (b"bin/", b"Scripts/")
"""Folders outside the library whose files an installer generates or rewrites."""

BUILD_ID_FORM = "build id 2"
"""Changes with what `_of_record` makes of a RECORD: what has another form is computed again."""
REQUESTED = "requested "
"""Stands before the build id of a distribution that was installed by name."""


# numpy/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
# numpy/__pycache__/__init__.cpython-311.pyc,,
# ../../../bin/f2py,sha256=Ay8ZYX6wRrC6eRfl7QSuKFIUNUqWkT4ZD5dGX0bMgUI,220
# https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
def build_id(record: bytes, entry: str) -> str:
    """A digest of the files from the wheel; `entry` is the name of its dist-info directory.

    Equal for pip and uv, independent of order and line ends. Omits what installers add (`ADDED`),
    compiled bytecode, and everything in `bin`, where scripts name their interpreter.
    """
    crlf = record.endswith(b"\r\n")
    # RECORD itself, and bytecode compiled after the installation, have no hash.
    bare = b",\r" if crlf else b","
    cut = -len(bare)
    lines = [line for line in record.split(b"\n") if line[cut:] != bare]
    lines.sort()
    _replace(lines, f"{entry}/".encode(), _brought)
    _replace(lines, b"../", _outside)
    end = b"\n" if crlf else b"\r\n"
    content = end.join(lines)
    if b".pyc," in content:
        content = end.join(line for line in lines if b".pyc," not in line)
    return sha256(content.strip()).hexdigest()[:32]


# Installers leave an empty file for what a user named, and none for what that needs.
# https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-requested-file
def _of_record(path: str, record: bytes) -> str:
    entry = path.split("/")[-2]
    is_named = f"{entry}/REQUESTED,".encode() in record
    return (REQUESTED if is_named else "") + build_id(record, entry)


def _replace(
    lines: list[bytes], prefix: bytes, replacement: Callable[[list[bytes], bytes], list[bytes]]
) -> None:
    """Replace the lines that begin with `prefix`, which are adjacent in the sorted `lines`."""
    start, end = bisect_left(lines, prefix), bisect_right(lines, prefix + b"\xff")
    lines[start:end] = replacement(lines[start:end], prefix)


def _brought(lines: list[bytes], prefix: bytes) -> list[bytes]:
    return [line for line in lines if not line.startswith(ADDED, len(prefix))]


def _outside(lines: list[bytes], prefix: bytes) -> list[bytes]:
    """Data files outside the library, without the relative path to them, which varies."""
    files = (line.replace(prefix, b"") for line in lines)
    return sorted(file for file in files if not file.startswith(SCRIPTS))


# The origin of a distribution, as recorded by its installer (PEP 610). Installers write
# direct_url.json for everything except an index, so its absence means an index, provided that the
# installer supports the file.

ORIGIN = record(
    Field("kind", TEXT, "index, vcs, editable, local (a directory) or archive (one file)."),
    Field("url", TEXT, "Where it came from, without credentials; null for an index."),
    Field("vcs", TEXT, "Version control system, such as git; null for others."),
    Field("commit", TEXT, "The commit that was installed; null for others."),
)
NOT_FROM_AN_INDEX = frozenset(["conda", "debian", "rpm", "apk", "portage", "pacman"])
"""Values of INSTALLER that mean packages from a distribution's own repository."""


def origin_of(host: Host, path: str, installer: str | None) -> dict[str, Any] | None:
    """The origin of the distribution described in the dist-info directory `path`.

    Raises `OSError`, and `ValueError` for an invalid direct_url.json.
    """
    if installer and installer.lower() in NOT_FROM_AN_INDEX:
        return None
    text = text_or_none(host, f"{path}/direct_url.json")
    if text is not None:
        return parse_direct_url(text, host.seal)
    if installer is None:
        return None
    return {"kind": "index", "url": None, "vcs": None, "commit": None}


# {"url": "https://github.com/o/p", "vcs_info": {"vcs": "git", "commit_id": "7e1c…"}}
# {"url": "file:///home/me/p", "dir_info": {"editable": true}}
# https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
def parse_direct_url(text: str, seal: Seal | None = None) -> dict[str, Any]:
    """The origin in a direct_url.json. Raises `ValueError` on anything else."""
    data = json.loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("url"), str):
        raise ValueError("direct_url.json without url")
    vcs, directory = data.get("vcs_info"), data.get("dir_info")
    if isinstance(vcs, dict):
        kind = "vcs"
    elif isinstance(directory, dict):
        kind = "editable" if directory.get("editable") is True else "local"
    else:
        kind = "archive"
    vcs = vcs if isinstance(vcs, dict) else {}
    return {
        "kind": kind,
        "url": safe_text(data["url"], seal),
        "vcs": _text(vcs.get("vcs")),
        "commit": _text(vcs.get("commit_id")),
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


COPY = record(
    Field("version", TEXT, "Version of this copy."),
    Field("location", TEXT, "The search directory that contains it."),
)

FACTS = (
    Field(
        "distributions",
        MapOf(
            record(
                Field("version", TEXT, "Version; null if none is recorded."),
                Field("installer", TEXT, "Content of INSTALLER, such as pip, uv or conda."),
                Field(
                    "origin",
                    ORIGIN,
                    "From PEP 610's direct_url.json. Null if not recorded: installed by conda, by "
                    "the system's package manager, or by something that leaves no name.",
                ),
                Field("tags", ListOf(TEXT), "Sorted platform tags of the wheel; null without."),
                Field(
                    "build_id",
                    TEXT,
                    "Digest of the wheel's files, from RECORD: independent of the installer. Null "
                    "without RECORD or for an editable installation.",
                ),
                Field("location", TEXT, "The search directory that contains it."),
                Field(
                    "takes_part",
                    FLAG,
                    "Whether its own metadata says that it takes part in a training result. Null "
                    "if the metadata does not show it, and for distributions whose role envprint "
                    "knows.",
                ),
            )
        ),
        "The copy of each distribution that an import finds first, by normalised name.",
    ),
    Field(
        "requested",
        ListOf(TEXT),
        "Distributions that were installed by name and not because others need them, according to "
        "REQUESTED files and direct_url.json; in no digest. Null if no installer recorded that.",
        unwatched="orders what is not judged: the requested first",
    ),
    Field(
        "duplicates",
        MapOf(ListOf(COPY)),
        "Distributions with more than one copy, with all copies; the one that an import finds "
        "comes first.",
    ),
    Field(
        "unmet",
        MapOf(
            ListOf(
                record(
                    Field("name", TEXT, "Normalised name of what is required."),
                    Field("specifier", TEXT, "The versions that would do; empty for any."),
                    Field("installed", TEXT, "The installed version; null without one."),
                )
            )
        ),
        "Requirements in the metadata of distributions that may take part in a result and that "
        "nothing installed fulfils. Extras are not counted, as nothing records which were wanted.",
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
        unwatched="shows how `edited` was found",
    ),
    Field(
        "edited",
        MapOf(ListOf(TEXT)),
        "Distributions with files that differ from RECORD or are missing; known with `--deep` "
        "only.",
    ),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the interpreter's search path and, for conda, from its prefix."""
    prefix = str(host.interpreter()["prefix"])
    found = attempt(lambda: _without_sources(host, distributions(host)))
    return {
        **_installed(host, found),
        "conda": attempt(lambda: conda_packages(host, prefix)),
        "files_verified": host.verify_files(),
    }


def _installed(host: Host, found: Sequence[Installed] | Unknown) -> dict[str, Any]:
    if isinstance(found, Unknown):
        names = ("distributions", "requested", "duplicates", "edited", "unmet")
        return dict.fromkeys(names, found)
    # The first copy wins, as in an import.
    first = {one.name: one for one in reversed(found)}
    known = listed()
    metadata = {
        name: attempt(partial(_metadata, host, one))
        for name, one in first.items()
        if known.part(name) is not False
    }
    versions = {name: _text(one.version) for name, one in first.items()}
    described = {
        name: _describe(host, one, _own_word(known, name, metadata.get(name)))
        for name, one in first.items()
    }
    builds = _builds(host, first, described)
    return {
        "distributions": {
            name: {**fields, "build_id": _bare(builds.get(name))}
            for name, fields in described.items()
        },
        "requested": _requested(described, builds),
        "duplicates": _duplicates(found),
        "edited": _edited(host, first) if host.verify_files() else _SHALLOW,
        "unmet": unmet_of(host, versions, metadata),
    }


_MARK_ALL = ("uv",)
"""Installers that mark what others need as well, so that the mark tells nothing (uv 0.13)."""


def _bare(build: str | Unknown | None) -> str | Unknown | None:
    return build.removeprefix(REQUESTED) if isinstance(build, str) else build


def _requested(
    described: Mapping[str, Mapping[str, Any]], builds: Mapping[str, str | Unknown]
) -> list[str] | None:
    """What was installed by name, sorted; None if no installer recorded that."""
    marked = [
        name
        for name, build in builds.items()
        if str(build).startswith(REQUESTED) and described[name]["installer"] not in _MARK_ALL
    ]
    places = {name: fields["origin"] for name, fields in described.items()}
    # A directory, an archive or a repository is named by whoever installs from it.
    given = [n for n, one in places.items() if isinstance(one, dict) and one["kind"] != "index"]
    return sorted({*marked, *given}) if marked else None


_SHALLOW = Unknown("files are hashed again only with --deep")


def _edited(host: Host, first: Mapping[str, Installed]) -> Mapping[str, list[str] | Unknown]:
    from envprint.collectors._edited_files import edited  # hardly anybody asks for it

    return edited(host, first)


def _describe(host: Host, one: Installed, part: bool | Unknown | None) -> dict[str, Any]:
    path = f"{one.directory}/{one.entry}"
    installer = attempt(lambda: _installer(host, path))
    if isinstance(installer, Unknown):
        origin: Any = installer
    else:
        origin = attempt(lambda: origin_of(host, path, installer))
    return {
        "version": one.version,
        "installer": installer,
        "origin": origin,
        "tags": attempt(lambda: parse_tags(text_or_none(host, f"{path}/WHEEL"))),
        "location": one.directory,
        "takes_part": part,
    }


def _own_word(known: Listed, name: str, metadata: Metadata) -> bool | Unknown | None:
    """What METADATA says of taking part, for a distribution that no table lists."""
    if known.part(name) is not None or not isinstance(metadata, bytes):
        return metadata if isinstance(metadata, Unknown) else None
    return takes_part(metadata)


def _metadata(host: Host, one: Installed) -> bytes | None:
    """METADATA without the description; None if there is none. Raises `OSError`."""
    try:
        content = host.read(f"{one.directory}/{one.entry}/METADATA")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return content.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"


def _installer(host: Host, path: str) -> str | None:
    return (text_or_none(host, f"{path}/INSTALLER") or "").strip() or None


def _builds(
    host: Host, first: Mapping[str, Installed], described: Mapping[str, Any]
) -> dict[str, str | Unknown]:
    """The build id of each distribution with a RECORD that lists the files in use."""
    origins = {name: described[name]["origin"] for name in first}
    paths = {
        f"{one.directory}/{one.entry}/RECORD": name
        for name, one in first.items()
        if not (isinstance(origins[name], dict) and origins[name]["kind"] == "editable")
    }
    found = host.computed(list(paths), BUILD_ID_FORM, _of_record)
    return {
        paths[path]: build if isinstance(build, str) else Unknown(reason_of(build))
        for path, build in found
        if not isinstance(build, (FileNotFoundError, NotADirectoryError))
    }


# Tag: cp311-cp311-manylinux_2_28_x86_64
# https://packaging.python.org/en/latest/specifications/binary-distribution-format/
def parse_tags(wheel: str | None) -> list[str] | None:
    """The tags in a WHEEL file, sorted; None without one."""
    if wheel is None:
        return None
    return sorted(line[4:].strip() for line in wheel.splitlines() if line.startswith("Tag:"))


def _without_sources(host: Host, found: Sequence[Installed]) -> list[Installed]:
    """`found` without the egg-info that an editable installation leaves in its sources.

    If the sources are on the search path, it is a duplicate.
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
