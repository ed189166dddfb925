"""What docs/faq.md says of a command is shown by a block that runs, or held by tests named here."""

from __future__ import annotations

import re

import pytest

from envprint.core.impact import Impact
from envprint.core.workload import Workload
from envprint.judging.policy.model import Policy
from tests.builders.edits import edited
from tests.builders.environments import ROOT
from tests.builders.judged import judge_state

PAGE = (ROOT / "docs" / "faq.md").read_text("utf-8")
ANSWERS = dict(re.findall(r"(?ms)^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE))
HELD = {
    "No framework is in the environment that was looked at": (
        "cli/test_not_checked.py::test_a_check_of_an_environment_without_a_framework_says_so_first",
    ),
    "a job without seeds differs from itself": (
        "probes/test_training.py::test_the_guide_shows_what_the_probe_prints_in_80_columns",
        "system/test_real_training_probe.py::test_a_command_of_the_page_prints_what_the_page_shows",
    ),
    "measures which switch your framework needs": (
        "system/test_real_training_probe.py::test_a_command_of_the_page_prints_what_the_page_shows",
    ),
    "That is what `NUMERIC` means": (
        "system/test_readme.py::test_the_impacts_are_explained_in_their_order",
    ),
    "refuses in that case and names the holders": (
        "rules/test_gpu_memory.py::test_the_desktops_memory_is_named_with_its_holders",
        "system/test_faq.py::test_a_check_refuses_a_card_with_too_little_room_and_names_the_holders",
    ),
    "show who came later": (
        "gpu/test_watching.py::test_an_intruder_is_told_with_start_end_and_peak",
    ),
    "says where each framework computes and why": (
        "rules/test_tensorflow.py::test_without_cuda_of_its_major_version_the_job_runs_on_the_cpu",
        "rules/test_cuda.py::test_a_driver_below_the_floor_breaks_and_the_remedy_names_the_floor",
    ),
    "reports a variable that came too late": (
        "rules/test_environ.py::test_a_hash_seed_that_the_program_sets_is_too_late",
        "rules/test_environ.py::test_what_the_loader_reads_is_too_late_as_well",
    ),
    "`--remedy` prints the commands that go back": (
        "system/test_real_recreation.py"
        "::test_the_way_back_from_another_release_leaves_no_difference",
    ),
    "Name what the job uses": (
        "cli/test_probe_imports.py::test_check_imports_only_what_can_reach_the_named_framework",
    ),
    "with conda's builds and channels": (
        "rules/test_math.py::test_another_blas_of_conda_is_judged_under_the_same_numpy",
        "collectors/test_packages.py::test_conda_file_names",
    ),
    "rules that need them are undecided": (
        "rules/test_gpu_memory.py"
        "::test_where_the_kind_of_container_is_unknown_so_is_whose_memory_it_is",
    ),
    "Secrets are never recorded": ("collectors/test_environ.py::test_secrets_are_hidden",),
    "Each finding says how it is known": (
        "outputs/test_contract.py::test_a_format_shows_everything_or_declares_what_it_leaves_out",
    ),
    "imports no framework and makes no CUDA context": (
        "system/test_layers.py::test_the_hot_path_loads_nothing_heavy",
    ),
    "A driver that hangs costs at most the time limit": (
        "cli/test_not_checked.py::test_a_driver_that_is_silent_for_half_a_minute_breaks",
    ),
}
"""Words of an answer, and what fails if they are not true."""


@pytest.mark.parametrize("words", HELD)
def test_what_an_answer_says_is_there_and_so_are_its_tests(words: str) -> None:
    assert words in " ".join(PAGE.split())
    for named in HELD[words]:
        path, _, test = named.partition("::")
        assert f"def {test}(" in (ROOT / "tests" / path).read_text("utf-8"), named


@pytest.mark.parametrize("question", ANSWERS)
def test_every_answer_runs_a_block_or_is_held_by_tests(question: str) -> None:
    answer = " ".join(ANSWERS[question].split())
    assert "```console" in answer or any(words in answer for words in HELD), answer


def test_a_check_refuses_a_card_with_too_little_room_and_names_the_holders() -> None:
    now = edited({"host": "ubuntu-rtx2080ti"})
    job = Workload(("tensorflow",), "gpu", min_free_gpu_bytes=20 << 30)
    findings = {one.rule: one for one in judge_state(now, None, job, Policy()).findings}
    found = findings["gpu-memory-free-low"]
    assert found.impact is Impact.BREAKS
    assert "20.0 GiB are needed; held by the desktop: Xorg 412 MiB, firefox" in found.message
