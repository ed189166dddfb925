"""The Keras CNN on samples whose names were kept in a set: PYTHONHASHSEED decides their order.

The fault is on purpose, and common: a set of file names without `sorted`. The first half of the
order trains and the rest would be held out, so the order decides which samples are seen at all.
"""

from _common import image_samples
from keras_cnn import cnn, emit_trained, seed_all


def main():
    seed_all()
    images, labels = image_samples()
    place = {f"sample-{index:03}.png": index for index in range(len(images))}
    order = [place[name] for name in set(place)][: len(place) // 2]
    model = cnn()
    history = model.fit(images[order], labels[order], batch_size=64, epochs=2, verbose=0)
    emit_trained(model, history)


if __name__ == "__main__":
    main()
