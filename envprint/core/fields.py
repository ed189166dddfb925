"""The language in which each section declares its fields, once.

The declaration drives the structural check on load, the published JSON Schema, the docs' page of
fields and the syntax of paths (`a.b` inside a record, `a[key]` inside a map).
NamedTuples, not dataclasses: see docs/decisions/0001-values-are-named-tuples.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter

from envprint.core.errors import suppress
from envprint.core.text import VALUE_SIZE, is_recordable
from envprint.core.typed import TYPE_CHECKING, Any, NamedTuple

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
    """A value has the wrong type."""

    def __init__(self, path: str, expected: str, found: object) -> None:
        self.path = path.lstrip(".")
        self.expected = expected
        self.found = type(found).__name__
        place = f"{self.path}: " if path else ""
        super().__init__(f"{place}expected {expected}, found {self.found}")


_Placed = tuple[str, Any]
"""A path and the value there."""


def require(shape: Shape, value: Any) -> None:
    """Raise `ShapeFault` at the first mismatch between `value` and `shape`.

    A field may be `null` (known to be absent) or missing (unknown). Undeclared keys are allowed, as
    a newer minor version may have added them, if their values are nested at most `MAX_LEVELS`
    deep. See `may_be_null` for the items of lists and maps.

    """
    if not _all_fit(shape, [value]):
        _find_fault(shape, value)


def _all_fit(shape: Shape, values: Iterable[Any]) -> bool:
    """Whether all values have this shape and no undeclared keys; None fits everywhere.

    All values of one declared shape at once, and without a path to each: a document has hundreds of
    some, and hardly ever a fault.
    """
    if isinstance(shape, Scalar):
        return shape is not ANYTHING and _NULL.union(shape.types).issuperset(map(type, values))
    kind = list if isinstance(shape, ListOf) else dict
    present = [value for value in values if value is not None]
    if not present:
        return True
    if not {kind}.issuperset(map(type, present)):
        return False
    if isinstance(shape, Record):
        names = [field.name for field in shape.fields]
        return all(map(frozenset(names).issuperset, present)) and all(
            map(_all_fit, (field.shape for field in shape.fields), _columns(names, present))
        )
    inside = present if kind is list else map(dict.values, present)
    items = [*chain.from_iterable(inside)]
    return (may_be_null(shape) or None not in items) and _all_fit(shape.item, items)


def _columns(names: list[str], present: list[dict[str, Any]]) -> Iterable[Iterable[Any]]:
    """For each name, its value in all objects; None for what is missing."""
    if len(names) > 1:
        # Most objects have all fields, and then nothing here is called for each value.
        with suppress(KeyError):
            return [*zip(*map(itemgetter(*names), present), strict=True)]
    return [[value.get(name) for value in present] for name in names]


_NULL = frozenset([type(None)])


class NotWholeError(Exception):
    """A value that only a look at each of its parts can judge."""


def size_of_whole(shape: Shape, values: Sequence[Any], texts: set[str], limit: int) -> int:
    """The size of values that fit their shape, as `size_of` counts; adds their texts to `texts`.

    Like `_all_fit` it looks at all values of one declared shape at once, and at no name of a field.
    Raises `NotWholeError` unless each has all declared fields and no others, all of it is plain,
    and no list or text in it is larger than `limit`.
    """
    if isinstance(shape, Scalar):
        return _size_of_scalars(shape, values, texts, limit)
    present = [value for value in values if value is not None]
    kind = list if isinstance(shape, ListOf) else dict
    # The number first, before all are listed: one object may be in many places.
    if not {kind}.issuperset(map(type, present)) or sum(map(len, present)) * VALUE_SIZE > limit:
        raise NotWholeError
    size = VALUE_SIZE * len(values)
    if not present:
        return size
    if isinstance(shape, Record):
        columns = zip(shape.fields, _whole_columns(shape, present), strict=True)
        size += len(present) * sum(VALUE_SIZE + len(field.name) for field in shape.fields)
        return size + sum(size_of_whole(one.shape, its, texts, limit) for one, its in columns)
    if isinstance(shape, MapOf):
        size += _size_of_names([*chain.from_iterable(present)], texts, limit)
    items = [*chain.from_iterable(present if kind is list else map(dict.values, present))]
    if None in items and not may_be_null(shape):
        raise NotWholeError
    return size + size_of_whole(shape.item, items, texts, limit)


def _whole_columns(shape: Record, present: Sequence[dict[str, Any]]) -> Iterable[Sequence[Any]]:
    """For each field, its value in all objects, none of which has any other."""
    names = [field.name for field in shape.fields]
    try:
        if {len(names)}.issuperset(map(len, present)):
            return [[value[name] for value in present] for name in names]
    except KeyError:
        pass
    raise NotWholeError


def _size_of_names(names: Sequence[Any], texts: set[str], limit: int) -> int:
    if None in names:
        raise NotWholeError
    return _size_of_scalars(TEXT, names, texts, limit)


def _size_of_scalars(shape: Scalar, values: Sequence[Any], texts: set[str], limit: int) -> int:
    kinds = set(map(type, values))
    if shape is ANYTHING or not _NULL.union(shape.types).issuperset(kinds):
        raise NotWholeError
    size = VALUE_SIZE * len(values)
    if str in kinds:
        found = values if len(kinds) == 1 else [value for value in values if value is not None]
        letters = sum(map(len, found))
        if letters > limit or not "".join(found).isascii():
            raise NotWholeError
        texts.update(found)
        size += letters
    elif not all(map(is_recordable, values)):
        raise NotWholeError
    return size


def _find_fault(shape: Shape, value: Any) -> None:
    """Raise `ShapeFault` with the path of the first mismatch, if there is any."""
    waiting: list[tuple[Shape, list[_Placed]]] = [(shape, [("", value)])]
    for inner_shape, values in waiting:  # which grows meanwhile
        present = [placed for placed in values if placed[1] is not None]
        _require_type(inner_shape, present)
        if type(inner_shape) is Record:
            _require_levels(inner_shape, present)
            waiting += _fields_of(inner_shape, present)
        elif isinstance(inner_shape, (ListOf, MapOf)):
            waiting += _items_of(inner_shape, present)


def _require_type(shape: Shape, present: list[_Placed]) -> None:
    types: tuple[type, ...]
    if isinstance(shape, Scalar):
        types = shape.types
    else:
        types = (list,) if isinstance(shape, ListOf) else (dict,)
    for path, value in present:
        if type(value) not in types:
            raise ShapeFault(path, _word(shape), value)
        if shape is ANYTHING and nesting(value) > MAX_LEVELS:
            raise ShapeFault(path, _LEVELS, value)


def _fields_of(record: Record, present: list[_Placed]) -> Iterator[tuple[Shape, list[_Placed]]]:
    """The fields of all records, by field."""
    for name, shape in ((field.name, field.shape) for field in record.fields):
        yield shape, [(f"{path}.{name}", value[name]) for path, value in present if name in value]


def _items_of(
    shape: ListOf | MapOf, present: list[_Placed]
) -> Iterator[tuple[Shape, list[_Placed]]]:
    """The items of all lists or maps."""
    items = [
        (f"{path}[{key}]", item)
        for path, value in present
        for key, item in (enumerate(value) if type(value) is list else value.items())
    ]
    for path, item in () if may_be_null(shape) else items:
        if item is None:
            raise ShapeFault(path, _word(shape.item), item)
    yield shape.item, items


def _require_levels(shape: Record, present: list[_Placed]) -> None:
    declared = {field.name for field in shape.fields}
    for path, value in present:
        for key in () if declared.issuperset(value) else value.keys() - declared:
            if nesting(value[key]) > MAX_LEVELS:
                raise ShapeFault(f"{path}.{key}", _LEVELS, value[key])


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
