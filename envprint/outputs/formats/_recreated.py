"""What was recreated and what could not be had, as a part of the report document."""

from __future__ import annotations

from envprint.core.fields import TEXT, Field, ListOf, MapOf, record
from envprint.core.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envprint.core.recreated import Recreated

_NOT_HAD = record(
    Field("name", TEXT, "Of the distribution or the variable."),
    Field("version", TEXT, "Of the distribution; null for a variable or if not recorded."),
    Field("reason", TEXT, "Why it is not here."),
)

RECREATED = Field(
    "recreated",
    record(
        Field("folder", TEXT, "Where the files are."),
        Field("files", ListOf(TEXT), "Their names."),
        Field("not_locked", TEXT, "Why there is no pylock.toml; null if there is one."),
        Field("python", TEXT, "The recorded version; null if unknown."),
        Field("place", TEXT, "The environment that was built; null without --venv."),
        Field("built_python", TEXT, "The version of its Python."),
        Field("lacking", ListOf(_NOT_HAD), "Distributions that cannot be had here."),
        Field("other", ListOf(TEXT), "What was built and is not as recorded."),
        Field("not_set", ListOf(_NOT_HAD), "Variables that the launcher does not set."),
        Field("notes", ListOf(TEXT), "What to know about some distributions."),
        Field("limits", MapOf(TEXT, "variable"), "Limits for the recorded processor."),
        Field("reach", ListOf(TEXT), "How far each framework then computes as recorded."),
    ),
    "What was recreated and what could not be had; only of recreate.",
)


def recreated_document(found: Recreated) -> dict[str, Any]:
    """It in JSON types."""
    return {
        **found._asdict(),
        "lacking": [one._asdict() for one in found.lacking],
        "not_set": [one._asdict() for one in found.not_set],
    }
