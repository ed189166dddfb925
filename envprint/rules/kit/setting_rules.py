"""Which cause changed a setting: a variable, the machine, or the program itself.

Rules compare the setting in force on both sides, and determine which cause alone would have changed
it. A loaded framework reports what is in force; the rest follows from variables and machine.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

from envprint.core.comparison import Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.rule import Drift, Match, Result, for_each
from envprint.core.shell import Command, export, in_turn, unset
from envprint.core.typed import Any
from envprint.core.workload import Workload
from envprint.rules.kit.settings import (
    Setting,
    Variables,
    has_imported,
    proviso,
    rank,
    reaches,
    trace,
    value_text,
    variable,
    variables_of,
)

_BEFORE, _AFTER = 0, 1


class SettingChange:
    """One setting on both sides, and which cause alone would have changed it.

    There can be more than one: a different variable on a different machine. Each question needs
    only its own values, and raises `UnknownValueError` if one is unknown; unknown values of
    other causes do not leave it open.
    """

    def __init__(self, comparison: Comparison, setting: Setting) -> None:
        self.comparison = comparison
        self.setting = setting
        self._sides = comparison.before, comparison.after
        self._forecasts: dict[tuple[int, int], str] = {}

    @cached_property
    def reported(self) -> tuple[str | None, str | None]:
        """What the process of each side reported as in force."""
        before, after = self._sides
        return self.setting.reported(before), self.setting.reported(after)

    @cached_property
    def values(self) -> tuple[str, str]:
        """What is in force on both sides: the reports of both processes, else the forecasts.

        A report of one side alone does not count: a command cannot query the other program, which
        may set the same value.
        """
        before, after = self.reported
        if None in self.reported and not all(map(self._has_imported, self._sides)):
            before = after = None
        return (
            self._forecast(_BEFORE, _BEFORE) if before is None else before,
            self._forecast(_AFTER, _AFTER) if after is None else after,
        )

    def is_change(self) -> bool:
        """Whether the value in force differs, whatever the cause."""
        return self.values[0] != self.values[1]

    def is_by_variables(self) -> bool:
        """Whether the variables alone change it, on the new machine."""
        return self._forecast(_AFTER, _BEFORE) != self._forecast(_AFTER, _AFTER)

    def is_by_machine(self) -> bool:
        """Whether the machine alone changes it, with the old variables."""
        return self._forecast(_AFTER, _BEFORE) != self._forecast(_BEFORE, _BEFORE)

    def is_by_program(self) -> bool:
        """Whether a program changed it in a way that neither variables nor machine explain."""
        try:
            return self.is_change() and not (self.is_by_variables() or self.is_by_machine())
        except UnknownValueError:
            # Then no rule can attribute it to the variables or the machine, yet the reports differ.
            return self.is_change()

    def is_held(self) -> bool:
        """Whether the machines differ in it and variables make them equal."""
        before, after = (self.setting.forecast(side, {}) for side in self._sides)
        return before != after and (
            self._forecast(_BEFORE, _BEFORE) == self._forecast(_AFTER, _AFTER)
        )

    def _has_imported(self, side: Fingerprint) -> bool:
        return has_imported(side, self.setting.used_by[0])

    def _forecast(self, machine: int, environ: int) -> str:
        """The expected value on one side's machine with the other side's variables."""
        key = machine, environ
        if key not in self._forecasts:
            variables = variables_of(self._sides[environ])
            self._forecasts[key] = self.setting.forecast(self._sides[machine], variables)
        return self._forecasts[key]


def changed_by_variables(*settings: Setting) -> Drift:
    """A drift check: fires if variables alone change a setting on the new machine."""

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        def look(setting: Setting) -> Iterator[Match]:
            names = [name for name in setting.variables if comparison.change(variable(name))]
            if names and reaches(setting, workload):
                yield from _by_variables(SettingChange(comparison, setting), names)

        return for_each(settings, look)

    return drift


def changed_by_machine(paths: tuple[str, ...], *settings: Setting, remedy: str) -> Drift:
    """A drift check of the processor: one finding for all settings that it changed."""

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        changes = [change for path in paths if (change := comparison.change(path))]
        if not changes:
            return
        setting_changes = [
            SettingChange(comparison, setting) for setting in settings if reaches(setting, workload)
        ]
        changed = [
            change for change in setting_changes if change.is_change() and change.is_by_machine()
        ]
        if changed:
            held = [change.setting.what for change in setting_changes if change.is_held()]
            yield Match(
                "; ".join([*map(_in_words, changed), *_held_alike(held)]),
                tuple(change.path for change in changes),
                changes[0].before,
                changes[0].after,
                remedy=in_turn(*_fixes(changed)) or remedy,
                note=remedy if any(_fixes(changed)) else "",
            )

    return drift


def _by_variables(change: SettingChange, names: list[str]) -> Iterator[Match]:
    if change.is_by_variables() and change.is_change():
        before, after = map(variables_of, (change.comparison.before, change.comparison.after))
        variables_text = ", ".join(
            f"{n} was {value_text(before.get(n))}, is {value_text(after.get(n))}" for n in names
        )
        unsure = proviso(change.comparison, names) if None in change.reported else ""
        yield Match(
            f"{variables_text}: {_in_words(change)}{unsure}",
            (*map(variable, names), *trace(change.comparison, names)),
            _values(before, names),
            _values(after, names),
            remedy=in_turn(*(export(n, before[n]) if n in before else unset(n) for n in names)),
        )


def _in_words(change: SettingChange) -> str:
    before, after = change.values
    return f"{change.setting.what} was {before}, is {after}"


def _held_alike(held: Sequence[str]) -> Iterator[str]:
    if held:
        yield f"variables hold {' and '.join(held)} alike"


def _fixes(changed: Sequence[SettingChange]) -> Iterator[Command]:
    """For each setting, the assignment that both machines support: the lower of the two values."""
    for change in changed:
        fix = change.setting.fix(change.comparison.after, min(change.values, key=rank))
        held = fix and export(*fix)
        if held:
            yield held


def _values(variables: Variables, names: list[str]) -> Any:
    if len(names) == 1:
        return variables.get(names[0])
    return {name: variables.get(name) for name in names}
