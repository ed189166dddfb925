"""The code section: recorded repositories, and real ones made by a real Git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envprint import api
from envprint.collectors import code as section
from envprint.collectors._git_filters import FILTERS
from envprint.collectors.code import settings, work_tree_around
from envprint.core.fingerprint import Unknown
from envprint.documents.store import Store
from envprint.machine.live import LiveHost
from tests.builders.support import fingerprint, host

COMMIT = "8ab686eafeb1f44702738c8b0f24f2567c36da6d"
OTHER = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
STATUS = f"{section.GIT} {section.STATUS}"
DIFF = f"{section.GIT} {section.DIFF}"
GIT_FILES = {
    "/p/.git/HEAD": "ref: refs/heads/main\n",
    "/p/.git/refs/heads/main": f"{COMMIT}\n",
    "/p/.git/config": '[core]\n\tbare = no\n[remote "origin"]\n\turl = git@example.org:o/x.git\n',
}
CLEAN = f"# branch.oid {COMMIT}\0# branch.head main\0"
CHANGED = f"1 .M N... 100644 100644 100644 {OTHER} {OTHER} train.py\0"
OUTSIDE = dict.fromkeys(
    ("repository", "commit", "branch", "dirty", "diff_digest", "changed_files", "submodules"), None
)
MOUNTS = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:5 / /proc rw - proc proc rw
23 21 0:40 / /p rw,relatime - nfs4 server:/p rw,vers=4.2
24 21 0:41 / /with\\040space rw - xfs /dev/vdb rw
25 21 0:42 / /p rw,relatime master:1 - overlay overlay rw
odd line
"""


def answer(text: str, code: int = 0) -> dict[str, Any]:
    return {"code": code, "stdout": text.split("\n")}


def machine(status: Any = None, diff: Any = None, **answers: Any) -> Any:
    run = {name: text for name, text in ((STATUS, status), (DIFF, diff)) if text is not None}
    answers.setdefault("directory", "/p/src")
    mounts = {"/proc/self/mountinfo": MOUNTS}
    return host(read={**GIT_FILES, **mounts, **answers.pop("read", {})}, run=run, **answers)


def test_a_clean_checkout_costs_one_process() -> None:
    assert section.collect(machine(answer(CLEAN))) == {
        "repository": "git@example.org:o/x.git",
        "commit": COMMIT,
        "branch": "main",
        "dirty": False,
        "diff_digest": None,
        "changed_files": 0,
        "submodules": {},
        "file_system": "overlay",
    }


def test_outside_a_repository_no_process_is_started() -> None:
    for directory, kind in (("/p", "overlay"), ("/", "ext4"), ("/with space/a", "xfs")):
        read = section.collect(host(directory=directory, read={"/proc/self/mountinfo": MOUNTS}))
        assert read == {**OUTSIDE, "file_system": kind}


def test_a_file_system_that_cannot_be_told_is_unknown() -> None:
    def file_system(**answers: Any) -> object:
        return section.collect(host(directory="/q", **answers))["file_system"]

    assert file_system() == Unknown("/proc/self/mountinfo: No such file or directory")
    odd = {"/proc/self/mountinfo": "21 1 254:0 / /other rw - ext4 /dev/vda rw"}
    assert file_system(read=odd) == Unknown("not understood: ValueError: no mount holds /q")


def test_a_working_directory_that_is_gone_is_unknown() -> None:
    read = section.collect(host(directory={"error": "ENOENT"}))
    assert read.keys() == {*OUTSIDE, "file_system"}
    assert all(isinstance(value, Unknown) for value in read.values())


