"""Rules about JAX: versions that draw or round differently, and its own switches.

Its variables are boolean texts, so setting one to its default is no change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Drift, Evidence, Match, Rule
from envprint.core.shell import Command, export
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.kit.determinism import is_on, when_switched
from envprint.rules.kit.packages import pip_install, traces, version_changed, version_path
from envprint.rules.kit.settings import (
    SWITCHES,
    in_force,
    switch,
    trace,
    variable,
    when_read_differently,
)

PARTITIONABLE = "JAX_THREEFRY_PARTITIONABLE"
JAX = version_path("jax")
JAXLIB = "facts.frameworks.jax.jaxlib_version"
_FIRST_CHECKED = (0, 4)


def _reads(name: str, default: str) -> Drift:
    """A drift check of a variable; `default` is its value when unset."""
    return when_read_differently(lambda _, value: value or default, name)


def _offset(value: str | None) -> int | str:
    """The number that a value of JAX_RANDOM_SEED_OFFSET stands for; the text if it is none."""
    text = (value or "0").strip()
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) else text


def _random_numbers(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    sides = (comparison.before, comparison.after)
    chosen = in_force(comparison, PARTITIONABLE)
    before, after = (_is_partitionable(*known) for known in zip(sides, chosen, strict=True))
    if before is None or after is None or before == after:
        return
    yield Match(
        f"random numbers were drawn {_drawn(before)}, are drawn {_drawn(after)}",
        (
            *traces(comparison, "jax", "jax", "jaxlib"),
            *comparison.under(variable(PARTITIONABLE)),
            *trace(comparison, (PARTITIONABLE,)),
            *comparison.under(f"{SWITCHES}[jax-threefry-partitionable]"),
        ),
        before,
        after,
        remedy=export(PARTITIONABLE, str(int(before))),
    )


def _drawn(partitionable: bool) -> str:
    return "in parts (the default from JAX 0.5.0 on)" if partitionable else "as before JAX 0.5.0"


def _is_partitionable(side: Fingerprint, chosen: str | None) -> bool | None:
    version = side.value(JAX)
    if chosen is not None:
        return is_on(chosen)
    return numbers(version) >= (0, 5, 0) if version else None


def _too_new(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A jaxlib that JAX refuses to import because it is newer than JAX itself."""
    version = now.value(JAX)
    library = now.value(JAXLIB) if version else None
    if library and _FIRST_CHECKED <= numbers(version)[:3] < numbers(library)[:3]:
        yield Match(
            f"jax is {version}, jaxlib is {library}",
            (JAX, JAXLIB),
            after=library,
            remedy=pip_install("jax", library),
            about="jax jaxlib",
        )


_VERSIONING = "https://docs.jax.dev/en/latest/jep/9419-jax-versioning.html"
_OPTIONS = Evidence(
    "JAX's options, with their variables and defaults",
    "https://github.com/jax-ml/jax/blob/main/jax/_src/config.py",
)

