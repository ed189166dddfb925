"""How rules compare a package's version: both sides known, and every trace of the change named."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from envprint import knowledge
from envprint.core.comparison import Change, Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.rule import Match, Result, for_each
from envprint.core.shell import Command, command, in_turn
from envprint.core.typed import NamedTuple
from envprint.core.versions import is_below, is_between, numbers
from envprint.core.workload import Workload
from envprint.knowledge.roles import is_of_job

DISTRIBUTIONS = "facts.packages.distributions"
CONDA = "facts.packages.conda"
TENSORFLOW_NAMES = (
    *("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel", "tensorflow-macos"),
    *("tensorflow-rocm", "intel-tensorflow", "tf-nightly", "tf-nightly-cpu"),
)
"""Distributions that bring TensorFlow."""


def version_path(framework: str) -> str:
    """The path of a framework's version."""
    return f"{_field(framework)}.version"


def traces(comparison: Comparison, framework: str, *distributions: str) -> tuple[str, ...]:
    """Paths of all changes that accompany a framework's new version, the version first."""
    field = _field(framework)
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
    return bool(_spans(distribution, before, after))


def equal_for_all(distribution: str, before: str, after: str) -> bool:
    """The same, unless a release in between is known to differ for jobs that are common, too."""
    spans = _spans(distribution, before, after)
    if any(not span.get("not_for_all", False) for span in spans):
        return True
    return bool(spans) and not crossed_breaks(distribution, before, after)


def _spans(distribution: str, before: str, after: str) -> list[knowledge.Entry]:
    return [
        entry
        for entry in knowledge.about("measured_equal", distribution)
        if all(is_between(side, entry["first"], entry["last"]) for side in (before, after))
    ]


def crossed_breaks(distribution: str, before: str, after: str) -> list[knowledge.Entry]:
    """The known breaks between two versions, in either direction."""
    older, newer = (after, before) if is_below(after, before) else (before, after)
    return [
        entry
        for entry in knowledge.about("known_breaks", distribution)
        if is_below(older, entry["since"]) and not is_below(newer, entry["since"])
    ]


def package_changed(
    comparison: Comparison, workload: Workload, distributions: Iterable[str]
) -> Iterator[Result]:
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
                is_conditional=not is_of_job(name, workload),
                about=name,
            )

    return for_each(distributions, look)


def pip_install(name: str, version: str | None, extra: str = "") -> Command | None:
    """The command that installs this version; None if the version or the name is not valid."""
    from envprint.core.requirement import pinned

    return command("pip install {}", pinned(name, version or "", extra))


_HAS_NO_VERSION = ("vcs", "editable", "local")
"""Origins that a version does not tell."""


class Restored(NamedTuple):
    """How to install again what the baseline had."""

    remedy: str | None
    """None if no command would do it: then the rule's own text holds."""
    note: str = ""


def restored(comparison: Comparison, framework: str, *distributions: str) -> Restored:
    """The command that installs the baseline's build of a framework, by its distribution's name.

    `distributions` are the names that it may have; the first is meant if none was recorded.
    """
    was = _installed_as(comparison.before, framework, distributions)
    version = _version_of(comparison.before, framework, was)
    entry = comparison.before.get(f"{DISTRIBUTIONS}[{was}]", {})
    if (entry.get("origin") or {}).get("kind") in _HAS_NO_VERSION:
        return Restored(None)
    if entry.get("installer") == "conda":
        named = knowledge.find("conda_names", distribution=was)
        return Restored(_conda_install(named["conda"] if named else was, version))
    install = pip_install(was, version, _extra(comparison.before, framework))
    other = _installed_as(comparison.after, framework, distributions)
    if other != was and comparison.after.get(f"{DISTRIBUTIONS}[{other}]"):
        # Both own the same files, so the order matters.
        install = in_turn(command("pip uninstall --yes {}", other), install)
    own_index = framework == "torch" and "+" in version
    return Restored(install, _OWN_INDEX if install and own_index else "")


_OWN_INDEX = (
    "Builds with a + in the version are on PyTorch's own index: take the option from "
    "https://pytorch.org/get-started/locally"
)


def _installed_as(side: Fingerprint, framework: str, distributions: Sequence[str]) -> str:
    """The name of the distribution that brings the framework."""
    recorded: str | None = side.get(f"{_field(framework)}.distribution")
    here = (name for name in distributions if side.get(f"{DISTRIBUTIONS}[{name}]"))
    return recorded or next(here, distributions[0])


def _version_of(side: Fingerprint, framework: str, distribution: str) -> str:
    """The version as an installer knows it: a framework may report a build that it does not name.

    PyTorch's wheel 2.13.0 says 2.13.0+cu130.
    """
    reported: str = side.get(f"{_field(framework)}.version", "")
    recorded = side.get(f"{DISTRIBUTIONS}[{distribution}].version")
    is_same = recorded and numbers(recorded) == numbers(reported)
    return recorded if is_same else reported


# {"jax-cuda12-plugin": "0.7.2", "jax-cuda12-pjrt": "0.7.2"}
def _extra(side: Fingerprint, framework: str) -> str:
    plugins = side.get(f"{_field(framework)}.plugins", {}) if framework == "jax" else {}
    form = re.compile(r"jax-(cuda\d{1,2}|rocm\d{0,3})-(?:plugin|pjrt)")
    found = map(form.fullmatch, plugins)
    return next((f"[{match[1]}]" for match in found if match), "")


def _conda_install(name: str, version: str) -> str | None:
    from envprint.core.requirement import pinned

    line = pinned(name, version.partition("+")[0])
    return command("conda install --yes {}", line and line.replace("==", "="))


def _field(framework: str) -> str:
    return f"facts.frameworks.{framework.replace('-', '_')}"


def is_other_build(change: Change) -> bool:
    """Whether two versions differ in nothing but the build, such as 2.13.0+cpu and 2.13.0+cu130."""
    before, after = (str(side).partition("+") for side in (change.before, change.after))
    return before[0] == after[0] and before[2] != after[2]


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
    field = _field(framework)

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        changes = (comparison.change(f"{field}.{name}") for name in ("version", *also))
        change = next((c for c in changes if c and c.before and c.after), None)
        is_patch = bool(patch is not None and change and _is_patch(comparison, field, change))
        if change and not (is_patch and not _was_measured(distributions, change)):
            libraries = ("facts.math.blas", "facts.math.openmp") if with_blas else ()
            paths = traces(comparison, framework, *distributions)
            yield Match(
                f"{label} was {change.before}, is {change.after}",
                (*paths, *comparison.under(*libraries)),
                change.before,
                change.after,
                patch if is_patch else None,
                *restored(comparison, framework, *distributions),
            )

    return drift


def is_of_uv(one: Fingerprint) -> bool:
    """Whether the environment has no pip, and uv has installed something into it."""
    found = one.get(DISTRIBUTIONS) or {}
    return "pip" not in found and any(each.get("installer") == "uv" for each in found.values())
