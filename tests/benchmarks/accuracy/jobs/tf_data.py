"""The Keras CNN fed by tf.data: a seeded shuffle, then random flips in a parallel map.

The flips take their seed from the sample's number (stateless), so the map may run in parallel.
"""

import tensorflow as tf
from _common import image_samples
from keras_cnn import cnn, emit_trained, seed_all


def flip(number, sample):
    image, label = sample
    return tf.image.stateless_random_flip_left_right(image, tf.stack([number, 7])), label


def main():
    seed_all()
    feed = tf.data.Dataset.from_tensor_slices(image_samples()).shuffle(512, seed=1)
    feed = feed.enumerate().map(flip, num_parallel_calls=2, deterministic=True)
    model = cnn()
    emit_trained(model, model.fit(feed.batch(64).prefetch(2), epochs=2, verbose=0))


if __name__ == "__main__":
    main()
