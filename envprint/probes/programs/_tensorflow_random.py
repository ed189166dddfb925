"""The random streams of TensorFlow and of its Keras, a part of its probe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Named = Iterator[tuple[str, Callable[[], Any]]]


def operations(device: str, inputs: Callable[[int, str], bytes]) -> Named:
    """Every stream by name."""
    import tensorflow as tf

    place = "/CPU:0" if device == "cpu" else "/GPU:0"

    def placed(draw: Callable[[], Any]) -> Any:
        with tf.device(place):
            return [drawn.numpy() for drawn in tf.nest.flatten(draw())]

    for group in (_stateful, _stateless, _keras):
        for name, draw in group():
            # A stream of another type says so itself.
            yield (
                f"random/{name}" if " " in name else f"random/{name} float32",
                partial(placed, draw),
            )


def _stateful() -> Named:
    import tensorflow as tf
    from tensorflow import random

    def seeded(draw: Callable[..., Any], *arguments: Any, **named: Any) -> Callable[[], Any]:
        def drawn() -> Any:
            random.set_seed(7)
            return [draw(*arguments, **named), draw(*arguments, **named)]

        return drawn

    def order() -> Any:
        return list(tf.data.Dataset.range(1001).shuffle(100, seed=3))

    philox = partial(random.Generator.from_seed, 7, alg="philox")
    yield "normal", seeded(random.normal, [1001])
    yield "normal-large", seeded(random.normal, [100003])
    yield "normal float64", seeded(random.normal, [1001], dtype="float64")
    yield "uniform", seeded(random.uniform, [1001])
    yield "uniform int64", seeded(random.uniform, [1001], 0, 1000, dtype="int64")
    yield "truncated_normal", seeded(random.truncated_normal, [1001])
    yield "gamma", seeded(random.gamma, [1001], 2.5)
    yield "shuffle int64", seeded(lambda: random.shuffle(tf.range(1001, dtype="int64")))
    yield "dropout", seeded(lambda: tf.nn.dropout(tf.ones([1001]), 0.5, seed=3))
    yield "Dataset.shuffle int64", seeded(order)
    yield "Generator.normal", lambda: philox().normal([1001])
    yield "Generator.uniform", lambda: philox().uniform([1001])


def _stateless() -> Named:
    import tensorflow as tf
    from tensorflow import random

    normal = partial(random.stateless_normal, [1001], [7, 3])
    # A CPU has this algorithm in what XLA compiled only.
    threefry = tf.function(partial(normal, alg="threefry"), autograph=False, jit_compile=True)
    yield "stateless_normal-philox", partial(normal, alg="philox")
    yield "stateless_normal-threefry", threefry
    yield "stateless_normal-auto_select", normal
    yield "stateless_uniform", partial(random.stateless_uniform, [1001], [7, 3])


def _keras() -> Named:
    import keras

    def made(name: str, **arguments: Any) -> Any:
        return getattr(keras.initializers, name)(**arguments)((67, 33))

    def after_global_seed() -> Any:
        keras.utils.set_random_seed(7)
        return [made("GlorotUniform"), made("HeNormal")]

    def dropout() -> Any:
        return keras.layers.Dropout(0.5, seed=7)(keras.initializers.Ones()((67, 33)), training=True)

    for name in ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal"):
        yield f"keras.{name}", partial(made, name, seed=7)
    yield "keras-global-seed", after_global_seed
    yield "keras.Dropout", dropout
