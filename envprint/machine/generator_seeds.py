"""Whether the generators of a process were seeded, and with which number.

Without a seed a generator takes its state from the operating system, so two runs never agree, and a
different state says nothing about the environment. What a library keeps of its seed is private to
it; a version that keeps it elsewhere raises, and the answer is then unknown. Nothing is drawn.
"""

import os
import sys
from collections.abc import Iterable
from functools import lru_cache

from envprint.core.typed import Any, NamedTuple


class Seeding(NamedTuple):
    """What a generator tells about its seed."""

    is_given: bool | None
    """False if it began with a state from the operating system; None if it does not tell."""
    number: int | None = None
    """The seed, if it is known."""


def _of(number: int | None) -> Seeding:
    return Seeding(number is not None, number)


# A generator without a seed takes this many bits, and hardly anybody writes such a number.
_DRAWN_BITS = 64
"""Entropy that NumPy takes from the operating system has 128 bits."""
_WRITTEN = 2**32
"""PyTorch takes 53 or 64 bits; NumPy and Lightning allow no seed of more than 32."""
_NEGATIVE_FROM = 2**64 - 2**31
"""PyTorch keeps a negative seed as its remainder."""


# `seed()` sets `_seed_seq` to None; a generator that was made without a seed keeps the sequence
# that holds what the operating system gave. SciPy looks at the same attribute:
# https://github.com/scipy/scipy/blob/v1.17.1/scipy/_lib/_util.py#L309
def numpy_seed(module: Any) -> Seeding:
    """NumPy's legacy generator."""
    sequence = module.mtrand._rand._bit_generator._seed_seq
    if sequence is None:
        return Seeding(True, _numpy_number(module))
    entropy = sequence.entropy
    is_number = isinstance(entropy, int)
    if is_number and entropy.bit_length() > _DRAWN_BITS:
        return Seeding(False)
    return Seeding(True, entropy if is_number else None)


# Until the first draw, the first word of the state is the seed itself.
# https://github.com/numpy/numpy/blob/v2.4.0/numpy/random/src/mt19937/mt19937.c#L15
def _numpy_number(module: Any) -> int | None:
    key = module.get_state(legacy=False)["state"]["key"]
    number = int(key[0])
    same = module.RandomState(number).get_state(legacy=False)["state"]["key"]
    return number if (key == same).all() else None


# https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/eager/context.py#L634
def tensorflow_seed(eager: Any) -> Seeding:
    """What `tf.random.set_seed` was given."""
    context = eager._context
    return _of(None if context is None else context._seed)


# A seed is the first word of a state whose other words are 0; draws count up in the first.
# https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/ops/stateful_random_ops.py
def tensorflow_generator_seed(operations: Any) -> Seeding:
    """TensorFlow's global `tf.random.Generator`."""
    words = operations.global_generator.state.numpy().tolist()
    return Seeding(not any(words[1:]))


# https://github.com/keras-team/keras/blob/v3.15.1/keras/src/random/seed_generator.py
def keras_seed(state: Any) -> Seeding:
    """What `keras.utils.set_random_seed` was given; a generator made later takes any number."""
    return _of(getattr(state.GLOBAL_STATE_TRACKER, "global_random_seed", None))


# https://github.com/keras-team/tf-keras/blob/v2.15.0/tf_keras/utils/tf_utils.py
def keras_2_seed(backend: Any) -> Seeding:
    """The same for Keras 2, which keeps the generator and not its seed."""
    return Seeding(getattr(backend._SEED_GENERATOR, "generator", None) is not None)


# https://github.com/pytorch/pytorch/blob/v2.13.0/c10/core/GeneratorImpl.cpp
def torch_seed(owner: Any) -> Seeding:
    """PyTorch, or one of its generators: what `manual_seed` was given."""
    number = int(owner.initial_seed())
    if number < _WRITTEN:
        return _of(number)
    return _of(number - 2**64 if number >= _NEGATIVE_FROM else None)


def python_seed(random: Any, numbers: Iterable[int]) -> Seeding:
    """Python's generator, if it was seeded with one of `numbers`.

    It tells nothing itself, and a program that seeds it mostly seeds others with the same number.
    Found as long as fewer than 624 words were drawn since.
    """
    words = random.getstate()[1][:-1]
    for number in dict.fromkeys(numbers):
        other = random.Random(number)
        unused = other.getstate()[1][:-1]
        other.getrandbits(32)
        if words in (unused, other.getstate()[1][:-1]):
            return _of(number)
    return Seeding(None)


def known_numbers(found: Iterable[Seeding]) -> list[int]:
    """The seeds of the other generators, and the one that Lightning leaves in a variable."""
    numbers = [seeding.number for seeding in found if seeding.number is not None]
    # https://github.com/Lightning-AI/pytorch-lightning/blob/2.5.0/src/lightning/fabric/utilities/seed.py
    written = os.environ.get("PL_GLOBAL_SEED", "")
    return [*numbers, int(written)] if written.isdecimal() and len(written) <= 10 else numbers


def process_identity() -> str:
    """A random name of this process, the same for each capture in it.

    In one process a generator goes on from run to run, and a program that seeds it again repeats
    itself all the same. A fork is a process of its own.
    """
    return _identity(os.getpid())


@lru_cache(maxsize=1)
def _identity(pid: int) -> str:
    return os.urandom(8).hex()


def top_level_modules() -> list[str]:
    """The names of what this process has imported, without submodules."""
    return sorted(name for name in list(sys.modules) if "." not in name)
