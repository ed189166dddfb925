"""Small experiments whose digests are facts: does this machine compute the same bits?

One module per framework. It is run as text by the interpreter under observation, whatever its
version, in a process of its own (`_child`), and imports nothing of envprint. It is a `Program`, and
the files that it names in `PARTS` are `Operations`. Those of the training probe, which `_training`
runs, are each a `TrainingProgram`.

All have the same classes: libm, reduction, dot, matmul, convolution, normalisation, softmax,
pooling, decomposition, fft, floats (subnormals, rounding), sorting (order of equals), random. Sizes
are odd, and lie on both sides of the limits at which libraries block and use threads. Only
operations about random draws draw any, and an operation of one class depends on no other class.

Random draws have a second digest, `random/normal float32 coarse`, of their first digits.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Protocol

    class Operations(Protocol):
        """A file with operations, which a program names in `PARTS`."""

        def operations(
            self, device: str, inputs: Callable[[int, str], bytes]
        ) -> Iterator[tuple[str, Callable[[], Any]]]:
            """Pairs of a name and a function whose result is digested.

            The name is such as `matmul/large float32` (class, operation, type), the result bytes,
            what has `tobytes`, or several. `inputs(count, salt)` are the bytes of `count` fixed
            numbers below 2**32.
            """

    class Program(Operations, Protocol):
        """The probe of one framework."""

        MODULE: str
        """What must be installed for it."""
        ON_GPU: bool
        """Whether it can run there."""

        def begin(self, device: str) -> dict[str, Any]:
            """Import the framework; `device` is `cpu`, or `gpu:0` and so on.

            Returns `version`, `device` (its name), `settings` and, of a GPU, how many `gpus` there
            are.
            """

    class ProgramOfParts(Protocol):
        """A program some operations of which stand in files beside it."""

        @property
        def PARTS(self) -> tuple[str, ...]:  # noqa: N802  a constant of a module
            """Names of the files."""

    class TrainingProgram(Protocol):
        """The training of one framework; `_training.py`, which runs it, says what is what."""

        MODULE: str

        def begin(self, settings: dict[str, Any]) -> dict[str, Any]:
            """Make the framework ready."""

        def train(
            self,
            settings: dict[str, Any],
            parts: Sequence[Any],
            told: Callable[[Iterable[Any]], None],
        ) -> dict[str, Any]:
            """Train and return the metrics."""
