"""What ranks decide together, through files and in threads; real launchers are in tests/system."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from envprint.core.errors import EnvprintError
from envprint.fleet.deciding import Answer, Decision, FleetError, Opening, decide
from envprint.fleet.groups import FileGroup, group_of

SIZE = 4
Judge = Callable[[int], Answer]


def fine(rank: int) -> Answer:
    return Answer(f"node{rank}")


def decided(
    folder: Path,
    judge: Judge = fine,
    *,
    begin: Callable[[], Opening] = Opening,
    ranks: tuple[int, ...] = (0, 1, 2, 3),
    timeout_s: float = 20.0,
) -> list[Any]:
    """The decision, or the error, on each rank that takes part."""

    def of(rank: int) -> Decision | EnvprintError:
        group = FileGroup(str(folder), rank, SIZE)
        try:
            return decide(group, begin, lambda opening: judge(rank), timeout_s)
        except EnvprintError as error:
            return error

    with ThreadPoolExecutor(SIZE) as pool:
        return [*pool.map(of, ranks)]


def test_where_all_pass_all_know_and_nothing_is_left(tmp_path: Path) -> None:
    found = decided(tmp_path / "job", begin=lambda: Opening(note="written"))
    assert len({json.dumps(one) for one in found}) == 1
    assert (found[0].refused, found[0].failed, found[0].opening.note) == ("", "", "written")
    assert not (tmp_path / "job").exists()


def test_one_rank_that_is_refused_is_named_with_its_host_on_all(tmp_path: Path) -> None:
    refusing = Answer("node2", refused="numeric: x; do: y\nnote", document="{}")
    found = decided(tmp_path, lambda rank: refusing if rank == 2 else fine(rank))
    assert {one.refused for one in found} == {
        "1 of 4 ranks is refused\nrank 2 on node2: numeric: x; do: y\n  note"
    }
    assert {one.document for one in found} == {"{}"}


def test_ranks_with_the_same_finding_share_a_line(tmp_path: Path) -> None:
    found = decided(tmp_path, lambda rank: Answer("one", refused="same"))
    assert found[3].refused == "4 of 4 ranks are refused\nranks 0, 1, 2, 3 on one: same"


def test_a_rank_that_cannot_judge_itself_is_named_and_nobody_waits(tmp_path: Path) -> None:
    def judge(rank: int) -> Answer:
        if rank == 1:
            raise ValueError("odd")
        return fine(rank)

    found = decided(tmp_path, judge)
    assert {(one.failed, one.ranks) for one in found} == {
        ("rank 1: could not be judged: ValueError: odd", (1,))
    }


def test_what_keeps_the_first_rank_from_beginning_is_known_to_all_at_once(tmp_path: Path) -> None:
    def begin() -> Opening:
        raise EnvprintError("no such baseline")

    start = time.monotonic()
    found = decided(tmp_path, begin=begin, timeout_s=30)
    assert {one.failed for one in found} == {"no such baseline"}
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("silent", [1, 3])
def test_a_rank_that_never_answers_is_named_on_all_others(tmp_path: Path, silent: int) -> None:
    ranks = tuple({*range(SIZE)} - {silent})
    found = decided(tmp_path, ranks=ranks, timeout_s=0.6)
    (text,) = {one.failed for one in found}
    assert text.startswith(f"rank {silent} of 4 did not answer within 0.6 s (through files in ")
    assert f"those that did are on {', '.join(f'node{rank}' for rank in ranks)}" in text
    assert {one.ranks for one in found} == {(silent,)}


def test_where_the_first_rank_never_answers_the_others_say_the_same(tmp_path: Path) -> None:
    found = decided(tmp_path, ranks=(1, 2, 3), timeout_s=0.4)
    assert {type(one) for one in found} == {FleetError}
    (text,) = {str(one) for one in found}
    assert text.startswith("rank 0 of 4 did not answer within 0.4 s")
    assert [one.ranks for one in found] == [(0,)] * 3


def test_what_a_job_left_that_ended_halfway_is_no_answer(tmp_path: Path) -> None:
    """The same directory, and a rank that was silent then."""
    decided(tmp_path, ranks=(0, 1, 2), timeout_s=0.4)
    assert any(tmp_path.iterdir())

    def begin() -> Opening:
        time.sleep(0.5)  # the others have long read what is left
        return Opening()

    found = decided(tmp_path, begin=begin)
    assert {(one.failed, one.ranks) for one in found} == {("", ())}


def test_remarks_are_made_once_if_all_ranks_have_the_same(tmp_path: Path) -> None:
    found = decided(tmp_path / "a", lambda rank: Answer("n", remark="not checked"))
    assert found[0].remark == "not checked"
    found = decided(tmp_path / "b", lambda rank: Answer("n", remark="slow" if rank == 1 else ""))
    assert found[0].remark == "rank 1 on n: slow"


def test_a_directory_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = decided(tmp_path / "file", ranks=(0,))
    assert "the ranks cannot decide together through files in" in str(found[0])


@pytest.mark.parametrize("text", ["not json", "[]", '{"other": 1}', "5", "[" * 100_000])
def test_a_message_that_nobody_wrote_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "round").write_text("x")
    (tmp_path / "x-opening-0").write_text(text)
    found = decided(tmp_path, ranks=(1,), timeout_s=0.4)
    assert "cannot be read" in str(found[0])


@pytest.mark.parametrize(
    "variables", [{}, {"RANK": "0", "WORLD_SIZE": "1"}, {"RANK": "1"}, {"LOCAL_RANK": "1"}]
)
def test_a_process_alone_or_without_a_known_place_has_no_group(variables: dict[str, str]) -> None:
    assert group_of(variables) is None


def test_a_job_without_a_name_needs_a_directory_of_its_own(tmp_path: Path) -> None:
    variables = {"PMI_RANK": "1", "PMI_SIZE": "2"}
    with pytest.raises(EnvprintError, match=r"import mpi4py or start torch.distributed first"):
        group_of(variables)
    group = group_of(variables, str(tmp_path))
    assert group and (group.rank, group.size) == (1, 2)


def test_two_jobs_have_two_directories(tmp_path: Path) -> None:
    ways = {
        group.through.rpartition("-")[0]
        for job in ("1", "2")
        if (group := group_of({"FLUX_TASK_RANK": "1", "FLUX_JOB_SIZE": "2", "FLUX_JOB_ID": job}))
    }
    assert len(ways) == 2