def test_the_digest_follows_the_content_and_not_the_form_of_a_diff() -> None:
    head = f"diff --git a/train.py b/train.py\nindex {OTHER}..{COMMIT} 100644\n"
    one = section.collect(
        machine(answer(CLEAN + CHANGED), answer(head + "@@ -1 +1 @@ def f\n-a\n+b\n"))
    )
    two = section.collect(machine(answer(CLEAN + CHANGED), answer(head + "@@ -1 +1 @@\n-a\n+b\n")))
    other = section.collect(
        machine(answer(CLEAN + CHANGED), answer(head.replace(COMMIT, OTHER) + "@@ -1 +1 @@\n"))
    )
    assert one["dirty"] is True
    assert one["diff_digest"] == two["diff_digest"] != other["diff_digest"]


def test_results_and_environments_that_are_not_tracked_are_no_change() -> None:
    untracked = (
        "? run.log\0? before.json\0? env/lib/python3.11/site-packages/x.py\0? outputs/a.npz\0"
    )
    assert section.collect(machine(answer(CLEAN + untracked)))["dirty"] is False


def test_a_program_file_that_is_not_tracked_is_a_change_in_any_order() -> None:
    one = section.collect(machine(answer(CLEAN + "? a.py\0? b.py\0")))
    two = section.collect(machine(answer(CLEAN + "? b.py\0? a.py\0")))
    assert one["dirty"] is True
    assert one["diff_digest"] == two["diff_digest"]


def test_before_the_first_commit_there_is_none() -> None:
    status = "# branch.oid (initial)\0# branch.head main\0? a.py\0"
    read = section.collect(machine(answer(status)))
    assert (read["commit"], read["branch"], read["dirty"]) == (None, "main", True)
    assert read["diff_digest"].startswith("sha256:")


def test_a_detached_head_has_no_branch() -> None:
    status = CLEAN.replace("head main", "head (detached)")
    assert section.collect(machine(answer(status)))["branch"] is None


def test_the_root_may_be_a_work_tree_and_is_asked_for_once() -> None:
    files = {path.removeprefix("/p"): text for path, text in GIT_FILES.items()}
    assert section.collect(host(read=files, directory="/"))["commit"] == COMMIT
    asked: list[str] = []
    nowhere: Any = host()
    nowhere.file_type = asked.append
    assert work_tree_around(nowhere, "/a") is None
    assert asked == ["/a/.git", "/.git"]


def test_without_git_the_files_tell_the_commit() -> None:
    read = section.collect(machine())
    assert (read["commit"], read["branch"]) == (COMMIT, "main")
    assert read["dirty"] == read["diff_digest"] == Unknown("git is not installed")


def test_a_refusal_is_unknown_with_the_usual_reason() -> None:
    read = section.collect(machine(answer("", 128)))
    assert read["commit"] == COMMIT
    assert isinstance(read["dirty"], Unknown)
    assert "safe.directory" in read["dirty"].reason


@pytest.mark.parametrize("status", ["", "garbage\0\0", "# branch.oid x\0", "fatal: no\n"])
def test_an_odd_answer_is_unknown(status: str) -> None:
    read = section.collect(machine(answer(status)))
    assert isinstance(read["dirty"], Unknown)
    assert read["commit"] == COMMIT


def test_a_time_out_is_unknown() -> None:
    read = section.collect(machine({"error": "ETIMEDOUT"}))
    assert isinstance(read["dirty"], Unknown)


@pytest.mark.parametrize(
    ("head", "files", "commit", "branch"),
    [
        (f"{COMMIT}\n", {}, COMMIT, None),
        (
            "ref: refs/heads/topic/x\n",
            {"/p/.git/packed-refs": f"# pack-refs with: peeled\n{OTHER} refs/heads/topic/x\n"},
            OTHER,
            "topic/x",
        ),
        ("ref: refs/heads/new\n", {}, None, "new"),
    ],
)
def test_heads_are_read_in_every_form(
    head: str, files: dict[str, str], commit: str | None, branch: str | None
) -> None:
    read = section.collect(machine(read={"/p/.git/HEAD": head, **files}))
    assert (read["commit"], read["branch"]) == (commit, branch)


