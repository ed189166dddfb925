"""Seeds the random generators of a process, and reports which ones it could not seed.

Each framework is seeded with the call from its own documentation, and only if it is imported, so
seed after the imports.
"""

import sys
from collections.abc import Callable, Iterator
from operator import index

from envprint.core.errors import EnvprintError
from envprint.core.typed import Any, NamedTuple
from envprint.machine import interpreter
from envprint.machine.hash_seed import hash_seed
from envprint.machine.process_state import RefusedError, answered


class Seeded(NamedTuple):
    """The result of `seed` for one generator, or what is left to do."""

    generator: str
    """Its name in `live.random.generators`; `torch-cuda` means every GPU's, `python-hash`
    the seed of string hashes."""
    call: str
    """The call that was made, or that is needed, as code to copy."""
    done: bool
    reason: str | None = None
    """Why it could not be seeded; None if it was."""


def seed(value: int) -> tuple[Seeded, ...]:
    """Seed Python's generator and the global ones of all imported frameworks with `value`.

    A generator that cannot be seeded is reported, not raised: the hash seed is fixed at the start
    of the process, JAX has no global generator, a framework may raise. Generators that the program
    created are left alone. Raises `EnvprintError` unless 0 <= value < 2**32.
    """
    number = _checked(value)
    return (*_set(number), *_not_set(number))


def _checked(value: object) -> int:
    try:
        number = index(value) if not isinstance(value, bool) else -1  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise EnvprintError(
            f"expected a seed from 0 to 4294967295, a whole number; found {value!r}"
        )
    return number


class _Call(NamedTuple):
    """A generator, the module that must be loaded for it, and the documented call to seed it."""

    generator: str
    module: str
    code: str
    run: Callable[[Any, int], object]


# Keras before its parts: it also seeds Python, NumPy and its backend with the same value.
# https://docs.python.org/3/library/random.html#random.seed
# https://numpy.org/doc/stable/reference/random/generated/numpy.random.seed.html
# https://www.tensorflow.org/api_docs/python/tf/keras/utils/set_random_seed
# https://www.tensorflow.org/api_docs/python/tf/random/set_seed
# https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html
_CALLS = (
    _Call(
        "keras", "keras", "keras.utils.set_random_seed({})", lambda m, n: m.utils.set_random_seed(n)
    ),
    _Call(
        "tf-keras",
        "tf_keras",
        "tf_keras.utils.set_random_seed({})",
        lambda m, n: m.utils.set_random_seed(n),
    ),
    _Call("numpy", "numpy", "numpy.random.seed({})", lambda m, n: m.random.seed(n)),
    _Call(
        "tensorflow",
        "tensorflow",
        "tensorflow.random.set_seed({})",
        lambda m, n: m.random.set_seed(n),
    ),
    _Call("torch", "torch", "torch.manual_seed({})", lambda m, n: m.manual_seed(n)),
)


def _set(number: int) -> Iterator[Seeded]:
    for call in _CALLS:
        module = sys.modules.get(call.module)
        if module is not None:
            code = call.code.format(number)
            refused = _refusal(call.run, module, number)
            yield Seeded(call.generator, code, refused is None, refused)
            if call.generator == "tensorflow":
                yield _global_generator(number)
            if call.generator == "torch" and _is_for_cuda(module):
                # Until CUDA is initialised, PyTorch remembers the seed.
                yield Seeded("torch-cuda", code, refused is None, refused)
    import random

    # Last: modules that Keras imports for its own call may draw from it.
    random.seed(number)
    yield Seeded("python", f"random.seed({number})", True)


def _is_for_cuda(torch: Any) -> bool:
    version = getattr(torch, "version", None)
    return getattr(version, "cuda", None) is not None


def _refusal(run: Callable[[Any, int], object], module: Any, number: int) -> str | None:
    try:
        answered(lambda: run(module, number))
    except RefusedError as error:
        return str(error)
    return None


# https://www.tensorflow.org/guide/random_numbers#global_generator
def _global_generator(number: int) -> Seeded:
    """TensorFlow's other generator, which `set_seed` does not affect."""
    operations: Any = sys.modules.get("tensorflow.python.ops.stateful_random_ops")
    if getattr(operations, "global_generator", None) is None:
        made = f"tensorflow.random.Generator.from_seed({number})"
        code = f"tensorflow.random.set_global_generator({made})"
        reason = "it does not exist yet; on first use it takes a state of its own"
        return Seeded("tensorflow-generator", code, False, reason)
    refused = _refusal(lambda o, n: o.global_generator.reset_from_seed(n), operations, number)
    code = f"tensorflow.random.get_global_generator().reset_from_seed({number})"
    return Seeded("tensorflow-generator", code, refused is None, refused)


def _not_set(number: int) -> Iterator[Seeded]:
    """What no call can seed any more, or at all."""
    if "jax" in sys.modules:
        yield Seeded(
            "jax",
            f"key = jax.random.key({number})",
            False,
            "JAX has no global generator: pass the key to whatever draws",
        )
    in_force = hash_seed(interpreter.describe(), [{"PYTHONHASHSEED": str(number)}])
    reason = None
    if in_force != str(number):
        reason = (
            f"too late: Python reads it when it starts; `envprint run --hash-seed {number} -- "
            "COMMAND` also sets it"
        )
    yield Seeded("python-hash", f"PYTHONHASHSEED={number} python …", reason is None, reason)
