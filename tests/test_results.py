"""What the API returns can write itself, is short among other values, and can be sent around."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.api import warn_user
from envprint.core.impact import Confidence, Impact
from envprint.core.report import Unjudged
from envprint.core.rule import Match
from envprint.documents.codec import dumps, loads
from envprint.judging import judge
from envprint.judging.context import Context
from envprint.outputs.fingerprint import render as shown
from envprint.outputs.formats import json as document
from envprint.outputs.formats import text
from tests.builders.rules import a_rule
from tests.builders.support import fingerprint

ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"
NUMPY = {"facts.frameworks.numpy": {"version": "2.4.6"}}
HOSTILE = "<script>alert('x')</script>\x1b[2J\u202e&amp;\n<b>"
"""Markup, and characters that act on a terminal or turn the direction of the text."""


@pytest.fixture
def report() -> envprint.Report:
    return envprint.diff(fingerprint(), fingerprint({ONEDNN: "0"}), frameworks="tf")


@pytest.fixture
def now(tmp_path: Path) -> envprint.Fingerprint:
    path = tmp_path / "now.json"
    path.write_text(dumps(fingerprint({ONEDNN: "0"})._replace(label="mine")))
    return envprint.load(path)


def test_a_report_prints_as_on_the_command_line_and_parses_as_its_document(
    report: envprint.Report,
) -> None:
    assert report.to_text() == text.render(report) == f"{report}\n" == f"{report!s}\n"
    assert report.to_json() == document.render(report)
    assert report.to_dict() == document.to_document(report) == json.loads(report.to_json())


def test_a_fingerprint_prints_as_show_does_and_parses_as_its_document(
    now: envprint.Fingerprint, tmp_path: Path
) -> None:
    assert now.to_text() == shown(now) == f"{now}\n"
    envprint.dump(now, tmp_path / "copy.json")
    assert now.to_json() == (tmp_path / "copy.json").read_text()
    assert loads(now.to_json().encode(), "it") == now
    now.to_dict()["facts"]["environ"].clear()
    assert now.value(ONEDNN) == "0"


def test_what_capture_load_diff_check_and_an_error_hold_are_of_the_public_classes(
    tmp_path: Path,
) -> None:
    now = envprint.capture()
    envprint.dump(now, tmp_path / "now.json")
    read = envprint.load(tmp_path / "now.json")
    assert type(now) is type(read) is type(read._replace(label="x")) is envprint.Fingerprint
    checked = envprint.check(current=fingerprint(NUMPY), fail_on="breaks")
    assert type(envprint.diff(read, now)) is type(checked) is envprint.Report
    with pytest.raises(envprint.DriftError) as caught:
        envprint.check(read, current=fingerprint({ONEDNN: "0"}), fail_on="none", frameworks="tf")
    assert type(caught.value.report) is envprint.Report


def test_a_value_among_others_is_short(report: envprint.Report, now: envprint.Fingerprint) -> None:
    assert repr(report) == "<Report numeric: 1 finding, 0 not judged>"
    assert repr(now) == f"<Fingerprint 'mine', 2026-11-21T12:00:00Z, {now.digest[:19]}>"
    hostile = repr(now._replace(label=HOSTILE))
    assert hostile.isprintable()
    assert repr(report._replace(not_checked="no framework")).endswith("not judged, not checked>")


def test_an_impact_prints_its_word_and_keeps_its_order() -> None:
    impact = envprint.Impact.NUMERIC
    assert (str(impact), f"{impact}", f"{impact:>9}", repr(impact)) == (
        *("numeric", "numeric", "  numeric"),
        "Impact.NUMERIC",
    )
    assert "%s" % impact == "{}".format(impact) == "numeric"  # noqa: UP031, UP032  each way
    assert f"{Confidence.MEASURED}" == "measured"
    assert envprint.Impact.PERF < impact <= envprint.Impact.NUMERIC < envprint.Impact.BREAKS
    assert max(envprint.Impact) == envprint.Impact.BREAKS
    assert pickle.loads(pickle.dumps(impact)) is impact
    assert json.loads(json.dumps(impact)) == 2  # a number, as it is ordered; `.word` is the name


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_results_are_copied_and_pickled_as_what_they_are(
    report: envprint.Report, now: envprint.Fingerprint, protocol: int
) -> None:
    for value in (report, now):
        for twin in (
            pickle.loads(pickle.dumps(value, protocol)),
            copy.copy(value),
            copy.deepcopy(value),
        ):
            assert type(twin) is type(value)
            assert twin == value
            assert str(twin) == str(value)
    assert envprint.Fingerprint._make(fingerprint()) == fingerprint()


def test_a_report_made_in_a_worker_prints_here(now: envprint.Fingerprint) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        arrived = pool.submit(envprint.diff, now, now).result(timeout=120)
        written = pool.submit(envprint.Report.to_text, arrived).result(timeout=120)
    assert written == arrived.to_text()


class Markup(HTMLParser):
    """The tags and the text of a piece of HTML; each tag must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        assert attrs in ([], [("class", "envprint")])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open[-1:] != ["style"] else ""


