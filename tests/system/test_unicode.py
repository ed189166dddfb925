"""Whatever bytes the environment, arguments and names hold, what is written is Unicode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.collectors._runner import capture
from envprint.core.text import is_unicode, unicode_text
from envprint.documents.codec import dumps, loads, to_json
from envprint.documents.validate import faults
from envprint.machine.recorded import RecordedHost
from tests.builders.last_resort import MACHINE

LOCALES = {
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "coerced": {"LC_ALL": "", "LC_CTYPE": "C", "LANG": "C"},
}
ODD = "é\udcff"
"""An e with an accent in UTF-8, and a byte that is none."""
PLAIN = "é\\xff"
"""As it stands in a document."""


def call(locale: str, *arguments: str, cwd: Path, **variables: str) -> Any:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    environ |= {**LOCALES[locale], **variables}
    return subprocess.run(
        [os.fsencode(a) for a in (sys.executable, "-m", "envprint", *arguments)],
        env={os.fsencode(k): os.fsencode(v) for k, v in environ.items()},
        cwd=os.fsencode(cwd),
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("locale", LOCALES)
def test_odd_bytes_from_everywhere_give_a_document_that_is_valid(
    locale: str, tmp_path: Path
) -> None:
    home = tmp_path / ODD
    home.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "bé", "."], cwd=home, check=True)
    (home / f"new {ODD}").write_text("x")
    done = call(
        locale,
        *("capture", "-o", f"{ODD}.json", "--identify"),
        *("--label", ODD, "--note", ODD, "--tag", f"{ODD}={ODD}"),
        cwd=home,
        **{"TF_X": ODD, f"TF_{ODD}": "1", "PYTHONPATH": f"{home}:/{ODD}", "HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    content = (home / f"{ODD}.json").read_bytes()
    document = json.loads(content)
    assert is_unicode(str(document))
    assert (document["label"], document["note"]) == (PLAIN, PLAIN)
    assert document["tags"] == {PLAIN: PLAIN}
    assert document["identity"]["home"] == f"{tmp_path}/{PLAIN}"
    variables = document["facts"]["environ"]["variables"]
    assert (variables["TF_X"], variables[f"TF_{PLAIN}"]) == (PLAIN, "1")
    assert variables["PYTHONPATH"] == f"~:/{PLAIN}"
    assert document["facts"]["environ"]["changed_since_start"] == {}
    assert faults(content, "f") == []
    for verb in ("validate", "show"):
        shown = call(locale, verb, f"{ODD}.json", cwd=home)
        assert (shown.returncode, shown.stderr) == (0, b"")
    missing = call(locale, "show", f"{ODD} is not there", cwd=home)
    assert (missing.returncode, missing.stderr.count(b"\n")) == (2, 1)


def test_one_environment_has_one_digest_in_every_locale(tmp_path: Path) -> None:
    digests = set()
    for locale in ("ASCII", "UTF-8"):
        done = call(locale, "capture", cwd=tmp_path, TF_X=ODD, PYTHONPATH=f"/{ODD}")
        sections = json.loads(done.stdout)["section_digests"]
        digests.add((sections["packages"], sections["determinism"]))
    assert len(digests) == 1


@pytest.mark.parametrize("verb", ["capture", "diff", "check", "explain", "policy", "log", "run"])
def test_help_is_printed_in_an_ascii_locale(verb: str, tmp_path: Path) -> None:
    assert call("ASCII", verb, "--help", cwd=tmp_path).returncode == 0


def test_names_that_another_interpreter_tells_are_unicode_too() -> None:
    said = {**MACHINE["interpreter"][""], "x_options": {"a\ud800": "\udc80"}, "path": ["/\udcff"]}
    written = dumps(capture(RecordedHost({**MACHINE, "interpreter": {"": said}}), label="\ud800"))
    read = loads(written.encode(), "f")
    assert read.facts["python"]["x_options"] == {"a\\ud800": "\\x80"}
    assert read.facts["python"]["search_path"] == ["/\\xff"]
    assert read.label == "\\ud800"


@given(st.binary(max_size=20))
def test_bytes_become_text_that_tells_them_apart(content: bytes) -> None:
    for encoding in ("utf-8", "ascii"):  # as Python reads them in either locale
        text = unicode_text(content.decode(encoding, "surrogateescape"))
        assert is_unicode(text)
        assert text == content.decode("utf-8", "backslashreplace")


@given(st.text(st.characters(codec=None, exclude_categories=[])))
def test_whatever_text_is_written_is_unicode(text: str) -> None:
    assert is_unicode(json.loads(to_json({text: [text]}))[unicode_text(text)][0])
    assert unicode_text(unicode_text(text)) == unicode_text(text)
