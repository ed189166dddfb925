"""Every installed distribution: which build of which version, from where, installed by what.

Read by listing directories, never through importlib.metadata. A version alone does not tell two
builds apart; `build_id`, made of the digests in RECORD, does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial

from envprint import knowledge
from envprint.collectors._conda import conda_packages
from envprint.collectors._dist_info import Installed, distributions
from envprint.collectors._requirements import requirements, unmet_of
from envprint.collectors._takes_part import listed, takes_part
from envprint.core.fields import FLAG, TEXT, Field, ListOf, MapOf, record
from envprint.core.fingerprint import Unknown
from envprint.core.json_text import loads
from envprint.core.redact import Seal, safe_text
from envprint.core.typed import Any
from envprint.core.version import __version__
from envprint.machine.attempt import attempt, text_or_none
from envprint.machine.host import Host

BUILD_ID_FORM = "build id 1"
"""Changes with what `build_id` makes of a RECORD."""

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

_FROM_AN_INDEX = {"commit": None, "kind": "index", "url": None, "vcs": None}


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
    return {**_FROM_AN_INDEX}


# {"url": "https://github.com/o/p", "vcs_info": {"vcs": "git", "commit_id": "7e1c…"}}
# {"url": "file:///home/me/p", "dir_info": {"editable": true}}
# https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
def parse_direct_url(text: str, seal: Seal | None = None) -> dict[str, Any]:
    """The origin in a direct_url.json. Raises `ValueError` on anything else."""
    data = loads(text)
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
    described = _described(host, first)
    versions = {name: _text(one.version) for name, one in first.items()}
    required = {name: fields["requires"] for name, fields in described.items()}
    marks = {name: fields["is_requested"] for name, fields in described.items()}
    return {
        "distributions": {name: _distribution(one, described[name]) for name, one in first.items()},
        "requested": _requested(described, marks),
        "duplicates": _duplicates(found),
        "edited": _edited(host, first) if host.verify_files() else _SHALLOW,
        "unmet": unmet_of(host, versions, required),
    }


def _distribution(one: Installed, fields: Mapping[str, Any]) -> dict[str, Any]:
    """In the order of a document, which is sorted twice."""
    return {
        "build_id": fields["build_id"],
        "installer": fields["installer"],
        "location": one.directory,
        "origin": fields["origin"],
        "tags": fields["tags"],
        "takes_part": fields["takes_part"],
        "version": one.version,
    }


_MARK_ALL = ("uv",)
"""Installers that mark what others need as well, so that the mark tells nothing (uv 0.13)."""


def _requested(
    described: Mapping[str, Mapping[str, Any]], marks: Mapping[str, bool | Unknown]
) -> list[str] | None:
    """What was installed by name, sorted; None if no installer recorded that."""
    marked = [
        name
        for name, mark in marks.items()
        if mark is True and described[name]["installer"] not in _MARK_ALL
    ]
    places = {name: fields["origin"] for name, fields in described.items()}
    # A directory, an archive or a repository is named by whoever installs from it.
    given = [
        name for name, one in places.items() if isinstance(one, dict) and one["kind"] != "index"
    ]
    return sorted({*marked, *given}) if marked else None


_SHALLOW = Unknown("files are hashed again only with --deep")


def _edited(host: Host, first: Mapping[str, Installed]) -> Mapping[str, list[str] | Unknown]:
    from envprint.collectors._edited_files import edited  # hardly anybody asks for it

    return edited(host, first)


_BY_NAME = "index"
"""How an index keeps the origin of most: `_FROM_AN_INDEX`."""
_EDITED_BY_HAND = ("METADATA", "RECORD")
"""What people edit. INSTALLER and WHEEL are written once, by what replaces the whole directory."""
_DESCRIPTION = frozenset(
    ["installer", "origin", "tags", "takes_part", "requires", "build_id", "is_requested"]
)
_FORM = f"description 4, {BUILD_ID_FORM}, envprint {__version__} of {knowledge.AS_OF}"
"""Changes with what `_describe` makes of files: another form in an index is read anew."""


def _described(host: Host, first: Mapping[str, Installed]) -> dict[str, dict[str, Any]]:
    """By name, what the files in the dist-info directory of each distribution say."""
    names = {f"{one.directory}/{one.entry}": name for name, one in first.items()}
    table = cache(listed)  # what an index describes needs none

    def describe(path: str) -> tuple[dict[str, Any], bool]:
        fields = _describe(host, path, table().part(names[path]))
        is_kept = Unknown not in map(type, fields.values())  # that may be known later
        if fields["origin"] == _FROM_AN_INDEX:
            fields["origin"] = _BY_NAME
        elif fields["origin"] is not None:
            del fields["origin"]  # an address may hold a sealed secret, which no index keeps
        return fields, is_kept

    found = host.computed(list(names), _EDITED_BY_HAND, _FORM, describe)
    return {
        names[path]: _whole(
            host, path, fields if fields.keys() | {"origin"} == _DESCRIPTION else describe(path)[0]
        )
        for path, fields in found
    }


def _whole(host: Host, path: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with those that no index keeps."""
    if "origin" in kept:
        return {**kept, "origin": {**_FROM_AN_INDEX} if kept["origin"] == _BY_NAME else None}
    origin = attempt(lambda: origin_of(host, path, kept["installer"]))
    is_editable = isinstance(origin, dict) and origin["kind"] == "editable"
    return {**kept, "origin": origin, "build_id": None if is_editable else kept["build_id"]}