@pytest.mark.parametrize("head", ["", "ref: refs/heads/.invalid\n", "deadbeef\n", "\0\0"])
def test_a_head_that_is_not_understood_is_unknown(head: str) -> None:
    read = section.collect(machine(read={"/p/.git/HEAD": head}))
    assert isinstance(read["commit"], Unknown)
    assert isinstance(read["branch"], Unknown)


def test_a_linked_work_tree_shares_its_references() -> None:
    files = {
        "/w/.git": "gitdir: /p/.git/worktrees/w\n",
        "/p/.git/worktrees/w/HEAD": "ref: refs/heads/main\n",
        "/p/.git/worktrees/w/commondir": "../..\n",
    }
    read = section.collect(machine(read=files, directory="/w"))
    assert (read["commit"], read["repository"]) == (COMMIT, "git@example.org:o/x.git")


def test_submodules_are_read_from_their_own_heads() -> None:
    files = {
        "/p/.gitmodules": (
            '[submodule "data"]\n\tpath = lib/data\n\turl = x\n[submodule "b"]\n\tpath = b\n'
        ),
        "/p/lib/data/.git": "gitdir: ../../.git/modules/data\n",
        "/p/.git/modules/data/HEAD": f"{OTHER}\n",
    }
    assert section.collect(machine(answer(CLEAN), read=files))["submodules"] == {
        "lib/data": OTHER,
        "b": None,
    }


@pytest.mark.parametrize(
    ("config", "url"),
    [
        (
            '[remote "fork"]\nurl = a\n[remote "origin"]\nurl = https://me:tok@h/x.git\n',
            "https://<hidden>@h/x.git",
        ),
        ('[remote "upstream"]\n  URL = "b"\n', "b"),
        ("[core]\nurl = c\n", None),
        ("", None),
    ],
)
def test_the_remote_is_origin_or_the_first_one_without_credentials(
    config: str, url: str | None
) -> None:
    assert section.collect(machine(read={"/p/.git/config": config}))["repository"] == url


def test_settings_survive_odd_text() -> None:
    text = '[remote "a\\"b"] ; comment\n\turl = x\n= y\n[\n[remote\nurl\n[other]\nurl = z\n'
    assert list(settings(text, "remote", "url")) == [('a\\"b', "x")]


needs_git = pytest.mark.skipif(not shutil.which("git"), reason="Git itself is not installed")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real repository with one commit, and the working directory in it."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print(1)\n", "utf-8")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)))
    _git("init", "-q", "-b", "main")
    _git("add", ".")
    _git("-c", "user.email=a@b.c", "-c", "user.name=n", "commit", "-qm", "first")
    return tmp_path


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _collect() -> Any:
    """What Git says, read here for real; the file system is this machine's own affair."""
    read = dict(section.collect(LiveHost()))
    assert isinstance(read.pop("file_system"), str)
    return read


@needs_git
def test_saving_a_baseline_changes_no_code(repository: Path) -> None:
    store = Store(str(repository / ".envprint"))
    store.save(fingerprint({"facts.os.kernel_release": "1"}), "monday")
    _git("add", ".")
    _git("-c", "user.email=a@b.c", "-c", "user.name=n", "commit", "-qm", "baseline")
    (repository / "train.py").write_text("print(2)\n", "utf-8")
    changed = _collect()
    store.save(fingerprint({"facts.os.kernel_release": "2"}), "monday")
    assert "M .envprint/names/monday" in _git("status", "--short")
    assert _collect() == changed
    _git("checkout", "-q", "train.py")
    assert _collect()["dirty"] is False


