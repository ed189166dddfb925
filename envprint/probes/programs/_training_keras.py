"""The network of the training probe in Keras on TensorFlow: Keras 3, or 2 inside TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

MODULE = "tensorflow"


def begin(settings: dict[str, Any]) -> dict[str, Any]:
    """Turn the switches, set the seed, and tell what is in force."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if settings["determinism"] is not None:
        os.environ["TF_DETERMINISTIC_OPS"] = str(int(settings["determinism"]))
    import tensorflow as tf

    name = only_gpu(tf) if settings["device"] == "gpu" else "cpu"
    if settings["threads"]:
        tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    if settings["determinism"] and hasattr(tf.config.experimental, "enable_op_determinism"):
        tf.config.experimental.enable_op_determinism()
    if settings["seeds"]["framework"] is not None:
        tf.random.set_seed(settings["seeds"]["framework"])
    return {"version": tf.__version__, "in_force": {"device": name, **in_force(tf)}}


def only_gpu(tf: Any) -> str:
    """The name of the first visible GPU, after which the others and unneeded memory are let be."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        raise LookupError("TensorFlow sees no GPU")
    tf.config.set_visible_devices(gpus[0], "GPU")
    tf.config.experimental.set_memory_growth(gpus[0], True)
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))


def in_force(tf: Any) -> dict[str, str]:
    """Threads, switch and Keras as TensorFlow has them now."""
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return {
        "keras": keras_version(tf),
        "op_determinism": "on" if is_deterministic() else "off",
        # Left to itself, it takes as many threads as it may use CPUs.
        "threads": str(threads or len(os.sched_getaffinity(0))),
    }


def keras_version(tf: Any) -> str:
    """The version of the Keras behind `tf.keras`."""
    # Between them, some releases of TensorFlow and of Keras 2 leave it out.
    return str(getattr(tf.keras, "__version__", None) or import_module("keras").__version__)


def is_deterministic() -> bool:
    """Whether operations are deterministic; the public functions only switch it."""
    config = import_module("tensorflow.python.framework.config")
    if hasattr(config, "is_op_determinism_enabled"):
        return bool(config.is_op_determinism_enabled())
    return os.environ.get("TF_DETERMINISTIC_OPS", "") in ("1", "true")  # before 2.8


def network(keras: Any) -> Any:
    """The network, with weights as Keras draws them."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Conv2D(32, 3),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(512),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train(
    settings: dict[str, Any],
    parts: Sequence[tuple[Any, list[int]]],
    report: Callable[[Sequence[Any]], None],
) -> dict[str, float]:
    """Train with `fit`, which shuffles; return the metrics."""
    import numpy as np
    from tensorflow import keras

    training, validation = (
        (np.frombuffer(pixels, "float32").reshape(-1, 28, 28, 1), np.array(classes))
        for pixels, classes in parts
    )
    model = network(keras)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    steps = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: report(model.get_weights()),
        on_train_batch_end=lambda batch, logs: report(model.get_weights()),
    )
    history = model.fit(
        *training,
        batch_size=settings["batch_size"],
        epochs=settings["epochs"],
        callbacks=[steps],
        verbose=0,
    ).history
    val_loss, val_accuracy = model.evaluate(*validation, verbose=0)
    return {
        "loss": float(history["loss"][-1]),
        "accuracy": float(history["accuracy"][-1]),
        "val_loss": float(val_loss),
        "val_accuracy": float(val_accuracy),
        "first_epoch_loss": float(history["loss"][0]),
    }
