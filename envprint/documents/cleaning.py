"""Removes from a store what nothing names: what a writer left that was killed half way."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.errors import StoreError
from envprint.documents.storage import LocalFolder, open_folder
from envprint.documents.store import Damaged, Store
from envprint.machine.files import reason

YOUNG_S = 3600.0
"""A document is written before the entry that names it."""
_FOLDERS = ("", "entries", "names", "runs", "objects")


def clean(store: Store) -> tuple[int, int, int]:
    """Documents removed, their bytes, and temporary files removed. Raises `StoreError`.

    Nothing that an entry or a name means is touched, nor anything while an entry cannot be read: a
    later version may have written it.
    """
    folder = open_folder(store.place)
    if not isinstance(folder, LocalFolder):
        raise StoreError(f"{store.place}: only a store in a directory can be cleaned")
    try:
        objects = list(_objects(folder))  # before the entries, as a writer makes them first
        named = _named(store)
        unnamed = [
            path for path, name in objects if name not in named and folder.is_older(path, YOUNG_S)
        ]
        size = sum(map(folder.remove, unnamed))
        folders = (*_FOLDERS, *(f"objects/{name}" for name in folder.names("objects")))
        return len(unnamed), size, sum(map(folder.sweep, folders))
    except OSError as error:
        raise StoreError(f"cannot clean {store.place}: {reason(error)}") from None


def _objects(folder: LocalFolder) -> Iterator[tuple[str, str]]:
    """Path and id of each document."""
    for beginning in folder.names("objects"):
        for name in folder.names(f"objects/{beginning}"):
            if name.endswith(".json"):
                yield f"objects/{beginning}/{name}", f"sha256:{name.removesuffix('.json')}"


def _named(store: Store) -> set[str]:
    """What entries and names mean. Raises `StoreError` if one of them cannot be read."""
    found = {store.named(name) or "" for name in store.names()}
    for saved in store.saved():
        if isinstance(saved, Damaged):
            raise StoreError(f"{store.place}: not cleaned, because of {saved.reason}")
        found.add(saved.object)
    return found
