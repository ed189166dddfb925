"""The NumPy network on samples read in the order of an unsorted os.listdir.

The order is the file system's (tmpfs: last written first; ext4: by a hash of the name), so the
directory that the job runs in decides it. The fault is on purpose, and common.
"""

import os
import random
import tempfile
from pathlib import Path

import _mlp
import numpy as np
from _common import emit, image_samples


def write(folder, images, labels):
    names = [f"sample-{index:03}" for index in range(len(images))]
    for index in np.random.RandomState(2).permutation(len(images)):
        content = labels[index : index + 1].tobytes() + images[index].tobytes()
        Path(folder, names[index]).write_bytes(content)


def read(folder):
    images, labels = [], []
    for name in os.listdir(folder):
        content = Path(folder, name).read_bytes()
        labels.append(np.frombuffer(content[:4], np.int32)[0])
        images.append(np.frombuffer(content[4:], np.float32))
    return np.stack(images), np.array(labels)


def main():
    random.seed(1)
    np.random.seed(1)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        write(folder, *image_samples(200))
        weights, losses = _mlp.train(*read(folder), shuffle=False)
    emit(weights, losses=losses)


if __name__ == "__main__":
    main()
