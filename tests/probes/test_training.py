"""The probe `training` without a framework: its search, its text, its options, its data."""

from __future__ import annotations

import doctest
import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from envprint.cli import _probe_training, _progress_bar, main
from envprint.cli._console import Console
from envprint.cli._progress_bar import Progress
from envprint.collectors._runner import capture
from envprint.core.errors import EnvprintError
from envprint.documents.codec import dumps, loads
from envprint.documents.validate import faults
from envprint.machine.recorded import RecordedHost
from envprint.outputs.switch_search import explained, raw_search
from envprint.outputs.training import render
from envprint.probes import training
from envprint.probes.programs import _training as child
from envprint.probes.programs._child import inputs
from envprint.probes.smallest_switches import Search, everything, most_runs, search
from envprint.probes.snippets import in_one_call, lines_for
from envprint.probes.training import Run, Series, Switches, TrainingJob, raw, train
from tests.builders.last_resort import MACHINE

IN_FORCE = {"device": "cpu", "keras": "3.15.1", "op_determinism": "off", "threads": "2"}
ALL = everything(1)
Needs = Callable[[Switches, int], int | None]
"""After which step a machine's runs part with these switches; None for never."""


def series(
    switches: Switches = ALL,
    parted: int | None = None,
    runs: int = 2,
    job: TrainingJob | None = None,
    version: str = "2.21.0",
) -> Series:
    """Runs that part at a step, made up."""
    job = job or TrainingJob("python", "tensorflow")
    step = math.inf if parted is None else parted
    of_runs = []
    for number in range(runs):
        off = 0.0 if parted is None else number / 64
        weights = [f"{at:02}" if at < step else f"{at:02} {number}" for at in range(job.steps + 1)]
        of_runs.append(Run(0.125 + off, 0.96875, 0.75 - off, 0.8125, 2.5, tuple(weights)))
    return Series(job, switches, version, IN_FORCE, tuple(of_runs))


def searched(needs: Needs, repeat: int = 3) -> Search:
    return search(lambda switches, runs: series(switches, needs(switches, runs), runs), 1, repeat)


def keras_3(switches: Switches, _runs: int) -> int | None:
    if switches.python is None:
        return 0
    return 1 if switches.framework is None else None


def on_a_gpu(switches: Switches, _runs: int) -> int | None:
    if switches.framework is None and switches.op_determinism:
        raise EnvprintError("training in tensorflow failed: Random ops require a seed")
    return 3 if switches.op_determinism is None else keras_3(switches, _runs)


def test_runs_part_at_the_first_step_after_which_weights_differ() -> None:
    assert (series().parted_at_step, series().repeats) == (None, True)
    assert (series(parted=7).parted_at_step, series(parted=7).repeats) == (7, False)
    assert series(parted=0).parted_at_step == 0


def test_runs_that_part_and_meet_again_repeat_themselves_but_have_parted() -> None:
    one, two = (series().runs[0]._replace(weights=("a", x, "c")) for x in "bB")
    met = series()._replace(runs=(one, two))
    assert (met.repeats, met.parted_at_step) == (True, 1)


def test_what_is_not_needed_is_left_out_for_good() -> None:
    found = searched(keras_3)
    assert found.smallest == Switches(python=1, framework=1)
    assert [(trial.dropped, trial.runs, trial.repeats) for trial in found.trials] == [
        (None, 2, False),
        (None, 2, True),
        ("op_determinism", 2, True),
        ("hash", 2, True),
        ("numpy", 2, True),
        ("python", 2, False),
        ("framework", 2, False),
        (None, 3, True),
    ]
    assert sum(trial.runs for trial in found.trials) == most_runs(3)


def test_a_switch_without_which_it_does_not_run_is_needed() -> None:
    found = searched(on_a_gpu)
    assert found.smallest == Switches(python=1, framework=1, op_determinism=True)
    assert found.trials[-2].series is None
    assert "does not run, so it is needed (training in" in " ".join(explained(found).split())


def test_one_thread_is_tried_where_all_seeds_are_not_enough() -> None:
    found = searched(lambda switches, _: None if switches.threads == 1 else 4)
    assert found.smallest == Switches(threads=1)
    assert "trial 3   with one thread as well: equal in 2 runs" in explained(found)


def test_what_varies_whatever_is_set_is_told_with_its_step() -> None:
    found = searched(lambda switches, _: 7)
    assert found.smallest is None
    assert len(found.trials) == 3
    text = " ".join(explained(found).split())
    assert "no set of switches makes this machine repeat itself: with all of them" in text
    assert "one thread, weights parted after step 7 of 24" in text