@needs_git
def test_a_real_repository_is_clean_then_changed_then_clean(repository: Path) -> None:
    assert _collect() == {
        **OUTSIDE,
        "commit": _git("rev-parse", "HEAD"),
        "branch": "main",
        "dirty": False,
        "changed_files": 0,
        "submodules": {},
    }
    (repository / "train.py").write_text("print(2)\n", "utf-8")
    changed = _collect()
    assert (changed["dirty"], changed["changed_files"]) == (True, 1)
    assert _collect() == changed
    (repository / "data.bin").write_bytes(b"other")
    both = _collect()
    assert both["changed_files"] == 2
    assert both["diff_digest"] not in (changed["diff_digest"], None)
    _git("add", ".")
    assert _collect() == both, "it is the content that counts, staged or not"
    _git("reset", "-q", "--hard")
    assert _collect()["dirty"] is False


@needs_git
def test_configuration_does_not_change_the_digest(repository: Path) -> None:
    (repository / "train.py").write_text("print(2)\n", "utf-8")
    plain = _collect()
    for setting in (
        "diff.noprefix=true",
        "color.ui=always",
        "diff.context=9",
        "diff.external=false",
    ):
        _git("config", *setting.split("="))
    assert _collect() == plain


@needs_git
def test_the_directory_inside_the_work_tree_does_not_matter(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "train.py").write_text("print(2)\n", "utf-8")
    top = _collect()
    (repository / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(repository / "deep" / "er")
    _git("config", "diff.relative", "true")
    assert _collect() == top


@needs_git
def test_nothing_of_the_repository_is_run_or_written(repository: Path) -> None:
    mark = repository.parent / "ran"
    _git("config", "core.fsmonitor", f"touch {mark}")
    _git("config", "diff.external", f"touch {mark}")
    hook = repository / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n", "utf-8")
    hook.chmod(0o755)
    index = (repository / ".git" / "index").read_bytes()
    (repository / "train.py").write_text("print(2)\n", "utf-8")
    assert _collect()["dirty"] is True
    assert not mark.exists()
    assert (repository / ".git" / "index").read_bytes() == index


def filtered_repository(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real one with a committed file, outside of which nothing is configured."""
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    top = place / "project"
    top.mkdir()
    git(top, "init", "--quiet")
    (top / ".gitattributes").write_text("*.bin filter=odd\n*.dat filter=lfs\n")
    for name in ("train.py", "a.bin", "a.dat"):
        (top / name).write_text("x = 1\n")
    git(top, "add", ".")
    git(top, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first")
    return top


def git(top: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=top, check=True)


def seen_from(top: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(top)
    for name in ("train.py", "a.bin", "a.dat"):
        path = top / name
        if path.exists():
            path.write_text(path.read_text())  # so that Git looks into it again
            os.utime(path, (1, 1))
    return section.collect(LiveHost())


@needs_git
@pytest.mark.parametrize("where", ["config", "include", "worktree", "upper case", "submodule"])
def test_a_filter_of_the_repository_is_not_run(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, trap = filtered_repository(tmp_path, monkeypatch), tmp_path / "run"
    program = f"touch {trap}; cat"
    configured = top
    if where == "submodule":
        inner = tmp_path / "inner"
        inner.mkdir()
        other = filtered_repository(inner, monkeypatch)
        monkeypatch.setenv("HOME", str(tmp_path))
        add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
        git(top, *add)
        git(top, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "second")
        configured = top / "sub"
        os.utime(configured / "a.bin", (1, 1))
    if where == "worktree":
        git(top, "config", "extensions.worktreeConfig", "true")
        git(top, "config", "--worktree", "filter.odd.clean", program)
    elif where == "include":
        (top / ".git" / "more").write_text(f'[filter "odd"]\n\tclean = "{program}"\n')
        git(top, "config", "include.path", "more")
    elif where == "upper case":
        with (top / ".git" / "config").open("a") as file:
            file.write(f'[FILTER "odd"] CLEAN = "{program}"\n')
    else:
        git(configured, "config", "filter.odd.clean", program)
    found = seen_from(top, monkeypatch)
    assert not trap.exists()
    assert "a filter is configured in the repository (odd)" in found["dirty"].reason
    assert found["diff_digest"] == found["changed_files"] == found["dirty"]
    assert len(found["commit"]) == 40


@needs_git
@pytest.mark.parametrize("kind", ["clean", "process"])
def test_what_the_repository_calls_lfs_is_not_run(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, trap = filtered_repository(tmp_path, monkeypatch), tmp_path / "run"
    git(top, "config", f"filter.lfs.{kind}", f"touch {trap}; cat")
    seen_from(top, monkeypatch)
    assert not trap.exists()


@needs_git
def test_a_filter_of_the_users_own_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top, trap = filtered_repository(tmp_path, monkeypatch), tmp_path / "run"
    git(top, "config", "--global", "filter.odd.clean", f"touch {trap}; cat")
    git(top, "config", "include.path", "nothing")
    assert seen_from(top, monkeypatch)["dirty"] is False
    assert trap.exists()


TRAP = "odd"
"""The name of the filter that a test configures."""


@pytest.fixture
def trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trapped:
    """A repository whose own filter leaves a trace where it is run."""
    top = filtered_repository(tmp_path, monkeypatch)
    monkeypatch.setenv("ENVPRINT_HOME", str(tmp_path / "store"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    found = Trapped(top, tmp_path / "run", tmp_path / ".config" / "envprint" / "policy.toml")
    git(top, "config", f"filter.{TRAP}.clean", f"touch {found.trap}; cat")
    found.policy.parent.mkdir(parents=True)
    seen_from(top, monkeypatch)
    assert not found.trap.exists()
    return found


class Trapped(NamedTuple):
    top: Path
    trap: Path
    policy: Path

    def trust(self, *patterns: object) -> None:
        """Write the user's own policy."""
        listed = [str(pattern) for pattern in patterns]
        self.policy.write_text(f"[trust]\nfilters = {json.dumps(listed)}\n")

    def dirty(self) -> Any:
        """What a capture says, by the command itself."""
        done = envprint("capture", "-o", "-")
        found = json.loads(done.stdout)
        return found["facts"]["code"].get("dirty", found["unknown"].get("facts.code.dirty"))


def envprint(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envprint", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_git
@pytest.mark.parametrize("verb", ["capture -o f.json", "show", "check", "run -- true"])
@pytest.mark.parametrize("is_trusted", [False, True])
def test_every_verb_runs_a_filter_of_a_trusted_repository_only(
    verb: str, is_trusted: bool, trapped: Trapped
) -> None:
    if is_trusted:
        trapped.trust(trapped.top)
    assert envprint(*verb.split()).returncode == 0
    assert trapped.trap.exists() is is_trusted


@needs_git
@pytest.mark.parametrize("is_trusted", [False, True])
def test_the_functions_run_a_filter_of_a_trusted_repository_only(
    is_trusted: bool, trapped: Trapped
) -> None:
    if is_trusted:
        trapped.trust(trapped.top)
    found = api.capture().get("facts.code.dirty", "unknown")
    assert (found, trapped.trap.exists()) == ((False, True) if is_trusted else ("unknown", False))


@needs_git
@pytest.mark.parametrize("pattern", ["*", "~/*", "~/project", "{}/*", "{}/pro*", "{}/link"])
def test_the_users_own_policy_trusts_a_repository_by_path_or_pattern(
    pattern: str, trapped: Trapped
) -> None:
    (trapped.top.parent / "link").symlink_to(trapped.top)
    trapped.trust("/elsewhere", pattern.format(trapped.top.parent))
    assert trapped.dirty() is False
    assert trapped.trap.exists()


@needs_git
@pytest.mark.parametrize("pattern", ["/elsewhere", "~/", "~/projec", "{}/*/x", "~/project/*"])
def test_another_place_in_the_users_own_policy_trusts_nobody(
    pattern: str, trapped: Trapped
) -> None:
    trapped.trust(pattern.format(trapped.top.parent))
    assert "odd" in trapped.dirty()
    assert not trapped.trap.exists()


@needs_git
@pytest.mark.parametrize("name", ["envprint.toml", "pyproject.toml", "policy.toml"])
def test_a_repository_does_not_trust_itself(name: str, trapped: Trapped) -> None:
    table = "tool.envprint.trust" if name == "pyproject.toml" else "trust"
    policy = trapped.top / name
    policy.write_text(f"[{table}]\nfilters = ['*']\n")
    for options in ([], ["--policy", str(policy)]):
        done = envprint("check", *options)
        assert done.returncode == 0
        if options or name != "policy.toml":
            assert f"[trust] counts only in your own policy, {trapped.policy}" in done.stderr
    assert "odd" in trapped.dirty()
    assert not trapped.trap.exists()


@needs_git
def test_a_policy_inside_the_work_tree_does_not_trust_it_even_if_it_is_the_users(
    trapped: Trapped, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = trapped._replace(policy=trapped.top / "config" / "envprint" / "policy.toml")
    inside.policy.parent.mkdir(parents=True)
    inside.trust("*")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(trapped.top / "config"))
    assert "odd" in inside.dirty()
    assert not trapped.trap.exists()


@needs_git
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fail_on = 'none'\n[trust]\nfilters = ['*']", "only [trust] counts here"),
        ("[trust]\nfilters = ['project']", "line 2: trust.filters[0]: expected a path"),
        ("[trust]\nfilter = ['*']", "unknown key"),
        ("[trust", "not valid TOML"),
    ],
)
def test_a_policy_of_the_users_own_that_is_none_is_the_reason(
    text: str, why: str, trapped: Trapped
) -> None:
    trapped.policy.write_text(text)
    assert why in trapped.dirty()
    assert not trapped.trap.exists()
    done = envprint("policy", "show")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert why in done.stderr


@needs_git
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_users_own_policy_is_the_users(trapped: Trapped) -> None:
    trapped.trust("*")
    os.chown(trapped.policy, 12345, -1)
    assert "not used, because it belongs to user 12345" in trapped.dirty()
    assert not trapped.trap.exists()


@needs_git
def test_who_trusts_a_repository_does_not_trust_its_submodules(
    trapped: Trapped, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = trapped.top.parent / "inner"
    inner.mkdir()
    other = filtered_repository(inner, monkeypatch)
    monkeypatch.setenv("HOME", str(trapped.top.parent))
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    git(trapped.top, *add)
    git(trapped.top, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "second")
    trapped.trap.unlink(missing_ok=True)
    git(trapped.top / "sub", "config", "filter.odd.clean", f"touch {trapped.trap}; cat")
    git(trapped.top, "config", "--unset", "filter.odd.clean")
    os.utime(trapped.top / "sub" / "a.bin", (1, 1))
    trapped.trust(trapped.top)
    assert "odd" in trapped.dirty()
    assert not trapped.trap.exists()
    trapped.trust(trapped.top, trapped.top / "sub")
    assert trapped.dirty() is False
    assert trapped.trap.exists()


def commit(top: Path) -> None:
    git(top, "add", ".")
    git(top, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "more")


def with_inner(top: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> Path:
    """The work tree of a repository inside of `top`, as a submodule or whatever else Git enters."""
    home = top.parent
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    other = filtered_repository(elsewhere, monkeypatch)
    monkeypatch.setenv("HOME", str(home))
    allowed = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    if how == "a submodule of a submodule":
        middle = home / "middle"
        middle.mkdir()
        between = filtered_repository(middle, monkeypatch)
        monkeypatch.setenv("HOME", str(home))
        git(between, *allowed, "add", str(other), "deep")
        commit(between)
        git(top, *allowed, "add", str(between), "sub")
        git(top, *allowed, "update", "--init", "--recursive")
        inner = top / "sub" / "deep"
    elif how == "embedded":
        shutil.move(other, top / "sub")
        inner = top / "sub"
        git(top, "-c", "advice.addEmbeddedRepo=false", "add", "sub")
    else:
        git(top, *allowed, "add", str(other), "sub")
        inner = top / "sub"
    commit(top)
    os.utime(inner / "a.bin", (1, 1))
    return inner


@needs_git
@pytest.mark.parametrize("how", ["a submodule", "a submodule of a submodule", "embedded"])
def test_a_filter_of_a_repository_inside_is_not_run(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, trap = filtered_repository(tmp_path, monkeypatch), tmp_path / "run"
    inner = with_inner(top, monkeypatch, how)
    git(inner, "config", "filter.odd.clean", f"touch {trap}; cat")
    found = seen_from(top, monkeypatch)
    assert not trap.exists()
    if how != "embedded":  # Git is not asked about it, as nothing but the commit is of this one
        assert "(odd)" in found["dirty"].reason


@needs_git
@pytest.mark.parametrize("how", ["a submodule", "a submodule of a submodule"])
def test_what_has_changed_in_a_submodule_counts(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = filtered_repository(tmp_path, monkeypatch)
    inner = with_inner(top, monkeypatch, how)
    clean = seen_from(top, monkeypatch)
    assert (clean["dirty"], clean["changed_files"]) == (False, 0)
    digests = set()
    for text in ("x = 2\n", "x = 3\n"):
        (inner / "train.py").write_text(text)
        changed = section.collect(LiveHost())
        assert (changed["dirty"], changed["changed_files"]) == (True, 1)
        digests.add(changed["diff_digest"])
    (top / "train.py").write_text("x = 3\n")
    git(inner, "checkout", "--quiet", "train.py")
    digests.add(section.collect(LiveHost())["diff_digest"])
    assert len(digests) == 3
    (inner / "new.py").write_text("")
    assert section.collect(LiveHost())["changed_files"] == 2


@needs_git
def test_submodules_that_name_each_other_or_lie_elsewhere_have_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = filtered_repository(tmp_path, monkeypatch)
    (top / "a").symlink_to(".")
    (top / "b").symlink_to(".")
    paths = ("a", "b", ".", "..", "../project", "/", "a/b", "")
    text = "".join(f'[submodule "{n}"]\n\tpath = {path}\n' for n, path in enumerate(paths))
    (top / ".gitmodules").write_text(text)
    commit(top)
    assert seen_from(top, monkeypatch)["dirty"] is False


FILTERED = {"/p/.git/config": '[filter "odd"]\n\tclean = x\n'}


def test_a_recorded_machine_has_recorded_whom_its_user_trusts() -> None:
    trusted = machine(answer(CLEAN), read=FILTERED, may_filter={"/p": True})
    assert section.collect(trusted)["dirty"] is False
    assert isinstance(section.collect(machine(answer(CLEAN), read=FILTERED))["dirty"], Unknown)


def test_where_git_does_not_say_which_filters_there_are_nothing_is_asked() -> None:
    command = f"git -C /p {FILTERS}"
    odd = host(read={**GIT_FILES, **FILTERED}, run={command: answer("", 128)}, directory="/p")
    found = section.collect(odd)["dirty"]
    assert found == Unknown("git config ended with 128, so its filters are unknown")


@needs_git
def test_what_is_trusted_is_shown(trapped: Trapped) -> None:
    shown = " ".join(envprint("policy", "show").stdout.split())
    assert f"{trapped.policy} trust.filters = nobody" in shown
    trapped.trust("~/project", "/b")
    shown = " ".join(envprint("policy", "show").stdout.split())
    assert "trust.filters = ~/project trust.filters = /b" in shown


@needs_git
def test_a_trusted_repository_runs_its_own_lfs(
    trapped: Trapped, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = trapped.top.parent / "lfs"
    git(trapped.top, "config", "filter.lfs.clean", f"touch {trace}; cat")
    trapped.trust("*")
    assert trapped.dirty() is False
    assert trace.exists()
