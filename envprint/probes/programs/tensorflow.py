"""TensorFlow: kernels of Eigen, oneDNN or CUDA, eager, in a graph and compiled."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

MODULE = "tensorflow"
ON_GPU = True
PARTS = ("_tensorflow_random.py",)
HALF = ("matmul/small", "matmul/large", "convolution/forward", "convolution/backward")

if TYPE_CHECKING:
    Named = Iterator[tuple[str, Callable[[], Any]]]


def begin(device: str) -> dict[str, Any]:
    """The version and the settings that the digests are made under."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # the one asked for may not be there
    import tensorflow as tf

    header: dict[str, Any] = {"version": tf.__version__, "device": "cpu"}
    if device != "cpu":
        gpus = tf.config.list_physical_devices("GPU")
        number = int(device.partition(":")[2])
        if number >= len(gpus):
            raise LookupError(f"TensorFlow sees {len(gpus)} GPUs, so no {device}")
        # Without these it takes all memory of every GPU.
        tf.config.set_visible_devices(gpus[number], "GPU")
        tf.config.experimental.set_memory_growth(gpus[number], True)
        about = tf.config.experimental.get_device_details(gpus[number])
        header.update(device=about.get("device_name", device), gpus=len(gpus))
    return {**header, "settings": _settings()}


def _settings() -> dict[str, str]:
    import keras
    import tensorflow as tf

    threads = tf.config.threading
    settings = {
        "intra_op_threads": str(threads.get_intra_op_parallelism_threads() or "one for each CPU"),
        "inter_op_threads": str(threads.get_inter_op_parallelism_threads() or "one for each CPU"),
        "keras_backend": keras.backend.backend(),
        "floatx": keras.backend.floatx(),
        "keras": getattr(keras, "__version__", "hidden"),  # as some releases have it
    }
    questions = {
        "onednn": ("util._pywrap_util_port", "IsMklEnabled"),
        "op_determinism": ("framework.config", "is_op_determinism_enabled"),
        "tf32": ("framework.config", "tensor_float_32_execution_enabled"),
    }
    for name, (module, ask) in questions.items():
        with suppress(ImportError, AttributeError):  # older releases lack it
            settings[name] = str(getattr(import_module(f"tensorflow.python.{module}"), ask)())
    return settings


def operations(device: str, inputs: Callable[[int, str], bytes]) -> Named:
    """Every operation by name."""
    import numpy
    import tensorflow as tf

    place = "/CPU:0" if device == "cpu" else "/GPU:0"

    def values(kind: str, *shape: int, salt: str = "a") -> Any:
        """Numbers in [-0.5, 0.5) with as many random bits as the type holds, by exact steps."""
        count = int(numpy.prod(shape))
        if kind == "float64":
            whole = numpy.frombuffer(inputs(2 * count, salt), "<u8") >> numpy.uint64(11)
            scaled = whole.astype(kind) * 2.0**-53 - 0.5
        else:
            whole = numpy.frombuffer(inputs(count, salt), "<u4") >> numpy.uint32(8)
            scaled = whole.astype("float32") * numpy.float32(2.0**-24) - numpy.float32(0.5)
        return tf.cast(tf.constant(scaled.reshape(shape)), kind)

    def placed(compute: Callable[[], Any]) -> Any:
        with tf.device(place):
            # Flat, because a lone number of bfloat16 is none of NumPy's arrays.
            return [numpy.asarray(tf.reshape(x, [-1])) for x in tf.nest.flatten(compute())]

    plain = (_libm, _reductions, _products, _convolutions, _layers, _decompositions, _floats)
    groups = [
        *((group, kind) for kind in ("float32", "float64") for group in plain),
        (_graphs, "float32"),
        # Last: a version of oneDNN crashes on what the instruction set lacks.
        *((group, "bfloat16") for group in (_products, _convolutions)),
    ]
    for group, kind in groups:
        for name, compute in group(kind, partial(values, kind)):
            if kind != "bfloat16" or name in HALF:
                yield f"{name} {kind}", partial(placed, compute)