TAGS = {"style", "div", "p", "b", "table", "tr", "th", "td", "details", "summary"}


def test_a_notebook_shows_a_table_that_is_complete_in_itself(
    report: envprint.Report, now: envprint.Fingerprint
) -> None:
    for value in (report, now):
        bundle = value._repr_mimebundle_()
        assert list(bundle) == ["text/plain", "text/html"]
        assert bundle["text/plain"] == str(value)
        assert bundle["text/html"] == value._repr_html_()
        markup = Markup(bundle["text/html"])
        assert {"table", "tr", "td"} <= markup.tags <= TAGS
        assert "TF_ENABLE_ONEDNN_OPTS" in markup.text
        assert not re.search(r"url\(|@import|http", bundle["text/html"].partition("</style>")[0])
        assert "color" not in bundle["text/html"]  # that of the page, dark or light
        assert list(value._repr_mimebundle_(include=["text/html"])) == ["text/html"]
        assert list(value._repr_mimebundle_(exclude={"text/html"})) == ["text/plain"]
    assert "oneDNN" in Markup(report._repr_html_()).text


class Printer:
    """As much of IPython's printer as is used."""

    def __init__(self, depth: int) -> None:
        self.stack = [*range(depth)]
        self.written = ""

    def text(self, text: str) -> None:
        self.written += text


def test_a_shell_shows_all_of_a_result_and_a_line_of_one_inside_a_list(
    report: envprint.Report, now: envprint.Fingerprint
) -> None:
    for value in (report, now):
        for depth, written in ((1, str(value)), (2, repr(value))):
            printer = Printer(depth)
            value._repr_pretty_(printer, cycle=False)
            assert printer.written == written


def test_a_notebook_begins_with_the_words_of_the_verdict(report: envprint.Report) -> None:
    entry = Unjudged("timm", "facts.packages", "1.0", "1.1", "package", "trains", None)
    quiet = report._replace(impact=Impact.NONE, findings=())
    for expected, value in (
        ("NUMERIC", report._replace(unjudged=(entry,))),
        ("NONE", quiet),
        ("NOT JUDGED", quiet._replace(unjudged=(entry,))),
        ("NOT CHECKED", quiet._replace(unjudged=(entry,), not_checked="no framework")),
    ):
        assert Markup(value._repr_html_()).text.startswith(f"{expected} ")
    assert "timm" in quiet._replace(unjudged=(entry,))._repr_html_()


def test_nothing_in_a_document_is_markup_or_acts_on_a_terminal() -> None:
    hostile = fingerprint({ONEDNN: HOSTILE, f"facts.environ.variables[{HOSTILE}]": HOSTILE})
    hostile = hostile._replace(label=HOSTILE, unknown={"facts.gpu": HOSTILE})
    value = envprint.Fingerprint._make(hostile)
    report = envprint.diff(fingerprint(), value, frameworks="tf")
    for html in (
        value._repr_html_(),
        report._repr_html_(),
        report._replace(summary=HOSTILE, policy=HOSTILE, not_checked=HOSTILE)._repr_html_(),
    ):
        assert Markup(html).tags <= TAGS
        assert "alert" in html
        assert html.isprintable()


