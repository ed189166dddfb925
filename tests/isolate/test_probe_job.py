"""The training probe as the job of a search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envprint.core.errors import UsageError
from envprint.core.workload import Workload
from envprint.isolate.probe_job import probe_job, read
from envprint.isolate.results import NoResult, Result, apart, is_same, selector
from tests.builders.commands import assert_one_line_and_exit_2, call

METRICS = {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.625}


def reported(place: Path, *lines: dict[str, Any]) -> Result:
    out = place / "stdout"
    out.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return read(str(out))


def trained(place: Path, weights: str, **metrics: float) -> Result:
    steps: list[dict[str, Any]] = [{"weights": "0" * 32}, {"weights": weights * 32}]
    return reported(place, *steps, {"result": {**METRICS, **metrics}}, {"done": True})


def test_equal_weights_are_an_equal_result(tmp_path: Path) -> None:
    first, again = trained(tmp_path, "a"), trained(tmp_path, "a")
    assert is_same(first, again, 0.0)
    assert first.shown == "weights aaaaaaaaaaaa, loss 0.5"


def test_weights_decide_although_every_metric_agrees(tmp_path: Path) -> None:
    first, other = trained(tmp_path, "a"), trained(tmp_path, "b")
    assert not is_same(first, other, 0.0)
    assert is_same(first, other, 1e-9)  # a tolerance is about numbers, and digests are none


def test_how_far_two_trainings_are_apart_is_told_by_their_metrics(tmp_path: Path) -> None:
    found = apart(trained(tmp_path, "a"), trained(tmp_path, "b", loss=0.25))
    assert found
    assert (found.absolute, found.where, found.differing, found.total) == (0.25, "loss", 1, 3)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_a_result(tmp_path: Path, loss: float) -> None:
    assert is_same(trained(tmp_path, "a", loss=loss), trained(tmp_path, "a", loss=loss), 0.0)


@pytest.mark.parametrize(
    "line",
    [
        {"refused": "ImportError: libtorch.so: undefined symbol"},
        {"missing": "torch"},
    ],
    ids=str,
)
def test_a_framework_that_cannot_be_imported_is_a_failure_and_a_result(
    tmp_path: Path, line: dict[str, str]
) -> None:
    found = reported(tmp_path, line, {"done": True})
    assert found.is_failure
    assert not is_same(found, trained(tmp_path, "a"), 0.0)


@pytest.mark.parametrize(
    "line", [{"refused": "MemoryError: "}, {"weights": "0" * 32}], ids=["memory", "early"]
)
def test_what_may_have_any_reason_is_no_result(tmp_path: Path, line: dict[str, str]) -> None:
    with pytest.raises(NoResult):
        reported(tmp_path, line)


def test_it_trains_in_the_first_framework_of_the_workload_with_all_seeds_set() -> None:
    found = probe_job(Workload(("numpy", "torch"), "cpu"))
    assert [Path(word).name for word in found.command[:3]] == [
        "python", "_training.py", "_training_torch.py",
    ]  # fmt: skip
    settings = json.loads(found.command[3])
    assert set(settings["seeds"].values()) == {1}
    assert settings["device"] == "cpu"
    assert found.in_words == ("envprint", "probe", "training", "--framework", "torch")


def test_without_a_framework_to_train_in_there_is_no_job() -> None:
    with pytest.raises(UsageError, match="neither is installed on both sides"):
        probe_job(Workload(("numpy",), "cpu"))


def test_a_file_named_probe_is_a_file() -> None:
    assert selector("probe").is_probe
    assert selector("./probe").path == "probe"


@pytest.mark.parametrize(
    "words", [("--", "python", "x.py"), ("--with-code",), ("--in-place",)], ids=" ".join
)
def test_it_is_a_job_of_its_own(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = call("isolate", "now", "--result", "probe", *words, cwd=tmp_path)
    assert_one_line_and_exit_2(done, "leave out the command, --with-code and --in-place")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_without_a_pattern_is_no_file_of_its_name(name: str) -> None:
    with pytest.raises(UsageError, match=rf"expected stdout:REGEX.* is \./{name}"):
        selector(name)
    assert selector(f"./{name}").path == name
