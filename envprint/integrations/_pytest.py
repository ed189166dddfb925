"""A plugin for pytest: tests whose result depends on the environment say so, instead of failing.

    pytest --envprint-baseline=@last-good

    @pytest.mark.envprint(impact="numeric")
    def test_the_loss_is_as_it_was(): ...

Without its options the plugin registers them and its marker, and imports nothing of envprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple  # loaded already, unlike our own

if TYPE_CHECKING:
    import pytest

OPTION = "--envprint"
BASELINE = "--envprint-baseline"
MARKER = "envprint"
_HELP = (
    "envprint(impact='numeric', action='skip'): the result depends on the environment. Where it "
    "differs from the baseline with at least this impact, the test is skipped, or is expected to "
    "fail with action='xfail'."
)
_ACTIONS = ("skip", "xfail")


class Verdict(NamedTuple):
    """What is known about the environment of this run; texts and a number, for other processes."""

    header: str
    impact: int | None = None
    """Of the difference to the baseline; None without one."""
    reason: str = ""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options and settings."""
    group = parser.getgroup("envprint")
    group.addoption(OPTION, action="store_true", help="name the environment in the header")
    group.addoption(
        BASELINE,
        metavar="REF",
        help="compare the environment with this fingerprint: a file, @NAME, git:REV:PATH, a URL",
    )
    parser.addini("envprint", "as --envprint", type="bool", default=False)
    parser.addini("envprint_baseline", "as --envprint-baseline", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; judge the environment once, and never in a worker of xdist."""
    config.addinivalue_line("markers", _HELP)
    if hasattr(config, "workerinput"):
        given = config.workerinput.get("envprint")
        verdict = given and Verdict(*given)
    else:
        baseline = config.getoption(BASELINE) or config.getini("envprint_baseline")
        is_wanted = config.getoption(OPTION) or config.getini("envprint")
        verdict = _judged(baseline) if baseline or is_wanted else None
    if verdict:
        has_workers = hasattr(config.hook, "pytest_configure_node")  # a hook of xdist
        config.pluginmanager.register((_WithWorkers if has_workers else _Run)(verdict))


class _Run:
    """The hooks of a run that has a verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def pytest_report_header(self) -> str:
        """One line."""
        return f"envprint: {self.verdict.header}"

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Skip what the difference reaches, or expect it to fail."""
        import pytest

        for item in items:
            # The nearest one counts, as for pytest's own markers.
            marker = item.get_closest_marker(MARKER)
            if marker is None or self.verdict.impact is None:
                continue
            impact, action = _arguments(item, **marker.kwargs)
            if self.verdict.impact >= impact:
                mark = getattr(pytest.mark, action)
                item.add_marker(mark(reason=f"envprint: {self.verdict.reason}"))


class _WithWorkers(_Run):
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the verdict to a worker of xdist."""
        node.workerinput["envprint"] = tuple(self.verdict)


def _judged(baseline: str) -> Verdict:
    """The environment now, and what a difference to the baseline does."""
    import pytest

    from envprint.api import capture, diff, load
    from envprint.core.errors import EnvprintError

    try:
        now = capture()
        name = f"{now.digest[:19]}, Python {now.get('facts.python.version')}"
        if not baseline:
            return Verdict(name)
        before = load(baseline)
        report = diff(before._replace(reference=baseline), now)
    except EnvprintError as error:
        raise pytest.UsageError(f"envprint: {error}") from None
    reason = f"{report.impact.word} against {baseline}: {report.summary}"
    return Verdict(f"{name}; {reason}", int(report.impact), reason)


def _arguments(item: pytest.Item, impact: str = "numeric", action: str = "skip") -> tuple[int, str]:
    import pytest

    from envprint.core.impact import IMPACT_WORDS

    if impact not in IMPACT_WORDS[1:] or action not in _ACTIONS:
        raise pytest.UsageError(
            f"{item.nodeid}: the marker envprint takes impact={' | '.join(IMPACT_WORDS[1:])} and "
            f"action={' | '.join(_ACTIONS)}"
        )
    return IMPACT_WORDS.index(impact), action