def test_a_secret_in_a_document_made_by_hand_is_shown_in_no_form() -> None:
    token = "ghp_" + "a1B2" * 9
    value = envprint.Fingerprint._make(fingerprint({ONEDNN: token})._replace(note=token))
    assert token not in f"{value}{value!r}{value._repr_html_()}"


def warned(**options: Any) -> envprint.DriftWarning:
    """What the only warning of a check is."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        envprint.check(current=fingerprint(NUMPY), **options)
    (one,) = caught
    assert one.filename == __file__
    assert isinstance(one.message, envprint.DriftWarning)
    return one.message


def with_report(patch: pytest.MonkeyPatch, **parts: Any) -> None:
    """Every judgement of a state has these parts."""
    judged = Context.state

    def state(self: Context, *sides: Any) -> Any:
        return judged(self, *sides)._replace(**parts)

    patch.setattr(judge, "applying", lambda *_: ())
    patch.setattr(Context, "state", state)


UNJUDGED = Unjudged("timm", "facts.packages", "1.0", None, "package", "trains", None)


def test_a_check_that_passes_warns_of_findings_below_the_threshold_and_not_of_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def so(now: Any, workload: Any) -> list[Match]:
        return [Match("it is\nso", ("facts.os",))]

    rules = [
        a_rule("slow", state=so, impact=Impact.PERF),
        a_rule("tip", state=so, impact=Impact.DIVERGES, advice=True),
    ]
    monkeypatch.setattr(judge, "applying", lambda *_: rules)
    one = warned()
    assert str(one) == "envprint: perf: it is so (slow)"
    assert one.report.impact == Impact.PERF
    twin = pickle.loads(pickle.dumps(one))
    assert (str(twin), twin.report) == (str(one), one.report)
    rules.append(a_rule("slower", state=so, impact=Impact.PERF))
    assert str(warned()).splitlines() == [
        "envprint: the check passes, but:",
        "  perf: it is so (slow)",
        "  perf: it is so (slower)",
    ]
    monkeypatch.setattr(judge, "applying", lambda *_: rules[1:2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envprint.check(current=fingerprint(NUMPY))  # advice alone


def test_a_check_warns_of_what_was_not_checked_or_not_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_report(monkeypatch, unjudged=(UNJUDGED,) * 30, not_checked="no framework")
    lines = str(warned()).splitlines()
    assert lines[1:3] == [
        "  not checked: no framework",
        "  not judged: timm 1.0 → absent (trains)",
    ]
    assert (len(lines), lines[-1]) == (14, "  and 19 more, in its .report")
    (tmp_path / "p.toml").write_text("on_unknown = 'ignore'")
    ignoring = warned(policy=tmp_path / "p.toml")
    assert str(ignoring) == "envprint: not checked: no framework"


def test_where_warnings_are_errors_a_check_raises_its_warning_with_the_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_report(monkeypatch, not_checked="no framework")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(envprint.DriftWarning, match="not checked") as caught:
            envprint.check(current=fingerprint(NUMPY))
    assert caught.value.report.not_checked == "no framework"


LOOP = """
import envprint, os
for _ in range(2):
    envprint.check(fail_on="breaks", policy=os.devnull)
"""


@pytest.mark.parametrize(("filters", "shown"), [([], 2), (["-W", "ignore"], 0)])
def test_a_check_that_is_made_again_warns_again_unless_the_user_filters(
    filters: list[str], shown: int
) -> None:
    done = subprocess.run(
        [sys.executable, *filters, "-c", LOOP],
        env={**os.environ, "LD_PRELOD": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.count("<string>:4: DriftWarning: envprint: ") == shown


def test_a_diff_returns_its_findings_and_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = envprint.diff(fingerprint(), fingerprint({ONEDNN: "0"}), frameworks="tf")
    assert report.findings


def test_a_warning_points_to_the_line_of_the_user_and_not_to_a_framework() -> None:
    """A callback is called by the framework, which a user's line calls."""
    framework: dict[str, Any] = {"__name__": "keras.src.trainer", "warn_user": warn_user}
    exec("def fit(): warn_user('look')", framework)
    with pytest.warns(UserWarning, match="look") as caught:
        framework["fit"]()
    assert caught[0].filename == __file__
