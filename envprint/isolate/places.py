"""The environment of each trial: the versions of either side, as they were recorded.

Both ends are built first, so that everything is in the installer's cache and no later trial needs
the network: a network that fails is no evidence. Every environment of a search lies in its own work
directory and goes with it; nothing half-built is ever there for a later search.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection

from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint
from envprint.core.isolation import PACKAGE, PYTHON, Fixed, Plan
from envprint.documents.inputs import NOW
from envprint.isolate.borrowing import borrow, installed
from envprint.isolate.building import Built, build, differences
from envprint.isolate.bytecode import share
from envprint.isolate.installers import Installer, Options, installer
from envprint.isolate.needs import needs_of, read_end
from envprint.isolate.search import Needs
from envprint.isolate.trials import NotBuiltError, Place
from envprint.isolate.wanted import Wanted, wanted_of

Log = Callable[[str], None]
SHOWN = 3
"""Notes on what an end lacks; of more, how many there are."""


class Places:
    """Builds environments below `work`. `here` is the active environment."""

    def __init__(
        self,
        plan: Plan,
        sides: tuple[Fingerprint, Fingerprint],
        here: Place,
        work: str,
        log: Log,
        *,
        trust: bool = False,
    ) -> None:
        self.plan = plan
        self.notes: list[str] = []
        self._wanted = [wanted_of(side, trust=trust) for side in sides]
        self._here = here
        self._work = os.path.join(work, "environments")
        self._log = log
        self._by: Installer = installer(Options())
        self._built: dict[str, Place] = {}
        self._ends: list[Place] = []
        self._lost: set[str] = set()
        """Packages of which CURRENT's version cannot be had."""

    def prepare(self) -> None:
        """Build both ends; a package that cannot be had is no switch any more.

        Raises `EnvprintError`.
        """
        ends = self._both()
        while self._fixed(ends):
            ends = self._both()
        self._ends = [self._place(built) for built in ends]
        self._note(ends)
        if self._by.name == "uv":
            # pip would ask the index even for what its cache has.
            self._by = installer(Options(offline=True))
        for note in self.notes:
            self._log(note)
        self._log = _say_nothing

    def _both(self) -> list[Built]:
        names = [one.name for one in self.plan.switches]
        return [self._build(self._mixed(switched)) for switched in ((), names)]

    def of(self, switched: Collection[str]) -> Place:
        """The environment with these switches as in CURRENT. Raises `NotBuiltError`."""
        wanted = self._mixed(switched)
        key = _key(wanted)
        if key not in self._built:
            try:
                built = self._build(wanted)
            except EnvprintError as error:
                raise NotBuiltError(str(error)) from None
            missing = {pin.name for pin in wanted.pins}.intersection(
                one.name for one in built.lacking
            )
            if missing:
                raise NotBuiltError(f"{', '.join(sorted(missing))} cannot be installed")
            for end in self._ends:
                share(end.prefix, built.place)
            self._place(built)
        return self._built[key]

    def needs(self) -> Needs:
        """What must be switched together, by what both ends require."""
        before, after = (read_end(place.python) for place in self._ends)
        return needs_of(self.plan, before, after)

    def _mixed(self, switched: Collection[str]) -> Wanted:
        """The pins of a trial: of each package those of one side."""
        sides = tuple({pin.name: pin for pin in wanted.pins} for wanted in self._wanted)
        switches = {one.what: one.name for one in self.plan.switches if one.kind == PACKAGE}
        # What differs and is no switch is the same in all trials, or the wheel of another Python.
        is_otherwise = PYTHON in switched or PYTHON not in {one.name for one in self.plan.switches}
        pins = []
        for name in sorted({*sides[0], *sides[1]}):
            is_current = is_otherwise and name not in self._lost
            if name in switches:
                is_current = switches[name] in switched
            pin = sides[is_current].get(name)
            pins += [pin] if pin else []
        python = self._wanted[PYTHON in switched]
        return Wanted(python.python, tuple(pins), hooks=python.hooks)

    def _build(self, wanted: Wanted) -> Built:
        built = build(wanted, os.path.join(self._work, _key(wanted)), self._log, by=self._by)
        lacking = (*built.lacking, *self._wanted[1].lacking)
        borrowed = borrow(
            {one.name: one.version for one in lacking}, self._here.python, built.python
        )
        return built._replace(lacking=tuple(one for one in lacking if one.name not in borrowed))

    def _place(self, built: Built) -> Place:
        place = Place(built.python, built.place)
        self._built[os.path.basename(built.place)] = place
        return place

    def _fixed(self, ends: list[Built]) -> bool:
        """Make what an end cannot be built with no switch; whether there was any.

        Of such a package, every trial has the other side's version.
        """
        names = {one.what: one for one in self.plan.switches if one.kind == PACKAGE}
        found: dict[str, Fixed] = {}
        for built, is_current in zip(ends, (False, True), strict=True):
            for lacking in built.lacking:
                if switch := names.get(lacking.name):
                    found[switch.name] = Fixed(switch.in_words(), f"cannot be had: {lacking}")
                    self._lost |= {lacking.name} if is_current else set()
        found |= self._same_python(ends)
        kept = tuple(one for one in self.plan.switches if one.name not in found)
        self.plan = Plan(kept, (*self.plan.fixed, *found.values()))
        if not kept:
            raise EnvprintError(f"isolate: nothing is left to switch: {self.plan.fixed[-1].reason}")
        return bool(found)

    def _same_python(self, ends: list[Built]) -> dict[str, Fixed]:
        """The switch of Python, if one installed version stands for both."""
        python = next((one for one in self.plan.switches if one.kind == PYTHON), None)
        if python is None or ends[0].version != ends[1].version:
            return {}
        reason = f"of the two only {ends[0].version} is installed here, or is near"
        return {PYTHON: Fixed(python.in_words(), reason)}

    def _note(self, ends: list[Built]) -> None:
        """What makes the ends other than they were recorded."""
        for side, built in zip(("BASELINE", "CURRENT"), ends, strict=True):
            texts = [*map(str, built.lacking), *built.other]
            self.notes += [f"{side} as built here: {text}" for text in texts[:SHOWN]]
            if len(texts) > SHOWN:
                more = len(texts) - SHOWN
                self.notes.append(f"{side} as built here differs in {more} more places")


def _say_nothing(_: str) -> None:
    """Trials are built without a word: each has a line of its own."""


def _key(wanted: Wanted) -> str:
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:16]


def is_needed(plan: Plan, current: Fingerprint, here: Place) -> bool:
    """Whether trials need environments of their own, and cannot run in the active one."""
    if any(one.kind in (PACKAGE, PYTHON) for one in plan.switches):
        return True
    return current.reference != NOW and not _is_active(wanted_of(current), here.python)


def _is_active(wanted: Wanted, python: str) -> bool:
    """Whether the active environment is that one, with what no index has."""
    there = installed(python)
    are_there = all(there.get(one.name) == one.version for one in wanted.lacking)
    return are_there and not any(differences(python, wanted, wanted.lacking))
