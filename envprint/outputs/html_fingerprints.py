"""One fingerprint or two as parts of a page: packages, memory of the GPUs, every value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from envprint.core.fields import MapOf, Record, Shape, inner
from envprint.core.fingerprint import Fingerprint
from envprint.core.text import one_line
from envprint.core.typed import Any, NamedTuple
from envprint.core.units import size
from envprint.documents.codec import shape_of
from envprint.outputs.fingerprint import sections, text_of, unknown_inside, with_version
from envprint.outputs.html_page import Html, code, element, joined, row, section, table

PACKAGES = "facts.packages.distributions"
SIDES = ("before", "after")
SMALL = 8
"""A record of at most so many fields stands in one row."""
FORM_OF_FINGERPRINTS = "fingerprints"
_SAME, _DIFFERS = "same", "differs"
_ALL_OR_DIFFERENCES = (
    (f"{_SAME} {_DIFFERS}", "all", False),
    (_DIFFERS, "only differences", True),
)

Part = tuple[str, str, Html]
"""Name, title and section, as `html_page.page` takes them."""


def parts_of(
    sides: Sequence[Fingerprint], only: Collection[str] | None, roles: Mapping[str, str]
) -> Iterator[Part]:
    """Packages, memory of the GPUs and all values of one or two fingerprints, oldest first."""
    wanted = [*_wanted(sides, only)]
    for name, title, made in (
        ("packages", "Packages", _packages(sides, roles) if _has(only, "facts.packages") else None),
        ("gpu-memory", "GPU memory", _memory(sides) if _has(only, "live.gpu") else None),
        ("fingerprints", _title(sides), _all_values(sides, wanted)),
    ):
        if made is not None:
            yield name, title, made


def _has(only: Collection[str] | None, path: str) -> bool:
    return only is None or path in only


def _title(sides: Sequence[Fingerprint]) -> str:
    return "Both fingerprints" if len(sides) == 2 else "Fingerprint"


def choices(
    part: str, legend: str, kinds: Iterable[tuple[str, str, bool]], *, single: bool = False
) -> Html:
    """A form that shows a choice of the items of a part; the script makes it work, and visible.

    Each kind has a value, a name, and whether it is chosen at first.
    """
    inputs = [
        element(
            "label",
            element(
                "input",
                type="radio" if single else "checkbox",
                name=f"{part}-kind",
                value=value,
                checked=is_chosen,
            ),
            f" {name}",
        )
        for value, name, is_chosen in kinds
    ]
    search = element("label", "Search ", element("input", type="search", autocomplete="off"))
    return element(
        "form",
        element("fieldset", element("legend", legend), *inputs) if inputs else "",
        search,
        element("output", aria_live="polite", class_="soft"),
        data_for=part,
        hidden=True,
        role="search",
        aria_label=legend,
    )


# Packages.


def _packages(sides: Sequence[Fingerprint], roles: Mapping[str, str]) -> Html | None:
    installed = [side.get(PACKAGES, {}) for side in sides]
    names = sorted({name for entries in installed for name in entries})
    if not names:
        return None
    is_pair = len(sides) == 2
    rows = [_package(name, [entries.get(name) for entries in installed], roles) for name in names]
    columns = ("name", *(SIDES if is_pair else ("version",)), "role")
    form = choices("packages", "Packages", _ALL_OR_DIFFERENCES if is_pair else (), single=True)
    whole = table("Packages", columns, rows, sorts=True)
    return section("packages", "Packages", form, whole, count=len(names))


def _package(name: str, entries: Sequence[Any], roles: Mapping[str, str]) -> Html:
    texts = ["absent" if entry is None else with_version("", entry).strip() for entry in entries]
    kind = _DIFFERS if len(set(texts)) > 1 else _SAME
    return row(name, *texts, roles.get(name, ""), data_kind=kind)


# Memory of the GPUs.


class _Share(NamedTuple):
    """Some of a GPU's memory, and who has it."""

    owner: str
    amount: int
    colour: str


def _memory(sides: Sequence[Fingerprint]) -> Html | None:
    names = ("",) if len(sides) == 1 else SIDES
    bars = [
        _bar(side, key, device, f"{name}: " if name else "")
        for name, side in zip(names, sides, strict=True)
        for key, device in sorted(side.get("live.gpu.devices", {}).items())
    ]
    shown = [bar for bar in bars if bar is not None]
    return section("gpu-memory", "GPU memory", *shown) if shown else None


