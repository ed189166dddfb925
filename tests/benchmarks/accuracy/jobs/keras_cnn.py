"""A small Keras CNN fed with arrays; any backend, Keras 2 or 3.

Where TensorFlow is installed its own `keras` is used, else the package (KERAS_BACKEND decides).
"""

import random

import numpy as np
from _common import emit, image_samples

try:
    from tensorflow import keras
except ImportError:
    import keras


def cnn():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(512),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(10),
        ]
    )
    compile_classifier(model)
    return model


def compile_classifier(model, rate=1e-3):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)


def seed_all():
    random.seed(1)
    np.random.seed(1)
    keras.utils.set_random_seed(1)


def emit_trained(model, history):
    # By layer, since the order of model.get_weights() is another one in Keras 2 and 3.
    weights = [array for layer in model.layers for array in layer.get_weights()]
    emit(weights, losses=history.history["loss"])


def main():
    seed_all()
    model = cnn()
    images, labels = image_samples()
    emit_trained(model, model.fit(images, labels, batch_size=64, epochs=2, verbose=0))


if __name__ == "__main__":
    main()
