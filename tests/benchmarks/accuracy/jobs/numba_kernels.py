"""numba: compiled loops, with and without fast mathematics, vectorised, with random numbers."""

import math

import numba
import numpy as np
from _common import emit

DRAW = np.random.RandomState(8)
X = DRAW.standard_normal(20000)
Y = DRAW.standard_normal(20000)
SQUARE = DRAW.standard_normal((120, 120))


@numba.njit
def total(values):
    result = 0.0
    for value in values:
        result += math.exp(-value * value) * math.sin(value)
    return result


@numba.njit(fastmath=True)
def fast_dot(left, right):
    result = 0.0
    for index in range(len(left)):
        result += left[index] * right[index] + math.log1p(abs(left[index]))
    return result


@numba.njit(parallel=True)
def each(values):
    result = np.empty_like(values)
    for index in numba.prange(len(values)):
        result[index] = math.tanh(values[index]) ** 3
    return result


@numba.vectorize(["float64(float64, float64)"])
def joined(left, right):
    return left * math.cos(right) + left / (1.0 + right * right)


@numba.njit
def drawn(count):
    np.random.seed(4)
    result = np.empty(count)
    for index in range(count):
        result[index] = np.random.normal() + np.random.random()
    return result


@numba.njit
def shuffled(count):
    np.random.seed(4)
    result = np.arange(count)
    np.random.shuffle(result)
    return result


@numba.njit
def solved(square):
    return np.linalg.inv(square) @ square


def main():
    emit(
        sections={
            "total": np.array([total(X)]),
            "fast": np.array([fast_dot(X, Y)]),
            "each": each(X),
            "joined": joined(X, Y),
            "drawn": drawn(1000),
            "shuffled": shuffled(1000),
            "solved": solved(SQUARE),
        }
    )


if __name__ == "__main__":
    main()
