"""What the team's policy requires of every machine, and what this machine lacks of it.

The impact is always `breaks`: the team has decided that no run starts without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import VARIABLES, Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.shell import command, export
from envprint.core.workload import Workload, has_requirements
from envprint.rules.kit.devices import DEVICES, VISIBLE, how_many

SWITCHES = "facts.determinism.switches"
PACKAGES = "facts.packages.distributions"
_ANY = "*"
_POLICY = (Evidence("The team's own policy"),)
_NOT_WHEN = "The policy no longer requires it."


def _gpus(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    wanted = workload.required.gpus
    if wanted is not None and how_many(now) != wanted:
        text = f"{how_many(now)} visible, {wanted} required"
        yield Match(f"GPUs: {text}", ("facts.gpu.count", VISIBLE), after=how_many(now))


def _variables(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    def look(required: tuple[str, str]) -> Iterator[Match]:
        name, wanted = required
        path = f"{VARIABLES}[{name}]"
        value = now.value(path)
        if value != wanted:
            is_now = "unset" if value is None else value or "empty"
            yield Match(
                f"{name} is {is_now}, {wanted or 'empty'} is required",
                (path,),
                after=value,
                remedy=export(name, wanted),
            )

    return for_each(sorted(workload.required.variables.items()), look)


def _switches(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    def look(name: str) -> Iterator[Match]:
        path = f"{SWITCHES}[{name}]"
        value = now.value(f"{path}.value")
        if value is None and not now.value("facts.frameworks.imported"):
            raise UnknownValueError(
                path, "a program sets it itself, and no framework runs in this process"
            )
        if value != "on":
            yield Match(f"{name} is {value or 'off'}, and must be on", (path,), after=value)

    return for_each(sorted(workload.required.switches), look)


def _packages(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    def look(required: tuple[str, str]) -> Iterator[Match]:
        from packaging.utils import canonicalize_name

        from envprint.core.requirement import specified

        name, wanted = required
        path = f"{PACKAGES}[{canonicalize_name(name)}]"
        version = now.value(f"{path}.version")
        if not _meets(version, wanted):
            found = f"is {version}" if version else "is not installed"
            needed = "any version" if wanted == _ANY else wanted
            text = f"{name} {found}, {needed} is required"
            line = specified(name, "" if wanted == _ANY else wanted)
            yield Match(text, (path,), after=version, remedy=command("pip install {}", line))

    return for_each(sorted(workload.required.packages.items()), look)


def _meets(version: str | None, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    if version is None or wanted == _ANY:
        return version is not None
    try:
        return SpecifierSet(wanted, prereleases=True).contains(version)
    except ValueError:  # numbers of thousands of digits, in a forged document
        return False


RULES = (
    Rule(
        id="required-gpus-missing",
        title="The policy requires a different number of visible GPUs",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=has_requirements,
        watches=(DEVICES, "facts.gpu.count", VISIBLE),
        why="The team's policy requires that number of GPUs.",
        not_when=_NOT_WHEN,
        remedy="Make the required number of GPUs visible to the program, or change the policy.",
        evidence=_POLICY,
        state=_gpus,
    ),
    Rule(
        id="required-variable-differs",
        title="A variable does not have the value that the policy requires",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=has_requirements,
        watches=(VARIABLES,),
        why="The team's policy requires that value.",
        not_when=_NOT_WHEN,
        remedy="Set the variable before the program starts, or change the policy.",
        evidence=_POLICY,
        state=_variables,
    ),
    Rule(
        id="required-switch-off",
        title="A switch that the policy requires is not on",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=has_requirements,
        watches=(SWITCHES, "facts.frameworks.imported"),
        why="The team's policy requires the switch to be on.",
        not_when="The program turns the switch on itself, after the check. From outside the "
        "program the rule is undecided, unless a variable decides it.",
        remedy="Turn the switch on before the check, or change the policy.",
        evidence=_POLICY,
        state=_switches,
    ),
    Rule(
        id="required-package-differs",
        title="A package's version is not one the policy allows",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=has_requirements,
        watches=(PACKAGES,),
        why="The team's policy allows other versions only.",
        not_when=_NOT_WHEN,
        remedy="Install a version that the policy allows, or change the policy.",
        evidence=_POLICY,
        state=_packages,
    ),
)
