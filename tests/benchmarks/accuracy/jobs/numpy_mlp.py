"""NumPy: a network trained by hand, then sections of arithmetic, each with its own digest.

Where scikit-learn is installed the sections of sklearn_models.py are taken too.
"""

import importlib.util
import random

import _mlp
import numpy as np
from _common import emit, image_samples

# Functions of one argument, and the interval they are tried on.
FUNCTIONS = {
    "exp": (-5, 5), "exp2": (-5, 5), "expm1": (-2, 2), "log": (0.01, 9), "log2": (0.01, 9),
    "log10": (0.01, 9), "log1p": (0, 9), "sin": (-9, 9), "cos": (-9, 9), "tan": (-1.5, 1.5),
    "arcsin": (-1, 1), "arccos": (-1, 1), "arctan": (-9, 9), "sinh": (-4, 4), "cosh": (-4, 4),
    "tanh": (-4, 4), "arctanh": (-0.9, 0.9), "sqrt": (0, 9), "cbrt": (-9, 9), "reciprocal": (1, 9),
}  # fmt: skip


def uniform(seed, *shape):
    """Return float64 in [-1, 1), the same bits everywhere."""
    return np.random.RandomState(seed).random_sample(shape) * 2 - 1


def elementwise():
    for name, (low, high) in FUNCTIONS.items():
        for kind in (np.float32, np.float64):
            points = ((uniform(2, 4099) + 1) / 2 * (high - low) + low).astype(kind)
            yield name + "_" + np.dtype(kind).name, getattr(np, name)(points)
    positive = np.abs(uniform(3, 4099)) + 0.1
    for kind in (np.float32, np.float64):
        name = "_" + np.dtype(kind).name
        left, right = positive.astype(kind), uniform(4, 4099).astype(kind)
        yield "power" + name, left**right
        yield "hypot" + name, np.hypot(left, right)
        yield "arctan2" + name, np.arctan2(left, right)
        yield "logaddexp" + name, np.logaddexp(left, right)


def linear_algebra():
    for size in (16, 100, 512):
        for kind in (np.float32, np.float64):
            left, right = uniform(5, size, size).astype(kind), uniform(6, size, size).astype(kind)
            name = f"_{np.dtype(kind).name}_{size}"
            yield "matmul" + name, left @ right
            yield "matvec" + name, left @ right[0]
            yield "solve" + name, np.linalg.solve(left, right[0])
    square, tall = uniform(7, 120, 120), uniform(8, 200, 60)
    spd = square @ square.T + np.eye(120)
    yield "matmul_tall_float32", tall.astype(np.float32) @ tall.T.astype(np.float32)
    yield "dot", np.dot(uniform(9, 100_003), uniform(10, 100_003))
    yield "svd", np.linalg.svd(tall, full_matrices=False)
    yield "svd_float32", np.linalg.svd(tall.astype(np.float32), full_matrices=False)
    yield "qr", tuple(np.linalg.qr(tall))
    yield "eig", tuple(np.linalg.eig(square))
    yield "eigh", tuple(np.linalg.eigh(spd))
    yield "cholesky", np.linalg.cholesky(spd)
    yield "inv", np.linalg.inv(spd)
    yield "pinv", np.linalg.pinv(tall)
    yield "det", np.linalg.det(square / 4)
    yield "lstsq", np.linalg.lstsq(tall, uniform(11, 200), rcond=None)[0]
    yield "norm", np.linalg.norm(tall)
    yield "einsum", np.einsum("ij,kj->ik", tall, tall)
    yield "einsum_three", np.einsum("ij,jk,kl->il", tall, tall[:60], tall[:60], optimize=True)
    yield "tensordot", np.tensordot(uniform(12, 8, 9, 10), uniform(13, 9, 10, 8), 2)
    yield "convolve", np.convolve(uniform(14, 5000), uniform(15, 101))
    yield "polyfit", np.polyfit(np.arange(50.0) / 50, uniform(16, 50), 5)


def reductions():
    for kind in (np.float32, np.float64):
        name, data = "_" + np.dtype(kind).name, uniform(17, 300, 1001).astype(kind)
        for call in ("sum", "mean", "var", "std"):
            yield call + name, (getattr(np, call)(data), getattr(np, call)(data, axis=0))
        yield "cumsum" + name, np.cumsum(data)
        yield "cumprod" + name, np.cumprod(data[:, 0] + 1)
        yield "sort" + name, np.sort(data, axis=None)
        yield "argsort" + name, np.argsort(data[0])
        yield "fft" + name, np.fft.fft(data)
        yield "rfft_prime_length" + name, np.fft.rfft(data[:, :997])
        yield "fft2" + name, np.fft.fft2(data)
    data = uniform(18, 200, 1001)
    ties = np.random.RandomState(19).randint(0, 50, 5000)
    yield "argsort_with_ties", np.argsort(ties)
    yield "argpartition", np.argpartition(data[0], 500)
    yield "unique", np.unique(ties, return_inverse=True)
    yield "percentile", np.percentile(data, [5, 33, 50, 95])
    yield "histogram", np.histogram(data, 37)[0]
    yield "corrcoef", np.corrcoef(data[:50])
    yield "interp", np.interp(data[0], np.sort(data[1]), data[2])
    yield "float16", (data.astype(np.float16) * np.float16(3)).sum(axis=0)


def random_streams():
    legacy = np.random.RandomState(20)
    for name in ("rand", "randn", "permutation", "standard_exponential", "poisson"):
        yield "legacy_" + name, getattr(legacy, name)(2000)
    yield "legacy_gamma", legacy.gamma(1.7, size=2000)
    yield "legacy_choice", legacy.choice(2000, 500, replace=False)
    yield "legacy_multivariate_normal", legacy.multivariate_normal([0, 1], [[2, 1], [1, 2]], 200)
    modern = np.random.default_rng(20)
    for name in ("random", "standard_normal", "permutation", "standard_exponential"):
        yield "generator_" + name, getattr(modern, name)(2000)
    yield "generator_float32", modern.standard_normal(2000, dtype=np.float32)
    yield "generator_integers", modern.integers(0, 1000, 2000)
    yield "generator_choice", modern.choice(2000, 500, replace=False)
    yield "generator_gamma", modern.gamma(1.7, size=2000)
    yield "generator_binomial", modern.binomial(60, 0.4, 2000)
    yield "generator_multinomial", modern.multinomial(50, [0.2, 0.3, 0.5], 200)


def main():
    random.seed(1)
    np.random.seed(1)
    images, labels = image_samples()
    weights, losses = _mlp.train(images.reshape(len(images), -1), labels)
    sections = {}
    for part in (elementwise, linear_algebra, reductions, random_streams):
        sections.update({name: _parts(value) for name, value in part()})
    if importlib.util.find_spec("sklearn") is not None:
        import sklearn_models

        sections.update(sklearn_models.sections())
    emit(weights, losses=losses, sections=sections)


def _parts(value):
    return tuple(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    main()
