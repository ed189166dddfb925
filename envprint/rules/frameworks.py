"""What versions and builds of the frameworks do to a result.

NumPy's family stands in `_arrays`, TensorFlow and Keras in `_tensorflow`.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules import _arrays, _tensorflow
from envprint.rules._dials import trace, variable, variables_of
from envprint.rules._packages import traces, version_changed, version_path
from envprint.versions import numbers
from envprint.workload import FRAMEWORKS, always, on_gpu, uses

PARTITIONABLE = "JAX_THREEFRY_PARTITIONABLE"


def _missing(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for framework in workload.frameworks:
        change = comparison.change(version_path(framework))
        if change and change.kind == "removed" and not _replaced(comparison, framework):
            yield Match(
                f"{framework} was {change.before}, is not installed",
                traces(comparison, framework, framework),
                change.before,
                None,
                remedy=f"pip install {framework}=={change.before}",
            )


def _replaced(comparison: Comparison, framework: str) -> bool:
    """Whether Keras now computes with another backend, so that TensorFlow is not needed."""
    if framework != "tensorflow":
        return False
    return comparison.after.value("facts.frameworks.keras.backend") not in (None, "tensorflow")


def _torch_build(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change("facts.frameworks.torch.build")
    if change and change.before and change.after:
        lost = change.after == "cpu"
        yield Match(
            f"PyTorch was built for {change.before}, is built for {change.after}",
            (change.path, *traces(comparison, "torch", "torch")),
            change.before,
            change.after,
            remedy=f"Install the build for {change.before} again"
            + (": with this one the job runs on the CPU." if lost else "."),
        )


def _jax_random(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    before, after = (_is_partitionable(f) for f in (comparison.before, comparison.after))
    if before is None or after is None or before == after:
        return
    setting = int(before)
    yield Match(
        f"random numbers were drawn {_drawn(before)}, are drawn {_drawn(after)}",
        (
            *traces(comparison, "jax", "jax", "jaxlib"),
            *comparison.under(variable(PARTITIONABLE)),
            *trace(comparison, (PARTITIONABLE,)),
        ),
        before,
        after,
        remedy=f"export {PARTITIONABLE}={setting}",
    )


def _drawn(partitionable: bool) -> str:
    return "in parts (the default from JAX 0.5.0 on)" if partitionable else "as before JAX 0.5.0"


def _is_partitionable(side: Fingerprint) -> bool | None:
    version = side.value(version_path("jax"))
    chosen = variables_of(side).get(PARTITIONABLE)
    if chosen is not None:
        return chosen.lower() in ("1", "y", "yes", "t", "true", "on")
    return numbers(version) >= (0, 5, 0) if version else None


RULES = (
    Rule(
        id="framework-missing",
        title="A framework of the job is not installed any more",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(version_path(name) for name in FRAMEWORKS),
        why="Importing a package that is not installed fails.",
        not_when="The job does not import it: name the frameworks it uses with --framework.",
        remedy="Install the framework in the version of the baseline.",
        evidence=(
            Evidence(
                "ModuleNotFoundError",
                "https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError",
            ),
        ),
        drift=_missing,
    ),
    Rule(
        id="torch-version-changed",
        title="PyTorch's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=("facts.frameworks.torch.version", "facts.frameworks.torch.git_version"),
        why="PyTorch promises equal results neither across releases nor across single commits: "
        "kernels, libraries inside the wheel and default settings change.",
        not_when="The operations in use did not change between the two versions. A change of "
        "random number generators or defaults may do more than round differently.",
        remedy="Install the same version, its local part such as +cu128 included.",
        evidence=(
            Evidence(
                "No reproducibility across releases, commits and platforms",
                "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            ),
        ),
        drift=version_changed("PyTorch", "torch", "torch", also=("git_version",), with_blas=True),
    ),
    Rule(
        id="torch-build-changed",
        title="PyTorch is built for another kind of device",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=("facts.frameworks.torch.build",),
        why="A build without support for the GPU computes on the CPU, which draws other random "
        "numbers from the same seed.",
        not_when="The program runs on the CPU anyway.",
        remedy="Install the same build again.",
        evidence=(
            Evidence(
                "Results may differ between CPU and GPU with the same seed",
                "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            ),
            Evidence(
                "Its maintainers: CPU and GPU have different generators",
                "https://github.com/pytorch/pytorch/issues/2976",
            ),
        ),
        drift=_torch_build,
    ),
    Rule(
        id="jax-version-changed",
        title="JAX's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(
            "facts.frameworks.jax.version",
            "facts.frameworks.jax.jaxlib_version",
            "facts.frameworks.jax.plugins",
        ),
        why="JAX does not hold numerical results still between releases; jaxlib brings another XLA "
        "compiler with each.",
        not_when="The operations in use are compiled in the same way by both versions.",
        remedy="Install the same versions of jax, jaxlib and the plugins.",
        evidence=(
            Evidence(
                "What JAX keeps compatible, and what not",
                "https://docs.jax.dev/en/latest/api_compatibility.html",
            ),
        ),
        drift=version_changed("JAX", "jax", "jax", "jaxlib", also=("jaxlib_version",)),
        yields_to=("jax-prng-default-changed",),
    ),
    Rule(
        id="jax-prng-default-changed",
        title="JAX draws other random numbers from the same key",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=("facts.frameworks.jax.version", variable(PARTITIONABLE)),
        why="JAX 0.5.0 switched jax_threefry_partitionable on: the same key gives other numbers, "
        "so initial weights, dropout and shuffling differ from the first step.",
        not_when="The program sets jax_threefry_partitionable itself, or uses another generator "
        "than threefry.",
        remedy="Give JAX_THREEFRY_PARTITIONABLE the same value on both sides.",
        evidence=(
            Evidence(
                "The announcement, with how to get the former numbers",
                "https://github.com/jax-ml/jax/discussions/18480",
            ),
        ),
        drift=_jax_random,
    ),
    *_arrays.RULES,
    *_tensorflow.RULES,
)