def test_what_more_runs_show_to_be_needed_is_put_back() -> None:
    def rarely(switches: Switches, runs: int) -> int | None:
        return 5 if runs > 2 and switches.op_determinism is None else keras_3(switches, runs)

    found = searched(rarely, repeat=5)
    assert found.smallest == Switches(python=1, framework=1, op_determinism=True)
    assert "with deterministic operations as well: equal in 5 runs" in explained(found)
    assert "parted after step 5" in explained(found)


def test_what_does_not_run_with_everything_set_ends_the_search() -> None:
    def refuses(switches: Switches, _runs: int) -> int | None:
        raise EnvprintError("it is out of memory")

    with pytest.raises(EnvprintError, match="out of memory"):
        searched(refuses)


def test_the_search_is_told_step_by_step_and_ends_with_lines_to_copy() -> None:
    assert (
        explained(searched(keras_3))
        == """\
WHAT MAKES TENSORFLOW 2.21.0 WITH KERAS 3.15.1 ON THE CPU REPEAT ITSELF

trial 1   nothing set: weights differ before the first step
trial 2   all seeds and deterministic operations: equal in 2 runs
trial 3   without deterministic operations: equal, so it is not needed
trial 4   without the hash seed: equal, so it is not needed
trial 5   without NumPy's seed: equal, so it is not needed
trial 6   without Python's seed: weights differ before the first step, so it is
          needed
trial 7   without TensorFlow's seed: parted after step 1, so it is needed
trial 8   what is left, Python's seed and TensorFlow's seed: equal in 3 runs

result    Python's seed and TensorFlow's seed: the smallest set with which this
          machine repeats itself

before the network is built:

    import random
    import tensorflow as tf

    random.seed(1)
    tf.random.set_seed(1)

or in one call, which seeds NumPy too: tf.keras.utils.set_random_seed(1)

limits    seen in 3 runs of 24 steps of this small network; what varies rarely,
          or in other operations, sizes and devices, may need more: --repeat N,
          --epochs N, --device gpu
"""
    )


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of which nothing is run: they repeat themselves as those of Keras 3 do."""

    def pretend(job: TrainingJob, switches: Switches, runs: int, told: Any) -> Series:
        return series(switches, keras_3(switches, runs), runs, job)

    monkeypatch.setattr(_probe_training, "train", pretend)


@pytest.mark.usefixtures("trained")
def test_the_search_is_in_json_with_its_trials_and_its_lines(tmp_path: Path) -> None:
    kept = tmp_path / "f.json"
    code, stdout, _ = run("--explain", "--repeat", "3", "--format", "json", "-o", str(kept))
    told = json.loads(stdout)
    search = told["search"]["tensorflow"]
    assert (code, sorted(told), len(search["trials"])) == (0, ["search", "training"], 8)
    assert [(t["left_out"], t["repeats"]) for t in search["trials"][5:]] == [
        ("python", False),
        ("framework", False),
        (None, True),
    ]
    assert (search["trials"][6]["parted_at_step"], search["trials"][6]["refused"]) == (1, None)
    assert search["smallest"] == told["training"]["tensorflow"]["settings"]
    assert search["code"][-2:] == ["random.seed(1)", "tf.random.set_seed(1)"]
    assert search["in_one_call"] == "tf.keras.utils.set_random_seed(1)"
    assert search["shell"] == []
    assert "search" not in json.loads(kept.read_text())["facts"]["probes"]


def test_a_search_without_an_answer_has_no_lines_to_copy() -> None:
    told = raw_search(searched(lambda switches, runs: 5))
    assert (told["smallest"], told["code"], told["in_one_call"], told["shell"]) == (
        *(None, []),
        *(None, []),
    )


def test_equal_runs_are_a_table_and_a_sentence() -> None:
    assert (
        render("tensorflow", raw(series(Switches(1, 1, None, 1, True, 2))))
        == """\
TENSORFLOW 2.21.0 WITH KERAS 3.15.1, on the CPU
seeds     hashing 1, Python 1, TensorFlow 1; left to chance: NumPy
switches  op determinism off; 2 threads
size      3 epochs of 512 samples in batches of 64: 24 steps; 128 other samples
          to validate

run               loss      accuracy      val loss  val accuracy  weights
1          0.125000000   0.968750000   0.750000000   0.812500000  24
2          0.125000000   0.968750000   0.750000000   0.812500000  24
spread               0             0             0             0

