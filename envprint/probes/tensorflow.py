"""TensorFlow: kernels of Eigen, oneDNN or CUDA, eager and in a graph; its and Keras' streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

MODULE = "tensorflow"
ON_GPU = True
TYPES = ("float32", "float64")
HALF = "bfloat16"

if TYPE_CHECKING:
    Values = Callable[..., Any]
    Named = Iterator[tuple[str, Callable[[], Any]]]


def begin(device: str) -> dict[str, Any]:
    """The version and the settings that the digests are made under."""
    import tensorflow as tf

    begun: dict[str, Any] = {"version": tf.__version__, "device": "cpu"}
    if device != "cpu":
        gpus = tf.config.list_physical_devices("GPU")
        number = int(device.partition(":")[2])
        if number >= len(gpus):
            raise LookupError(f"TensorFlow sees {len(gpus)} GPUs, so no {device}")
        # Without these it takes all memory of every GPU.
        tf.config.set_visible_devices(gpus[number], "GPU")
        tf.config.experimental.set_memory_growth(gpus[number], True)
        about = tf.config.experimental.get_device_details(gpus[number])
        begun.update(device=about.get("device_name", device), gpus=len(gpus))
    return {**begun, "settings": _settings()}


def _settings() -> dict[str, str]:
    import keras
    import tensorflow as tf
    from tensorflow.python.framework import config
    from tensorflow.python.util import _pywrap_util_port as port

    threads = tf.config.threading
    asked = {
        "intra_op_threads": threads.get_intra_op_parallelism_threads,
        "inter_op_threads": threads.get_inter_op_parallelism_threads,
        "onednn": getattr(port, "IsMklEnabled", None),
        "op_determinism": getattr(config, "is_op_determinism_enabled", None),
        "tf32": tf.config.experimental.tensor_float_32_execution_enabled,
        "jit": tf.config.optimizer.get_jit,
        "keras_backend": keras.backend.backend,
        "floatx": keras.backend.floatx,
    }
    told = {name: str(ask()) for name, ask in asked.items() if ask}
    return {"keras": keras.__version__, **told}


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

    for group, kinds in {
        _libm: TYPES,
        _reductions: TYPES,
        _products: (*TYPES, HALF),
        _convolutions: (*TYPES, HALF),
        _layers: TYPES,
        _graphs: ("float32",),
        _decompositions: TYPES,
        _floats: TYPES,
        _streams: ("float32",),
        _keras_streams: ("float32",),
    }.items():
        for kind in kinds:
            for name, compute in group(kind, values):
                yield f"{name} {kind}", partial(placed, compute)


def _gradient(compute: Callable[..., Any], *sources: Any) -> Any:
    """What `compute` gives back to its arguments; the way down is uneven, by exact steps."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(sources)
        result = compute(*sources)
    weights = tf.reshape(tf.range(tf.size(result)) % 7 - 3, tf.shape(result))
    return tape.gradient(result, sources, tf.cast(weights, result.dtype))


def _libm(kind: str, values: Values) -> Named:
    import tensorflow as tf

    x = partial(values, kind, 5003)
    yield "libm/exp", lambda: tf.exp(x() * 32)
    yield "libm/expm1", lambda: tf.math.expm1(x() * 8)
    yield "libm/log", lambda: tf.math.log(tf.abs(x()) * 16)
    yield "libm/log1p", lambda: tf.math.log1p(x() + tf.abs(x()))
    yield "libm/sin", lambda: tf.sin(x() * 256)
    yield "libm/cos", lambda: tf.cos(x() * 256)
    yield "libm/pow", lambda: tf.abs(x() * 8) ** (values(kind, 5003, salt="b") * 16)
    yield "libm/tanh", lambda: tf.tanh(x() * 8)
    yield "libm/sigmoid", lambda: tf.sigmoid(x() * 16)
    yield "libm/erf", lambda: tf.math.erf(x() * 4)
    yield "libm/reciprocal-root", lambda: tf.math.rsqrt(tf.abs(x()))


def _reductions(kind: str, values: Values) -> Named:
    import tensorflow as tf

    large = partial(values, kind, 1009, 1013)
    yield "reduction/sum-small", lambda: tf.reduce_sum(values(kind, 101))
    yield "reduction/sum-large", lambda: tf.reduce_sum(large())
    yield "reduction/sum-columns", lambda: tf.reduce_sum(large(), 0)
    yield "reduction/sum-rows", lambda: tf.reduce_sum(large(), 1)
    yield "reduction/mean", lambda: tf.reduce_mean(large())
    yield "reduction/cumulative-sum", lambda: tf.cumsum(values(kind, 5003))
    segments = partial(tf.constant, [number * 7 % 31 for number in range(5003)])
    yield (
        "reduction/scatter-add",
        lambda: tf.math.unsorted_segment_sum(values(kind, 5003, 17), segments(), 31),
    )


