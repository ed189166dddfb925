"""Plain words behind a verb, read without argparse.

Loading and setting up argparse is a tenth of a diff, and most command lines need little of it:
options that stand alone or before their value, and the names of files. A verb describes its
options once, by the calls of an `argparse.ArgumentParser`; whatever is not plain, or wrong, goes to
argparse itself, which has the last word, the errors and the help.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from envprint.core.typed import Any

_STANDING_ALONE = ("store_true", "store_const")
_ACTIONS = ("store", "append", *_STANDING_ALONE)


class PlainWords:
    """Answers to the calls by which a verb describes its options."""

    def __init__(self) -> None:
        self._options: dict[str, dict[str, Any]] = {}
        self._places: list[dict[str, Any]] = []
        self._values: dict[str, Any] = {}
        self._given: list[tuple[int, str]] = []
        self._is_plain = True

    def add_argument_group(self, _title: str) -> PlainWords:
        """Groups matter in the help alone."""
        return self

    def set_defaults(self, **values: Any) -> None:
        """As argparse's."""
        self._values.update(values)

    def add_argument(self, *names: str, **settings: Any) -> None:
        """As argparse's."""
        action, arity = settings.get("action", "store"), settings.get("nargs")
        is_place = names[0][0] != "-"
        self._is_plain &= action in _ACTIONS and "required" not in settings
        self._is_plain &= arity is None or (is_place and arity == "?")
        name = next((name for name in names if name[:2] == "--"), names[0])
        name = settings.setdefault("dest", name if is_place else name.lstrip("-").replace("-", "_"))
        default = settings.get("default", False if action == "store_true" else None)
        self._values.setdefault(name, default)
        if is_place:
            self._places.append(settings)
        else:
            self._options.update(dict.fromkeys(names, settings))

    def read(self, words: Sequence[str]) -> SimpleNamespace | None:
        """The values as argparse would set them; None where only argparse can tell."""
        if not self._is_plain:
            return None
        try:
            self._read_options(words)
            self._read_places()
        except _what_is_not_plain():  # argparse meets it again
            return None
        return SimpleNamespace(**self._values)

    def _read_options(self, words: Sequence[str]) -> None:
        """Raises what shows that the words are not plain, or wrong."""
        following = iter(enumerate(words))
        for position, word in following:
            if _is_value(word):
                self._given.append((position, word))
                continue
            option = self._options[word]
            name, action = option["dest"], option.get("action", "store")
            if action in _STANDING_ALONE:
                self._values[name] = option.get("const", True)
                continue
            value = _value(next(following)[1], option)
            self._values[name] = [*self._values[name], value] if action == "append" else value

    def _read_places(self) -> None:
        """Raises `ValueError` unless there are as many, side by side, as the verb takes."""
        required = sum("nargs" not in place for place in self._places)
        if not required <= len(self._given) <= len(self._places):
            raise ValueError
        if self._given and self._given[-1][0] - self._given[0][0] >= len(self._given):
            raise ValueError
        for place, (_, word) in zip(self._places, self._given, strict=False):
            self._values[place["dest"]] = _value(word, place)


def _what_is_not_plain() -> tuple[type[Exception], ...]:
    from argparse import ArgumentTypeError  # loaded next anyway

    return (LookupError, StopIteration, ValueError, ArgumentTypeError)


def _is_value(word: str) -> bool:
    return word[:1] != "-" or word == "-"


def _value(word: str, settings: dict[str, Any]) -> Any:
    if not _is_value(word):
        raise ValueError
    value = settings["type"](word) if "type" in settings else word
    if value not in settings.get("choices", (value,)):
        raise ValueError
    return value


def unfit(reason: str) -> Exception:
    """What the type of an option raises for a word that is none of its values."""
    from argparse import ArgumentTypeError

    return ArgumentTypeError(reason)
