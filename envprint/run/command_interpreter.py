"""Which Python interpreter a command starts, as far as files tell.

The words are followed as the system would follow them: PATH, the first line of a script, programs
that start another one. Nothing is executed to find out, and nothing is guessed: a command that
cannot be followed to its end is not known, with the reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from envprint.core.typed import NamedTuple
from envprint.knowledge import Entry
from envprint.machine import pyenv
from envprint.run.command_options import NotKnown, Parsed, module_tool, parse, tool
from envprint.run.managed_environments import enter
from envprint.run.program_files import (
    ELF,
    Call,
    find,
    head,
    is_interpreter,
    may_be_python,
    search,
    shebang,
    trampoline,
)

MAX_STEPS = 24
"""More programs that start one another than any real command has."""
ANY = "a shell script may start any"
_SETS_PATH = re.compile(r"(?:^|[,;\s])PATH=")
_MODULE_OPTION = "-m"


class Started(NamedTuple):
    """The interpreter that a command starts, or why it is not known."""

    python: str | None
    """Its path, links not followed: that of an environment is a link."""
    reason: str | None
    """Why it is not known; None if it is, and if the command cannot be started at all."""
    steps: tuple[str, ...]
    """How it was found, a line each."""
    is_python: bool = True
    """False if the command is another program, which starts no interpreter that envprint knows."""
    variables: Mapping[str, str] = {}
    """What the interpreter is started with, if it is known; `env` may have changed them."""


class _NotPython(Exception):
    """The command ends at a program that is neither an interpreter nor known to start one."""


class _NotThere(Exception):
    """The command itself cannot be started, which its start will report."""


class _Next(NamedTuple):
    """What a program starts, and how that is known."""

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    directory: str
    why: str


def follow(argv: Sequence[str], variables: Mapping[str, str], directory: str) -> Started:
    """The interpreter that `argv` starts with these variables in this working directory."""
    steps: list[str] = []
    now = _Next(tuple(argv), variables, directory, "")
    try:
        for _ in range(MAX_STEPS):
            call = _found(now, is_first=not steps)
            if "/" not in now.argv[0]:
                steps.append(f"{now.argv[0]} → {call.path} (found on PATH)")
            following = _step(call)
            if following is None:
                return Started(call.path, None, tuple(steps), variables=call.variables)
            steps.append(f"{os.path.basename(now.argv[0])} → {following.argv[0]} ({following.why})")
            now = following
    except NotKnown as error:
        return Started(None, str(error), tuple(steps))
    except _NotPython as error:
        return Started(None, str(error), tuple(steps), is_python=False)
    except _NotThere:
        return Started(None, None, tuple(steps))
    return Started(None, "its programs start one another in a circle", tuple(steps))


def _found(now: _Next, *, is_first: bool) -> Call:
    """The program of a step with its file. Raises `NotKnown` and `_NotThere`."""
    name = now.argv[0]
    path = find(name, now.variables, now.directory) if name else None
    if path is None:
        if is_first:
            raise _NotThere
        where = "the program does not exist" if "/" in name else "it is not on PATH"
        raise NotKnown(f"{name!r} cannot be started: {where}")
    return Call(now.argv, path, now.variables, now.directory)


def _step(call: Call) -> _Next | None:
    """What the program starts; None if it is the interpreter that the command ends with."""
    content = head(call.path)
    if is_interpreter(call.path, content):
        return _from_interpreter(call)
    entry = tool(os.path.basename(call.argv[0]))
    if entry is not None and _is_of(entry, content):
        return _from_tool(entry, call, call.argv[1:])
    target = tool(os.path.basename(os.path.realpath(call.path)))
    if target is not None and "links" in target:
        raise NotKnown(f"{target['programs'][0]} selects it at the start")
    if root := pyenv.shim_root(content):
        return _from_pyenv(root, call, os.path.basename(call.argv[0]), call.argv[1:])
    return _from_script(call, content)


def _is_of(entry: Entry, content: bytes) -> bool:
    """Whether a file with this beginning is the program of the table, not a script of its name."""
    if entry["starts"] == "itself":  # its first line names the interpreter that it starts
        return False
    line = shebang(content)
    if line is None:
        return content.startswith(ELF)
    return "modules" in entry or "python" not in f"{line.program} {line.argument}"


def _from_script(call: Call, content: bytes) -> _Next:
    if content.startswith(ELF):
        raise _end(call)
    line = shebang(content)
    if line is None:
        raise NotKnown(ANY)
    words = trampoline(call.path, content) if _is_shell(line.program) else None
    if words is not None:
        return _starting(call, words, "its second line")
    # The kernel finds a relative path from the working directory: not on PATH, not by the script.
    program = line.program if "/" in line.program else f"./{line.program}"
    if find(program, {}, call.directory) is None:
        raise NotKnown(f"its first line names {line.program!r}, which cannot be started")
    return _starting(call, [program, *filter(None, [line.argument])], "its first line")


def _end(call: Call) -> Exception:
    """What to raise for a program that is no interpreter and that the table does not have.

    One that is given an interpreter or a file of Python may start it.
    """
    name = os.path.basename(call.path)
    if any(may_be_python(word) for word in call.argv[1:]):
        return NotKnown(f"envprint does not know what {name} starts")
    return _NotPython(f"{name} is no Python")


def _starting(call: Call, words: Sequence[str], why: str) -> _Next:
    """The interpreter of a script, with the script and its arguments."""
    return _Next((*words, call.path, *call.argv[1:]), call.variables, call.directory, why)


def _is_shell(program: str) -> bool:
    entry = tool(os.path.basename(program))
    return entry is not None and entry.get("reason") == ANY


def _from_interpreter(call: Call) -> _Next | None:
    """What `python -m torch.distributed.run` and its kind start; None for any other program."""
    name, words = _python_program(call.argv[1:])
    is_module = name.startswith(f"{_MODULE_OPTION} ")
    entry = module_tool(name[3:]) if is_module else tool(os.path.basename(name))
    if entry is None or "modules" not in entry:
        return None
    return _from_tool(entry, call, words)


def _python_program(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """`-m MODULE` or the script among an interpreter's words, and what follows; else "".

    https://docs.python.org/3/using/cmdline.html#interface-options
    """
    place = 0
    while place < len(words):
        word = words[place]
        if word == "--check-hash-based-pycs":
            place += 2
        elif word.startswith("--") or word == "-":
            place += 1
        elif not word.startswith("-"):
            return word, tuple(words[place + 1 :])
        else:
            found = re.match(r"-[^cmWX]*([cmWX])(.*)", word, re.DOTALL)
            takes_next = found is not None and not found[2]
            value = words[place + 1 : place + 2] if takes_next else [found[2] if found else ""]
            place += 2 if takes_next else 1
            if found and found[1] == "m":
                return f"{_MODULE_OPTION} {''.join(value)}", tuple(words[place:])
            if found and found[1] == "c":
                return "", ()
    return "", ()


def _from_tool(entry: Entry, call: Call, words: Sequence[str]) -> _Next | None:
    """What a program of the table starts with these words."""
    kind = entry["starts"]
    if kind == "unknown":
        raise NotKnown(entry["reason"])
    if kind == "itself":
        return _from_launcher(entry, call, words)
    parsed = parse(entry, words)
    call = call._replace(directory=_directory(call, parsed))
    if kind == "env":
        return _from_env(call, parsed)
    values = [value for option in parsed.options for value in option.values]
    # Of MPI's options with a name and a value apart, the name stands alone.
    if any(value == "PATH" or _SETS_PATH.search(value) for value in values):
        raise NotKnown("one of its options sets PATH")
    if not parsed.rest:
        raise NotKnown(f"{entry['programs'][0]} has no command")
    if kind == "pyenv":
        root = pyenv.root_of(call.variables)
        return _from_pyenv(root, call, parsed.rest[0], parsed.rest[1:])
    if kind == "command":
        return _from_wrapper(entry, call, parsed)
    return _from_manager(kind, call, parsed)


def _from_wrapper(entry: Entry, call: Call, parsed: Parsed) -> _Next:
    if ":" in parsed.rest and entry.get("style") == "dashes":
        raise NotKnown("it starts several programs")
    return _Next(parsed.rest, call.variables, call.directory, "what it is given to start")


def _directory(call: Call, parsed: Parsed) -> str:
    values = [option.values[-1] for option in parsed.options if option.is_directory]
    return os.path.normpath(os.path.join(call.directory, *values))


def _from_launcher(entry: Entry, call: Call, words: Sequence[str]) -> _Next | None:
    """A launcher of Python programs starts them with its own interpreter, unless it is told not to.

    https://github.com/pytorch/pytorch/blob/main/torch/distributed/run.py, config_from_args
    """
    named = call.variables.get(entry.get("variable", "")) or None
    if not any(word.replace("_", "-").startswith("--no-p") for word in words):
        if named is None:
            return None
        return _Next((named,), call.variables, call.directory, f"the variable {entry['variable']}")
    parsed = parse(entry, words)
    if not parsed.has("--no-python"):
        return None
    if not parsed.rest:
        raise NotKnown(f"{entry['programs'][0]} has no command")
    return _Next(parsed.rest, call.variables, call.directory, "started without its interpreter")


def _from_env(call: Call, parsed: Parsed) -> _Next:
    """https://www.gnu.org/software/coreutils/manual/html_node/env-invocation.html."""
    variables = dict(call.variables)
    words = list(parsed.rest)
    for option in parsed.options:
        if option.name in ("-", "-i", "--ignore-environment"):
            variables = {}
        elif option.name in ("-u", "--unset"):
            variables.pop(option.values[0], None)
        elif option.name in ("-S", "--split-string"):
            # Its words stand where the option stood, and may be options themselves.
            split = _split(option.values[0], variables)
            argv = (call.path, *split, *words)
            return _Next(argv, variables, call.directory, "with the words of its option -S")
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    if not words:
        raise NotKnown("env has no command")
    return _Next(tuple(words), variables, call.directory, "what it is given to start")