def _products(kind: str, values: Values) -> Named:
    import tensorflow as tf

    large = partial(values, kind, 700, 700)
    yield "dot/small", lambda: tf.tensordot(values(kind, 61), values(kind, 61, salt="b"), 1)
    yield "dot/large", lambda: tf.tensordot(values(kind, 100003), values(kind, 100003, salt="b"), 1)
    yield "matmul/small", lambda: values(kind, 7, 13) @ values(kind, 13, 5, salt="b")
    yield "matmul/medium", lambda: values(kind, 67, 129) @ values(kind, 129, 33, salt="b")
    yield "matmul/large", lambda: large() @ large(salt="b")
    yield "matmul/transposed", lambda: tf.matmul(large(), large(salt="b"), transpose_a=True)
    yield "matmul/vector", lambda: tf.linalg.matvec(large(), values(kind, 700, salt="b"))
    yield "matmul/batched", lambda: values(kind, 9, 37, 39) @ values(kind, 9, 39, 43, salt="b")


def _convolutions(kind: str, values: Values) -> Named:
    import tensorflow as tf

    digits, first = partial(values, kind, 8, 28, 28, 1), partial(values, kind, 3, 3, 1, 32)
    images, filters = partial(values, kind, 8, 29, 31, 32), partial(values, kind, 3, 3, 32, 48)
    single = partial(values, kind, 3, 3, 32, 1)
    plain = partial(tf.nn.conv2d, strides=1, padding="SAME")
    strided = partial(tf.nn.conv2d, strides=2, padding="VALID")
    depthwise = partial(tf.nn.depthwise_conv2d, strides=[1, 1, 1, 1], padding="SAME")
    yield "convolution/forward-first", lambda: plain(digits(), first())
    yield "convolution/forward", lambda: plain(images(), filters())
    yield "convolution/backward", lambda: _gradient(plain, images(), filters())
    yield "convolution/strided", lambda: strided(images(), filters())
    yield "convolution/strided-backward", lambda: _gradient(strided, images(), filters())
    yield "convolution/pointwise", lambda: plain(images(), values(kind, 1, 1, 32, 48))
    yield "convolution/depthwise", lambda: depthwise(images(), single())
    if kind != HALF:
        yield "convolution/depthwise-backward", lambda: _gradient(depthwise, images(), single())


def _layers(kind: str, values: Values) -> Named:
    import tensorflow as tf

    images, logits = partial(values, kind, 8, 29, 31, 32), partial(values, kind, 67, 1001)
    bias = partial(values, kind, 32, salt="b")

    def normalised(x: Any, scale: Any, offset: Any) -> Any:
        return tf.compat.v1.nn.fused_batch_norm(x, scale, offset)[0]

    def cross_entropy(x: Any) -> Any:
        labels = tf.range(67) * 7
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, x)

    largest = partial(tf.nn.max_pool2d, ksize=2, strides=2, padding="SAME")
    average = partial(tf.nn.avg_pool2d, ksize=3, strides=2, padding="SAME")
    if kind == "float32":
        arguments = images, partial(bias, salt="c"), bias
        yield "normalisation/batch-norm", lambda: normalised(*(make() for make in arguments))
        yield (
            "normalisation/batch-norm-backward",
            lambda: _gradient(normalised, *(make() for make in arguments)),
        )
    yield "normalisation/moments", lambda: tf.nn.moments(images(), [0, 1, 2])
    yield "softmax/forward", lambda: tf.nn.softmax(logits() * 16)
    yield "softmax/logarithm", lambda: tf.nn.log_softmax(logits() * 16)
    yield "softmax/cross-entropy-backward", lambda: _gradient(cross_entropy, logits() * 16)
    yield "pooling/largest", lambda: largest(images())
    yield "pooling/largest-backward", lambda: _gradient(largest, images())
    yield "pooling/average", lambda: average(images())
    yield "pooling/average-backward", lambda: _gradient(average, images())