RULES = (
    Rule(
        id="jax-version-changed",
        title="JAX's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(JAX, JAXLIB, "facts.frameworks.jax.plugins"),
        why="JAX does not keep numerical results unchanged between releases, and each jaxlib "
        "contains a different XLA compiler. On a CPU, products, convolutions and sums rounded "
        "differently in 0.5.0 and 0.10.2; random numbers stayed the same.",
        not_when="Both versions compile the operations in use in the same way: 0.4.38, drawing "
        "random numbers as 0.5.0 does, gave the bits of 0.5.0.",
        remedy="Install the same versions of jax, jaxlib and the plugins.",
        evidence=(
            Evidence(
                "What JAX keeps compatible, and what it does not",
                "https://docs.jax.dev/en/latest/api_compatibility.html",
            ),
            Evidence("0.7.0 and 0.10.2", measured="jax.0-7"),
            Evidence("The same random numbers on both sides", measured="jax.0-5-partitionable"),
        ),
        drift=version_changed("JAX", "jax", "jax", "jaxlib", also=("jaxlib_version",)),
        yields_to=("jax-prng-default-changed", "jaxlib-newer-than-jax"),
        probed=True,
    ),
    Rule(
        id="jaxlib-newer-than-jax",
        title="jaxlib is newer than JAX",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(JAX, JAXLIB),
        why="JAX compares both versions when it is imported and refuses a jaxlib later than "
        "itself.",
        not_when="The job does not import JAX. How old a jaxlib may be is not judged: each JAX "
        "has its own lowest version.",
        remedy=Command("pip install -U jax jaxlib"),
        evidence=(
            Evidence("How jax and jaxlib belong together", _VERSIONING),
            Evidence(
                "The check at import",
                "https://github.com/jax-ml/jax/blob/main/jax/_src/lib/__init__.py",
            ),
        ),
        state=_too_new,
    ),
    Rule(
        id="jax-prng-default-changed",
        title="JAX draws different random numbers from the same key",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(JAX, variable(PARTITIONABLE), switch("jax-threefry-partitionable")),
        why="JAX 0.5.0 turned jax_threefry_partitionable on: the same key gives different "
        "numbers, so initial weights, dropout and shuffling differ from the first step.",
        not_when="The program uses a generator other than threefry, or sets "
        "jax_threefry_partitionable itself. A capture from inside the process on both "
        "sides shows that.",
        remedy="Give JAX_THREEFRY_PARTITIONABLE the same value on both sides.",
        evidence=(
            Evidence(
                "The announcement, and how to get the previous numbers",
                "https://github.com/jax-ml/jax/discussions/18480",
            ),
            Evidence("0.4.38 and 0.5.0", measured="jax.0-5"),
        ),
        drift=_random_numbers,
    ),
    Rule(
        id="jax-prng-changed",
        title="JAX uses a different random number generator",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(variable("JAX_DEFAULT_PRNG_IMPL"), switch("jax-prng")),
        why="The same key gives different numbers with a different generator; those of rbg may "
        "also differ between devices and versions of XLA.",
        not_when="Each key is made with an explicit generator, or the program sets "
        "jax_default_prng_impl itself. A capture from inside the process on both sides "
        "shows that.",
        remedy="Give JAX_DEFAULT_PRNG_IMPL the same value on both sides.",
        evidence=(
            Evidence(
                "The generators and what they promise",
                "https://docs.jax.dev/en/latest/jax.random.html",
            ),
            _OPTIONS,
        ),
        drift=_reads("JAX_DEFAULT_PRNG_IMPL", "threefry2x32"),
    ),
    Rule(
        id="jax-seed-offset-changed",
        title="JAX adds a different offset to every seed",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(variable("JAX_RANDOM_SEED_OFFSET"),),
        why="The offset is added to every integer seed, so every key is another one: initial "
        "weights, dropout and shuffling differ from the first step.",
        not_when="The program makes its keys without integer seeds, or sets "
        "jax_random_seed_offset itself.",
        remedy="Give JAX_RANDOM_SEED_OFFSET the same value on both sides.",
        evidence=(_OPTIONS,),
        drift=when_read_differently(lambda _, value: _offset(value), "JAX_RANDOM_SEED_OFFSET"),
    ),
    Rule(
        id="jax-x64-switched",
        title="JAX computes in a different default precision",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(variable("JAX_ENABLE_X64"), switch("jax-x64")),
        why="With JAX_ENABLE_X64, arrays and random numbers are 64 bits wide instead of 32: "
        "different values are drawn, and everything rounds differently. Operations that need "
        "arrays of one type may refuse the resulting mixture.",
        not_when="The program gives every array a type, or sets jax_enable_x64 itself. A capture "
        "from inside the process on both sides shows that.",
        remedy="Give JAX_ENABLE_X64 the same value on both sides.",
        evidence=(
            Evidence(
                "Default types and the X64 flag",
                "https://docs.jax.dev/en/latest/default_dtypes.html",
            ),
        ),
        drift=when_switched(JAX_ENABLE_X64=False),
    ),
    Rule(
        id="jax-compilation-switched",
        title="JAX compiles differently on the two sides",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("jax"),
        watches=(
            variable("JAX_DISABLE_JIT"),
            switch("jax-disable-jit"),
            variable("JAX_DISABLE_MOST_OPTIMIZATIONS"),
        ),
        why="When a program is compiled as a whole and optimised, operations are fused and may "
        "add in a different order than one by one.",
        not_when="No fusion in the job rounds differently.",
        remedy=Command("unset JAX_DISABLE_JIT JAX_DISABLE_MOST_OPTIMIZATIONS"),
        note="On both sides.",
        evidence=(
            _OPTIONS,
            Evidence("One operation after the other", measured="jax.no-jit"),
            Evidence("Without most optimisations", measured="jax.optimizations"),
        ),
        drift=when_switched(JAX_DISABLE_JIT=False, JAX_DISABLE_MOST_OPTIMIZATIONS=False),
    ),
    Rule(
        id="jax-matmul-precision-changed",
        title="JAX multiplies matrices in a different precision",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") & on_gpu,
        watches=(variable("JAX_DEFAULT_MATMUL_PRECISION"), switch("jax-matmul-precision")),
        why="The setting selects float32, TF32 or bfloat16 for matrix products and convolutions.",
        not_when="The program gives each call a precision, or sets jax_default_matmul_precision "
        "itself. A capture from inside the process on both sides shows that. On a CPU, "
        "neither highest nor bfloat16 changed a bit.",
        remedy="Give JAX_DEFAULT_MATMUL_PRECISION the same value on both sides.",
        evidence=(
            Evidence(
                "jax.default_matmul_precision",
                "https://docs.jax.dev/en/latest/_autosummary/jax.default_matmul_precision.html",
            ),
            Evidence(
                "The variable, and what GPUs do without it",
                "https://docs.jax.dev/en/latest/201/precision.html",
            ),
        ),
        drift=_reads("JAX_DEFAULT_MATMUL_PRECISION", ""),
    ),
)
