"""Imports in processes of their own, of libraries that fail, hang, crash, write and look around."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envprint.probes import imports
from envprint.probes.imports import Library, Plan
from tests.builders.environments import made_by_hand, packages_of

Try = Callable[..., dict[str, Any]]


@pytest.fixture
def tried(tmp_path: Path) -> Try:
    """A function that installs a module `made` with the given text and imports it."""
    place = made_by_hand(tmp_path / "env", "made==1.0")

    def run(text: str, *modules: str, is_guess: bool = False, **plan: Any) -> dict[str, Any]:
        (packages_of(place) / "made" / "__init__.py").write_text(textwrap.dedent(text))
        library = Library("made", "1.0", modules or ("made",), is_guess)
        settings = {"python": str(place / "bin" / "python"), "environ": os.environ, **plan}
        found: dict[str, Any] = imports.measure([library], Plan(**settings))["made"]
        return found

    return run


def has_ended(pid: int) -> bool:
    """Whether a process has ended, or does so within seconds of being killed."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def failure(found: dict[str, Any]) -> str:
    assert found["ok"] is False
    error: str = found["error"]
    return error


def test_what_can_be_imported_says_so(tried: Try) -> None:
    found = tried("")
    assert found.pop("seconds") < 60
    assert found == {"module": "made", "version": "1.0", "ok": True, "used": None, "error": None}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("raise ImportError('libcudart.so.12: no such file')", "ImportError: libcudart.so.12: no"),
        ("import no_such_module_here", "ModuleNotFoundError: No module named 'no_such_module"),
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class Own(BaseException): pass\nraise Own('one\\ntwo')", "Own: one two"),
        ("import os; os._exit(3)", "it ended with exit code 3"),
        ("import os; os._exit(0)", "it ended with exit code 0"),
        ("import os; os.write(2, b'a\\nbad table\\n'); os._exit(3)", "code 3: bad table"),
        ("import ctypes; ctypes.string_at(0)", "it was ended by SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "it was ended by SIGILL"),
        ("import os, signal; os.kill(os.getpid(), 40)", "it was ended by signal 40"),
        ("syntax error here", "SyntaxError: invalid syntax"),
    ],
)
def test_each_way_to_fail_is_a_failure_with_its_words(tried: Try, text: str, error: str) -> None:
    assert error in failure(tried(text))


def test_of_a_message_with_a_traceback_the_last_error_is_told(tried: Try) -> None:
    found = tried("""
        raise ImportError('''Traceback (most recent call last):
          File "a.py", line 1, in <module>
        ImportError: libcublas.so.12: cannot open shared object file


        Failed to load the native runtime.
        If you need help, create an issue''')
    """)
    assert failure(found) == (
        "ImportError: ImportError: libcublas.so.12: cannot open shared object file"
    )


