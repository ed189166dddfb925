"""Which interpreter a command starts: what files tell must be what the system does."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from envprint.run.command_interpreter import follow
from tests.builders.programs import World, binary, executable, venv

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT LINUX: runs nothing here")
TELL = "import sys; print(sys.prefix)"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(scope="module", params=["--symlinks", "--copies"])
def env(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return venv(tmp_path_factory.mktemp("venvs") / request.param.strip("-"), request.param)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return venv(tmp_path_factory.mktemp("venvs") / "plain")


@pytest.mark.parametrize("name", ["python", "python3"])
def test_a_path_and_a_name_on_path_are_the_environments_interpreter(
    name: str, world: World, env: Path
) -> None:
    python = str(env / "bin" / name)
    assert world.python(python, "train.py") == python
    assert world.python(name, "train.py", PATH=f"{env}/bin:/usr/bin") == python


def test_relative_paths_and_entries_of_path_start_at_the_working_directory(
    world: World, plain: Path
) -> None:
    (world.work / "venv").symlink_to(plain)
    for argv, path in (
        (["venv/bin/python"], "/usr/bin"),
        (["python"], "venv/bin:/usr/bin"),
        (["./python"], "/usr/bin"),
        (["python"], ":/usr/bin"),
    ):
        link = world.work / "python"
        if not link.is_symlink():
            link.symlink_to(plain / "bin" / "python")
        found = world.python(*argv, PATH=path)
        assert found is not None
        told = world.really(*argv, "-c", TELL, env={"PATH": path})
        assert world.really(found, "-c", TELL) == told


def test_what_is_on_path_and_cannot_be_executed_is_passed_over(world: World, plain: Path) -> None:
    (world.bin / "python").write_text("no program")
    (world.work / "python").mkdir()
    path = f"{world.bin}:{world.work}:{plain}/bin"
    assert world.python("python", PATH=path) == str(plain / "bin" / "python")


LONG = "x" * 200
SHEBANGS = {
    "path": "#!{python}\n",
    "blanks": "#! \t{python} \t\n",
    "options": "#!{python} -I\n",
    "env": "#!/usr/bin/env python\n",
    "env, version": "#!/usr/bin/env python3\n",
    "env -S": "#!/usr/bin/env -S python3 -I\n",
    "env --split-string": "#!/usr/bin/env --split-string=python3 -I\n",
    "env -S with a variable": "#!/usr/bin/env -S A=1 nice -n 1 python3\n",
    "trampoline of pip": "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
    "trampoline with quotes": "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
    "beside it": (
        '#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")"/\'python\' "$0" "$@"\n'
        "' '''\n"
    ),
}


@pytest.mark.parametrize("first", SHEBANGS.values(), ids=SHEBANGS)
def test_a_script_starts_the_interpreter_of_its_first_line(
    first: str, world: World, plain: Path
) -> None:
    script = executable(plain / "bin" / "a-tool", first.format(python=plain / "bin/python") + TELL)
    path = f"{plain}/bin:/usr/bin:/bin"
    for name in (str(script), "a-tool"):
        found = world.python(name, PATH=path)
        assert found and Path(found).parent == plain / "bin", found
        assert world.really(name, env={"PATH": path}) == f"{plain}\n"


def test_a_link_to_a_script_is_followed_for_what_lies_beside_the_script(
    world: World, plain: Path
) -> None:
    script = executable(plain / "bin" / "b-tool", SHEBANGS["beside it"] + TELL)
    (world.bin / "b-tool").symlink_to(script)
    assert world.python("b-tool") == str(plain / "bin" / "python")
    assert world.really("b-tool") == f"{plain}\n"


def test_a_script_that_names_a_script_is_followed(world: World, plain: Path) -> None:
    first = executable(world.bin / "first", f"#!{plain}/bin/python\n")
    executable(world.bin / "second", f"#!{first}\n")
    assert world.python("second") == str(plain / "bin" / "python")


def test_a_first_line_with_a_relative_path_starts_at_the_working_directory(
    world: World, plain: Path
) -> None:
    script = executable(plain / "bin" / "relative", "#!bin/python\n" + TELL)
    assert "'bin/python', which cannot be started" in world.reason(script)
    (world.work / "bin").symlink_to(plain / "bin")
    assert world.python(script) == str(world.work / "bin" / "python")


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("#!{python}\r\n", r"python\r', which cannot be started"),
        ("#!/usr/bin/env python3\r\n", r"'python3\r' cannot be started"),
        ("#!/nope/bin/python\n", "'/nope/bin/python', which cannot be started"),
        (f"#!/{LONG}{LONG}/python\n", "a shell script may start any"),
        ("#!/bin/sh\npython train.py\n", "a shell script may start any"),
        ("#!/bin/bash\nexec {python} x.py\n", "a shell script may start any"),
        ("python train.py\n", "a shell script may start any"),
    ],
)
def test_a_script_that_files_do_not_tell_of_is_not_known(
    first: str, words: str, world: World, plain: Path
) -> None:
    script = executable(world.work / "train", first.format(python=plain / "bin/python"))
    assert words in world.reason(script)


REAL = [
    "env",
    "env -i",
    "env -",
    "env -u FOO A=B C=D",
    "env --unset=FOO --ignore-environment -- A=B",
    "env -C /",
    "env --chdir=/",
    "nice",
    "nice -n 5",
    "nice -n5",
    "nice -5",
    "nice --adjustment=5",
    "nohup",
    "timeout 60",
    "timeout -k 5 60s",
    "timeout --signal=KILL --foreground 1m",
    "stdbuf -oL",
    "stdbuf -o L -e0",
    "setsid -w",
    "taskset -c 0",
    "taskset 0x1",
    "taskset --cpu-list 0",
    "ionice -c 3",
    "ionice -c3 -t",
    "chrt -b 0",
    "chrt --idle 0",
    "env -i nice -n 1 timeout 9 stdbuf -oL",
    "flock /tmp",
    "setarch -R",
]


@pytest.mark.parametrize("wrapper", REAL)
def test_what_a_wrapper_starts_is_found_behind_its_options(
    wrapper: str, world: World, plain: Path
) -> None:
    words = wrapper.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"NOT HERE: {words[0]}")
    if words[0] == "setarch":
        words.insert(1, os.uname().machine)
    python = str(plain / "bin" / "python")
    assert world.python(*words, python, "-c", TELL) == python
    assert f"{plain}\n" in world.really(*words, python, "-c", TELL)


def test_env_changes_what_is_looked_for_and_where(world: World, plain: Path) -> None:
    python = str(plain / "bin" / "python")
    assert world.python("env", f"PATH={plain}/bin", "python") == python
    assert world.python("env", "-C", plain / "bin", "./python") == python
    assert world.reason("env", "-u", "PATH", "a-name-of-nothing").endswith("it is not on PATH")
    started = world.follow("env", "-u", "HOME", "A=B", python)
    assert started.variables == {"PATH": world.variables["PATH"], "A": "B"}


STARTED = {
    "srun": ["", "-N2 -n 4 --gres=gpu:1", "--gres gpu:1 -c4 --cpu-bind=cores -l", "-u --pty",
             "--exclusive --kill-on-bad-exit=1 -K1", "-p gpu -t 1:00:00 -J name --mpi=pmix"],
    "mpirun": ["-np 4", "-n 4 --bind-to core -map-by slot", "--mca btl self,tcp -x NCCL_DEBUG=INFO",
               "--allow-run-as-root -H a:2,b:2 -x LD_LIBRARY_PATH", "-genv A 1 -ppn 2 -f hosts"],
    "mpiexec": ["-n 2", "--oversubscribe -n 2 --"],
    "numactl": ["--cpunodebind=0 --membind=0", "-N 0 -m 0", "-l -C 0-3", "--interleave all"],
    "time": ["-v", "-f %e -o file", "-p"],
    "xvfb-run": ["-a -s -ac"],
    "nsys": ["profile -o report --trace=cuda,nvtx", "profile"],
    "horovodrun": ["-np 4 -H a:2,b:2"],
    "ionice": ["-c2 -n7"],
    "strace": ["-f -o file -e trace=open"],
    "choom": ["-n 500 --"],
    "ncu": ["-o out --set full -k regex:gemm"],
    "perf": ["stat -e cycles -r 3", "record -g -o out --"],
    "py-spy": ["record -o out.svg --"],
    "valgrind": ["--tool=massif"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("program", "options"), [(name, words) for name, each in STARTED.items() for words in each]
)
def test_options_with_values_are_skipped_with_them(
    program: str, options: str, world: World, plain: Path
) -> None:
    binary(world.bin / program)
    python = str(plain / "bin" / "python")
    assert world.python(program, *options.split(), python, "train.py") == python


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nice --weird 3 python", "what its option --weird does"),
        ("nice -z python", "what its option -z does"),
        ("nice -zhunter2 python", "what its option -z does"),
        ("nice --weird=hunter2 python", "what its option --weird does"),
        ("taskset -p 4711", "what its option -p does"),
        ("taskset mask python", "not called in a form that envprint knows"),
        ("chrt -b python", "not called in a form that envprint knows"),
        ("timeout python", "not called in a form that envprint knows"),
        ("timeout 5", "timeout has no command"),
        ("env", "env has no command"),
        ("env -S 'python", "option -S cannot be parsed"),
        ("nice -n", "its option -n has no value"),
        ("mpirun -np 1 python a : -np 1 python b", "it starts several programs"),
        ("mpirun -x PATH=/x -np 1 python", "one of its options sets PATH"),
        ("mpirun -genv PATH /x -np 1 python", "one of its options sets PATH"),
        ("srun --export=ALL,PATH=/x python", "one of its options sets PATH"),
        ("srun --multi-prog conf", "what its option --multi-prog does"),
        ("env nice no-such-thing", "'no-such-thing' cannot be started: it is not on PATH"),
        ("env ./no-such-thing", "the program does not exist"),
        ("bash train.sh", "a shell script may start any"),
        ("sh -c python", "a shell script may start any"),
        ("make train", "what it starts is written elsewhere"),
        ("docker run image python", "it runs with a file system of its own"),
        ("singularity exec image.sif python", "it runs with a file system of its own"),
        ("sudo python train.py", "another user's PATH and environment may apply"),
        ("ssh host python", "it runs on another machine"),
        ("sbatch job.sh", "a job manager starts it"),
        ("uvx tool", "it makes an environment of its own"),
        ("pipx run tool", "it makes an environment of its own"),
        ("hatch run python", "it makes an environment of its own"),
        ("nsys launch python", "nsys is known to start a program only as `nsys profile`"),
        ("uv sync", "uv is known to start a program only as `uv run`"),
    ],
)
def test_a_command_that_cannot_be_followed_is_not_known_and_says_why(
    command: str, words: str, world: World
) -> None:
    program = command.split(maxsplit=1)[0]
    if program not in ("env", "nice", "bash", "sh"):
        binary(world.bin / program)
    reason = world.reason(*command.split(" "))
    assert words in reason and "hunter2" not in reason


@pytest.mark.parametrize("name", ["ls", "/bin/true", "./a.out"])
def test_another_program_is_no_python(name: str, world: World) -> None:
    binary(world.work / "a.out")
    started = world.follow(name)
    assert (started.python, started.is_python) == (None, False)
    assert started.reason == f"{os.path.basename(name)} is no Python"


@pytest.mark.parametrize("name", ["no-such-command", "/nope/nope", "/etc/passwd", "", "a\0b"])
def test_what_cannot_be_started_at_all_has_no_reason(name: str, world: World) -> None:
    started = world.follow(name)
    assert (started.python, started.reason) == (None, None)


def test_programs_that_start_one_another_in_a_circle_end(world: World) -> None:
    one, two = world.bin / "one", world.bin / "two"
    executable(one, f"#!{two}\n")
    executable(two, f"#!{one}\n")
    assert "in a circle" in world.reason("one")


LAUNCHERS = {
    "torchrun": "torch.distributed.run",
    "accelerate": "accelerate.commands.accelerate_cli",
    "deepspeed": "deepspeed.launcher.runner",
}
LAUNCHED = {
    "torchrun": "--standalone --nproc_per_node 2 --rdzv-backend=c10d",
    "accelerate": "launch --num_processes 2 --mixed_precision=bf16",
    "deepspeed": "--num_gpus 2 --master_port 1",
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_starts_its_own_interpreter_or_with_no_python_what_follows(
    launcher: str, world: World, plain: Path, env: Path
) -> None:
    executable(env / "bin" / launcher, f"#!{env}/bin/python\n")
    own, other = str(env / "bin" / "python"), str(plain / "bin" / "python")
    options = LAUNCHED[launcher].split()
    for words in (
        [str(env / "bin" / launcher)],
        [own, str(env / "bin" / launcher)],
        [own, "-m", LAUNCHERS[launcher]],
        [own, "-um", LAUNCHERS[launcher]],
        [own, "-X", "dev", "-W", "ignore", f"-m{LAUNCHERS[launcher]}"],
    ):
        assert world.python(*words, *options, "train.py", "--no-python") == own
        assert world.python(*words, *options, "--no_python", other, "train.py") == other
        unknown = world.reason(*words, *options, "--weird", "--no_python", other)
        assert "what its option --weird does" in unknown
        assert world.python(*words, *options, "--weird", "1", "train.py") == own


def test_the_variable_that_names_the_interpreter_of_torchrun_counts(
    world: World, plain: Path, env: Path
) -> None:
    script = executable(env / "bin" / "torchrun", f"#!{env}/bin/python\n")
    other = str(plain / "bin" / "python")
    assert world.python(script, "train.py", PYTHON_EXEC=other) == other


def test_a_script_that_has_the_name_of_a_wrapper_is_a_script(world: World, plain: Path) -> None:
    executable(world.work / "watch", f"#!{plain}/bin/python\n")
    assert world.python("./watch") == str(plain / "bin" / "python")
    assert world.python(plain / "bin" / "python", "script") == str(plain / "bin" / "python")


@pytest.mark.parametrize("manager", ["mise", "rye"])
def test_a_link_to_a_version_manager_starts_what_that_selects(manager: str, world: World) -> None:
    (world.bin / "python").symlink_to(binary(world.work / manager))
    assert world.reason("python", "x.py") == f"{manager} selects it at the start"


def test_a_link_called_python_to_another_program_is_no_interpreter(world: World) -> None:
    (world.bin / "python").symlink_to(binary(world.work / "other"))
    assert not world.follow("python", "-c", "pass").is_python


@pytest.mark.parametrize("words", ["python x", "--args /opt/venv/bin/python3.11", "train.py -o 1"])
def test_an_unknown_program_that_is_given_python_may_start_it(words: str, world: World) -> None:
    binary(world.bin / "a-profiler")
    reason = "envprint does not know what a-profiler starts"
    assert world.reason("a-profiler", *words.split()) == reason


SHIM = (
    '#!/usr/bin/env bash\nset -e\nprogram="${{0##*/}}"\n\nexport PYENV_ROOT="{root}"\n'
    'exec "{root}/libexec/pyenv" exec "$program" "$@"\n'
)


@pytest.fixture
def pyenv(world: World) -> Path:
    """A root of pyenv with shims on PATH and three versions, as links to one interpreter."""
    root = world.home / ".pyenv"
    for version in ("3.9.18", "3.11.7", "3.11.12", "my-env"):
        folder = root / "versions" / version / "bin"
        folder.mkdir(parents=True)
        (folder / "python").symlink_to(os.path.realpath(sys.executable))
    executable(root / "versions" / "3.9.18" / "bin" / "tool", "#!" + str(folder / "python"))
    for name in ("python", "tool"):
        executable(root / "shims" / name, SHIM.format(root=root))
    world.variables["PATH"] = f"{root}/shims:{world.variables['PATH']}"
    (root / "version").write_text("3.9.18\n")
    return root


def test_a_shim_of_pyenv_leads_to_the_version_that_is_selected(world: World, pyenv: Path) -> None:
    def version(*argv: str, **variables: str) -> str:
        found = world.python(*argv, **variables)
        assert found is not None
        return Path(found).relative_to(pyenv / "versions").parts[0]

    assert version("python") == "3.9.18"
    (world.work.parent / ".python-version").write_text("# pinned\n\n3.11\n")
    assert version("python") == "3.11.12"
    assert version("python", PYENV_VERSION="my-env") == "my-env"
    assert version("python", PYENV_VERSION="python-3.11.7:3.9.18") == "3.11.7"
    assert version("python", PYENV_VERSION="2.7:3.9.18") == "3.9.18"
    # The script of one version starts the interpreter of its own first line.
    assert version("tool", PYENV_VERSION="3.9.18") == "my-env"
    binary(world.bin / "pyenv")
    assert version("pyenv", "exec", "python", "x.py") == "3.11.12"


def test_the_system_version_of_pyenv_is_the_next_on_path(
    world: World, pyenv: Path, plain: Path
) -> None:
    path = f"{pyenv}/shims:{plain}/bin"
    python = str(plain / "bin" / "python")
    assert world.python("python", PYENV_VERSION="system", PATH=path) == python
    assert "no selected version of pyenv has tool" in world.reason("tool", PYENV_VERSION="3.11")


def test_the_steps_say_how_it_was_found(world: World, plain: Path) -> None:
    executable(plain / "bin" / "torchrun", f"#!{plain}/bin/python\n")
    started = world.follow("nice", "-n", "1", "torchrun", PATH=f"{plain}/bin:/usr/bin")
    assert started.steps == (
        "nice → /usr/bin/nice (found on PATH)",
        "nice → torchrun (what it is given to start)",
        f"torchrun → {plain}/bin/torchrun (found on PATH)",
        f"torchrun → {plain}/bin/python (its first line)",
    )


def test_an_unset_path_is_that_of_the_system() -> None:
    assert follow(["ls"], {}, "/").reason == "ls is no Python"