def _describe(host: Host, path: str, part: bool | None) -> dict[str, Any]:
    """What its files say; `part` is whether a table lists it as taking part, or else None."""
    installer = attempt(lambda: _installer(host, path))
    if isinstance(installer, Unknown):
        origin: Any = installer
    else:
        origin = attempt(lambda: origin_of(host, path, installer))
    metadata = None if part is False else attempt(lambda: _metadata(host, path))
    word, requires = _own_words(metadata, is_listed=part is not None)
    build, is_requested = _by_record(host, path)
    return {
        "installer": installer,
        "origin": origin,
        "tags": attempt(lambda: parse_tags(text_or_none(host, f"{path}/WHEEL"))),
        "takes_part": word,
        "requires": requires,
        "build_id": build,
        "is_requested": is_requested,
    }


def _own_words(metadata: bytes | Unknown | None, *, is_listed: bool) -> tuple[Any, Any]:
    """What METADATA says of taking part, unless a table does, and what it requires."""
    if isinstance(metadata, Unknown):
        return metadata, metadata
    if metadata is None:
        return None, []
    return None if is_listed else takes_part(metadata), [*map(list, requirements(metadata))]


# Installers leave an empty file for what a user named, and none for what that needs.
# https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-requested-file
def _by_record(host: Host, path: str) -> tuple[str | Unknown | None, bool | Unknown]:
    """The build id by the RECORD in `path`, and whether that lists a mark of a user's wish."""
    content = attempt(lambda: _record(host, path))
    if isinstance(content, Unknown):
        return content, content
    entry = path.rpartition("/")[2]
    is_requested = f"{entry}/REQUESTED,".encode() in content
    if not content:
        return None, is_requested
    from envprint.collectors._build_id import build_id  # most build ids are in an index

    return build_id(content, entry), is_requested


def _record(host: Host, path: str) -> bytes:
    """RECORD; empty if there is none. Raises `OSError`."""
    try:
        return host.read(f"{path}/RECORD")
    except (FileNotFoundError, NotADirectoryError):
        return b""


def _metadata(host: Host, path: str) -> bytes | None:
    """METADATA without the description; None if there is none. Raises `OSError`."""
    try:
        content = host.read(f"{path}/METADATA")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return content.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"


def _installer(host: Host, path: str) -> str | None:
    return (text_or_none(host, f"{path}/INSTALLER") or "").strip() or None


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
    if len({one.name for one in found}) == len(found):
        return copies
    for one in found:
        version = None if isinstance(one.version, Unknown) else one.version
        copies.setdefault(one.name, []).append({"version": version, "location": one.directory})
    return {name: entries for name, entries in copies.items() if len(entries) > 1}
