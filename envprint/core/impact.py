"""The effect of a difference on a training result, and how well it is known."""

import enum


class Impact(enum.IntEnum):
    """The effect of a difference on a training result, from none to "does not run"."""

    NONE = 0
    PERF = 1
    NUMERIC = 2
    DIVERGES = 3
    BREAKS = 4

    @property
    def word(self) -> str:
        """The name used in documents, options and policy files."""
        return self.name.lower()

    def __str__(self) -> str:
        return self.word

    def __repr__(self) -> str:
        return f"Impact.{self.name}"

    # An f-string formats it by this and not by `str`: before Python 3.12 as a number otherwise.
    def __format__(self, spec: str) -> str:
        return format(self.word, spec)


IMPACT_WORDS = tuple(impact.word for impact in Impact)


class Confidence(enum.Enum):
    """How well an impact is known."""

    DOCUMENTED = "documented"
    MEASURED = "measured"
    INFERRED = "inferred"

    def __str__(self) -> str:
        return self.value
