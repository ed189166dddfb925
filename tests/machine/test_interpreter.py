"""The text that runs in other interpreters, run in every one that is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
import warnings
from pathlib import Path
from shutil import which

import pytest

from envprint.core.errors import InterpreterError
from envprint.machine import interpreter
from envprint.machine.hash_seed import hash_seed
from envprint.machine.live import LiveHost
from tests.builders.interpreter import observe

MINORS = [f"3.{minor}" for minor in range(6, 16)]


def _pyenv_roots() -> list[Path]:
    roots = [os.environ.get("PYENV_ROOT"), "~/.pyenv"]
    if which("pyenv"):
        done = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
        roots.append(done.stdout.strip())
    return [Path(root).expanduser() for root in roots if root]


def _found() -> list[str]:
    """One interpreter per place, links followed, this one included."""
    paths = [which(f"python{minor}") for minor in MINORS]
    for root in _pyenv_roots():
        paths += [str(python) for python in root.glob("versions/3.*/bin/python")]
    real = {str(Path(path).resolve()) for path in paths if path and "shims" not in path}
    return sorted(real | {str(Path(sys.executable).resolve())})


FOUND = _found()
SOURCE = Path(interpreter.__file__).read_text("utf-8") + "\nprint_description()\n"


def _described(python: str, *options: str, **variables: str) -> dict[str, object]:
    inherited = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
    done = subprocess.run(
        [python, *options, "-c", SOURCE],
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    described: dict[str, object] = json.loads(done.stdout.rpartition(interpreter.MARK)[2])
    return described


@pytest.mark.skipif(len(FOUND) < 2, reason="this machine has only one Python interpreter")
def test_there_is_another_interpreter_to_try() -> None:
    assert len(FOUND) >= 2


@pytest.mark.parametrize("python", FOUND)
def test_every_interpreter_describes_itself_in_the_same_words(python: str) -> None:
    here, there = interpreter.describe(), _described(python)
    assert there.keys() == here.keys()
    assert {name: type(value) for name, value in there.items() if value is not None} == {
        name: type(value) for name, value in here.items() if value is not None
    }
    assert there["switches"] == {}
    assert there["imported"] == []


@pytest.mark.parametrize("python", FOUND)
@pytest.mark.parametrize(
    ("options", "variables", "seed"),
    [
        ((), {"PYTHONHASHSEED": "0"}, "0"),
        ((), {"PYTHONHASHSEED": "7"}, "7"),
        ((), {"PYTHONHASHSEED": "4294967295"}, "4294967295"),
        ((), {"PYTHONHASHSEED": "random"}, "random"),
        ((), {}, "random"),
        (("-E",), {"PYTHONHASHSEED": "7"}, "random"),
    ],
)
def test_the_hash_seed_is_seen_in_the_hash(
    python: str, options: tuple[str, ...], variables: dict[str, str], seed: str
) -> None:
    assert hash_seed(_described(python, *options, **variables), [variables]) == seed


def test_another_interpreter_is_seen_through_a_live_host() -> None:
    described = LiveHost(FOUND[0]).interpreter()
    assert Path(described["executable"]).resolve() == Path(FOUND[0])


def test_flags_are_flags_and_not_the_sizes_of_their_tuple() -> None:
    flags = interpreter.describe()["flags"]
    assert isinstance(flags, dict)
    assert "optimize" in flags
    assert not [name for name in flags if name.startswith("n_")]


def test_the_scripts_directory_is_not_part_of_the_search_path(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SOURCE, "utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    described = json.loads(done.stdout.rpartition(interpreter.MARK)[2])
    assert str(tmp_path) not in described["path"]


def test_a_working_directory_that_is_gone_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert interpreter.describe()["path"]


def _load(monkeypatch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def _space(**members: object) -> types.SimpleNamespace:
    return types.SimpleNamespace(**members)


def _switches() -> object:
    return interpreter.describe()["switches"]


def test_switches_are_those_of_loaded_frameworks(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = _space(matmul=_space(fp32_precision="none", allow_tf32=False))
    cudnn = _space(benchmark=True, deterministic=False, allow_tf32=True)
    _load(
        monkeypatch,
        "torch",
        are_deterministic_algorithms_enabled=lambda: True,
        backends=_space(cuda=cuda, cudnn=cudnn),
        get_float32_matmul_precision=lambda: "high",
        get_num_threads=lambda: 4,
    )
    assert _switches() == {
        "torch-deterministic-algorithms": {
            "value": "on",
            "source": "torch.are_deterministic_algorithms_enabled()",
        },
        "torch-cudnn-benchmark": {"value": "on", "source": "torch.backends.cudnn.benchmark"},
        "torch-cudnn-deterministic": {
            "value": "off",
            "source": "torch.backends.cudnn.deterministic",
        },
        "torch-matmul-tf32": {
            "value": "off",
            "source": "torch.backends.cuda.matmul.fp32_precision",
        },
        # An older name answers where the newer one is not there.
        "torch-cudnn-tf32": {"value": "on", "source": "torch.backends.cudnn.allow_tf32"},
        "torch-float32-matmul-precision": {
            "value": "high",
            "source": "torch.get_float32_matmul_precision()",
        },
        "torch-threads": {"value": "4", "source": "torch.get_num_threads()"},
    }


def test_reductions_and_ways_of_attention_are_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    matmul = _space(
        allow_fp16_reduced_precision_reduction=False, allow_bf16_reduced_precision_reduction=True
    )
    ways = {"flash_sdp_enabled": True, "mem_efficient_sdp_enabled": False, "math_sdp_enabled": True}
    answers = {name: (lambda value=value: value) for name, value in ways.items()}
    _load(monkeypatch, "torch", backends=_space(cuda=_space(matmul=matmul, **answers)))
    switches = interpreter.describe()["switches"]
    assert isinstance(switches, dict)
    assert {name: (told["value"], told["source"]) for name, told in switches.items()} == {
        "torch-cublas-fp16-reduction": (
            "off",
            "torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction",
        ),
        "torch-cublas-bf16-reduction": (
            "on",
            "torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction",
        ),
        "torch-flash-attention": ("on", "torch.backends.cuda.flash_sdp_enabled()"),
        "torch-memory-efficient-attention": (
            "off",
            "torch.backends.cuda.mem_efficient_sdp_enabled()",
        ),
        "torch-math-attention": ("on", "torch.backends.cuda.math_sdp_enabled()"),
    }


def test_a_framework_that_refuses_to_tell_is_an_error_and_not_a_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> str:
        raise RuntimeError("a mix of old and new settings\nC++ stack: …")

    _load(monkeypatch, "torch", get_float32_matmul_precision=refuse)
    assert _switches() == {
        "torch-float32-matmul-precision": {
            "error": "a mix of old and new settings",
            "source": "torch.get_float32_matmul_precision()",
        }
    }


def test_asking_warns_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def warn() -> str:
        warnings.warn("deprecated", UserWarning, stacklevel=2)
        return "highest"

    _load(monkeypatch, "torch", get_float32_matmul_precision=warn)
    assert isinstance(_switches(), dict)


def test_settings_left_to_themselves_and_odd_stubs_are_no_switches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _load(monkeypatch, "jax", config=_space(jax_default_matmul_precision=None))
    _load(monkeypatch, "tensorflow.python.eager.context", _context=None)
    _load(monkeypatch, "torch", get_num_threads=object)
    monkeypatch.setitem(sys.modules, "keras", None)
    assert _switches() == {}


def test_keras_policy_is_floatx_until_one_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    state = _space()
    _load(monkeypatch, "keras.src.backend.common.global_state", GLOBAL_STATE_TRACKER=state)
    config = _space(floatx=lambda: "float32", backend=lambda: "jax")
    _load(monkeypatch, "keras", config=config)
    switches = interpreter.describe()["switches"]
    assert isinstance(switches, dict)
    assert switches["keras-dtype-policy"]["value"] == "float32"
    assert vars(state) == {}, "asking must not fix the policy"
    state.dtype_policy = _space(name="mixed_float16")
    switches = interpreter.describe()["switches"]
    assert isinstance(switches, dict)
    assert switches["keras-dtype-policy"]["value"] == "mixed_float16"


@pytest.mark.parametrize(
    "hook",
    [
        "print('x' * 3_000_000)",
        "import atexit; atexit.register(print, 'bye')",
        "import atexit, time; atexit.register(time.sleep, 1000)",
        "import sys; sys.stdout = None",
        "import sys; sys.path += [None, b'x', 5, 'relative']",
    ],
)
def test_start_up_hooks_of_an_observed_interpreter_do_not_disturb(
    hook: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(hook)
    script = f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"'
    assert observe(tmp_path, script)["version"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "expected Python 3.6 or later, it ended with 3"),
        ("head -c 3000000 /dev/zero", "expected Python 3.6 or later, it ended with 0"),
        (r"printf '\002envprint\003{'", "not understood"),
        (r"printf '\002envprint\003[1]'", "not understood"),
    ],
)
def test_what_is_no_interpreter_is_refused(script: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=message):
        observe(tmp_path, script)