def test_an_endless_import_is_unknown_and_ended(tried: Try, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = f"import os\nopen({str(note)!r}, 'w').write(str(os.getpid()))\nwhile True: pass"
    found = tried(text, timeout_s=2.0)
    assert (found["ok"], found["refused"]) == (None, "importing it took longer than 2 s")
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_what_an_import_leaves_running_is_ended(tried: Try, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    found = tried(f"""
        import subprocess
        left = subprocess.Popen(["sleep", "300"])
        open({str(note)!r}, "w").write(str(left.pid))
    """)
    assert found["ok"]
    assert has_ended(int(note.read_text()))


def test_huge_output_neither_hangs_nor_is_kept(tried: Try) -> None:
    text = """
        import os, sys
        for _ in range(300): print("x" * 100_000)
        print("y" * 1_000_000, file=sys.stderr)
    """
    assert tried(text)["ok"]
    found = tried(text + "    sys.stderr.flush(); os._exit(5)\n")
    assert len(failure(found)) <= imports.ERROR_LENGTH


def test_no_secret_in_an_error_is_told(tried: Try) -> None:
    token = "ghp_" + "0123456789abcdefghij" * 2
    found = tried(f"raise RuntimeError('no access for password=hunter2beef with {token}')")
    assert token not in failure(found)
    assert "hunter2beef" not in failure(found)
    assert "no access" in failure(found)
    found = tried(f"import os; os.write(2, b'token={token}\\n'); os.abort()")
    assert token not in failure(found)


def test_no_gpu_no_proxy_no_input_and_another_home(
    tried: Try, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.setenv("all_proxy", "http://proxy")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    text = f"""
        import os, sys
        assert not [name for name in os.environ if name.lower().endswith("_proxy")]
        assert sys.stdin.read() == ""
        assert "XDG_CACHE_HOME" not in os.environ
        home = os.path.expanduser("~")
        assert home not in ({str(tmp_path)!r}, "~") and os.listdir(home) == []
        assert os.path.samefile(os.getcwd(), home)
        open(os.path.join(home, "kept"), "w").close()
        raise Exception(os.environ.get("CUDA_VISIBLE_DEVICES"), home)
    """
    assert failure(tried(text)) == "Exception: ('-1', '~')"
    assert failure(tried(text, device="gpu")) == "Exception: (None, '~')"


def test_jax_keeps_its_platforms_where_there_is_no_device_to_stay_away_from(tried: Try) -> None:
    devices = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/accel0", "/dev/vfio/0")
    seen = "cpu" if any(Path(device).exists() for device in devices) else "cuda"
    environ = {**os.environ, "JAX_PLATFORMS": "cuda"}
    text = "import os; raise Exception(os.environ['JAX_PLATFORMS'])"
    assert failure(tried(text, environ=environ)) == f"Exception: {seen}"
    assert failure(tried(text)) == "Exception: cpu"


def test_nothing_is_written_into_the_environment(tried: Try, tmp_path: Path) -> None:
    (packages_of(tmp_path / "env") / "made" / "part.py").write_text("")
    assert tried("from made import part")["ok"]
    assert not list(packages_of(tmp_path / "env").rglob("__pycache__"))


def test_a_part_that_a_library_imports_late_shows_its_failure(tried: Try) -> None:
    text = """
        def __getattr__(name):
            if name == "Trainer":
                raise RuntimeError("numpy.dtype size changed")
            raise AttributeError(f"module {__name__} has no attribute {name}")
    """
    assert failure(tried(text, "made", "made:Trainer")) == "RuntimeError: numpy.dtype size changed"
    assert tried(text, "made", "made:Other")["ok"]


def test_a_part_that_this_version_lacks_is_no_failure(tried: Try) -> None:
    assert tried("", "made", "made.linear", "made:layers.dense")["ok"]
    assert "no module named 'made2'" in failure(tried("", "made2")).lower()


def test_an_error_inside_a_part_is_a_failure(tried: Try, tmp_path: Path) -> None:
    module = packages_of(tmp_path / "env") / "made" / "linear.py"
    module.write_text("import made.gone")
    assert failure(tried("", "made", "made.linear")) == (
        "ModuleNotFoundError: No module named 'made.gone'"
    )
    module.write_text("import sys\nsys.no_such_name")
    assert "has no attribute 'no_such_name'" in failure(tried("", "made", "made.linear"))


def test_a_guessed_module_that_is_not_there_is_nothing_to_import(tried: Try) -> None:
    found = tried("", "made_up", is_guess=True)
    assert (found["module"], found["ok"], found["error"]) == (None, None, None)
    assert tried("import made_up", is_guess=True)["ok"] is False


def test_what_has_no_module_is_said_as_such() -> None:
    found = imports.measure([Library("intel-openmp", "2026.0", ())], Plan())
    assert found["intel-openmp"] == {
        "module": None,
        "version": "2026.0",
        "ok": None,
        "used": None,
        "error": None,
        "seconds": None,
    }


def used(place: Path, name: str, text: str, timeout_s: float = 60) -> dict[str, Any]:
    """What comes of a library for which a first use is known."""
    python = made_by_hand(place, f"{name}==1.0") / "bin" / "python"
    (packages_of(place) / name / "__init__.py").write_text(textwrap.dedent(text))
    plan = Plan(python=str(python), environ=os.environ, timeout_s=timeout_s)
    found: dict[str, Any] = imports.measure([Library(name, "1.0", (name,))], plan)[name]
    return found


@pytest.mark.parametrize(
    ("body", "ok", "error"),
    [
        ("return len", True, None),
        (
            'raise TypeError("check_array() got an unexpected argument")',
            False,
            "TypeError: check_array() got an unexpected argument",
        ),
        ("import ctypes; ctypes.string_at(0)", False, "it was ended by SIGSEGV"),
    ],
)
def test_what_can_be_imported_is_used_once(
    tmp_path: Path, body: str, ok: bool, error: str | None
) -> None:
    found = used(tmp_path / "env", "spacy", f"def blank(language): {body}")
    assert (found["ok"], found["used"], found["error"]) == (ok, ok, error)


def test_a_library_whose_import_fails_is_not_used(tmp_path: Path) -> None:
    found = used(tmp_path / "env", "spacy", "raise ImportError('gone')")
    assert (found["ok"], found["used"], found["error"]) == (False, None, "ImportError: gone")


def test_a_first_use_that_does_not_end_is_unknown(tmp_path: Path) -> None:
    text = "import time\ndef blank(language): time.sleep(600)"
    found = used(tmp_path / "env", "spacy", text, timeout_s=4)
    assert (found["ok"], found["refused"]) == (None, "its first use took longer than 4 s")


def test_a_first_use_that_this_version_does_not_have_is_no_failure(tmp_path: Path) -> None:
    found = used(tmp_path / "env", "spacy", "")
    assert (found["ok"], found["used"], found["error"]) == (True, None, None)


def test_an_interface_for_scikit_learn_is_not_used_without_it(tmp_path: Path) -> None:
    found = used(tmp_path / "env", "lightgbm", "")
    assert (found["ok"], found["used"]) == (True, None)
