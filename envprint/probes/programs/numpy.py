"""NumPy: its own loops, its BLAS and LAPACK, its FFT and its random streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

MODULE = "numpy"
ON_GPU = False
TYPES = ("float64", "float32")

if TYPE_CHECKING:
    Values = Callable[..., Any]
    Named = Iterator[tuple[str, Callable[[], Any]]]


def begin(device: str) -> dict[str, Any]:
    """The version and the settings that the digests are made under."""
    import numpy

    numpy.seterr(all="ignore")
    core = getattr(numpy, "_core", None) or numpy.core
    umath = core._multiarray_umath
    has = getattr(umath, "__cpu_features__", {})
    features = [name for name in getattr(umath, "__cpu_dispatch__", ()) if has.get(name)]
    settings = {"features": " ".join(features), **_openblas()}
    return {"version": numpy.__version__, "device": "cpu", "settings": settings}


def _openblas() -> dict[str, str]:
    """The kernel and the threads of the OpenBLAS that is loaded, by its own word."""
    import ctypes

    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    for file in sorted({line.split()[-1] for line in lines if "openblas" in line}):
        library = ctypes.CDLL(file)
        # The wheels of NumPy rename the symbols.
        for name in ("scipy_openblas_{}64_", "openblas_{}64_", "scipy_openblas_{}", "openblas_{}"):
            core = getattr(library, name.format("get_corename"), None)
            if core:
                core.restype = ctypes.c_char_p
                threads = getattr(library, name.format("get_num_threads"))()
                return {"openblas_core": core().decode(), "openblas_threads": str(threads)}
    return {}


def operations(device: str, inputs: Callable[[int, str], bytes]) -> Named:
    """Every operation by name."""
    import numpy

    def values(kind: str, *shape: int, salt: str = "a") -> Any:
        """Numbers in [-0.5, 0.5) with as many random bits as the type holds, by exact steps."""
        count = int(numpy.prod(shape))
        if kind == "float32":
            whole = numpy.frombuffer(inputs(count, salt), "<u4") >> numpy.uint32(8)
            scaled = whole.astype(kind) * numpy.float32(2.0**-24)
        else:
            whole = numpy.frombuffer(inputs(2 * count, salt), "<u8") >> numpy.uint64(11)
            scaled = whole.astype(kind) * 2.0**-53
        return (scaled - scaled.dtype.type(0.5)).reshape(shape)

    for kind in TYPES:
        for group in (_libm, _reductions, _products, _decompositions, _transforms, _floats):
            for name, compute in group(kind, values):
                yield f"{name} {kind}", compute
    yield from _streams()


def _libm(kind: str, values: Values) -> Named:
    import numpy

    x = partial(values, kind, 5003)
    yield "libm/exp", lambda: numpy.exp(x() * 32)
    yield "libm/expm1", lambda: numpy.expm1(x() * 8)
    yield "libm/log", lambda: numpy.log(numpy.abs(x()) * 16)
    yield "libm/log1p", lambda: numpy.log1p(x() + numpy.abs(x()))
    yield "libm/sin", lambda: numpy.sin(x() * 256)
    yield "libm/cos", lambda: numpy.cos(x() * 256)
    yield "libm/pow", lambda: numpy.abs(x() * 8) ** (values(kind, 5003, salt="b") * 16)
    yield "libm/tanh", lambda: numpy.tanh(x() * 8)
    yield "libm/arctan2", lambda: numpy.arctan2(x(), values(kind, 5003, salt="b"))


def _reductions(kind: str, values: Values) -> Named:
    import numpy

    large = partial(values, kind, 1009, 1013)
    yield "reduction/sum-small", lambda: values(kind, 101).sum()
    yield "reduction/sum-large", lambda: large().sum()
    yield "reduction/sum-columns", lambda: large().sum(0)
    yield "reduction/sum-rows", lambda: large().sum(1)
    yield "reduction/variance", lambda: large().var()
    yield "reduction/cumulative-sum", lambda: values(kind, 5003).cumsum()
    yield (
        "reduction/einsum",
        lambda: numpy.einsum("ij,ij,j->i", large(), large(), values(kind, 1013)),
    )


def _products(kind: str, values: Values) -> Named:
    import numpy

    large = partial(values, kind, 700, 700)
    yield "dot/small", lambda: numpy.dot(values(kind, 61), values(kind, 61, salt="b"))
    yield "dot/large", lambda: numpy.dot(values(kind, 100003), values(kind, 100003, salt="b"))
    yield "matmul/small", lambda: values(kind, 7, 13) @ values(kind, 13, 5, salt="b")
    yield "matmul/medium", lambda: values(kind, 67, 129) @ values(kind, 129, 33, salt="b")
    yield "matmul/large", lambda: large() @ large(salt="b")
    yield "matmul/symmetric", lambda: large().T @ large()
    yield "matmul/vector", lambda: large() @ values(kind, 700, salt="b")
    yield "matmul/batched", lambda: values(kind, 9, 17, 19) @ values(kind, 9, 19, 23, salt="b")


def _decompositions(kind: str, values: Values) -> Named:
    import numpy
    from numpy import linalg

    square = partial(values, kind, 150, 150)

    def definite() -> Any:
        """Symmetric and positive, by steps that round alike everywhere."""
        return square() + square().T + 20 * numpy.eye(150, dtype=kind)

    yield "decomposition/svd", lambda: list(linalg.svd(square()))
    yield "decomposition/eigh", lambda: list(linalg.eigh(definite()))
    yield "decomposition/eigenvalues", lambda: linalg.eigvals(values(kind, 60, 60))
    yield "decomposition/qr", lambda: list(linalg.qr(square()))
    yield "decomposition/cholesky", lambda: linalg.cholesky(definite())
    yield "decomposition/solve", lambda: linalg.solve(square(), square(salt="b"))


def _transforms(kind: str, values: Values) -> Named:
    from numpy import fft

    yield "fft/power-of-two", lambda: fft.fft(values(kind, 4096))
    yield "fft/prime", lambda: fft.fft(values(kind, 1009))
    yield "fft/real", lambda: fft.rfft(values(kind, 7, 1000))
    yield "fft/two-dimensional", lambda: fft.ifft2(values(kind, 60, 90))


def _floats(kind: str, values: Values) -> Named:
    import numpy

    tiny = numpy.finfo(kind).tiny
    x = partial(values, kind, 1001)
    yield "floats/subnormals", lambda: [x() * tiny, (x() * tiny) * 2.0**20, x() * tiny + tiny]
    yield "floats/rounding", lambda: [x() / 3, x() + 1, numpy.sqrt(x() + 1), x().astype("float16")]
    yield "sorting/order-of-equals", lambda: numpy.argsort((x() * 8).round())


def _streams() -> Named:
    from numpy import random

    def legacy(method: str, *arguments: Any) -> Callable[[], Any]:
        return lambda: getattr(random.RandomState(7), method)(*arguments)

    def modern(method: str, *arguments: Any, **named: Any) -> Callable[[], Any]:
        return lambda: getattr(random.Generator(random.PCG64(7)), method)(*arguments, **named)

    yield "random/RandomState.random_sample float64", legacy("random_sample", 1001)
    yield "random/RandomState.standard_normal float64", legacy("standard_normal", 1001)
    yield "random/RandomState.randint int64", legacy("randint", 0, 1000, 1001)
    yield "random/RandomState.permutation int64", legacy("permutation", 1001)
    yield "random/RandomState.gamma float64", legacy("gamma", 2.5, 1.0, 1001)
    yield "random/RandomState.poisson int64", legacy("poisson", 20.0, 1001)
    yield "random/Generator.random float64", modern("random", 1001)
    yield "random/Generator.random float32", modern("random", 1001, "float32")
    yield "random/Generator.standard_normal float64", modern("standard_normal", 1001)
    yield "random/Generator.standard_normal float32", modern("standard_normal", 1001, "float32")
    yield "random/Generator.integers int64", modern("integers", 0, 1000, 1001)
    yield "random/Generator.permutation int64", modern("permutation", 1001)
    yield "random/Generator.choice int64", modern("choice", 5003, 1001, replace=False)
    yield "random/Generator.gamma float64", modern("gamma", 2.5, 1.0, 1001)
    yield "random/Generator.poisson int64", modern("poisson", 20.0, 1001)
    for name in ("MT19937", "PCG64DXSM", "Philox", "SFC64"):
        yield f"random/{name} uint64", partial(_raw, name)


def _raw(name: str) -> Any:
    from numpy import random

    return getattr(random, name)(7).random_raw(1001)