def _split(text: str, variables: Mapping[str, str]) -> list[str]:
    """The words of `env -S`, in which `${NAME}` is a variable. Raises `NotKnown`."""
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        raise NotKnown("the text of its option -S cannot be parsed") from None
    return [re.sub(r"\$\{(\w+)\}", lambda m: variables.get(m[1], ""), word) for word in words]


def _from_manager(kind: str, call: Call, parsed: Parsed) -> _Next:
    """A command in an environment: its directory of programs stands first on PATH."""
    prefix, argv = enter(kind, call, parsed)
    path = call.variables.get("PATH", "")
    name = "CONDA_PREFIX" if kind in ("conda", "pixi") else "VIRTUAL_ENV"
    variables = {
        **call.variables,
        "PATH": f"{os.path.join(prefix, 'bin')}:{path}",
        name: prefix,
    }
    return _Next(argv, variables, call.directory, f"in {prefix}")


def _from_pyenv(root: str, call: Call, name: str, words: Sequence[str]) -> _Next:
    """The program of a selected version of pyenv, or the next one on PATH that is no shim."""
    shims = os.path.join(root, "shims")
    selected = pyenv.folders(root, call.variables, call.directory)
    for folder in (*selected, None):  # where no version has it, PATH is searched
        if folder is None:
            places = search(name, call.variables, call.directory)
            candidates = [path for path in places if os.path.dirname(path) != shims]
        else:
            candidates = [os.path.join(folder, name)]
        for path in candidates:
            if find(path, {}, call.directory):
                return _Next((path, *words), call.variables, call.directory, "selected by pyenv")
    raise NotKnown(f"no selected version of pyenv has {name}")
