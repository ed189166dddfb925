"""Rows of numbers with a target, two and four classes: what boosting is trained on.

Made by drawing, adding and multiplying, so that every NumPy gives the same bits.
"""

import numpy as np

DRAW = np.random.RandomState(2)
X = DRAW.standard_normal((600, 12))
TARGET = 2 * X[:, 0] + X[:, 1] * X[:, 1] * X[:, 1] + 0.1 * DRAW.standard_normal(600)
TWO = (X[:, 0] * X[:, 1] + X[:, 2] > 0.3).astype(int)
SEVERAL = np.digitize(X[:, 0] + X[:, 1] * X[:, 2], [-0.7, 0.2, 1.1])
