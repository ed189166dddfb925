"""Images made of integers only, the same on every release: gradients, shapes, and some noise."""

import numpy as np


def scene(seed, height=96, width=128):
    """Return an image of bytes (height, width, 3)."""
    draw = np.random.RandomState(seed)
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 2, columns, (rows + columns) // 2], axis=-1) % 256
    for _ in range(6):
        top, left = draw.randint(0, height - 20), draw.randint(0, width - 20)
        tall, wide = draw.randint(8, 20, 2)
        image[top : top + tall, left : left + wide] = draw.randint(0, 256, 3)
    return (image + draw.randint(0, 24, image.shape)).clip(0, 255).astype(np.uint8)