def _bar(side: Fingerprint, key: str, device: Mapping[str, Any], which: str) -> Html | None:
    """A bar and the same as a table, for those who do not see the bar."""
    total = side.get(f"facts.gpu.devices[{key}].memory_total_bytes")
    shares = [*_shares(device)]
    if not isinstance(total, int) or total <= 0 or not shares:
        return None
    name = side.get(f"facts.gpu.devices[{key}].name", "unnamed")
    title = f"{which}GPU {key}, {name}, {size(total)}"
    start, rects = 0.0, []
    for share in shares:
        width = max(0.0, min(100.0 - start, 100 * share.amount / total))
        rects.append(_rect(start, width, share))
        start += width
    bar = element(
        "svg",
        *rects,
        viewBox="0 0 100 4",
        role="img",
        aria_label=f"{title}: {'; '.join(f'{s.owner} {size(s.amount)}' for s in shares)}",
    )
    rows = [row(joined((_swatch(share), share.owner)), size(share.amount)) for share in shares]
    return element("div", element("h3", title), bar, table(title, ("owner", "memory"), rows))


def _rect(start: float, width: float, share: _Share) -> Html:
    return element(
        "rect", x=round(start, 3), y=0, width=round(width, 3), height=4, class_=share.colour
    )


def _swatch(share: _Share) -> Html:
    square = element("rect", width=10, height=10, class_=share.colour)
    return element("svg", square, viewBox="0 0 10 10", class_="swatch", aria_hidden="true")


def _shares(device: Mapping[str, Any]) -> Iterator[_Share]:
    """Who has the memory of a GPU: processes, the largest first, then what nobody lists."""
    processes = device.get("processes") or ()
    held = sorted(processes, key=lambda one: -(one.get("memory_bytes") or 0))
    for number, process in enumerate(held):
        amount = process.get("memory_bytes")
        if isinstance(amount, int):
            yield _Share(_owner(process), amount, f"c{number % 6}")
    for name, owner, colour in (
        ("unattributed_bytes", "held by no listed process", "rest"),
        ("memory_reserved_bytes", "kept by the driver", "rest"),
        ("memory_free_bytes", "free", "free"),
    ):
        amount = device.get(name)
        if isinstance(amount, int) and amount:
            yield _Share(owner, amount, colour)


def _owner(process: Mapping[str, Any]) -> str:
    name = process.get("name") or process.get("program") or "unknown program"
    own = ", of this job" if process.get("own") else ""
    return f"{name} (pid {process.get('pid')}{own})"


# Every value.


def _wanted(
    sides: Sequence[Fingerprint], only: Collection[str] | None
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Path of each section, and its values on each side."""
    known = [dict(sections(side)) for side in sides]
    for path in sorted({path for side in known for path in side}):
        if _has(only, path):
            pairs = zip(sides, known, strict=True)
            yield path, [_values(side, path, fields.get(path, {})) for side, fields in pairs]


def _values(side: Fingerprint, path: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Each value of a section by its place in it, and the reason for each that is unknown."""
    place, _, name = path.partition(".")
    shape = inner(shape_of(place), name)
    found = dict(_flat("", shape, fields))
    found |= {inside: f"unknown: {reason}" for inside, reason in unknown_inside(path, side.unknown)}
    return found


def _flat(place: str, shape: Shape | None, value: Any) -> Iterator[tuple[str, str]]:
    """The values inside `value` with their places; small records in one row each."""
    is_small = isinstance(shape, Record) and place and len(shape.fields) <= SMALL
    if not isinstance(value, Mapping) or not value or is_small:
        name = place.rpartition(".")[2]
        yield place, "none" if value is None else text_of(name, value) or "none"
        return
    for key, inside in value.items():
        if isinstance(shape, MapOf):
            yield from _flat(f"{place}[{key}]", shape.item, inside)
        else:
            of_field = inner(shape, key) if isinstance(shape, Record) else None
            yield from _flat(f"{place}.{key}" if place else key, of_field, inside)


def _all_values(
    sides: Sequence[Fingerprint], wanted: Sequence[tuple[str, list[dict[str, str]]]]
) -> Html:
    is_pair = len(sides) == 2
    groups = [_group(path, values) for path, values in wanted]
    kinds = _ALL_OR_DIFFERENCES if is_pair else ()
    form = choices(FORM_OF_FINGERPRINTS, "Values", kinds, single=True)
    return section(FORM_OF_FINGERPRINTS, _title(sides), form, *groups)


def _group(path: str, values: Sequence[Mapping[str, str]]) -> Html:
    """A section: a row for each place, with both sides where there are two."""
    title = path.removeprefix("facts.").replace("live.", "at this moment: ")
    rows = []
    for place in dict.fromkeys(place for side in values for place in side):
        texts = [side.get(place, "absent") for side in values]
        kind = _DIFFERS if len(set(map(one_line, texts))) > 1 else _SAME
        rows.append(row(code(place), *texts, data_kind=kind, class_=_marked(kind)))
    columns = ("field", *(SIDES if len(values) == 2 else ("value",)))
    head = element("summary", title, element("span", f" ({len(rows)})", class_="count"))
    return element("details", head, table(title, columns, rows), data_group=True)


def _marked(kind: str) -> str | None:
    return "differs" if kind == _DIFFERS else None
