"""The language in which each section declares its fields, once.

The declaration drives the structural check on load, the published JSON Schema, the docs' page of
fields and the syntax of paths (`a.b` inside a record, `a[key]` inside a map).
NamedTuples, not dataclasses: see docs/decisions/0001-values-are-named-tuples.md.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

    Shape: TypeAlias = "Scalar | ListOf | MapOf | Record"
else:
    Shape = object  # placeholder: the classes below refer to it


class Scalar(NamedTuple):
    """One JSON value; `types` are the exact Python types it may have."""

    word: str
    types: tuple[type, ...]
    limits: Callable[[], Mapping[str, Any]] | None = None
    """Keywords that narrow it in the published schema, such as `enum`. Only the schema calls this,
    as it may be slow; code that reads such a value must enforce the same limits."""


class ListOf(NamedTuple):
    """A JSON array, compared as a whole. Its order matters only where the field says so."""

    item: Shape


class MapOf(NamedTuple):
    """A JSON object whose keys are names found on the machine."""

    item: Shape
    key: str = "name"
    names: str = ""
    """A pattern for the keys in the published schema."""


class Record(NamedTuple):
    """A JSON object with declared keys."""

    fields: tuple["Field", ...]
    required: tuple[str, ...] = ()
    """Keys that the published schema requires."""
    any_of: tuple[str, ...] = ()
    """At least one of these keys must be present."""


class Field(NamedTuple):
    """A declared field of a document.

    `unwatched` says why no rule watches it; the catalogue's audit requires a rule or a reason.
    """

    name: str
    shape: Shape
    doc: str
    unwatched: str | None = None


if not TYPE_CHECKING:
    Shape = Scalar | ListOf | MapOf | Record

TEXT = Scalar("string", (str,))
INTEGER = Scalar("integer", (int,))
NUMBER = Scalar("number", (int, float))
FLAG = Scalar("boolean", (bool,))
ANYTHING = Scalar("any value", (str, int, float, bool, list, dict))


def record(*fields: Field) -> Record:
    """A record of `fields`, in reading order."""
    return Record(fields)


MAX_LEVELS = 64
"""Nesting limit of values of any shape, well below Python's recursion limit."""
_LEVELS = f"at most {MAX_LEVELS} levels of nesting"


class ShapeFault(Exception):
    """A value has the wrong type; `path` grows outwards as the error propagates."""

    def __init__(self, expected: str, found: object) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = type(found).__name__
        self.path = ""

    def __str__(self) -> str:
        place = f"{self.path.lstrip('.')}: " if self.path else ""
        return f"{place}expected {self.expected}, found {self.found}"

    def inside(self, step: str) -> "ShapeFault":
        """The same fault, with `step` in front of its path."""
        self.path = step + self.path
        return self


def require(shape: Shape, value: Any) -> None:
    """Raise `ShapeFault` at the first mismatch between `value` and `shape`.

    A field may be `null` (known to be absent) or missing (unknown). Undeclared keys are allowed, as
    a newer minor version may have added them, if their values are nested at most `MAX_LEVELS`
    deep. See `may_be_null` for the items of lists and maps.
    """
    if value is None:
        return
    if type(shape) is Scalar:
        _require_scalar(shape, value)
        return
    _require_container(shape, value)
    for key, inner_shape, item in _items(shape, value):
        # Most values are scalars of the right type; a call for each would double the cost.
        if (
            type(inner_shape) is Scalar
            and type(item) in inner_shape.types
            and inner_shape is not ANYTHING
        ):
            continue
        try:
            if item is None and not may_be_null(shape):
                raise ShapeFault(_word(inner_shape), item)
            require(inner_shape, item)
        except ShapeFault as fault:
            raise fault.inside(step(shape, key)) from None


def _require_scalar(shape: Scalar, value: Any) -> None:
    if type(value) not in shape.types:
        raise ShapeFault(shape.word, value)
    if shape is ANYTHING and nesting(value) > MAX_LEVELS:
        raise ShapeFault(_LEVELS, value)


def _require_container(shape: Shape, value: Any) -> None:
    wanted = list if isinstance(shape, ListOf) else dict
    if type(value) is not wanted:
        raise ShapeFault(_word(shape), value)


def _require_levels(shape: Shape, value: Mapping[str, Any]) -> None:
    for key, item in value.items():
        if inner(shape, key) is None and nesting(item) > MAX_LEVELS:
            raise ShapeFault(_LEVELS, item).inside(step(shape, key))


def nesting(value: Any) -> int:
    """The depth of lists and objects in `value`, counted up to `MAX_LEVELS` + 1."""
    levels, items = 0, [value]
    while levels <= MAX_LEVELS:
        containers = [item for item in items if type(item) in (dict, list)]
        if not containers:
            break
        levels += 1
        items = [
            item
            for container in containers
            for item in (container.values() if type(container) is dict else container)
        ]
    return levels


def _word(shape: Shape) -> str:
    if isinstance(shape, Scalar):
        return shape.word
    return "array" if isinstance(shape, ListOf) else "object"


def may_be_null(container: Shape) -> bool:
    """Whether an item of `container` may be null: a field, or a scalar in a map.

    Lists, and maps of records or lists, omit an absent item instead.
    """
    if isinstance(container, MapOf):
        return isinstance(container.item, Scalar)
    return isinstance(container, Record)


def _items(shape: Shape, value: Any) -> list[tuple[Any, Shape, Any]]:
    if isinstance(shape, Record):
        declared = [(f.name, f.shape, value[f.name]) for f in shape.fields if f.name in value]
        if len(declared) != len(value):
            _require_levels(shape, value)
        return declared
    assert not isinstance(shape, Scalar)
    items = enumerate(value) if isinstance(shape, ListOf) else value.items()
    return [(key, shape.item, item) for key, item in items]


def step(shape: Shape | None, key: object) -> str:
    """What to append to the path of a value of `shape` to reach `key`."""
    return f"[{key}]" if isinstance(shape, (MapOf, ListOf)) else f".{key}"


def inner(shape: Shape | None, key: str) -> Shape | None:
    """The declared shape of `key` inside `shape`; None if it is undeclared."""
    if isinstance(shape, MapOf):
        return shape.item
    if isinstance(shape, Record):
        for field in shape.fields:
            if field.name == key:
                return field.shape
    return None
