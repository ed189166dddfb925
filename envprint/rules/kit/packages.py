"""How rules compare a package's version: both sides known, and every trace of the change named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from envprint import knowledge
from envprint.core.comparison import Change, Comparison
from envprint.core.impact import Impact
from envprint.core.rule import Match, Result, for_each
from envprint.core.shell import command
from envprint.core.versions import is_between, numbers
from envprint.core.workload import Workload

DISTRIBUTIONS = "facts.packages.distributions"
CONDA = "facts.packages.conda"


def version_path(framework: str) -> str:
    """The path of a framework's version."""
    return f"facts.frameworks.{framework.replace('-', '_')}.version"


def traces(comparison: Comparison, framework: str, *distributions: str) -> tuple[str, ...]:
    """Paths of all changes that accompany a framework's new version, the version first."""
    field = f"facts.frameworks.{framework.replace('-', '_')}"
    packages = [f"{place}[{name}]" for place in (DISTRIBUTIONS, CONDA) for name in distributions]
    found = comparison.under(field, *packages)
    return tuple(dict.fromkeys((version_path(framework), *found)))


def is_same_release(before: str, after: str, places: int = 2) -> bool:
    """Whether two versions share their first numbers: 2.21.0 and 2.21.1 share two."""
    return numbers(before)[:places] == numbers(after)[:places]


def needs_another_wheel(comparison: Comparison, name: str) -> bool:
    """Whether another Python or processor requires another wheel, which other rules report."""
    if not comparison.change(f"{DISTRIBUTIONS}[{name}].tags"):
        return False
    python = comparison.change("facts.python.version")
    other_python = python and not is_same_release(python.before or "", python.after or "")
    return bool(other_python or comparison.change("facts.cpu.architecture"))


def measured_equal(distribution: str, before: str, after: str) -> bool:
    """Whether a job was measured to give the same bits with these versions, or with versions
    around them.
    """
    return any(
        entry["distribution"] == distribution
        and all(is_between(side, entry["first"], entry["last"]) for side in (before, after))
        for entry in knowledge.entries("measured_equal")
    )


def package_changed(comparison: Comparison, distributions: Iterable[str]) -> Iterator[Result]:
    """One match per package in `distributions` whose first or second version number changed."""

    def look(name: str) -> Iterator[Match]:
        change = comparison.change(f"{DISTRIBUTIONS}[{name}].version")
        if change and change.before and change.after and not is_same_release(*change[2:]):
            yield Match(
                f"{name} was {change.before}, is {change.after}",
                comparison.under(f"{DISTRIBUTIONS}[{name}]"),
                change.before,
                change.after,
                remedy=pip_install(name, change.before),
                was_equal=measured_equal(name, change.before, change.after),
            )

    return for_each(distributions, look)


def pip_install(name: str, version: str | None, extra: str = "") -> str | None:
    """The command that installs this version; None if the version or the name is not valid."""
    from envprint.core.requirement import pinned

    return command("pip install {}", pinned(name, version or "", extra))


def _is_patch(comparison: Comparison, field: str, change: Change) -> bool:
    same_release = is_same_release(change.before, change.after)
    return same_release and not comparison.change(f"{field}.blas.version")


def _was_measured(distributions: Iterable[str], change: Change) -> bool:
    """Whether one of them gave equal bits with both versions."""
    return any(measured_equal(name, change.before, change.after) for name in distributions)


def version_changed(
    label: str,
    framework: str,
    *distributions: str,
    patch: Impact | None = None,
    also: tuple[str, ...] = (),
    with_blas: bool = False,
) -> Callable[[Comparison, Workload], Iterator[Match]]:
    """A drift check of a version that both sides have.

    `patch` is the impact of a patch release with an unchanged BLAS that was measured to give the
    same bits; one that was not measured is left to be listed as not judged, since no size makes a
    step harmless. `also` names fields that distinguish builds of one version, `with_blas` states
    that the package includes a BLAS.
    """
    field = f"facts.frameworks.{framework.replace('-', '_')}"

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        changes = (comparison.change(f"{field}.{name}") for name in ("version", *also))
        change = next((c for c in changes if c and c.before and c.after), None)
        is_patch = bool(patch is not None and change and _is_patch(comparison, field, change))
        if change and not (is_patch and not _was_measured(distributions, change)):
            libraries = ("facts.math.blas", "facts.math.openmp") if with_blas else ()
            paths = traces(comparison, framework, *distributions)
            version = comparison.before.value(f"{field}.version")
            yield Match(
                f"{label} was {change.before}, is {change.after}",
                (*paths, *comparison.under(*libraries)),
                change.before,
                change.after,
                impact=patch if is_patch else None,
                remedy=pip_install(distributions[0], version),
            )

    return drift
