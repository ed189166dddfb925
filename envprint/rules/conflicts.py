"""Packages that are installed together and do not run together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from envprint import knowledge
from envprint.core.fingerprint import Fingerprint, split_path
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue, for_each
from envprint.core.shell import Command, command
from envprint.core.versions import numbers
from envprint.core.workload import Workload, always, uses
from envprint.knowledge.roles import is_neighbour
from envprint.rules.kit.conflicts import (
    PYTHON,
    UNMET,
    Pair,
    Present,
    candidates,
    is_known,
    matching,
    reaches,
    takes_part,
)
from envprint.rules.kit.packages import CONDA, DISTRIBUTIONS, version_path

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from envprint.rules.kit.requirements import Requirement


_AT_IMPORT = ("the import fails", "undefined symbol at import")
"""Beginnings of what fails: a package that was imported as it is installed refutes these."""


def _pairs(now: Fingerprint, workload: Workload, *, in_some_use: bool) -> Iterator[Result]:
    present = Present.of(now)
    found: dict[tuple[str, str], None] = {}

    def look(entry: knowledge.Entry) -> Iterator[Match]:
        pair = matching(present, entry)
        if pair and reaches(pair.package.name, workload, entry):
            both = (pair.package.name, pair.other.name)
            if both not in found:
                found[both] = None
                yield _match(pair)._replace(is_conditional=is_neighbour(both[0], workload))

    listed = (entry for entry in candidates(present) if "fails" in entry)
    return for_each((entry for entry in listed if ("when" in entry) is in_some_use), look)


def _match(pair: Pair) -> Match:
    package, other, entry = pair
    fails = f"fails if {entry['when']}, with" if "when" in entry else "does not run with"
    remedy, note = _remedy(entry)
    sources = entry["source"]
    return Match(
        f"{package} {fails} {other} ({entry['fails']})",
        (package.path, other.path),
        after=f"{package}, {other}",
        remedy=remedy,
        note=note,
        confidence=Confidence.MEASURED if entry["known"] == "tried" else Confidence.DOCUMENTED,
        evidence=(sources,) if isinstance(sources, str) else tuple(sources),
        about=f"{package.name} {other.name}",
        imports=(package.name,) if entry["fails"].startswith(_AT_IMPORT) else (),
    )


def _remedy(entry: knowledge.Entry) -> tuple[Command | None, str]:
    """The command that ends the conflict, and the other way to do so."""
    if "remedy" in entry:
        return _install(entry["remedy"], entry), ""
    upper = _opposite(entry["package"], entry["versions"])
    lower = _opposite(entry["other"], entry["with"])
    first, second = (upper, lower) if upper else (lower, None)
    note = f"Or install {second}." if second else ""
    return (_install(first, entry) if first else None), note


def _install(requirement: str, entry: knowledge.Entry) -> Command | None:
    form = "conda install --yes {}" if entry.get("in_conda") else "pip install {}"
    return command(form, requirement)


_OPPOSITES = (("<=", ">"), (">=", "<"), ("<", ">="), ("!=", "=="))


def _opposite(name: str, specifier: str) -> str | None:
    """What must be installed for a span of one bound not to hold; None for any other span."""
    if "," in specifier or name == "python":
        return None
    found = (pair for pair in _OPPOSITES if specifier.startswith(pair[0]))
    return next((f"{name}{new}{specifier[len(old) :]}" for old, new in found), None)


def _requirements(now: Fingerprint, workload: Workload, *, that_stop: bool) -> Iterator[Result]:
    """The requirements of packages that take part and that are not met."""
    for path, reason in now.unknown.items():
        if path.startswith(f"{UNMET}[") and takes_part(now, split_path(path)[3], workload):
            yield UnknownValue(path, reason)
    unmet = now.value(UNMET)
    if not unmet:
        return
    from envprint.rules.kit.requirements import Requirement, is_linked, stops  # needed only here

    present = Present.of(now)
    for name in sorted(unmet):
        package = present.side(name)
        if package is None or not takes_part(now, name, workload, or_may=that_stop):
            continue
        every = (Requirement.of(one) for one in unmet[name])
        unknown = (one for one in every if not is_known(present, name, one.name))
        # What is not here could be used on this device, or is loaded on each.
        left = [one for one in unknown if reaches(one.name, workload) or is_linked(now, name, one)]
        chosen = [one for one in left if stops(now, name, one) is that_stop]
        if chosen:
            match = _unmet(str(package), name, chosen)
            yield match._replace(is_conditional=is_neighbour(name, workload))


def _unmet(package: str, name: str, missing: list[Requirement]) -> Match:
    texts = "; ".join(str(one) for one in missing[:3])
    more = f"; and {len(missing) - 3} more" if len(missing) > 3 else ""
    return Match(
        f"{package} requires {texts}{more}",
        (f"{UNMET}[{name}]",),
        after=[f"{one.name}{one.specifier}" for one in missing],
        remedy=_install_all(missing),
        about=name,
    )


def _install_all(missing: list[Requirement]) -> Command | None:
    from envprint.core.requirement import specified

    words = [specified(one.name, one.specifier) for one in missing]
    return command("pip install " + " ".join("{}" for _ in words), *words)


# The wheels of PyTorch's companions are built for one of its builds, which only the part of the
# version after the + names; the wheels on the public index have none, and are for CUDA on Linux.
_COMPANIONS = ("torchvision", "torchaudio", "torchtext")
_TORCH = f"{DISTRIBUTIONS}[torch].version"


def _build(version: str) -> str:
    return version.partition("+")[2]


def _torch_builds(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    present = Present.of(now)
    if "torch" not in present.names:
        return iter(())
    torch = str(now.get(version_path("torch")) or now.value(_TORCH) or "")
    here = [name for name in _COMPANIONS if name in present.names]
    return for_each(here, partial(_companion, now, torch))


def _companion(now: Fingerprint, torch: str, name: str) -> Iterator[Match]:
    version = now.value(f"{DISTRIBUTIONS}[{name}].version") or ""
    build = _build(version) or _unnamed_build(now, name, version)
    ours = _build(torch)
    if not _differ(ours, build):
        return
    yield Match(
        f"{name} {version} is built for {_words(build)}, PyTorch is {torch}",
        (f"{DISTRIBUTIONS}[{name}].version", _TORCH),
        after=version,
        remedy=_same_build(name, version, ours),
        note="It is on PyTorch's own index: take the option from "
        "https://pytorch.org/get-started/locally",
        about=name,
    )


def _same_build(name: str, version: str, build: str) -> Command | None:
    from envprint.core.requirement import pinned

    wanted = f"{version.partition('+')[0]}+{build}"
    return command("pip install --force-reinstall --no-deps {}", pinned(name, wanted))


def _unnamed_build(now: Fingerprint, name: str, version: str) -> str:
    """The build of a wheel from the public index for Linux on x86-64; empty if it is no such."""
    if name == "torchaudio" and numbers(version) >= (2, 9):
        return ""  # no longer bound to one build
    tags = now.get(f"{DISTRIBUTIONS}[{name}].tags", ())
    is_wheel = any("manylinux" in tag and tag.endswith("_x86_64") for tag in tags)
    return "cu" if is_wheel else ""


def _differ(torch: str, companion: str) -> bool:
    """Whether one is for CUDA and PyTorch is not, or they are for two major releases of CUDA."""
    if not companion.startswith("cu"):
        return False
    if torch == "cpu" or torch.startswith("rocm"):
        return True
    both = (torch.removeprefix("cu"), companion.removeprefix("cu"))
    return torch.startswith("cu") and bool(both[1]) and both[0][:-1] != both[1][:-1]


def _words(build: str) -> str:
    return f"CUDA ({build})" if build != "cu" else "CUDA"


_LINKED = tuple(f"facts.cuda.{name}.installed" for name in ("cudnn", "runtime"))

_METADATA = Evidence(
    "What Requires-Dist means",
    "https://packaging.python.org/en/latest/specifications/core-metadata/",
)
_TABLE = Evidence(
    "The binary interface of NumPy 2", "https://numpy.org/doc/stable/dev/depending_on_numpy.html"
)

RULES = (
    Rule(
        id="conflicts-pair",
        title="Two packages do not run together",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(DISTRIBUTIONS, CONDA, PYTHON, UNMET),
        why="One was built for, or calls, another version of the other. It fails when it is "
        "imported, or at its first use.",
        not_when="The job does not import it, or it was rebuilt from source for what is here. "
        "The finding names its own source: installed and run, reported, or what the package "
        "declares.",
        remedy="Install versions that belong together.",
        evidence=(
            _TABLE,
            Evidence(
                "Which packages work with NumPy 2, and since when",
                "https://github.com/numpy/numpy/issues/26191",
            ),
            Evidence(
                "Generated code and the runtime of protobuf",
                "https://github.com/tensorflow/tensorflow/issues/60460",
            ),
        ),
        state=partial(_pairs, in_some_use=False),
        yields_to=("jaxlib-newer-than-jax",),
    ),
    Rule(
        id="conflicts-in-some-use",
        title="Two packages fail together in some uses",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(DISTRIBUTIONS, PYTHON, UNMET),
        why="One calls what the other no longer has, in a part that not every job uses.",
        not_when="The job does not use that part, which the message names.",
        remedy="Install versions that belong together.",
        evidence=(
            Evidence(
                "XGBoost in a search of scikit-learn 1.6",
                "https://github.com/dmlc/xgboost/issues/11093",
            ),
        ),
        state=partial(_pairs, in_some_use=True),
        advice=True,
    ),
    Rule(
        id="conflicts-requirement",
        title="A package lacks what it is built for",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(UNMET, DISTRIBUTIONS, *_LINKED),
        why="Its own metadata asks for another version in a way that leaves no room: it is "
        "compiled for one release, it needs a later major release, or what it imports is not "
        "there.",
        not_when="The job does not import it, or it does without that part.",
        remedy="Install what the package requires.",
        evidence=(_METADATA,),
        state=partial(_requirements, that_stop=True),
        yields_to=("conflicts-torch-builds",),
    ),
    Rule(
        id="conflicts-requirement-open",
        title="A package asks for another version",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=(UNMET, DISTRIBUTIONS),
        why="Its own metadata asks for another version than is installed, so this combination "
        "was never tested by its authors.",
        not_when="The bound is a precaution: of measured combinations with such a requirement, "
        "six in twenty ran, most of them with the same result.",
        remedy="Install what the package requires.",
        evidence=(_METADATA,),
        state=partial(_requirements, that_stop=False),
        advice=True,
    ),
    Rule(
        id="conflicts-torch-builds",
        title="A companion of PyTorch is built for another build of it",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=(DISTRIBUTIONS, version_path("torch")),
        why="Its library is linked with PyTorch's CUDA library, or with another major release of "
        "it, and cannot be loaded: an operator such as nms does not exist.",
        not_when="The job does not import it; Transformers imports torchvision if it is there.",
        remedy="Install both from the same index.",
        evidence=(
            Evidence(
                "torchvision for CUDA beside PyTorch for the CPU",
                "https://github.com/pytorch/vision/issues/8985",
            ),
        ),
        state=_torch_builds,
    ),
)
