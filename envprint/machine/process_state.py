"""State that only code inside a training process can see: random generators and thread pools.

Inspects only what the process has imported: it imports no framework, starts no device and creates
no generator. If a framework raises, only its own entry is an error. Some state is per thread, so
call this in the thread that trains.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import index

from envprint.core.fingerprint import NO_THREADPOOLCTL
from envprint.core.typed import Any, NamedTuple, TypeVar
from envprint.machine import generator_seeds as seeds
from envprint.machine.generator_seeds import Seeding
from envprint.machine.interpreter import is_interruption, one_line

T = TypeVar("T")

POOLED = ("numpy", "scipy", "sklearn", "torch")
"""Modules with libraries that have thread pools, which threadpoolctl can inspect."""


def describe() -> dict[str, Any]:
    """What only code in this process can know, as JSON types.

    `generators` maps a name to `state` (a digest, or None for an unseeded one), `seeded` and `seed`
    (None if unknown), or to `error`. `thread_pools` is threadpoolctl's description of each, or an
    `error`. `process` is a random name of this process, `modules` is what it has imported.
    """
    return {
        "generators": _generators(),
        "thread_pools": thread_pools(),
        "process": seeds.process_identity(),
        "modules": seeds.top_level_modules(),
    }


class NotThere(Exception):
    """The module is loaded, but has no such generator yet, or not in this version."""


class RefusedError(Exception):
    """A framework raised an exception; the message quotes it in one line."""


class GeneratorSource(NamedTuple):
    """Where to find a generator: a loaded module, and a function that reads the state from it."""

    name: str
    module: str
    look: Callable[[Any], object]
    """Returns its state as numbers, strings, arrays and containers, or None if it is not seeded.
    Raises `NotThere`, and whatever a framework raises."""
    seed: Callable[[Any], Seeding] | None = None
    """Whether it was seeded; None for Python's generator, which tells nothing itself."""


def _generators() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    seedings: dict[str, Seeding] = {}
    for seat in (*GENERATOR_SOURCES, *_on_gpus()):
        module = sys.modules.get(seat.module)
        if module is not None:
            try:
                found[seat.name] = {"state": answered(partial(_state, seat, module))}
            except NotThere:
                continue
            except RefusedError as error:
                found[seat.name] = {"error": str(error)}
            else:
                seedings[seat.name] = _seeding(seat.seed, module)
    if "python" in seedings:
        numbers = seeds.known_numbers(seedings.values())
        look = partial(seeds.python_seed, numbers=numbers)
        seedings["python"] = _seeding(look, sys.modules["random"])
    for name, (is_given, number) in seedings.items():
        found[name] |= {"seeded": is_given, "seed": None if number is None else str(number)}
    return found


def _seeding(look: Callable[[Any], Seeding] | None, module: Any) -> Seeding:
    """The result of `look`; unknown for a version that keeps its seed elsewhere."""
    if look is None:
        return Seeding(None)
    try:
        return answered(partial(look, module))
    except RefusedError:
        return Seeding(None)


def _state(seat: GeneratorSource, module: Any) -> str | None:
    state = seat.look(module)
    return None if state is None else digest(state)


def answered(ask: Callable[[], T]) -> T:
    """The result of a call into a framework. Raises `NotThere`; `RefusedError` for the rest."""
    try:
        return ask()
    except NotThere:
        raise
    # Frameworks have errors of their own, and extensions raise what is not an Exception (a panic
    # in Rust); no failure here may end the training that calls this.
    except BaseException as error:
        if is_interruption(error):
            raise
        raise RefusedError(f"{type(error).__name__}: {one_line(error)}") from None


def _python(random: Any) -> object:
    return random.getstate()


# numpy.random seeds its generator when imported, and newer versions import it lazily.
# https://numpy.org/doc/stable/reference/random/generated/numpy.random.get_state.html
def _numpy(random: Any) -> object:
    return random.get_state(legacy=False)


# `tf.random.set_seed` stores the seed, and the generator of each operation's seed, in the context;
# the public getters would create the context.
# https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/eager/context.py#L634
def _tensorflow(eager: Any) -> object:
    context = eager._context
    if context is None or context._seed is None:
        return None
    return index(context._seed), context._rng.getstate()


# `tf.random.get_global_generator()` would create one, seeded by the operating system.
# https://www.tensorflow.org/api_docs/python/tf/random/get_global_generator
def _tensorflow_generator(operations: Any) -> object:
    generator = operations.global_generator
    if generator is None:
        raise NotThere
    return generator.state.numpy()


# There is no generator until one is needed; Keras then draws its seed from Python's.
# https://github.com/keras-team/keras/blob/v3.15.1/keras/src/random/seed_generator.py
def _keras(state: Any) -> object:
    tracker = state.GLOBAL_STATE_TRACKER
    seed = getattr(tracker, "global_random_seed", None)
    generator = getattr(tracker, "global_seed_generator", None)
    if seed is None and generator is None:
        return None
    return seed, None if generator is None else generator.state.numpy()


