"""Python itself: the C library's mathematics, sums and the random streams of `random`."""

from __future__ import annotations

import array
import ctypes
import math
import platform
import random
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

MODULE = "math"
ON_GPU = False
LIBM = ("exp", "expm1", "log", "log1p", "sin", "cos", "pow", "tanh", "atan2")

if TYPE_CHECKING:
    Named = Iterator[tuple[str, Callable[[], Any]]]


def begin(device: str) -> dict[str, Any]:
    """The version and the settings that the digests are made under."""
    settings = {"libc": " ".join(platform.libc_ver()).strip()}
    return {"version": platform.python_version(), "device": "cpu", "settings": settings}


def operations(device: str, inputs: Callable[[int, str], bytes]) -> Named:
    """Every operation by name."""

    def values(count: int, salt: str = "a") -> list[float]:
        """Numbers in [-0.5, 0.5) of 24 bits, exact as float32 too."""
        whole = struct.unpack(f"<{count}I", inputs(count, salt))
        return [(number >> 8) * 2.0**-24 - 0.5 for number in whole]

    yield from _libm(values)
    yield "reduction/sum float64", lambda: _bytes([sum(x / 3 for x in values(5003))])
    yield "reduction/exact-sum float64", lambda: _bytes([math.fsum(values(5003))])
    yield "floats/subnormals float64", lambda: _bytes(_subnormals(values(1001)))
    yield "floats/rounding float64", lambda: _bytes([y for x in values(1001) for y in _rounded(x)])
    yield "floats/text float64", lambda: [repr(x / 3).encode() for x in values(1001)]
    yield from _streams()


def _bytes(found: Any) -> bytes:
    return array.array("d", found).tobytes()


def _libm(values: Callable[..., list[float]]) -> Named:
    """Each function in both types, over a range where it does something."""
    scales = {"exp": 32, "expm1": 8, "log1p": 1.5, "sin": 256, "cos": 256, "tanh": 8}

    def arguments(name: str) -> tuple[list[float], ...]:
        x, y = values(5003), values(5003, "b")
        if name == "log":
            return ([abs(one) * 16 for one in x],)
        if name == "pow":
            return [abs(one) * 8 for one in x], [one * 16 for one in y]
        return (x, y) if name == "atan2" else ([one * scales[name] for one in x],)

    def double(name: str) -> Callable[[], Any]:
        return lambda: _bytes(map(getattr(math, name), *arguments(name)))

    def single(name: str) -> Callable[[], Any]:
        return lambda: array.array("f", map(_single(name), *arguments(name))).tobytes()

    for name in LIBM:
        yield f"libm/{name} float64", double(name)
        yield f"libm/{name} float32", single(name)


def _single(name: str) -> Any:
    """The C library's function for float32, which Python has loaded but does not offer."""
    function = getattr(ctypes.CDLL(None), f"{name}f")
    function.restype = ctypes.c_float
    function.argtypes = [ctypes.c_float] * (2 if name in ("pow", "atan2") else 1)
    return function


def _subnormals(x: list[float]) -> Iterator[float]:
    tiny = 2.0**-1022
    for one in x:
        yield one * tiny
        yield one * tiny * 2.0**20
        yield one * tiny + tiny


def _rounded(x: float) -> tuple[float, ...]:
    return x / 3, x / 3 + 1, math.sqrt(x + 1), float(repr(x / 7)), math.fmod(x * 97, 0.1)


def _streams() -> Named:
    def reals(method: str, *arguments: float) -> Callable[[], Any]:
        def draw() -> bytes:
            draw_one = getattr(random.Random(7), method)
            return _bytes(draw_one(*arguments) for _ in range(1001))

        return draw

    def whole(choose: Callable[[random.Random], Any]) -> Callable[[], Any]:
        return lambda: array.array("q", choose(random.Random(7))).tobytes()

    yield "random/Random.random float64", reals("random")
    yield "random/Random.gauss float64", reals("gauss", 0, 1)
    yield "random/Random.normalvariate float64", reals("normalvariate", 0, 1)
    yield "random/Random.gammavariate float64", reals("gammavariate", 2.5, 1)
    yield "random/Random.getrandbits int", whole(lambda r: [r.getrandbits(40) for _ in range(1001)])
    yield "random/Random.randrange int", whole(lambda r: [r.randrange(1000) for _ in range(1001)])
    yield "random/Random.sample int", whole(lambda r: r.sample(range(5003), 1001))
    yield "random/Random.choices int", whole(lambda r: r.choices(range(5003), k=1001))
    yield "random/Random.shuffle int", whole(_shuffled)
    yield "random/seeded-by-text float64", lambda: _bytes([random.Random("seed").random()])


def _shuffled(source: random.Random) -> list[int]:
    items = list(range(1001))
    source.shuffle(items)
    return items
