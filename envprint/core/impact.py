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


IMPACT_WORDS = tuple(impact.word for impact in Impact)


class Confidence(enum.Enum):
    """How well an impact is known."""

    DOCUMENTED = "documented"
    MEASURED = "measured"
    INFERRED = "inferred"
