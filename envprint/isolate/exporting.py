"""What a fingerprint says of packages, in the forms of other tools.

`public` leaves out what a person would not post: what was not installed from an index, such as the
user's own projects, the addresses of indexes and channels that are not well known, and the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from envprint import knowledge
from envprint.core.errors import EnvprintError, UnknownValueError
from envprint.core.fingerprint import OTHERS, Fingerprint
from envprint.core.typed import Any, NamedTuple
from envprint.core.version import __version__
from envprint.documents.codec import to_json
from envprint.isolate.conda_file import conda_file
from envprint.isolate.files import requirements
from envprint.isolate.lock import lock
from envprint.isolate.wanted import DISTRIBUTIONS, Pin, Wanted, wanted_of

MARK = "Written by `envprint export`"
CYCLONEDX_VERSION = "1.6"
_GAPS = (DISTRIBUTIONS + OTHERS, "facts.packages.conda" + OTHERS)


class Exported(NamedTuple):
    """The text of a file, and what is not in it."""

    text: str
    left_out: tuple[str, ...] = ()
    """What the form, or the public, does not get, each with the reason."""


def export(side: Fingerprint, form: str, *, public: bool) -> Exported:
    """The fingerprint's packages in one of `FORMS`. Raises `EnvprintError` if it has none."""
    try:
        wanted = wanted_of(side)
    except UnknownValueError as error:
        raise EnvprintError(
            f"its packages cannot be exported: {error.path} is unknown: {error.reason}"
        ) from None
    exported = FORMS[form](side, _for_all(wanted) if public else wanted, public)
    lacking = tuple(map(str, wanted.lacking))
    if public and lacking:
        lacking = (f"{len(lacking)} that no index has, which are not for the public",)
    gaps = [
        f"what the record may not list: {side.unknown[path]}"
        for path in _GAPS
        if path in side.unknown
    ]
    return exported._replace(left_out=(*lacking, *gaps))


def _for_all(wanted: Wanted) -> Wanted:
    return wanted._replace(lacking=(), notes=(), hooks=())


def _requirements(side: Fingerprint, wanted: Wanted, public: bool) -> Exported:
    return Exported("\n".join(requirements(wanted, MARK)) + "\n")


def _pylock(side: Fingerprint, wanted: Wanted, public: bool) -> Exported:
    return Exported(lock(wanted, MARK))


def _conda(side: Fingerprint, wanted: Wanted, public: bool) -> Exported:
    pins = [pin.requirement for pin in _pins_of_pip(side, wanted)]
    text = conda_file(side, MARK, pins=pins)
    if text is None:
        raise EnvprintError("it has no packages of conda; --format requirements exports the others")
    if public:
        lines = text.split("\n")
        text = "\n".join(line for line in lines if not line.startswith("# no channel"))
    return Exported(text)


def _pins_of_pip(side: Fingerprint, wanted: Wanted) -> list[Pin]:
    """The distributions that conda has not installed."""
    return [pin for pin in wanted.pins if _is_of_pip(side, pin.name)]


def _is_of_pip(side: Fingerprint, name: str) -> bool:
    """Whether conda has not installed it, which its installer tells, or else its name."""
    installer = side.get(f"{DISTRIBUTIONS}[{name}].installer")
    if installer is not None:
        return bool(installer != "conda")
    named = knowledge.find("conda_names", distribution=name)
    ours = side.get("facts.packages.conda", {})
    return name not in ours and not (named and named["conda"] in ours)


def _cyclonedx(side: Fingerprint, wanted: Wanted, public: bool) -> Exported:
    """https://cyclonedx.org/docs/1.6/json/"""
    metadata: dict[str, Any] = {
        "tools": {
            "components": [{"type": "application", "name": "envprint", "version": __version__}]
        }
    }
    if not public:
        metadata["timestamp"] = side.captured_at
    components = [
        *_python(side),
        *_distributions(_pins_of_pip(side, wanted)),
        *_conda_packages(side),
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": CYCLONEDX_VERSION,
        "version": 1,
        "metadata": metadata,
        "components": components,
    }
    return Exported(to_json(document))


def _python(side: Fingerprint) -> Iterator[dict[str, Any]]:
    name = side.get("facts.python.implementation", "python")
    version = side.get("facts.python.version")
    if version:
        yield {"type": "platform", "bom-ref": "python", "name": name, "version": version}


def _distributions(pins: list[Pin]) -> Iterator[dict[str, Any]]:
    for pin in pins:
        purl = f"pkg:pypi/{pin.name}@{quote(pin.version, safe='.!-')}"
        yield _library(pin.name, pin.version, purl)


def _conda_packages(side: Fingerprint) -> Iterator[dict[str, Any]]:
    found: Mapping[str, Any] = side.get("facts.packages.conda", {})
    for name in sorted(found):
        version, build = (found[name].get(key) for key in ("version", "build"))
        if not isinstance(version, str):
            continue
        more = f"?build={quote(build, safe='')}" if isinstance(build, str) else ""
        purl = f"pkg:conda/{quote(name, safe='')}@{quote(version, safe='.!-')}{more}"
        yield _library(name, version, purl)


def _library(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


_Form = Callable[[Fingerprint, Wanted, bool], Exported]
FORMS: Mapping[str, _Form] = {
    "requirements": _requirements,
    "pylock": _pylock,
    "conda": _conda,
    "cyclonedx": _cyclonedx,
}
"""The names that `--format` takes."""
