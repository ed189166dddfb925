"""Our named tuples behave as those of `typing`, which are the oracle."""

from __future__ import annotations

import copy
import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest

from envprint.core import typed


class Ours(typed.NamedTuple):
    """Three fields, two of which have defaults."""

    name: str
    count: int = 2
    more: tuple[str, ...] = ()

    @property
    def shout(self) -> str:
        """A member that is no field."""
        return self.name.upper()


class Theirs(typing.NamedTuple):
    """The same, of `typing`."""

    name: str
    count: int = 2
    more: tuple[str, ...] = ()


class More(Ours):
    """A subclass, with a member and no fields of its own."""

    def louder(self) -> str:
        """A member of the subclass."""
        return self.shout + "!"


class Empty(typed.NamedTuple):
    """No fields at all."""


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}),
    (("a", 1), {}),
    (("a", 1, ("b",)), {}),
    ((), {"name": "a"}),
    (("a",), {"more": ("b",)}),
    ((), {"more": (), "count": 7, "name": "a"}),
]
WRONG: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((), {"count": 1}),
    (("a", 1, (), 4), {}),
    (("a",), {"name": "b"}),
    (("a",), {"other": 1}),
    (("a", 1, ()), {"more": ()}),
]


def tell(one: Any) -> list[Any]:
    """What can be seen of an instance."""
    return [
        tuple(one), one._asdict(), one._fields, one._field_defaults, one.__match_args__,
        hash(one), one[1], one.name, one.more, repr(one).partition("(")[2],
        one._replace(count=9), type(one)._make(one) == one, one.__getnewargs__(),
    ]  # fmt: skip


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_instances_are_alike(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    assert tell(Ours(*values, **named)) == tell(Theirs(*values, **named))


@pytest.mark.parametrize(("values", "named"), WRONG)
@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_wrong_arguments_are_refused(
    kind: Callable[..., Any], values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        kind(*values, **named)


def test_no_attribute_can_be_set_or_added() -> None:
    one = Ours("a")
    for name in ("name", "other"):
        with pytest.raises(AttributeError):
            setattr(one, name, 1)
    with pytest.raises(ValueError, match="no field other"):
        one._replace(other=1)  # type: ignore[call-arg]


def test_they_are_copied_pickled_and_matched() -> None:
    one = Ours("a", 5)
    assert type(pickle.loads(pickle.dumps(one))) is Ours
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    match one:
        case Ours(name, count, _):
            assert (name, count) == ("a", 5)
    assert (one.shout, Ours.__doc__, Ours.__name__) == ("A", Ours.__doc__, "Ours")
    more = More("a", 5)
    assert (more, more.louder(), repr(more._replace(count=1))[:4]) == (one, "A!", "More")
    assert (tuple(Empty()), Empty._fields) == ((), ())
