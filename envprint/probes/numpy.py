"""NumPy: its own loops, its BLAS and LAPACK, its FFT and its random streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MODULE = "numpy"
ON_GPU = False


def begin(device: str) -> dict[str, Any]:
    """The version and the settings that the digests are made under."""
    import numpy

    return {"version": numpy.__version__, "device": "cpu", "settings": {}}


def operations(
    device: str, inputs: Callable[[int, str], bytes]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every operation by name."""
    import numpy

    def values(count: int, salt: str) -> Any:
        whole = numpy.frombuffer(inputs(count, salt), "<u4") >> 8
        return whole.astype("float32") * numpy.float32(2**-24) - numpy.float32(0.5)

    a = values(300 * 300, "a").reshape(300, 300)
    yield "matmul/large float32", lambda: a @ a
    yield "libm/exp float32", lambda: numpy.exp(a)
