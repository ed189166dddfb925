"""Points around a few centres, and to which they belong."""

import numpy as np


def points(count=400, width=8, centres=5):
    """Return the points (count, width) and the number of the centre of each."""
    draw = np.random.RandomState(7)
    labels = draw.randint(0, centres, count)
    middle = draw.randint(-6, 7, (centres, width)).astype(float)
    return middle[labels] + draw.random_sample((count, width)) * 2 - 1, labels
