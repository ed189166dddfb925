"""One module per further format of a fingerprint, for `envprint show`; each touches nothing."""

from envprint.core.discovery import load_module
from envprint.core.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Protocol

    from envprint.core.fingerprint import Fingerprint

    class FingerprintFormat(Protocol):
        """A module that writes fingerprints in one format."""

        def render(self, fingerprint: Fingerprint, only: Collection[str] | None = ...) -> str:
            """The fingerprint, or its sections at these paths, as text that ends with a newline."""


def format_named(name: str) -> "FingerprintFormat":
    """The format of that name."""
    module: FingerprintFormat = load_module(f"{__name__}.{name}")
    return module
