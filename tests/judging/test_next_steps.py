"""Where a report says to look when the environment explains nothing: code, data, seeds."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.workload import Workload
from envprint.judging.policy.model import Entry, Policy
from envprint.outputs.formats import json as json_output
from envprint.outputs.formats import text
from tests.builders.judged import judge_drift, judge_state
from tests.builders.support import fingerprint

SHA, OTHER = "a" * 40, "b" * 40
CLEAN: dict[str, Any] = {
    "facts.code.commit": SHA,
    "facts.code.dirty": False,
    "facts.code.diff_digest": None,
    "facts.code.submodules": {},
    "facts.python.hash_seed": "0",
}
DIRTY = {**CLEAN, "facts.code.dirty": True, "facts.code.diff_digest": "sha256:1"}
THE_DATA = "the data: the files, their order and how they are read; envprint does not check them"
THE_SEEDS = "the seeds: run the job twice here to see whether it repeats itself"
ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"
UNWATCHED = "facts.cpu.microcode"


def report(before: dict[str, Any], after: dict[str, Any], **options: Any) -> Report:
    policy = options.pop("policy", Policy())
    workload = Workload(options.pop("frameworks", ("tensorflow",)), machine="x86_64")
    unknown = options.pop("unknown", None)
    return judge_drift(fingerprint(before), fingerprint(after, unknown), workload, policy)


def test_the_same_clean_commit_leaves_the_data_and_the_seeds() -> None:
    same = report(CLEAN, CLEAN)
    assert same.summary == (
        "no difference; if results differ, look at the data and the seeds: the code is the same"
    )
    assert same.look_next == (THE_DATA, THE_SEEDS)


@pytest.mark.parametrize(
    ("after", "text"),
    [
        ({"facts.code.commit": OTHER}, "aaaaaaa → bbbbbbb"),
        (
            {"facts.code.dirty": True, "facts.code.diff_digest": "sha256:1"},
            "aaaaaaa, all committed → changes not committed",
        ),
        (
            {**DIRTY, "facts.code.commit": OTHER, "facts.code.changed_files": 2},
            "aaaaaaa → bbbbbbb, 2 files not committed",
        ),
        ({"facts.code.submodules": {"lib": SHA}}, "aaaaaaa, with other submodules"),
    ],
)
def test_other_code_goes_first(after: dict[str, Any], text: str) -> None:
    other = report(CLEAN, {**CLEAN, **after})
    assert other.summary == (
        "nothing that differs is known to change a training result; if results differ, the code "
        "differs: look there first, then at the data and the seeds"
    )
    assert other.look_next == (f"the code: {text}", THE_DATA, THE_SEEDS)


@pytest.mark.parametrize(
    ("code", "unknown", "text"),
    [
        (DIRTY, {}, "the same commit and changes, but untracked files were compared by name only"),
        ({}, {}, "no commit to compare; capture in the project's Git work tree"),
        (
            {"facts.code.commit": SHA},
            {"facts.code.dirty": "git did not answer"},
            "it could not be compared (git did not answer)",
        ),
    ],
)
def test_code_that_cannot_be_told_stays_on_the_list(
    code: dict[str, Any], unknown: dict[str, str], text: str
) -> None:
    side = {**code, "facts.python.hash_seed": "0"}
    unclear = report(side, side, unknown=unknown)
    assert unclear.summary.startswith(
        "no difference; if results differ, look at the code, the data and the seeds"
    )
    assert [step for step in unclear.look_next if step.startswith(f"the code: {text}")]


def test_code_that_differs_comes_before_what_is_merely_open() -> None:
    unknown = {"facts.python.implementation": "denied"}
    other = {**CLEAN, "facts.code.commit": OTHER}
    found = report(CLEAN, other, unknown=unknown)
    assert [step.partition(":")[0] for step in found.look_next][:2] == [
        "the code",
        "what is undecided",
    ]


def test_another_commit_is_other_code_whatever_else_is_unknown() -> None:
    unknown = {"facts.code.diff_digest": "git did not answer"}
    other = report(CLEAN, {**CLEAN, "facts.code.commit": OTHER}, unknown=unknown)
    assert other.look_next[0] == "the code: aaaaaaa → bbbbbbb"


def test_a_random_hash_seed_is_named_on_either_side() -> None:
    chance = {**CLEAN, "facts.python.hash_seed": "random"}
    for before, after in ((chance, CLEAN), (CLEAN, chance), (chance, chance)):
        assert report(before, after).look_next[-1] == (
            f"{THE_SEEDS}; the hash seed is random, so sets of text have a different order at each "
            "start"
        )


GENERATORS = "live.random.generators"
ALIKE = (
    "these generators were in the same state when captured, so check what seeds them or draws "
    "from them later: "
)


def test_generators_that_were_alike_are_named_when_nothing_else_explains_it() -> None:
    here = {**CLEAN, GENERATORS: {"python": {"state": "a"}, "numpy": {"state": "b"}}}
    assert report(here, here).look_next[-1] == f"{THE_SEEDS}; {ALIKE}numpy, python"
    unlike = {"python": {"state": "a"}, "keras": {"state": "c"}}
    partly = report(here, {**CLEAN, GENERATORS: unlike})
    assert f"{THE_SEEDS}; {ALIKE}python" in partly.look_next


@pytest.mark.parametrize("states", [None, {}, {"tensorflow": {"state": None}}, {"torch": {}}])
def test_generators_without_a_seed_or_unknown_are_not_called_alike(states: Any) -> None:
    here = CLEAN if states is None else {**CLEAN, GENERATORS: states}
    assert report(here, here).look_next[-1] == THE_SEEDS
    seeded = {**CLEAN, GENERATORS: {"python": {"state": "a"}}}
    unknown = {GENERATORS: "denied"}
    assert THE_SEEDS in report(seeded, seeded, unknown=unknown).look_next


def test_what_was_left_open_comes_before_and_what_no_rule_knows_after() -> None:
    policy = Policy(ignores=(Entry("ignore[0]", "tensorflow-onednn-switched", "*", "on purpose"),))
    many = report(
        {**CLEAN, UNWATCHED: "1"},
        {**CLEAN, UNWATCHED: "2", ONEDNN: "0"},
        policy=policy,
        unknown={"facts.frameworks.tensorflow.version": "denied"},
    )
    if many.impact >= Impact.NUMERIC:
        pytest.fail(f"the case is not quiet: {many.summary}")
    assert many.look_next[0].startswith("what is undecided: ")
    assert many.look_next[-1] == "what else changed: 1 value with no known effect"
    assert many.summary.startswith("nothing that differs")
    assert many.summary.endswith(" could not be decided")


def test_what_the_policy_leaves_out_is_no_clean_bill() -> None:
    policy = Policy(
        ignores=(Entry("ignore[0]", "python-implementation-changed", "*", "on purpose"),)
    )
    name = "facts.python.implementation"
    left = report({**CLEAN, name: "cpython"}, {**CLEAN, name: "pypy"}, policy=policy)
    assert left.summary.startswith(
        "nothing that differs, apart from what the policy leaves out, is known to change"
    )
    assert left.look_next[0] == "what the policy leaves out: python-implementation-changed"


def test_a_finding_that_explains_it_needs_no_such_list() -> None:
    name = "facts.python.implementation"
    found = report({**CLEAN, name: "cpython"}, {**CLEAN, name: "pypy"})
    assert found.impact >= Impact.NUMERIC
    assert found.look_next == ()
    assert "if results differ" not in found.summary


def test_without_a_baseline_nothing_differs_and_nothing_is_to_be_explained() -> None:
    alone = judge_state(fingerprint(CLEAN), None, Workload(("numpy",)), Policy())
    assert alone.summary == "nothing found here that changes a training result"
    assert (alone.look_next, alone.likely_causes) == ((), ())


def test_values_of_the_moment_are_no_difference_that_counts() -> None:
    uptime = "live.host.uptime_s"
    later = report({**CLEAN, uptime: 1.0}, {**CLEAN, uptime: 2.0})
    assert later.summary.startswith("no difference except in momentary values; if results differ")
    assert later.look_next == (THE_DATA, THE_SEEDS)


def test_both_outputs_say_it() -> None:
    same = report(CLEAN, CLEAN)
    assert json_output.to_document(same)["verdict"] == {
        "impact": "none",
        "summary": same.summary,
        "checked": True,
        "unjudged": 0,
        "undecided": 0,
        "likely_causes": [],
        "look_next": [THE_DATA, THE_SEEDS],
    }
    verdict, look, *_ = text.render(same).split("\n\n")
    assert verdict == "NONE      No difference: 0 findings, 0 not judged, 0 undecided."
    assert look == (
        "if results differ   1  the data: the files, their order and how they are read;\n"
        "                       envprint does not check them\n"
        "                    2  the seeds: run the job twice here to see whether it\n"
        "                       repeats itself"
    )
