"""Rules about the project's own state: advice, since the verdict presumes the same code."""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state


def code(**values: object) -> Fingerprint:
    return fingerprint({f"facts.code.{name}": value for name, value in values.items()})


def test_another_commit_is_advice_that_explains_all_of_the_code() -> None:
    before = code(commit="a" * 40, branch="main", dirty=False)
    after = code(commit="b" * 40, branch="try", dirty=False)
    advice, undecided = drift("code-changed", before, after)
    assert [(f.message, f.paths) for f in advice] == [
        (
            "the commit was aaaaaaaaaaaa, is bbbbbbbbbbbb",
            ("facts.code.branch", "facts.code.commit"),
        )
    ]
    assert undecided == []


def test_other_uncommitted_changes_are_another_code() -> None:
    before = code(commit="a", dirty=True, diff_digest="x")
    after = code(commit="a", dirty=True, diff_digest="y")
    assert [f.message for f in drift("code-changed", before, after)[0]] == ["diff_digest differs"]


def test_another_branch_at_the_same_commit_is_the_same_code() -> None:
    before, after = code(commit="a", branch="main"), code(commit="a", branch="try")
    assert drift("code-changed", before, after) == ([], [])


def test_leaving_the_repository_is_told() -> None:
    advice, _ = drift("code-changed", code(commit="a" * 40), code(commit=None))
    assert [f.message for f in advice] == ["the commit was aaaaaaaaaaaa, is none"]


def test_a_dirty_work_tree_is_advice() -> None:
    advice, undecided = state("code-dirty", code(commit="a" * 40, dirty=True))
    assert [f.message for f in advice] == ["the work tree differs from commit aaaaaaaaaaaa"]
    assert undecided == []
    assert state("code-dirty", code(commit="a", dirty=False)) == ([], [])


def test_what_git_does_not_tell_is_a_doubt() -> None:
    unknown = fingerprint(unknown={"facts.code.dirty": "git is missing"})
    assert len(state("code-dirty", unknown)[1]) == 1
    unknown = fingerprint(unknown={"facts.code.commit": "dubious ownership"})
    assert len(drift("code-changed", code(commit="a"), unknown)[1]) == 1


def test_another_kind_of_file_system_is_advice_for_code_that_lists_files() -> None:
    rule = "code-file-system-changed"
    before, after = code(file_system="ext4"), code(file_system="tmpfs")
    advice, undecided = drift(rule, before, after)
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in advice] == [
        (
            Impact.DIVERGES,
            "code.file_system was ext4, is tmpfs",
            ("facts.code.file_system",),
            "ext4",
            "tmpfs",
        )
    ]
    assert undecided == []
    assert drift(rule, before, before) == ([], [])
    unknown = fingerprint(unknown={"facts.code.file_system": "no /proc"})
    advice, undecided = drift(rule, before, unknown)
    assert (advice, [entry.reason for entry in undecided]) == ([], ["no /proc"])
