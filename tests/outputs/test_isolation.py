"""What `isolate` plans and finds, as text and as a document."""

from __future__ import annotations

import json
from typing import Any

from envprint.core.isolation import (
    AFFINITY,
    CONFIRMED,
    EQUAL,
    FOUND,
    PACKAGE,
    PYTHON,
    UNRESOLVED,
    VARIABLE,
    Answer,
    Distance,
    Fixed,
    Isolation,
    Outcome,
    Plan,
    Side,
    Switch,
    Trial,
)
from envprint.outputs.isolation import plan_text, remedy, render, trial_line
from envprint.outputs.isolation_document import document

ONEDNN = Switch(
    "variable TF_ENABLE_ONEDNN_OPTS", VARIABLE, "TF_ENABLE_ONEDNN_OPTS", None, "0", ("r",)
)
THREADS = Switch("variable OMP_NUM_THREADS", VARIABLE, "OMP_NUM_THREADS", "2", "1")
CPUS = Switch(AFFINITY, AFFINITY, "CPUs", 2, 1)
NUMPY = Switch("package numpy", PACKAGE, "numpy", "2.2.3", "2.4.6")
EVIL = "\x1b[31m$(touch x)"
PLAN = Plan((ONEDNN, THREADS, CPUS, NUMPY), (Fixed("the kernel", "belongs to the machine"),))


def answer(*cause: Switch, fix: tuple[Switch, ...] | None = None, **more: Any) -> Answer:
    names = tuple(one.name for one in cause)
    back = names if fix is None else tuple(one.name for one in fix)
    base = Answer(names, (), back, (), True, {}, Outcome.BASELINE)
    return base._replace(**more)


def found(given: Answer | None, plan: Plan = PLAN, **more: Any) -> Isolation:
    sides = [Side(name, "sha256:0", "2026-11-28T12:00:00Z", value, True) for name, value in SIDES]
    outcome = EQUAL if given is None else FOUND if given.is_minimal else UNRESOLVED
    whole = Isolation(
        outcome, *sides, ("python", "train.py"), "m.json:loss", 0.0, plan, (), 12, given
    )
    return whole._replace(**more)


SIDES = (("monday.json", "0.5"), ("now", "0.25"))


def test_the_answer_is_a_sentence_a_fix_and_what_was_not_needed() -> None:
    text = render(
        found(answer(ONEDNN), apart=Distance(0.25, 0.5, "loss", 1, 1), rules=(("r", CONFIRMED),))
    )
    assert text == (
        "FOUND       With TF_ENABLE_ONEDNN_OPTS unset → 0, the baseline gives the current\n"
        "            result.\n"
        "\n"
        "fix         unset TF_ENABLE_ONEDNN_OPTS\n"
        "not needed  3 other differences, verified together: they change nothing\n"
        "apart       0.25 (relative 0.5), in 1 of 1 number\n"
        "rule        r: confirmed\n"
        "\n"
        "baseline    monday.json: 0.5\n"
        "current     now: 0.25\n"
        "runs        12, of `python train.py`, result m.json:loss\n"
    )


def test_two_that_act_only_together_say_so_and_which_is_enough() -> None:
    alone = {THREADS.name: Outcome.BASELINE, CPUS.name: Outcome.BASELINE}
    text = render(found(answer(THREADS, CPUS, fix=(CPUS,), alone=alone)))
    assert "OMP_NUM_THREADS acts only together with the others" in text
    assert "to undo     CPUs is enough" in text
    assert "taskset -c 0-1 COMMAND" in text


def test_redundant_causes_are_undone_together() -> None:
    text = render(found(answer(THREADS, fix=(THREADS, CPUS), rest=Outcome.CURRENT)))
    assert "it takes OMP_NUM_THREADS and CPUs" in text
    assert "there is a second cause" in text


def test_an_unfinished_search_claims_nothing_more_than_it_knows() -> None:
    text = render(found(answer(ONEDNN, THREADS, is_minimal=False)))
    assert text.startswith("NOT FINISHED")
    assert "fix" not in text
    assert "not needed" not in text


def test_the_same_result_names_what_could_not_be_switched() -> None:
    text = render(found(None))
    assert text.startswith("THE SAME")
    assert "the kernel: belongs to the machine" in text


def test_what_comes_from_a_document_can_do_nothing_to_a_shell_or_a_terminal() -> None:
    evil = Switch(f"variable {EVIL}", VARIABLE, "TZ", EVIL, "x")
    plan = Plan((evil,), (Fixed(EVIL, EVIL),))
    text = (
        render(found(answer(evil), plan))
        + plan_text(plan, 3)
        + trial_line(Trial(1, (evil.name,), Outcome.OTHER, EVIL, 1.0), plan)
    )
    assert "\x1b" not in text
    assert str(remedy(evil)) == r"export TZ=$'\033[31m$(touch x)'"
    assert remedy(Switch("v", VARIABLE, "A;B", "1", None)) is None
    assert remedy(Switch("p", PACKAGE, "x; rm", "1", None)) is None


def test_the_fix_of_a_package_is_the_version_that_it_had() -> None:
    assert str(remedy(NUMPY)) == "pip install --no-deps numpy==2.2.3"
    assert str(remedy(NUMPY._replace(before=None))) == "pip uninstall -y numpy"


def test_a_trial_is_one_line_whatever_it_printed() -> None:
    line = trial_line(Trial(7, (ONEDNN.name, NUMPY.name), Outcome.OTHER, "a\nb", 2.0), PLAN)
    assert line == "  7  TF_ENABLE_ONEDNN_OPTS + numpy: another result, a b (2.0 s)\n"


def test_the_document_holds_everything() -> None:
    trial = Trial(1, (ONEDNN.name,), Outcome.CURRENT, "0.25", 2.0)
    made = json.loads(json.dumps(document(found(answer(ONEDNN), trials=(trial,)))))
    names = {"switch": "variable", "name": "TF_ENABLE_ONEDNN_OPTS"}
    assert made["needed"] == [{**names, "before": None, "after": "0"}]
    assert made["fix"] == [{**names, "commands": ["unset TF_ENABLE_ONEDNN_OPTS"]}]
    assert [one["name"] for one in made["not_needed"]] == ["OMP_NUM_THREADS", "CPUs", "numpy"]
    assert made["not_switchable"] == [{"name": "the kernel", "reason": "belongs to the machine"}]
    assert made["trials"] == 1
    assert made["steps"][0]["outcome"] == "current"


def test_python_has_no_command_but_what_builds_such_an_environment() -> None:
    python = Switch(PYTHON, PYTHON, "Python", "3.11.7", "3.12.1")
    text = render(found(answer(python), Plan((python,), ())))
    assert "fix         use Python 3.11.7: `envprint recreate` builds" in text
