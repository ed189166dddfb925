"""What was recreated and what could not be had, in lines for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from envprint.core.recreated import NotHad, Recreated
from envprint.core.report import counted
from envprint.core.shell import path_word
from envprint.isolate import files
from envprint.isolate.building import Built
from envprint.isolate.recreation import Made

_SHOWN = 8


def recreated(made: Made) -> Recreated:
    """The whole of it, for programs."""
    wanted, built = made.parts.wanted, made.built
    lacking = (*wanted.lacking, *(built.lacking if built else ()))
    return Recreated(
        folder=made.folder,
        files=tuple(sorted(made.files)),
        not_locked=made.not_locked,
        python=wanted.python or None,
        place=built.place if built else None,
        built_python=built.version if built else None,
        lacking=tuple(NotHad(*one) for one in lacking),
        other=built.other if built else (),
        not_set=tuple(NotHad(one.name, None, one.reason) for one in made.parts.settings.left_out),
        notes=wanted.notes,
        limits=dict(made.caps.variables),
        reach=made.caps.claims,
    )


def account(made: Made) -> Iterator[tuple[str, str]]:
    """Topic and text of each line."""
    wanted, settings = made.parts.wanted, made.parts.settings
    whole = len(wanted.pins) + len(wanted.lacking)
    python = f"Python {wanted.python}" if wanted.python else "an unknown Python"
    yield "record", f"{python}, {whole} distributions"
    yield "files", f"{', '.join(sorted(made.files))} in {made.folder}"
    if made.not_locked:
        yield "", f"no {files.LOCK}: {made.not_locked}"
    if made.built:
        yield from _environment(made.built, wanted.python, len(wanted.pins))
    lacking = [*wanted.lacking, *(made.built.lacking if made.built else ())]
    yield from _listed("not here", [str(one) for one in lacking])
    yield from _listed("note", wanted.notes)
    yield from _listed("not set", [f"{one.name}: {one.reason}" for one in settings.left_out])
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    if settings.cpus and here and settings.cpus > here:
        yield "cpus", f"the job could use {settings.cpus} CPUs, and {here} can be used here"
    limits = [f"{cap.name}={cap.value}" for cap in made.caps.variables]
    yield from _listed("limits", [", ".join(limits)] if limits else [])
    yield from _listed("" if limits else "limits", made.caps.claims)
    word = path_word(os.path.join(made.folder, files.RUN))
    if made.built and word:
        yield "run", f"{word} python train.py"


def _environment(built: Built, python: str, count: int) -> Iterator[tuple[str, str]]:
    left = count - len(built.lacking)
    what = f"{left} of {count}" if built.lacking else str(count)
    exact = "each of the recorded build" if not built.other else "not all as recorded"
    yield "built", f"{built.place}: Python {built.version}, {what} distributions, {exact}"
    if built.version != python:
        yield "", f"Python {python} is not installed here"
    yield from _listed("", built.other)


def _listed(topic: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts[:_SHOWN]):
        yield ("" if number else topic), text
    if len(texts) > _SHOWN:
        yield "", f"and {counted(texts[_SHOWN:], 'other')}"
