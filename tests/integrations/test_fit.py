"""What adapters do at the start and the end of a training, without a framework."""

from __future__ import annotations

import copy
import json
import pickle
import random
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import envprint
import envprint.integrations.keras
from envprint.fleet.place import is_chief
from envprint.integrations._fit import Fit, Options
from envprint.knowledge import launchers
from tests.builders.environments import put_framework

LAST = "LD_PRELOD is set, LD_PRELOAD was probably meant"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No launcher around this process; draws of a test are its own."""
    for name in (
        *launchers.names(*launchers.OF_ONE_PROCESS, *launchers.SIZES),
        "TF_CONFIG",
        "TF_USE_LEGACY_KERAS",
    ):
        monkeypatch.delenv(name, raising=False)
    state = random.getstate()
    yield
    random.setstate(state)


@pytest.fixture
def with_numpy(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy is installed, whether it is here or not."""
    monkeypatch.syspath_prepend(put_framework(tmp_path_factory.mktemp("installed"), "numpy"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_training_has_two_documents_and_none_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "checkpoints"
    fit = Fit(folder, Options(label="mine"))
    for _ in range(2):
        fit.begin()
        fit.finish()
    Fit(folder, Options()).begin()
    assert names(folder) == [
        "fingerprint-001-end.json",
        "fingerprint-001-start.json",
        "fingerprint-002-end.json",
        "fingerprint-002-start.json",
        "fingerprint-003-start.json",
    ]
    kept = envprint.load(folder / "fingerprint-002-end.json")
    assert kept == fit.end
    assert (kept.label, kept.tags) == ("mine", {"fit": "002", "moment": "end"})
    assert kept.captured_via == "python"


@pytest.mark.usefixtures("with_numpy")
def test_a_start_that_is_not_as_the_baseline_stops_the_training_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = envprint.capture()
    monkeypatch.setenv("LD_PRELOD", "0")
    fit = Fit(tmp_path, Options(baseline=baseline, fail_on="numeric", frameworks=["numpy"]))
    with pytest.raises(envprint.DriftError) as caught:
        fit.begin()
    lines = str(caught.value).splitlines()
    told = f"the training did not start: numeric: {LAST} (environ-name-misspelt); do: "
    assert lines[0].startswith(f"{told}unset LD_PRELOD")
    assert lines[-1] == f"captured in {tmp_path}/fingerprint-001-start.json"
    assert "environ-name-misspelt" in [f.rule for f in caught.value.report.findings]
    assert names(tmp_path) == ["fingerprint-001-start.json"]


def test_without_a_baseline_a_threshold_judges_the_state_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOD", "0")
    Fit(tmp_path, Options()).begin()
    with pytest.raises(envprint.DriftError, match="misspelt"):
        Fit(tmp_path, Options(fail_on="numeric")).begin()


@pytest.mark.parametrize(
    "mistake", [{"device": "cuda"}, {"frameworks": ["caffe"]}, {"fail_on": "loud"}]
)
def test_a_mistake_in_the_options_is_told_when_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: dict[str, Any]
) -> None:
    keras(monkeypatch)
    with pytest.raises(envprint.EnvprintError, match=r"known: |name what trains: "):
        envprint.integrations.keras.Fingerprint(tmp_path, **mistake)


@pytest.mark.usefixtures("with_numpy")
def test_frameworks_that_can_be_read_once_count_at_the_start_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = Fit(tmp_path, Options(fail_on="breaks", frameworks=iter(["numpy"])))
    fit.begin()
    # Nothing to NumPy, but much to TensorFlow, which may be installed here.
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.finish()


def test_what_changed_meanwhile_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = Fit(tmp_path, Options())
    fit.begin()
    monkeypatch.setenv("LD_PRELOD", "0")
    with pytest.warns(UserWarning, match="changed during training: LD_PRELOD is set") as told:
        fit.finish()
    assert "fingerprint-001-end.json" in str(told[0].message)


def test_a_start_below_the_threshold_is_a_warning_and_the_training_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOD", "0")
    fit = Fit(tmp_path, Options(fail_on="breaks"))
    with pytest.warns(envprint.DriftWarning, match="environ-name-misspelt") as told:
        fit.begin()
    assert told[0].filename == __file__
    assert fit.start is not None


def test_where_warnings_are_errors_a_trained_model_is_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = Fit(tmp_path, Options())
    fit.begin()
    monkeypatch.setenv("LD_PRELOD", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.finish()
    assert "changed during training: LD_PRELOD is set" in capsys.readouterr().err
    assert names(tmp_path)[0] == "fingerprint-001-end.json"


def test_a_training_moves_generators_and_nobody_is_warned_of_that(tmp_path: Path) -> None:
    fit = Fit(tmp_path, Options())
    fit.begin()
    random.random()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.finish()
    assert fit.start and fit.end
    assert fit.start.live["random"] != fit.end.live["random"]


def test_other_processes_of_the_training_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    fit = Fit(tmp_path, Options(baseline="/nope.json"))
    fit.begin()
    fit.finish()
    assert (names(tmp_path), fit.start, fit.end) == ([], None, None)
    Fit(tmp_path, Options(chief=True)).begin()
    assert names(tmp_path) == ["fingerprint-001-start.json"]
    monkeypatch.delenv("RANK")
    Fit(tmp_path, Options(chief=False)).begin()
    assert len(names(tmp_path)) == 1


BEGIN = """
import sys, time
from envprint.integrations._fit import Fit, Options
sys.stdin.readline()
Fit(sys.argv[1], Options(chief=True)).begin()
"""


def test_trainings_that_begin_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    """By hand or by a launcher that nobody knows: no document is replaced."""
    command = [sys.executable, "-c", BEGIN, str(tmp_path / "checkpoints")]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(4)]
    for one in started:
        assert one.stdin
        one.stdin.write(b"go\n")
        one.stdin.flush()
    assert [one.wait(60) for one in started] == [0] * 4
    for one in started:
        assert one.stdin
        one.stdin.close()
    found = names(tmp_path / "checkpoints")
    assert found == [f"fingerprint-00{number}-start.json" for number in (1, 2, 3, 4)]
    for number, name in enumerate(found, 1):
        assert envprint.load(tmp_path / "checkpoints" / name).tags["fit"] == f"00{number}"


def test_a_number_that_another_one_took_meanwhile_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fingerprint-001-start.json").write_text("of another training")
    monkeypatch.setattr(Fit, "_next_number", lambda fit: 1)
    for place in (str(tmp_path), "memory://numbers"):
        first, second = Fit(place, Options()), Fit(place, Options())
        first.begin()
        second.begin()
        assert first.start and second.start
        assert int(second.start.tags["fit"]) == int(first.start.tags["fit"]) + 1
    assert (tmp_path / "fingerprint-001-start.json").read_text() == "of another training"


def test_a_place_that_cannot_be_written_ends_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(envprint.EnvprintError, match="file"):
        Fit(tmp_path / "file", Options()).begin()


def test_a_place_that_has_gone_meanwhile_costs_no_trained_model(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    fit = Fit(folder, Options())
    fit.begin()
    (folder / "fingerprint-001-start.json").unlink()
    folder.rmdir()
    folder.touch()
    with pytest.warns(UserWarning, match="cannot write .*fingerprint-001-end.json"):
        fit.finish()


WORKERS = {"worker": ["a:1", "b:1"]}


def task(kind: str, index: int, **others: object) -> str:
    return json.dumps({"cluster": {**WORKERS, **others}, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("variables", "chief"),
    [
        ({}, True),
        ({"TF_CONFIG": task("worker", 0)}, True),
        ({"TF_CONFIG": task("worker", 1)}, False),
        ({"TF_CONFIG": task("worker", 0, chief=["c:1"])}, False),
        ({"TF_CONFIG": task("chief", 0, chief=["c:1"])}, True),
        ({"TF_CONFIG": task("evaluator", 0)}, False),
        ({"TF_CONFIG": "{}", "RANK": "0"}, True),
        ({"TF_CONFIG": "not json", "RANK": "3"}, False),
        ({"TF_CONFIG": "[]"}, True),
        ({"HOROVOD_RANK": "2"}, False),
        ({"OMPI_COMM_WORLD_RANK": "1"}, False),
        ({"MV2_COMM_WORLD_RANK": "1"}, False),
        ({"PMI_RANK": "1"}, False),
        ({"PMIX_RANK": "1"}, False),
        ({"PALS_RANKID": "1"}, False),
        ({"JSM_NAMESPACE_RANK": "1"}, False),
        ({"FLUX_TASK_RANK": "1"}, False),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, False),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
        # A batch script has the number 0, whoever it starts.
        ({"SLURM_PROCID": "0", "PMIX_RANK": "1"}, False),
        ({"SLURM_PROCID": "0", "LOCAL_RANK": "1", "NODE_RANK": "0"}, False),
        # The GPU that a single process is to use, by the name of its number.
        ({"RANK": "0", "LOCAL_RANK": "3"}, True),
        ({"RANK": "first"}, True),
    ],
)
def test_the_chief_is_told_by_variables(variables: dict[str, str], chief: bool) -> None:
    assert is_chief(variables) == chief


def test_a_framework_that_runs_distributed_knows_better(monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = types.ModuleType("torch.distributed")
    torch.is_available, torch.is_initialized, torch.get_rank = (lambda: True, lambda: True, int)
    torch.get_world_size = lambda: 2
    monkeypatch.setitem(sys.modules, "torch.distributed", torch)
    assert is_chief({"RANK": "1"})
    torch.is_initialized = lambda: False
    jax: Any = types.ModuleType("jax._src.distributed")
    jax.global_state = types.SimpleNamespace(
        client=object(), process_id=2, num_processes=4, coordinator_address="a:1"
    )
    monkeypatch.setitem(sys.modules, "jax._src.distributed", jax)
    assert not is_chief({})
    jax.global_state.client = None
    assert is_chief({})


def keras(monkeypatch: pytest.MonkeyPatch, name: str = "keras") -> Any:
    """A Keras that has callbacks and nothing else."""
    module: Any = types.ModuleType(name)
    module.callbacks = types.SimpleNamespace(Callback=type("Callback", (), {}))
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_the_callback_is_one_of_the_keras_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = keras(monkeypatch)
    made = envprint.integrations.keras.Fingerprint(tmp_path, label="mine")
    assert isinstance(made, module.callbacks.Callback)
    assert type(made) is envprint.integrations.keras.Fingerprint
    made.on_train_begin()
    assert made.start.label == "mine"
    assert made.end is None
    made.on_train_end(logs={"loss": 0.5})
    assert made.end.tags["moment"] == "end"
    for twin in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(twin) is type(made)


def test_the_older_keras_is_taken_where_it_is_the_one_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    legacy = keras(monkeypatch, "tf_keras")
    assert issubclass(envprint.integrations.keras.Fingerprint, legacy.callbacks.Callback)
    newer = keras(monkeypatch)
    assert issubclass(envprint.integrations.keras.Fingerprint, newer.callbacks.Callback)
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    assert issubclass(envprint.integrations.keras.Fingerprint, legacy.callbacks.Callback)


def test_an_adapter_is_found_by_its_framework_and_no_other_name() -> None:
    script = (
        "import envprint; envprint.integrations.keras; import sys; print('keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"False\n"
    with pytest.raises(AttributeError, match="no attribute 'chainer'"):
        envprint.integrations.chainer  # noqa: B018  the access is the test


def test_the_module_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Finger'"):
        envprint.integrations.keras.Finger  # noqa: B018  the access is the test