def _graphs(kind: str, values: Values) -> Named:
    """What a graph may fuse or rewrite, and what XLA compiles."""
    import tensorflow as tf

    images, filters = partial(values, kind, 8, 29, 31, 32), partial(values, kind, 3, 3, 32, 48)
    bias = partial(values, kind, 48, salt="b")

    def convolved(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), b))

    def dense(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.softmax(tf.nn.relu(tf.nn.bias_add(tf.matmul(x, w), b)))

    layer = partial(values, kind, 67, 129), partial(values, kind, 129, 48), bias
    yield "convolution/in-graph", lambda: tf.function(convolved)(images(), filters(), bias())
    yield "matmul/in-graph", lambda: tf.function(dense)(*(make() for make in layer))
    yield (
        "matmul/compiled",
        lambda: tf.function(dense, jit_compile=True)(*(make() for make in layer)),
    )
    yield "libm/reciprocal-in-graph", lambda: tf.function(lambda x: 1 / x)(values(kind, 5003))


def _decompositions(kind: str, values: Values) -> Named:
    import tensorflow as tf

    square = partial(values, kind, 100, 100)

    def definite() -> Any:
        """Symmetric and positive, by steps that round alike everywhere."""
        return square() + tf.transpose(square()) + 20 * tf.eye(100, dtype=kind)

    yield "decomposition/svd", lambda: tf.linalg.svd(square())
    yield "decomposition/eigh", lambda: tf.linalg.eigh(definite())
    yield "decomposition/qr", lambda: tf.linalg.qr(square())
    yield "decomposition/cholesky", lambda: tf.linalg.cholesky(definite())
    yield "decomposition/solve", lambda: tf.linalg.solve(square(), square(salt="b"))
    yield "fft/power-of-two", lambda: tf.signal.rfft(values(kind, 4096))
    yield "fft/prime", lambda: tf.signal.rfft(values(kind, 1009))
    yield "fft/two-dimensional", lambda: tf.signal.rfft2d(values(kind, 3, 60, 90))


def _floats(kind: str, values: Values) -> Named:
    import tensorflow as tf

    tiny = 2.0 ** (-126 if kind == "float32" else -1022)
    x = partial(values, kind, 1001)
    yield "floats/subnormals", lambda: [x() * tiny, (x() * tiny) * 2.0**20, x() * tiny + tiny]
    yield (
        "floats/rounding",
        lambda: [x() / 3, x() + 1, tf.sqrt(x() + 1), tf.cast(x(), "float16"), tf.cast(x(), HALF)],
    )
    yield "sorting/order-of-equals", lambda: tf.argsort(tf.round(x() * 8))


def _streams(kind: str, values: Values) -> Named:
    import tensorflow as tf

    def seeded(draw: Callable[[], Any]) -> Callable[[], Any]:
        def drawn() -> Any:
            tf.random.set_seed(7)
            return [draw(), draw()]

        return drawn

    random = tf.random
    yield "random/normal", seeded(lambda: random.normal([1001]))
    yield "random/normal-large", seeded(lambda: random.normal([300007]))
    yield "random/uniform", seeded(lambda: random.uniform([1001]))
    yield "random/truncated_normal", seeded(lambda: random.truncated_normal([1001]))
    yield "random/gamma", seeded(lambda: random.gamma([1001], 2.5))
    yield "random/shuffle", seeded(lambda: random.shuffle(values(kind, 1001)))
    yield "random/dropout", seeded(lambda: tf.nn.dropout(values(kind, 1001), 0.5, seed=3))
    yield "random/Dataset.shuffle", seeded(lambda: _order(tf.data.Dataset.range(1001)))
    philox = partial(random.Generator.from_seed, 7, alg="philox")
    yield "random/Generator.normal", lambda: philox().normal([1001])
    yield "random/Generator.uniform", lambda: philox().uniform([1001])
    for name in ("philox", "auto_select"):
        stateless = partial(random.stateless_normal, [1001], [7, 3], alg=name)
        yield f"random/stateless_normal-{name}", stateless
    # A CPU knows this algorithm in what XLA compiled only.
    threefry = tf.function(random.stateless_normal, jit_compile=True)
    yield "random/stateless_normal-threefry", partial(threefry, [1001], [7, 3], alg="threefry")
    yield "random/stateless_uniform", lambda: random.stateless_uniform([1001], [7, 3])


def _order(dataset: Any) -> Any:
    return list(dataset.shuffle(100, seed=3))


def _keras_streams(kind: str, values: Values) -> Named:
    import keras

    def made(name: str, **arguments: Any) -> Any:
        return getattr(keras.initializers, name)(**arguments)((67, 33))

    def after_global_seed() -> Any:
        keras.utils.set_random_seed(7)
        return [made("GlorotUniform"), made("HeNormal")]

    for name in ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal"):
        yield f"random/keras.{name}", partial(made, name, seed=7)
    yield "random/keras-global-seed", after_global_seed
    dropout = keras.layers.Dropout
    yield (
        "random/keras.Dropout",
        lambda: dropout(0.5, seed=7)(values(kind, 67, 33), training=True),
    )