def _gradient(compute: Callable[..., Any], *sources: Any) -> Any:
    """What `compute` gives back to its arguments; the way down is uneven, by exact steps."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(sources)
        result = compute(*sources)
    weights = tf.reshape(tf.range(tf.size(result)) % 7 - 3, tf.shape(result))
    return tape.gradient(result, sources, tf.cast(weights, result.dtype))


def _libm(kind: str, make: Callable[..., Any]) -> Named:
    import tensorflow as tf

    x = partial(make, 5003)
    scales = {"exp": 32, "expm1": 8, "sin": 256, "cos": 256, "tanh": 8, "sigmoid": 16, "erf": 4}
    for name, scale in scales.items():
        yield f"libm/{name}", partial(lambda f, by: f(x() * by), getattr(tf.math, name), scale)
    yield "libm/log", lambda: tf.math.log(tf.abs(x()) * 16)
    yield "libm/log1p", lambda: tf.math.log1p(x() + tf.abs(x()))
    yield "libm/pow", lambda: tf.abs(x() * 8) ** (x(salt="b") * 16)
    yield "libm/reciprocal-root", lambda: tf.math.rsqrt(tf.abs(x()))


def _reductions(kind: str, make: Callable[..., Any]) -> Named:
    import tensorflow as tf

    large = partial(make, 307, 1013)
    yield "reduction/sum-small", lambda: tf.reduce_sum(make(101))
    yield "reduction/sum-large", lambda: tf.reduce_sum(large())
    yield "reduction/sum-columns", lambda: tf.reduce_sum(large(), 0)
    yield "reduction/sum-rows", lambda: tf.reduce_sum(large(), 1)
    yield "reduction/cumulative-sum", lambda: tf.cumsum(make(5003))
    segments = [number * 7 % 31 for number in range(5003)]
    add = tf.math.unsorted_segment_sum
    yield "reduction/scatter-add", lambda: add(make(5003, 17), tf.constant(segments), 31)


def _products(kind: str, make: Callable[..., Any]) -> Named:
    import tensorflow as tf

    large = partial(make, 700, 700)
    yield "dot/small", lambda: tf.tensordot(make(61), make(61, salt="b"), 1)
    yield "dot/large", lambda: tf.tensordot(make(100003), make(100003, salt="b"), 1)
    yield "matmul/small", lambda: make(7, 13) @ make(13, 5, salt="b")
    yield "matmul/medium", lambda: make(67, 129) @ make(129, 33, salt="b")
    yield "matmul/large", lambda: large() @ large(salt="b")
    yield "matmul/transposed", lambda: tf.matmul(large(), large(salt="b"), transpose_a=True)
    yield "matmul/vector", lambda: tf.linalg.matvec(large(), make(700, salt="b"))
    yield "matmul/batched", lambda: make(9, 37, 39) @ make(9, 39, 43, salt="b")


def _convolutions(kind: str, make: Callable[..., Any]) -> Named:
    import tensorflow as tf

    digits, first = partial(make, 8, 28, 28, 1), partial(make, 3, 3, 1, 32)
    images, filters = partial(make, 8, 29, 31, 32), partial(make, 3, 3, 32, 48)
    single = partial(make, 3, 3, 32, 1)
    plain = partial(tf.nn.conv2d, strides=1, padding="SAME")
    strided = partial(tf.nn.conv2d, strides=2, padding="VALID")
    depthwise = partial(tf.nn.depthwise_conv2d, strides=[1, 1, 1, 1], padding="SAME")
    yield "convolution/forward-first", lambda: plain(digits(), first())
    yield "convolution/forward", lambda: plain(images(), filters())
    yield "convolution/backward", lambda: _gradient(plain, images(), filters())
    yield "convolution/strided", lambda: strided(images(), filters())
    yield "convolution/strided-backward", lambda: _gradient(strided, images(), filters())
    yield "convolution/pointwise", lambda: plain(images(), make(1, 1, 32, 48))
    yield "convolution/depthwise", lambda: depthwise(images(), single())
    yield "convolution/depthwise-backward", lambda: _gradient(depthwise, images(), single())


def _layers(kind: str, make: Callable[..., Any]) -> Named:
    import tensorflow as tf

    images, logits = partial(make, 8, 29, 31, 32), partial(make, 67, 1001)

    def batch_norm(x: Any, scale: Any, offset: Any) -> Any:
        return tf.compat.v1.nn.fused_batch_norm(x, scale, offset)[0]

    def normal() -> Any:
        return images(), make(32, salt="c"), make(32, salt="b")

    def cross_entropy(x: Any) -> Any:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.range(67) * 7, x)

    largest = partial(tf.nn.max_pool2d, ksize=2, strides=2, padding="SAME")
    average = partial(tf.nn.avg_pool2d, ksize=3, strides=2, padding="SAME")
    if kind == "float32":
        yield "normalisation/batch-norm", lambda: batch_norm(*normal())
        yield "normalisation/batch-norm-backward", lambda: _gradient(batch_norm, *normal())
    yield "normalisation/moments", lambda: tf.nn.moments(images(), [0, 1, 2])
    yield "softmax/forward", lambda: tf.nn.softmax(logits() * 16)
    yield "softmax/cross-entropy-backward", lambda: _gradient(cross_entropy, logits() * 16)
    yield "pooling/largest", lambda: largest(images())
    yield "pooling/largest-backward", lambda: _gradient(largest, images())
    yield "pooling/average", lambda: average(images())
    yield "pooling/average-backward", lambda: _gradient(average, images())


def _graphs(kind: str, make: Callable[..., Any]) -> Named:
    """What a graph may fuse or rewrite, and what XLA compiles."""
    import tensorflow as tf

    images, filters = partial(make, 8, 29, 31, 32), partial(make, 3, 3, 32, 48)
    bias = partial(make, 48, salt="b")

    def convolved(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), b))

    def dense(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.relu(tf.nn.bias_add(tf.matmul(x, w), b))

    layer = partial(make, 67, 129), partial(make, 129, 48), bias
    # What is run by path has no source that AutoGraph finds, and nothing for it to rewrite.
    graph = partial(tf.function, autograph=False)
    yield "convolution/in-graph", lambda: graph(convolved)(images(), filters(), bias())
    yield "matmul/in-graph", lambda: graph(dense)(*(make() for make in layer))
    yield "matmul/compiled", lambda: graph(dense, jit_compile=True)(*(make() for make in layer))
    yield "libm/reciprocal-in-graph", lambda: graph(lambda x: 1 / x)(make(5003))


def _decompositions(kind: str, make: Callable[..., Any]) -> Named:
    import tensorflow as tf

    square = partial(make, 100, 100)

    def definite() -> Any:
        """Symmetric and positive, by steps that round alike everywhere."""
        return square() + tf.transpose(square()) + 20 * tf.eye(100, dtype=kind)

    yield "decomposition/svd", lambda: tf.linalg.svd(square())
    yield "decomposition/eigh", lambda: tf.linalg.eigh(definite())
    yield "decomposition/qr", lambda: tf.linalg.qr(square())
    yield "decomposition/cholesky", lambda: tf.linalg.cholesky(definite())
    yield "decomposition/solve", lambda: tf.linalg.solve(square(), square(salt="b"))
    yield "fft/power-of-two", lambda: tf.signal.rfft(make(4096))
    yield "fft/prime", lambda: tf.signal.rfft(make(1009))
    yield "fft/two-dimensional", lambda: tf.signal.rfft2d(make(3, 60, 90))


def _floats(kind: str, make: Callable[..., Any]) -> Named:
    import tensorflow as tf

    x, tiny = partial(make, 1001), 2.0 ** (-126 if kind == "float32" else -1022)

    def rounding() -> Any:
        cast = [tf.cast(x(), other) for other in ("float16", "bfloat16")]
        return [x() / 3, x() + 1, tf.sqrt(x() + 1), *cast]

    yield "floats/subnormals", lambda: [x() * tiny, (x() * tiny) * 2.0**20, x() * tiny + tiny]
    yield "floats/rounding", rounding
    yield "sorting/order-of-equals", lambda: tf.argsort(tf.round(x() * 8))
