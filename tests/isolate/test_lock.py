"""`pylock.toml`: the wheel with the recorded tags, its hash, and nothing of the index's secrets."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest

from envprint.core.errors import EnvprintError
from envprint.isolate import lock as module
from envprint.isolate.lock import lock
from envprint.isolate.wanted import Pin, Wanted
from tests.builders.wheels import only_index, wheel

PYTHON = "{}.{}.{}".format(*sys.version_info[:3])
MINOR = PYTHON.rpartition(".")[0].replace(".", "")


def parsed(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def wanted(*pins: Pin) -> Wanted:
    return Wanted(PYTHON, pins)


def test_each_distribution_has_the_wheel_of_its_recorded_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    only_index(index, monkeypatch, tmp_path / "caches")
    pure = wheel(index, "one", "1.0")
    wheel(index, "one", "1.0", tag=f"cp{MINOR}-cp{MINOR}-manylinux_2_17_x86_64")
    other = wheel(index, "two", "2.0", requires=["one>=9"])
    text = lock(
        wanted(
            Pin("one", "1.0", "one==1.0", tags=("py3-none-any",)), Pin("two", "2.0", "two==2.0")
        ),
        "Written here",
    )
    document = parsed(text)
    assert text.startswith("# Written here. ")
    assert document["lock-version"] == "1.0"
    assert document["created-by"] == "envprint"
    packages = {package["name"]: package for package in document["packages"]}
    assert {name: package["version"] for name, package in packages.items()} == {
        "one": "1.0",
        "two": "2.0",
    }
    for name, path in (("one", pure), ("two", other)):
        (found,) = packages[name]["wheels"]
        assert path.name in (found.get("url") or found["path"])
        assert found["hashes"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_version_that_the_index_does_not_have_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_index(tmp_path / "index", monkeypatch, tmp_path / "caches")
    (tmp_path / "index").mkdir()
    with pytest.raises(EnvprintError, match="one"):
        lock(wanted(Pin("one", "1.0", "one==1.0")), "x")


def test_addresses_with_credentials_leave_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(argv: list[str], *_: object) -> str:
        Path(argv[argv.index("--output-file") + 1]).write_text(
            '[[packages]]\nname = "one"\nversion = "1.0"\n'
            'wheels = [{ url = "https://me:mysecretword@example.org/one-1.0-py3-none-any.whl" }]\n'
        )
        return ""

    monkeypatch.setattr(module, "run", answer)
    with pytest.raises(EnvprintError, match="credentials") as caught:
        lock(wanted(Pin("one", "1.0", "one==1.0")), "x")
    assert "mysecretword" not in str(caught.value)


def test_what_an_index_answers_cannot_add_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(argv: list[str], *_: object) -> str:
        Path(argv[argv.index("--output-file") + 1]).write_text(
            '[[packages]]\nname = "one"\nversion = "9"\n'
            r'wheels = [{ url = "https://example.org/\"\n[[packages]]\nname=\"x\"", size = 7 }]'
            '\n[[packages]]\nname = "unwanted"\nversion = "1"\n'
        )
        return ""

    monkeypatch.setattr(module, "run", answer)
    document = parsed(lock(wanted(Pin("one", "1.0", "one==1.0")), "x"))
    (package,) = document["packages"]
    assert (package["name"], package["version"]) == ("one", "1.0")
    assert package["wheels"][0]["url"] == 'https://example.org/"\n[[packages]]\nname="x"'
