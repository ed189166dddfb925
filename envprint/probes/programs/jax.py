"""JAX: what XLA compiles, its own LAPACK and FFT, and its random streams."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

MODULE = "jax"
ON_GPU = True
SETTINGS = (
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_enable_x64",
    "jax_threefry_partitionable",
)
# Every operation costs a compilation: of these types only some are tried.
RARE = {
    "float64": (
        *(f"libm/{name}" for name in ("exp", "log", "sin", "pow", "tanh")),
        *("reduction/sum-large", "dot/large", "matmul/small", "matmul/large"),
        *("decomposition/svd", "fft/power-of-two", "floats/subnormals"),
    ),
    "bfloat16": ("matmul/large", "convolution/forward"),
}

if TYPE_CHECKING:
    Named = Iterator[tuple[str, Callable[..., Any], Any]]


def begin(device: str) -> dict[str, Any]:
    """The version and the settings that the digests are made under."""
    # Otherwise it takes three quarters of a GPU's memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax

    settings = {
        name: str(getattr(jax.config, name)) for name in SETTINGS if hasattr(jax.config, name)
    }
    settings["jaxlib"] = jax.lib.__version__
    header: dict[str, Any] = {"version": jax.__version__, "device": "cpu", "settings": settings}
    if device != "cpu":
        gpus, number = jax.devices("gpu"), int(device.partition(":")[2])
        if number >= len(gpus):
            raise LookupError(f"JAX sees {len(gpus)} GPUs, so there is no {device}")
        header.update(device=gpus[number].device_kind, gpus=len(gpus))
    return header


def operations(
    device: str, inputs: Callable[[int, str], bytes]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every operation by name, each compiled as a whole: XLA gets its inputs as arguments."""
    import jax
    import numpy

    kind_of_device, _, number = device.partition(":")
    processor = jax.devices(kind_of_device)[int(number or 0)]
    uses_doubles = jax.config.jax_enable_x64

    def values(kind: str, shape: tuple[int, ...], salt: str) -> Any:
        """Numbers in [-0.5, 0.5) with as many random bits as the type holds, by exact steps."""
        count = int(numpy.prod(shape))
        if kind == "float64":
            whole = numpy.frombuffer(inputs(2 * count, salt), "<u8") >> numpy.uint64(11)
            scaled = whole.astype(kind) * 2.0**-53 - 0.5
        else:
            whole = numpy.frombuffer(inputs(count, salt), "<u4") >> numpy.uint32(8)
            scaled = whole.astype("float32") * numpy.float32(2.0**-24) - numpy.float32(0.5)
        return scaled.reshape(shape).astype(getattr(jax.numpy, kind))

    def computed(kind: str, function: Callable[..., Any], shapes: Sequence[tuple[int, ...]]) -> Any:
        jax.config.update("jax_enable_x64", kind == "float64" or uses_doubles)
        arrays = [values(kind, shape, "abc"[place]) for place, shape in enumerate(shapes)]
        with jax.default_device(processor):
            result = jax.jit(function)(*arrays or [jax.random.PRNGKey(7)])
            return [numpy.asarray(part) for part in jax.tree_util.tree_leaves(result)]

    groups = (_streams, _libm, _reductions, _products, _convolutions, _layers, _decompositions)
    for kind in ("float32", "float64", "bfloat16"):
        for group in (*groups, _floats):
            for name, function, shapes in group():
                if name in RARE.get(kind, (name,)):
                    # A stream of another type says so itself.
                    full = name if " " in name else f"{name} {kind}"
                    yield full, partial(computed, kind, function, shapes)


def _gradient(compute: Callable[..., Any], *sources: Any) -> Any:
    """What `compute` gives back to its arguments; the way down is uneven, by exact steps."""
    import jax

    result, pull = jax.vjp(compute, *sources)
    weights = jax.numpy.arange(result.size) % 7 - 3
    return pull(weights.reshape(result.shape).astype(result.dtype))


def _libm() -> Named:
    from jax import nn, scipy
    from jax import numpy as jnp

    x = [(5003,)]
    scales = {"exp": 32, "expm1": 8, "sin": 256, "cos": 256, "tanh": 8}
    for name, scale in scales.items():
        yield f"libm/{name}", partial(lambda f, by, x: f(x * by), getattr(jnp, name), scale), x
    yield "libm/sigmoid", lambda x: nn.sigmoid(x * 16), x
    yield "libm/erf", lambda x: scipy.special.erf(x * 4), x
    yield "libm/log", lambda x: jnp.log(abs(x) * 16), x
    yield "libm/log1p", lambda x: jnp.log1p(x + abs(x)), x
    yield "libm/pow", lambda x, y: abs(x * 8) ** (y * 16), [(5003,), (5003,)]


