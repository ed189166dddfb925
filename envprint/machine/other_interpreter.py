"""What another interpreter says of itself: it is started once, and its answer is checked.

Anything may stand at that path, so nothing of the answer is used before it has the declared form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from envprint.core.errors import InterpreterError
from envprint.core.fields import (
    FLAG,
    INTEGER,
    TEXT,
    Field,
    ListOf,
    MapOf,
    Shape,
    ShapeFault,
    record,
    require,
)
from envprint.core.typed import TYPE_CHECKING, Any
from envprint.machine import interpreter

if TYPE_CHECKING:
    from envprint.machine.host import Host

_FORM: Mapping[str, Shape] = {
    **dict.fromkeys(("implementation", "version", "compiler", "executable"), TEXT),
    **dict.fromkeys(("prefix", "base_prefix", "platform", "byte_order", "hash_algorithm"), TEXT),
    **dict.fromkeys(("path", "imported", "site_hooks"), ListOf(TEXT)),
    **dict.fromkeys(("gil_enabled", "subnormals_flushed"), FLAG),
    **dict.fromkeys(("hash_probe", "pid"), INTEGER),
    "flags": MapOf(INTEGER),
    "x_options": MapOf(TEXT),
    "switches": MapOf(record(*(Field(name, TEXT, "") for name in ("value", "source", "error")))),
    "libc": TEXT,
}
_MAY_BE_NULL = ("executable", "libc")


def describe(host: Host, python: str, what: str, timeout_s: float) -> Mapping[str, Any]:
    """The answer of the interpreter that `python` names.

    Raises `OSError`, and `InterpreterError`, which begins with `what`, for anything but an answer.
    """
    from envprint.machine.environments import resolve_python

    text = host.read_text(interpreter.__file__) + "\nprint_description()\n"
    done = host.run([resolve_python(python), "-c", text], timeout_s)
    _, mark, description = done.stdout.decode("utf-8", "replace").rpartition(interpreter.MARK)
    if done.code or not mark:
        instead = "" if what.startswith("--python") else "; --python names a different one"
        raise InterpreterError(
            f"{what}: expected Python 3.6 or later, it ended with {done.code}{instead}"
        )
    try:
        return checked(json.loads(description))
    except (TypeError, ValueError, RecursionError, ShapeFault) as error:
        raise InterpreterError(f"{what}: not understood: {error}") from None


def checked(described: Any) -> Mapping[str, Any]:
    """`described`, if it has the form of a description. Raises `ValueError` or `ShapeFault`."""
    if type(described) is not dict:
        raise ValueError(f"expected object, found {type(described).__name__}")
    for name, shape in _FORM.items():
        value = described.get(name)
        if value is None and name not in _MAY_BE_NULL:
            raise ValueError(f"{name}: it is missing")
        require(record(Field(name, shape, "")), {name: value})
    return {name: described.get(name) for name in _FORM}
