"""Which environment is observed, and what `--python` means: told by files, and nothing is run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envprint.core.errors import InterpreterError
from envprint.machine import environments
from envprint.machine.environments import (
    FIRST,
    NAMED,
    OWN,
    STARTED,
    Environment,
    choose,
    has_framework,
    interpreter_in,
    is_of_a_tool,
    prefix_of,
    resolve_python,
)

TRAP = "#!/bin/sh\ntouch {mark}\nexit 1\n"
"""An interpreter that leaves a mark when it is run."""


def program(path: Path, text: str = "") -> Path:
    """A file that can be run; binary unless `text` is given, as an interpreter is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or "\x7fELF")
    path.chmod(0o755)
    return path


def prefix(place: Path, *modules: str, kind: str = "venv") -> Path:
    """An environment as files show it; its interpreter cannot be run."""
    program(place / "bin/python")
    for module in modules:
        (place / "lib/python3.11/site-packages" / module).mkdir(parents=True)
    if kind == "venv":
        (place / "pyvenv.cfg").write_text("home = /nowhere/bin\n")
    elif kind == "conda":
        (place / "conda-meta").mkdir()
    return place


class Shell:
    """A made shell: its variables, and where envprint is installed and how it was started."""

    def __init__(self, patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.patch, self.tmp_path = patch, tmp_path
        self.installed_in(prefix(tmp_path / "own"), started_as="envprint")
        for name in (*environments.VARIABLES, "PYENV_VERSION", "PYENV_DIR", "PYENV_ROOT"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "work").mkdir()
        patch.chdir(tmp_path / "work")
        self.path()

    def installed_in(self, place: Path, started_as: str, *frameworks: str) -> None:
        """envprint lies in `place`, which has these, and `started_as` began the command line."""
        folder = place / "lib/python3.11/site-packages"
        for name in frameworks:
            (folder / name).mkdir(parents=True)
        self.patch.setattr(sys, "prefix", str(place))
        self.patch.setattr(sys, "path", [str(folder)])
        is_module = "python" in os.path.basename(started_as)
        self.patch.setattr(sys, "argv", ["/x/envprint/__main__.py" if is_module else started_as])
        self.patch.setattr(sys, "orig_argv", [started_as, "-m", "envprint"])

    def path(self, *folders: object) -> None:
        self.patch.setenv("PATH", os.pathsep.join(map(str, folders)))

    def active(self, place: Path, variable: str = "VIRTUAL_ENV") -> None:
        self.patch.setenv(variable, str(place))
        self.path(place / "bin")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    return Shell(monkeypatch, tmp_path)


@pytest.mark.parametrize(("variable", "kind"), [("VIRTUAL_ENV", "venv"), ("CONDA_PREFIX", "conda")])
def test_the_active_environment_is_observed_with_a_framework_or_without(
    shell: Shell, tmp_path: Path, variable: str, kind: str
) -> None:
    active = prefix(tmp_path / "a place with spaces", kind=kind)
    shell.active(active, variable)
    reason = f"the active environment ({variable})"
    assert choose() == Environment(str(active / "bin/python"), reason)


def test_envprint_in_the_active_environment_looks_at_itself_and_runs_no_other(
    shell: Shell, tmp_path: Path
) -> None:
    shell.active(tmp_path / "own")
    assert choose() == Environment(None, "the active environment (VIRTUAL_ENV)")


def test_a_link_to_the_own_environment_is_the_own_one(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "own")
    shell.active(tmp_path / "link")
    assert choose().python is None


def test_of_two_active_environments_the_first_on_path_counts(shell: Shell, tmp_path: Path) -> None:
    venv, conda = prefix(tmp_path / "venv"), prefix(tmp_path / "conda", kind="conda")
    shell.patch.setenv("VIRTUAL_ENV", str(venv))
    shell.patch.setenv("CONDA_PREFIX", str(conda))
    for first, second, variable in ((venv, conda, "VIRTUAL_ENV"), (conda, venv, "CONDA_PREFIX")):
        shell.path(first / "bin", second / "bin")
        found = choose()
        assert found.python == str(first / "bin/python")
        assert found.reason == f"the active environment ({variable})"


def test_other_programs_in_front_of_the_active_python_do_not_matter(
    shell: Shell, tmp_path: Path
) -> None:
    active = prefix(tmp_path / "train")
    shell.patch.setenv("VIRTUAL_ENV", str(active))
    program(tmp_path / "tools/envprint")
    shell.path(tmp_path / "tools", active / "bin")
    assert choose().python == str(active / "bin/python")


@pytest.mark.parametrize("broken", ["nowhere", "no interpreter", "a dangling link"])
def test_a_variable_that_names_nothing_is_passed_over_and_the_reason_given(
    shell: Shell, tmp_path: Path, broken: str
) -> None:
    place = tmp_path / "gone"
    if broken != "nowhere":
        (place / "bin").mkdir(parents=True)
    if broken == "a dangling link":
        (place / "bin/python").symlink_to("/nowhere/python3.11")
    shell.active(place)
    hint = f"VIRTUAL_ENV names {place}, where no python can be run"
    assert choose() == Environment(None, OWN, hint)


def test_a_variable_whose_bin_is_not_first_is_no_activation_and_is_named(
    shell: Shell, tmp_path: Path
) -> None:
    other = prefix(tmp_path / "home/my venv", "numpy")
    shell.patch.setenv("VIRTUAL_ENV", str(other))
    shell.path(prefix(tmp_path / "plain", kind="base") / "bin", other / "bin")
    found = choose()
    assert (found.python, found.reason) == (None, OWN)
    command = "envprint check --python ~/'my venv'"
    assert found.hint == f"VIRTUAL_ENV names ~/'my venv': {command}"
    assert resolve_python("~/my venv") == str(other / "bin/python")


@pytest.mark.parametrize(
    "module", ["numpy", "torch", "tensorflow", "jax", "sklearn", "numpy-2.4.6.dist-info"]
)
def test_the_first_python_on_path_is_observed_if_it_has_a_framework(
    shell: Shell, tmp_path: Path, module: str
) -> None:
    place = prefix(tmp_path / "base", module, kind="base")
    shell.path(place / "bin")
    assert choose() == Environment(str(place / "bin/python"), FIRST)


def test_a_python_on_path_without_a_framework_leaves_envprint_with_its_own(
    shell: Shell, tmp_path: Path
) -> None:
    shell.path(prefix(tmp_path / "base", "requests", "numpydoc", kind="base") / "bin")
    assert choose() == Environment(None, OWN)


def test_a_second_python_on_path_is_not_looked_at(shell: Shell, tmp_path: Path) -> None:
    first = prefix(tmp_path / "first", kind="base")
    shell.path(first / "bin", prefix(tmp_path / "second", "numpy", kind="base") / "bin")
    assert choose() == Environment(None, OWN)


def test_relative_directories_of_path_are_left_out(shell: Shell, tmp_path: Path) -> None:
    """Such a directory may be part of a cloned repository."""
    prefix(tmp_path / "work", "numpy", kind="base")
    for entry in ("bin", "./bin", "", "."):
        shell.path(entry)
        assert choose() == Environment(None, OWN)


@pytest.mark.parametrize("layout", ["pipx", "uv tool", "uvx"])
def test_a_tool_of_its_own_that_stands_first_on_path_is_passed_over(
    shell: Shell, tmp_path: Path, layout: str
) -> None:
    """As `uvx` starts it: its own directory in front of the one that is active."""
    place = prefix(tmp_path / "cache/archive-v0/abc")
    marks = {
        "pipx": "pipx_metadata.json",
        "uv tool": "uv-receipt.toml",
        "uvx": "../../CACHEDIR.TAG",
    }
    (place / marks[layout]).touch()
    shell.installed_in(place, "envprint")
    train = prefix(tmp_path / "train")
    shell.active(train)
    shell.path(place / "bin", train / "bin")
    assert is_of_a_tool(str(place))
    assert choose().python == str(train / "bin/python")


def test_an_overlay_of_uv_run_that_is_active_is_looked_at_itself(
    shell: Shell, tmp_path: Path
) -> None:
    """`uv run --with envprint` adds a layer to the environment of the project, and activates it."""
    place = prefix(tmp_path / "cache/builds-v0/abc")
    (tmp_path / "cache/CACHEDIR.TAG").touch()
    shell.installed_in(place, str(place / "bin/python"))
    shell.active(place)
    shell.path(place / "bin", prefix(tmp_path / "layer", "numpy") / "bin")
    assert choose() == Environment(None, "the active environment (VIRTUAL_ENV)")


@pytest.mark.parametrize("program_name", ["bin/python", "bin/envprint"])
def test_a_path_that_names_an_environment_with_a_framework_means_that_one(
    shell: Shell, tmp_path: Path, program_name: str
) -> None:
    place = prefix(tmp_path / "train", "numpy")
    shell.installed_in(place, str(place / program_name))
    other = prefix(tmp_path / "lint", "numpy")
    shell.active(other)
    found = choose()
    assert (found.python, found.reason) == (None, STARTED)
    again = f"{place / program_name}" + " -m envprint" * program_name.endswith("python")
    assert found.hint == f"VIRTUAL_ENV names {other}: {again} check --python {other}"


@pytest.mark.parametrize("why", ["a name", "on PATH", "no framework", "pipx"])
def test_the_active_environment_counts_unless_a_path_names_one_with_a_framework(
    shell: Shell, tmp_path: Path, why: str
) -> None:
    place = prefix(tmp_path / "base", *([] if why == "no framework" else ["numpy"]))
    if why == "pipx":
        (place / "pipx_metadata.json").touch()
    script = program(place / "bin/envprint")
    shell.installed_in(place, "python3.11" if why == "a name" else str(script))
    train = prefix(tmp_path / "train")
    shell.active(train)
    if why == "on PATH":
        shell.path(train / "bin", place / "bin")
    assert choose() == Environment(
        str(train / "bin/python"), "the active environment (VIRTUAL_ENV)"
    )


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
@pytest.mark.parametrize("depth", [0, 2])
def test_an_environment_that_is_merely_there_is_named(
    shell: Shell, tmp_path: Path, name: str, depth: int
) -> None:
    prefix(tmp_path / "work" / name, "numpy")
    below = tmp_path / "work" / "/".join("ab"[:depth])
    below.mkdir(parents=True, exist_ok=True)
    shell.patch.chdir(below)
    place = "../" * depth + name
    hint = f"a {name} is here, not active: envprint check --python {place}"
    assert choose() == Environment(None, OWN, hint)
    assert resolve_python(place) == str(tmp_path / "work" / name / "bin/python")


def test_a_folder_called_venv_that_is_none_is_not_named(shell: Shell, tmp_path: Path) -> None:
    prefix(tmp_path / "work/venv", "numpy", kind="base")
    prefix(tmp_path / "work/env")
    (tmp_path / "work/env/bin/python").unlink()
    assert choose() == Environment(None, OWN)


def test_the_observed_environment_is_not_named_as_another(shell: Shell, tmp_path: Path) -> None:
    place = prefix(tmp_path / "work/.venv", "numpy")
    shell.installed_in(place, str(place / "bin/python"))
    assert choose() == Environment(None, OWN)


def test_a_directory_that_was_removed_costs_nothing(shell: Shell, tmp_path: Path) -> None:
    gone = tmp_path / "work/gone"
    gone.mkdir()
    shell.patch.chdir(gone)
    gone.rmdir()
    assert choose() == Environment(None, OWN)
    os.chdir(tmp_path)


def test_an_option_comes_before_everything(shell: Shell, tmp_path: Path) -> None:
    shell.active(prefix(tmp_path / "active"))
    named = prefix(tmp_path / "named")
    assert choose(str(named)) == Environment(str(named / "bin/python"), NAMED)


@pytest.mark.parametrize("layout", ["venv", "conda", "base"])
def test_a_directory_stands_for_its_interpreter(shell: Shell, tmp_path: Path, layout: str) -> None:
    place = prefix(tmp_path / "a place", kind=layout)
    python = str(place / "bin/python")
    assert resolve_python(str(place)) == resolve_python(f"{place}/") == python
    assert resolve_python(python) == python
    shell.patch.chdir(tmp_path)
    assert resolve_python("a place") == resolve_python("./a place") == python
    assert interpreter_in(str(place)) == python


def test_a_directory_with_python3_alone_is_taken(tmp_path: Path) -> None:
    program(tmp_path / "bin/python3")
    assert resolve_python(str(tmp_path)) == str(tmp_path / "bin/python3")


def test_a_name_is_looked_for_on_path(shell: Shell, tmp_path: Path) -> None:
    place = program(tmp_path / "tools/python3.13")
    shell.path(tmp_path / "tools")
    assert resolve_python("python3.13") == str(place)


def test_a_folder_in_the_working_directory_does_not_hide_python_on_path(
    shell: Shell, tmp_path: Path
) -> None:
    wanted = program(tmp_path / "tools/python3")
    program(tmp_path / "tools/env")
    shell.path(tmp_path / "tools")
    prefix(tmp_path / "work/python3")
    prefix(tmp_path / "work/env")
    assert resolve_python("python3") == str(wanted)
    # A program of that name on PATH is no interpreter, and `env` here is an environment.
    assert resolve_python("env") == str(tmp_path / "work/env/bin/python")


BAD = {
    "": "expected an interpreter",
    "a\0b": "expected an interpreter",
    "/nowhere/python": "No such file or directory",
    "no-such-python": "not found on PATH",
    "{tmp}/empty": "this directory has no bin/python",
    "{tmp}/broken": "bin/python is a link to /nowhere/python3.11, which does not exist",
    "{tmp}/dangling": "is a link to /nowhere/python3.11, which does not exist",
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_an_interpreter_is_refused_with_the_reason(
    shell: Shell, tmp_path: Path, text: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken/bin").mkdir(parents=True)
    for link in ("broken/bin/python", "dangling"):
        (tmp_path / link).symlink_to("/nowhere/python3.11")
    with pytest.raises(InterpreterError) as caught:
        resolve_python(text.format(tmp=tmp_path))
    assert str(caught.value).startswith("--python ")
    assert BAD[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_or_cannot_be_read_neither_waits_nor_fails(
    shell: Shell, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert resolve_python(str(tmp_path / "pipe")) == str(tmp_path / "pipe")
    place = prefix(tmp_path / "base", kind="base")
    (place / "lib").write_text("no directory")
    (place / "lib64").symlink_to("lib64")
    shell.path(place / "bin", tmp_path / "pipe")
    assert choose() == Environment(None, OWN)


def test_the_prefix_of_this_interpreter_is_told_by_files() -> None:
    assert prefix_of(sys.executable) == sys.prefix
    base = getattr(sys, "_base_executable", sys.executable)
    assert prefix_of(base) == sys.base_prefix


def test_packages_of_the_base_count_where_the_environment_shares_them(tmp_path: Path) -> None:
    base = prefix(tmp_path / "base", "torch", kind="base")
    place = prefix(tmp_path / "venv")
    for shared in (False, True):
        text = f"home = {base}/bin\ninclude-system-site-packages = {str(shared).lower()}\n"
        (place / "pyvenv.cfg").write_text(text)
        assert has_framework(str(place / "bin/python")) is shared


def test_packages_of_another_version_in_one_prefix_do_not_count(tmp_path: Path) -> None:
    place = prefix(tmp_path / "usr", "numpy", kind="base")
    for name in ("python3.11", "python3.12"):
        program(place / "bin" / name)
    assert has_framework(str(place / "bin/python3.11"))
    assert not has_framework(str(place / "bin/python3.12"))


def test_debians_packages_and_those_of_the_user_count(shell: Shell, tmp_path: Path) -> None:
    for number, folder in enumerate(
        ("usr/lib/python3/dist-packages", "home/.local/lib/python3.11/site-packages")
    ):
        place = prefix(tmp_path / str(number) / "usr", kind="base")
        shell.patch.setenv("HOME", str(tmp_path / str(number) / "home"))
        assert not has_framework(str(place / "bin/python"))
        (tmp_path / str(number) / folder / "numpy").mkdir(parents=True)
        assert has_framework(str(place / "bin/python"))


def test_nothing_that_is_looked_at_is_run(shell: Shell, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for place in ("work/.venv", "active", "first"):
        prefix(tmp_path / place, "numpy")
        program(tmp_path / place / "bin/python", TRAP.format(mark=mark))
    shell.path(tmp_path / "first/bin")
    choose()
    shell.active(tmp_path / "active")
    choose()
    resolve_python(".venv")
    assert not mark.exists()