def _reductions() -> Named:
    from jax import numpy as jnp

    large = [(307, 1013)]

    def scattered(x: Any) -> Any:
        return jnp.zeros((31, 17), x.dtype).at[jnp.arange(5003) * 7 % 31].add(x)

    yield "reduction/sum-small", jnp.sum, [(101,)]
    yield "reduction/sum-large", jnp.sum, large
    yield "reduction/sum-columns", partial(jnp.sum, axis=0), large
    yield "reduction/sum-rows", partial(jnp.sum, axis=1), large
    yield "reduction/variance", jnp.var, large
    yield "reduction/scatter-add", scattered, [(5003, 17)]


def _products() -> Named:
    from jax.numpy import matmul

    yield "dot/small", matmul, [(61,), (61,)]
    yield "dot/large", matmul, [(100003,), (100003,)]
    yield "matmul/small", matmul, [(7, 13), (13, 5)]
    yield "matmul/medium", matmul, [(67, 129), (129, 33)]
    yield "matmul/large", matmul, [(700, 700), (700, 700)]
    yield "matmul/transposed", lambda a, b: a.T @ b, [(700, 700), (700, 700)]
    yield "matmul/vector", matmul, [(700, 700), (700,)]
    yield "matmul/batched", matmul, [(9, 37, 39), (9, 39, 43)]


def _convolutions() -> Named:
    from jax.lax import conv_general_dilated

    images, filters = (8, 29, 31, 32), (3, 3, 32, 48)
    order = ("NHWC", "HWIO", "NHWC")
    base = partial(conv_general_dilated, dimension_numbers=order, padding="SAME")
    plain, strided = partial(base, window_strides=(1, 1)), partial(base, window_strides=(2, 2))
    depthwise = partial(plain, feature_group_count=32)
    yield "convolution/forward-first", plain, [(8, 28, 28, 1), (3, 3, 1, 32)]
    yield "convolution/forward", plain, [images, filters]
    yield "convolution/backward", partial(_gradient, plain), [images, filters]
    yield "convolution/strided", strided, [images, filters]
    yield "convolution/pointwise", plain, [images, (1, 1, 32, 48)]
    yield "convolution/depthwise", depthwise, [images, (3, 3, 1, 32)]


def _layers() -> Named:
    from jax import lax, nn

    images, logits = [(8, 29, 31, 32)], [(67, 1001)]

    def batch_norm(x: Any) -> Any:
        return (x - x.mean((0, 1, 2))) * lax.rsqrt(x.var((0, 1, 2)) + 1e-3)

    def pooled(start: float, combine: Any, x: Any) -> Any:
        return lax.reduce_window(x, start, combine, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")

    largest, sums = partial(pooled, -float("inf"), lax.max), partial(pooled, 0.0, lax.add)
    yield "normalisation/batch-norm-backward", partial(_gradient, batch_norm), images
    yield "softmax/forward", lambda x: nn.softmax(x * 16), logits
    yield "softmax/backward", partial(_gradient, nn.softmax), logits
    yield "pooling/largest", largest, images
    yield "pooling/average", sums, images


def _decompositions() -> Named:
    from jax import numpy as jnp
    from jax.numpy import fft, linalg

    square = [(100, 100)]

    def definite(x: Any) -> Any:
        """Symmetric and positive, by steps that round alike everywhere."""
        return x + x.T + 20 * jnp.eye(100, dtype=x.dtype)

    yield "decomposition/svd", linalg.svd, square
    yield "decomposition/eigh", lambda x: linalg.eigh(definite(x)), square
    yield "fft/power-of-two", fft.rfft, [(4096,)]
    yield "fft/prime", fft.rfft, [(1009,)]
    yield "fft/two-dimensional", fft.rfft2, [(3, 60, 90)]


def _floats() -> Named:
    from jax import numpy as jnp

    def subnormals(x: Any) -> Any:
        tiny = jnp.finfo(x.dtype).tiny
        return [x * tiny, x * tiny + tiny]

    def rounding(x: Any) -> Any:
        return [x / 3, x + 1, jnp.sqrt(x + 1), x.astype("float16"), x.astype("bfloat16")]

    yield "floats/subnormals", subnormals, [(1001,)]
    yield "floats/rounding", rounding, [(1001,)]
    yield "sorting/order-of-equals", lambda x: jnp.argsort((x * 8).round()), [(1001,)]


def _streams() -> Named:
    from jax import random

    def rbg(key: Any) -> Any:
        return random.bits(
            random.wrap_key_data(random.key_data(key).repeat(2), impl="rbg"), (1001,)
        )

    few = (1001,)
    for name, draw in {
        "normal": lambda key: random.normal(key, few),
        "permutation int32": lambda key: random.permutation(key, 1001),
        "rbg uint32": rbg,
    }.items():
        yield f"random/{name}", draw, []