result    the final weights are equal bit for bit in all 2 runs
spread    from the smallest to the largest, in % of the smallest
"""
    )


def test_runs_that_differ_are_told_with_their_spread_and_the_step() -> None:
    text = render("tensorflow", raw(series(Switches(), parted=7)))
    assert "seeds     left to chance: hashing, Python, NumPy, TensorFlow\n" in text
    assert "switches  op determinism off (unchanged); 2 threads (the framework's default)\n" in text
    assert "spread       12.50000%             0      2.12766%             0\n" in text
    told = " ".join(text.split())
    assert "weights parted after step 7 of 24; 2 runs ended with 2 different sets" in told
    assert max(map(len, text.splitlines())) <= 80
    assert "differed before the first step" in render("tensorflow", raw(series(parted=0)))
    assert "one run does not show" in render("tensorflow", raw(series(runs=1)))


def test_a_loss_that_is_not_a_number_costs_no_measurement(told: list[dict[str, Any]]) -> None:
    # As the child writes it, which JSON has no word for.
    metrics = '{"loss": NaN, "accuracy": 0.1, "val_loss": Infinity, "val_accuracy": 0.1, '
    result = json.loads(metrics + '"first_epoch_loss": -Infinity}')
    begun = {"version": "2.9.1", "in_force": {"threads": "2", "op_determinism": "off"}}
    told += [{"begun": begun}, {"weights": "a" * 32}, {"weights": "b" * 32}, {"result": result}]
    job = TrainingJob("python", "torch")
    found = raw(train(job, Switches(), 2, lambda *_: None))
    run = found["runs"][0]
    assert (run["loss"], run["val_loss"], run["first_epoch_loss"]) == (None, None, None)
    assert (run["accuracy"], run["weights"]) == (0.1, "b" * 32)
    text = render("torch", found)
    assert "1           not finite   0.100000000    not finite   0.100000000  bbbbbbbbbbbb" in text
    assert "the final weights are equal bit for bit in all 2 runs" in text
    host = RecordedHost(MACHINE)
    said = {**host.interpreter(), "probes": {"training": {"torch": found}}}
    document = dumps(capture(RecordedHost({**MACHINE, "interpreter": {"": said}})))
    assert faults(document.encode(), "f") == []
    assert loads(document.encode(), "f").facts["probes"]["training"]["torch"]["runs"][0] == run


def test_lines_to_copy_are_those_of_the_version_at_hand() -> None:
    everything_set = ALL._replace(threads=1)
    code, shell = lines_for(series(everything_set, version="2.4.1"))
    assert code == (
        "import random",
        "import numpy",
        "import tensorflow as tf",
        "",
        "random.seed(1)",
        "numpy.random.seed(1)",
        "tf.random.set_seed(1)",
        "tf.config.threading.set_intra_op_parallelism_threads(1)",
        "tf.config.threading.set_inter_op_parallelism_threads(1)",
    )
    assert shell == ("export PYTHONHASHSEED=1", "export TF_DETERMINISTIC_OPS=1")
    assert in_one_call(series(version="2.4.1")) == ""
    assert in_one_call(series()) == "tf.keras.utils.set_random_seed(1)"
    assert in_one_call(series(Switches(framework=1))) == ""
    code, shell = lines_for(series(Switches(op_determinism=True)))
    assert code[-1] == "tf.config.experimental.enable_op_determinism()"
    assert shell == ()


def test_cublas_needs_its_variable_on_a_gpu_only() -> None:
    switches = Switches(framework=0, op_determinism=True)
    cpu, gpu = (
        lines_for(series(switches, job=TrainingJob("python", "torch", device), version="2.13.0"))
        for device in ("cpu", "gpu")
    )
    assert (
        cpu.code
        == gpu.code
        == (
            "import torch",
            "",
            "torch.manual_seed(0)",
            "torch.use_deterministic_algorithms(True)",
        )
    )
    assert (cpu.shell, gpu.shell) == ((), ("export CUBLAS_WORKSPACE_CONFIG=:4096:8",))


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command in this process."""
    streams = io.StringIO(), io.StringIO()
    code = main(("probe", "training", *arguments), Console(*streams))
    return code, streams[0].getvalue(), streams[1].getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threads", "0"],
        ["--threads", "²"],
        ["--seed", "4294967296"],
        ["--seed", "one"],
        ["--epochs", "9" * 5000],
        ["--without", "gpu"],
        ["--framework", "jax"],
        ["--op-determinism"],
        ["--explain", "--without", "hash"],
        ["--explain", "--threads", "2"],
        ["--python", sys.executable],  # there is no framework in the tests' own environment
        ["--python", sys.executable, "--framework", "torch", "--explain"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(arguments: list[str]) -> None:
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "")
    assert stderr.startswith("envprint: ")
    assert stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--explain", "--without", "hash"], "--without"),
        (["numpy", "--seed", "0"], "--seed"),
        (["--epochs", "1"], "--epochs"),
        (["numpy", "--framework", "torch"], "--framework"),
        (["--op-determinism", "on"], "--op-determinism"),
        (["--threads", "1"], "--threads"),
        (["--explain"], "--explain"),
    ],
)
def test_options_of_a_training_that_is_not_asked_for_are_refused(
    arguments: list[str], option: str
) -> None:
    streams = io.StringIO(), io.StringIO()
    assert main(("probe", *arguments), Console(*streams)) == 2
    assert [stream.getvalue() for stream in streams] == [
        "",
        f"envprint: probe: {option} is for the probe training: add `training`\n",
    ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each process tells; to be filled by the test. A copy of what it is asked comes first."""
    lines: list[dict[str, Any]] = []

    def tell(*asked: Any, **more: Any) -> Iterator[dict[str, Any]]:
        yield from lines

    monkeypatch.setattr(training, "lines", tell)
    return lines


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ({"missing": "torch"}, "training: torch is not installed for python"),
        ({"refused": "ValueError: no"}, "training in torch failed after step 1: ValueError: no"),
        ({"ended": "it was ended by SIGKILL"}, "after step 1: it was ended by SIGKILL"),
    ],
)
def test_a_run_that_fails_is_one_clear_reason(
    told: list[dict[str, Any]], last: dict[str, Any], message: str
) -> None:
    told += [{"starting": "torch"}, {"begun": {}}, {"weights": "a"}, {"weights": "b"}, last]
    with pytest.raises(EnvprintError, match=message):
        train(TrainingJob("python", "torch"), Switches(), 2, lambda *_: None)


def test_each_step_is_told(told: list[dict[str, Any]]) -> None:
    metrics = dict.fromkeys(Run._fields[:-1], 0.5)
    told += [{"starting": "torch"}, {"begun": {"version": "2", "in_force": {}}}]
    told += [{"weights": digest} for digest in "abc"]
    told += [{"result": metrics}]
    steps: list[tuple[int, int, int]] = []
    found = train(TrainingJob("python", "torch"), Switches(), 2, lambda *step: steps.append(step))
    assert steps == [(run, step, 24) for run in (1, 2) for step in (0, 1, 2)]
    assert raw(found)["runs"] == [{**metrics, "weights": "c"}] * 2


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(_progress_bar.time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_has_one_line_with_a_bar_and_the_time_left(clock: list[float]) -> None:
    stream = Terminal()
    with Progress(Console(None, stream), "training", 2) as progress:
        for at, step in ((100.0, (1, 0)), (105.0, (1, 1)), (106.0, (1, 2)), (109.0, (2, 0))):
            clock[0] = at
            progress.tell(*step, 4)
    assert stream.getvalue().split(_progress_bar.CLEAR)[1:] == [
        "training [........................] run 1 of 2",
        "training [###.....................] run 1 of 2",
        # two more steps of 1 s, then a run of 8 s
        "training [######..................] run 1 of 2, about 10 s left",
        "training [############............] run 2 of 2, about 9 s left",
        "",
    ]


def test_elsewhere_nothing_is_shown(clock: list[float]) -> None:
    stream = io.StringIO()
    with Progress(Console(None, stream), "training", 1) as progress:
        for number in (1, 2):  # one more than was foreseen
            for step in range(5):
                clock[0] += 2
                progress.tell(number, step, 4)
    assert stream.getvalue() == ""


def test_the_data_are_the_same_everywhere_exact_and_of_all_classes() -> None:
    pixels, classes = child.samples(inputs, 128, "samples")
    assert len(pixels) == 128 * 28 * 28
    assert set(classes) == set(range(10))
    assert classes[:5] == [3, 4, 0, 2, 6]
    assert [pixel * 512 for pixel in pixels[:3]] == [701.0, -146.0, 603.0]
    assert (min(pixels) * 512, max(pixels) * 512) == (-1020.0, 1017.0)
    assert child.samples(inputs, 128, "validation_samples")[1] != classes


DOCS = Path(__file__).parents[2] / "docs" / "training-probe.md"


def test_the_demonstrations_in_the_guide_say_what_python_says() -> None:
    failed, tried = doctest.testfile(str(DOCS), module_relative=False)
    assert (failed, tried) == (0, 7)


@pytest.mark.slow
def test_the_long_products_in_the_guide_are_what_python_computes() -> None:
    first, second = 2 * 11 / 9, 2 / 9 * 11
    quotient = second / first
    one = other = 1.0
    for _ in range(10**8):
        one = one * quotient
        other = other * second / first
    text = DOCS.read_text()
    assert f"| `one * (second / first)` | {one!r} | {1 - one!r} |" in text
    assert f"| `one * second / first` | {other!r} | {1 - other!r} |" in text


def test_the_guide_shows_what_the_probe_prints_in_80_columns() -> None:
    shown = DOCS.read_text().split("```text\n")[1:]
    shown = [block.partition("```")[0] for block in shown]
    assert max(len(line) for block in shown for line in block.splitlines()) <= 80
    assert [block.split()[0] for block in shown].count("TENSORFLOW") == 2
    limits = explained(searched(keras_3)).partition("limits")[2].partition("of 24")[2]
    assert limits in shown[-1]