# https://github.com/keras-team/tf-keras/blob/v2.15.0/tf_keras/utils/tf_utils.py
def _keras_2(backend: Any) -> object:
    if not hasattr(backend, "_SEED_GENERATOR"):
        raise NotThere  # this is Keras 3
    generator = getattr(backend._SEED_GENERATOR, "generator", None)
    return generator and generator.getstate()


def _torch(torch: Any) -> object:
    return bytes(torch.get_rng_state().tolist())


GENERATOR_SOURCES = (
    GeneratorSource("python", "random", _python),
    GeneratorSource("numpy", "numpy.random", _numpy, seeds.numpy_seed),
    GeneratorSource(
        "tensorflow", "tensorflow.python.eager.context", _tensorflow, seeds.tensorflow_seed
    ),
    GeneratorSource(
        "tensorflow-generator",
        "tensorflow.python.ops.stateful_random_ops",
        _tensorflow_generator,
        seeds.tensorflow_generator_seed,
    ),
    GeneratorSource("keras", "keras.src.backend.common.global_state", _keras, seeds.keras_seed),
    GeneratorSource("keras", "keras.src.backend", _keras_2, seeds.keras_2_seed),
    GeneratorSource("tf-keras", "tf_keras.src.backend", _keras_2, seeds.keras_2_seed),
    GeneratorSource("torch", "torch", _torch, seeds.torch_seed),
)


# `torch.cuda.get_rng_state` would initialise CUDA; there are no generators before that.
# https://github.com/pytorch/pytorch/blob/v2.13.0/torch/cuda/random.py
def _on_gpus() -> Iterator[GeneratorSource]:
    cuda: Any = sys.modules.get("torch.cuda")
    try:
        count = answered(lambda: len(cuda.default_generators) if cuda.is_initialized() else 0)
    except RefusedError:  # not imported, or a different version
        return
    for number in range(count):
        yield GeneratorSource(
            f"torch-cuda-{number}",
            "torch.cuda",
            partial(_torch_cuda, number),
            partial(_torch_cuda_seed, number),
        )


def _torch_cuda_seed(number: int, cuda: Any) -> Seeding:
    return seeds.torch_seed(cuda.default_generators[number])


def _torch_cuda(number: int, cuda: Any) -> object:
    return bytes(cuda.default_generators[number].get_state().tolist())


def digest(state: object) -> str:
    """A digest of the state. Raises `TypeError` for anything but numbers, strings and arrays."""
    import hashlib

    whole = hashlib.sha256()
    for part in _parts(state):
        whole.update(part)
    return f"sha256:{whole.hexdigest()}"


def _parts(value: Any) -> Iterator[bytes]:
    """The value as bytes that encode its type and its end."""
    if isinstance(value, float):
        yield f"{float(value)!r};".encode()  # NumPy's repr varies with its version
    elif value is None or isinstance(value, (int, str)):
        yield f"{value!r};".encode()
    elif isinstance(value, bytes):
        yield f"{len(value)}:".encode() + value
    elif isinstance(value, (tuple, list)):
        yield from _all("list", value)
    elif isinstance(value, Mapping):
        yield from _all("map", sorted(value.items()))
    elif hasattr(value, "tobytes"):
        yield f"{value.dtype}{value.shape}:".encode() + value.tobytes()
    else:
        raise TypeError(f"a {type(value).__name__} in the state is not understood")


def _all(kind: str, values: Sequence[object]) -> Iterator[bytes]:
    yield f"{kind} of {len(values)}:".encode()
    for value in values:
        yield from _parts(value)


# [{"user_api": "blas", "internal_api": "openblas", "prefix": "libscipy_openblas",
#   "filepath": "/venv/…/numpy.libs/libscipy_openblas64_-32a4b2a6.so", "version": "0.3.31.dev",
#   "threading_layer": "pthreads", "architecture": "SkylakeX", "num_threads": 2}]
# https://github.com/joblib/threadpoolctl#python-runtime-programmatic-introspection
def thread_pools() -> list[dict[str, Any]] | dict[str, str]:
    """threadpoolctl's description of each loaded library with a pool, or an `error`."""
    if not any(name in sys.modules for name in POOLED):
        return []
    with warnings.catch_warnings():
        # It warns about two OpenMP runtimes in one process, which rules report.
        warnings.simplefilter("ignore")
        try:
            return answered(_threadpoolctl)
        except NotThere:
            return {"error": NO_THREADPOOLCTL}
        except RefusedError as error:
            return {"error": f"threadpoolctl: {error}"}


def _threadpoolctl() -> list[dict[str, Any]]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        raise NotThere from None
    return [dict(pool) for pool in threadpool_info()]
