"""Fingerprints named by git:REV:PATH, by a URL, and by the run of a tracker."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from envprint.core.errors import DocumentError
from envprint.documents import elsewhere
from envprint.documents.codec import dumps
from envprint.documents.inputs import take
from envprint.machine import web
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.fingerprints import fingerprint

DOCUMENT = dumps(fingerprint()).encode()


def git(folder: Path, *arguments: str) -> None:
    options = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a committed document, and another one in its place since."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.json").write_bytes(DOCUMENT)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    (tmp_path / "sub" / "base.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "sub")
    return tmp_path


@pytest.mark.parametrize("place", ["main:sub/base.json", "HEAD:./base.json"])
def test_a_document_of_a_revision_is_read_as_it_was_committed(place: str, repository: Path) -> None:
    found = take(f"git:{place}")
    assert (found.content, found.name) == (DOCUMENT, f"git:{place}")


@pytest.mark.parametrize(
    "place", ["main:nope.json", "nope:sub/base.json", "main", "main:", ":x", "--help:x", "-p:x"]
)
def test_what_git_does_not_have_is_one_line(place: str, repository: Path) -> None:
    with pytest.raises(DocumentError, match=f"^git:{place}: (git finds no|expected git:REV:PATH)"):
        take(f"git:{place}")


def test_no_filter_of_a_repository_runs(repository: Path) -> None:
    for name in ("smudge", "clean", "process"):
        git(repository, "config", f"filter.trap.{name}", "touch caught")
    git(repository, "config", "core.fsmonitor", "touch caught")
    git(repository, "config", "diff.trap.textconv", "touch caught")
    (repository / ".gitattributes").write_text("* filter=trap diff=trap\n")
    assert take("git:main:sub/base.json").content == DOCUMENT
    assert not list(repository.rglob("caught"))


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("git:main:x").write_text("of the file")
    assert take("git:main:x").content == b"of the file"


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server on loopback, and its pages: bytes, or where they lead."""
    pages: dict[str, Any] = {"/f.json": DOCUMENT, "seen": []}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages["seen"].append((self.path, self.headers.get("Authorization")))
            page = pages.get(self.path)
            if callable(page):
                page(self)
                return
            self.send_response(302 if isinstance(page, str) else 200 if page else 404)
            if isinstance(page, str):
                self.send_header("Location", page)
            self.end_headers()
            self.wfile.write(page if isinstance(page, bytes) else b"")

        def log_message(self, *arguments: object) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", pages
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_document_behind_a_url_is_read(server: tuple[str, dict[str, Any]]) -> None:
    url, pages = server
    pages["/moved"] = f"{url}/f.json"
    assert take(f"{url}/f.json").content == DOCUMENT
    assert take(f"{url}/moved").content == DOCUMENT


def test_a_password_goes_to_its_server_alone_and_into_no_message(
    server: tuple[str, dict[str, Any]],
) -> None:
    url, pages = server
    pages["/moved"] = "/f.json"
    found = take(url.replace("http://", "http://me:hunter2@") + "/moved")
    assert found.content == DOCUMENT
    assert "hunter2" not in found.name
    assert [header for _, header in pages["seen"]] == ["Basic bWU6aHVudGVyMg==", None]


METADATA = "http://169.254.169.254/latest/meta-data"


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("file:///etc/passwd", "not allowed"),
        ("ftp://127.0.0.1/x", "leads from http to ftp"),
        (METADATA, "metadata"),
        ("http://[::ffff:169.254.169.254]/", "metadata"),
        ("http://100.100.100.200/", "metadata"),
        ("http://[fd00:ec2::254]/", "metadata"),
        ("/loop", "redirect"),
    ],
)
def test_a_redirect_leads_to_no_file_and_to_no_metadata(
    to: str, why: str, server: tuple[str, dict[str, Any]]
) -> None:
    url, pages = server
    pages["/loop"] = to
    with pytest.raises(DocumentError, match=why):
        take(f"{url}/loop")


def test_metadata_is_not_read_by_its_address_either() -> None:
    with pytest.raises(DocumentError, match="metadata"):
        take(METADATA)


def test_a_public_page_leads_to_nothing_that_only_this_machine_reaches(
    server: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, pages = server
    pages["/moved"] = f"{url}/f.json"
    reach = web._reach
    monkeypatch.setattr(web, "_reach", lambda host: web._PUBLIC)
    # The first connection itself goes to loopback here, so that it is the one refused.
    with pytest.raises(DocumentError, match="only this machine or network reaches"):
        take(f"{url}/f.json")
    assert reach("127.0.0.1") == web._LOOPBACK


def test_a_page_that_is_not_there_or_too_large_is_one_line(
    server: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = server
    assert_one_line_and_exit_2(call("show", f"{url}/nope"), "/nope: the server answers 404")
    monkeypatch.setattr(elsewhere, "MAX_BYTES", 100)
    with pytest.raises(DocumentError, match="is larger than"):
        take(f"{url}/f.json")


def test_a_server_that_drips_or_says_nothing_ends_in_time(
    server: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, pages = server
    stop = threading.Event()

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not stop.is_set():
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.05)

    pages["/drip"], pages["/silent"] = drip, lambda handler: stop.wait(20)
    monkeypatch.setattr(elsewhere, "TIMEOUT_S", 0.5)
    for page in ("drip", "silent"):
        start = time.monotonic()
        with pytest.raises(DocumentError, match=f"/{page}: "):
            take(f"{url}/{page}")
        assert time.monotonic() - start < 10
    stop.set()


def test_what_fsspec_opens_is_read() -> None:
    import fsspec

    with fsspec.open("memory://elsewhere/f.json", "wb") as file:
        file.write(DOCUMENT)
    assert take("memory://elsewhere/f.json").content == DOCUMENT


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("memory://elsewhere/nope.json", "elsewhere/nope.json"),
        ("nope://x/y", "Protocol not known"),
        ("mlflow:a/../b", "expected mlflow:RUN_ID"),
        ("wandb:entity/run", "expected wandb:ENTITY/PROJECT/RUN"),
    ],
)
def test_what_is_not_there_is_one_line(source: str, why: str) -> None:
    with pytest.raises(DocumentError, match=why):
        take(source)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_client_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DocumentError, match=f"this needs {name}, which is not installed here"):
        take(f"{name}:entity/project/run" if name == "wandb" else f"{name}:run")


def client(download: Callable[..., str], kinds: list[str]) -> Any:
    """As much of wandb as is asked, since its server is nowhere here."""
    artifacts = [types.SimpleNamespace(type=kind, download=download) for kind in kinds]
    run = types.SimpleNamespace(logged_artifacts=lambda: artifacts)
    return types.SimpleNamespace(Api=lambda: types.SimpleNamespace(run=lambda path: run))


def test_the_artifact_of_a_run_of_wandb_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(root: str) -> str:
        Path(root, "fingerprint.json").write_bytes(DOCUMENT)
        return root

    monkeypatch.setitem(sys.modules, "wandb", client(download, ["model", "envprint"]))
    assert take("wandb:entity/project/run").content == DOCUMENT
    monkeypatch.setitem(sys.modules, "wandb", client(download, ["model"]))
    with pytest.raises(DocumentError, match="has no artifact of envprint"):
        take("wandb:entity/project/run")


def test_an_error_of_a_client_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(root: str) -> str:
        raise RuntimeError("403\npermission denied")

    monkeypatch.setitem(sys.modules, "wandb", client(download, ["envprint"]))
    with pytest.raises(DocumentError, match=r"^wandb:e/p/r: RuntimeError: 403"):
        take("wandb:e/p/r")
