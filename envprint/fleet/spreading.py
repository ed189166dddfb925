"""A fleet diff on a cluster that is there already: its workers make the cards, the verdict is here.

Every worker sees the files under the same names, and has envprint installed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from envprint.core.errors import EnvprintError, UsageError
from envprint.core.fleet import Fleet, Unread
from envprint.core.text import one_line
from envprint.core.typed import Any
from envprint.fleet.cards import Card
from envprint.fleet.diffing import Wish, judged, reader_of
from envprint.fleet.remote import START_S, engine_named, reached
from envprint.fleet.sources import Document, documents
from envprint.judging.context import Context
from envprint.machine.process_state import RefusedError, answered

CHUNK = 500
"""Documents of one task: a first one of each kind is read as a whole in each."""
DASK_ADDRESS = "DASK_SCHEDULER_ADDRESS"
Item = Document | Unread


def compare_on(engine: str, sources: Iterable[str], context: Context, wish: Wish) -> Fleet:
    """What `compare` finds, with the documents read by the workers of `engine`.

    Raises `EnvprintError`.
    """
    chunks = [*_chunks(documents(sources))]
    found = {"dask": _by_dask, "ray": _by_ray}[engine](chunks, context, wish)
    return judged((card for cards in found for card in cards), context, wish)


def cards_of(chunk: Sequence[Item], context: Context, wish: Wish) -> list[Card | Unread]:
    """The cards of these documents; runs in a worker."""
    reader = reader_of(context, wish)
    return [one if isinstance(one, Unread) else reader.card(one) for one in chunk]


def _chunks(found: Iterator[Item]) -> Iterator[list[Item]]:
    while chunk := [_absolute(one) for one in islice(found, CHUNK)]:
        yield chunk


def _absolute(one: Item) -> Item:
    """With a path that does not depend on where a process runs."""
    if isinstance(one, Unread) or one.path is None:
        return one
    return one._replace(path=os.path.abspath(one.path))


def _by_dask(chunks: list[list[Item]], context: Context, wish: Wish) -> Any:
    engine = engine_named("distributed")
    address = os.environ.get(DASK_ADDRESS)
    try:
        client, is_ours = engine.get_client(), False
    except ValueError:  # there is none in this process
        if not address:
            raise UsageError(f"fleet diff: set {DASK_ADDRESS} to the cluster's address") from None
        client, is_ours = reached("Dask", lambda: engine.Client(address, timeout=START_S)), True
    try:
        options = {"context": context, "wish": wish, "pure": False}
        return _made("Dask", lambda: client.gather(client.map(cards_of, chunks, **options)))
    finally:
        if is_ours:
            client.close()


def _by_ray(chunks: list[list[Item]], context: Context, wish: Wish) -> Any:
    ray = engine_named("ray")
    is_ours = not ray.is_initialized()
    if is_ours:
        begin = {"address": "auto", "log_to_driver": False, "logging_level": "error"}
        reached("Ray", lambda: ray.init(**begin))
    try:
        task, shared = ray.remote(cards_of), ray.put(context)
        return _made("Ray", lambda: ray.get([task.remote(one, shared, wish) for one in chunks]))
    finally:
        if is_ours:
            ray.shutdown()


def _made(name: str, work: Callable[[], Any]) -> Any:
    """What the workers have made. Raises `EnvprintError`, in one line."""
    try:
        return answered(work)
    except RefusedError as error:
        text = one_line(str(error))
        if "No module named 'envprint'" in text:
            text = "envprint is not installed there"
        raise EnvprintError(f"{name} could not read the documents: {text[-300:]}") from None
