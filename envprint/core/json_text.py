"""JSON read and written by the C code of `json`, without loading `json`.

That module compiles six patterns for the case that there is no C code. Whatever the C code refuses
goes to `json` itself, which has the last word and the errors.
"""

import sys

from envprint.core.typed import Any, cast

try:
    from _json import encode_basestring_ascii as quoted
    from _json import make_encoder, make_scanner
except ImportError:  # built without it
    from json.encoder import encode_basestring_ascii as quoted

    HAS_C_CODE = False
else:
    # A debug build ends where others raise the `SystemError` below.
    HAS_C_CODE = not hasattr(sys, "gettotalrefcount")

__all__ = ["compact", "loads", "number", "quoted"]


class _Settings:
    """What a scanner looks up: the meaning of `JSONDecoder`'s parameters."""

    strict = True
    object_hook = None

    def __init__(self, hooks: dict[str, Any]) -> None:
        self.object_pairs_hook = hooks.get("object_pairs_hook")
        self.parse_float = hooks.get("parse_float", float)
        self.parse_int = hooks.get("parse_int", int)
        self.parse_constant = hooks.get("parse_constant", float)


def loads(text: str | bytes, **hooks: Any) -> Any:
    """As `json.loads`; bytes are UTF-8."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if HAS_C_CODE:
        inside = text.strip(" \t\n\r")
        try:
            value, end = make_scanner(cast("Any", _Settings(hooks)))(inside, 0)
        # Without `json`, the C code has no error of its own, and ends in the second of these.
        except (StopIteration, SystemError, ValueError):
            end = -1
        if end == len(inside):
            return value
    import json

    return json.loads(text, **hooks)


def compact(value: Any) -> str:
    """As `json.dumps` with sorted keys and nothing between items but a comma."""
    if HAS_C_CODE:
        encode = make_encoder({}, _refuse, quoted, None, ":", ",", True, False, True)
        return "".join(encode(value, 0))
    import json

    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def number(value: float) -> str:
    """A finite number. Raises `ValueError` for infinity and what is no number."""
    if value - value != 0:
        raise ValueError(f"{value} is not a JSON number")
    return float.__repr__(value) if isinstance(value, float) else int.__repr__(value)


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
