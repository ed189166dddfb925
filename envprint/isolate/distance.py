"""How far apart two results are, in numbers, with the standard library."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Sequence
from math import inf, isfinite, isnan

from envprint.core.isolation import Distance
from envprint.core.typed import Any
from envprint.isolate.contents import DIGEST, Array, Contents

_FORMS = {"f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u1": "B",
          "u2": "H", "u4": "I", "u8": "Q"}  # fmt: skip


def distance(first: Contents, second: Contents) -> Distance | None:
    """None if the two do not hold the same numbers, so that no difference can be taken."""
    if [one[:3] for one in first] != [one[:3] for one in second] and not _are_texts(first, second):
        return None
    absolute = relative = 0.0
    where, differing, total = "", 0, 0
    for left, right in zip(first, second, strict=True):
        if left.dtype == DIGEST:
            continue
        ones, others = _numbers(left), _numbers(right)
        if ones is None or others is None or len(ones) != len(others):
            if left.data != right.data:
                return None
            continue
        total += len(ones)
        for one, other in zip(ones, others, strict=True):
            if one != other and not (isnan(one) and isnan(other)):
                where, differing = where or left.name, differing + 1
                apart = abs(one - other) if isfinite(one) and isfinite(other) else inf
                absolute = max(absolute, apart)
                largest = max(abs(one), abs(other)) or 1.0
                relative = max(relative, inf if apart == inf else apart / largest)
    return Distance(absolute, relative, where, differing, total) if total else None


def _are_texts(first: Contents, second: Contents) -> bool:
    """Whether both are texts of the same name, in which numbers may have other lengths."""
    kinds = [(one.name, one.dtype) for one in first]
    is_text = all(dtype in ("text", "json", "number") for _, dtype in kinds)
    return is_text and kinds == [(one.name, one.dtype) for one in second]


_NUMBER = re.compile(
    r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b", re.I
)


def _numbers(array: Array) -> Sequence[float] | None:
    if array.dtype in ("text", "number"):
        return [float(word) for word in _NUMBER.findall(array.data.decode("utf-8", "replace"))]
    if array.dtype == "json":
        return list(_leaves(json.loads(array.data)))
    if array.dtype == "bfloat16":
        pairs = struct.iter_unpack("<2s", array.data)
        return [struct.unpack("<f", b"\0\0" + two)[0] for (two,) in pairs]
    form = _FORMS.get(array.dtype.removesuffix(", fortran")[1:])
    if form is None or array.dtype[0] == ">":
        return None
    return [number for (number,) in struct.iter_unpack("<" + form, array.data)]


def _leaves(value: Any) -> Iterator[float]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
