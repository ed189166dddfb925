"""The check of a run once more, for the libraries that the command was seen to load.

The pre-flight cannot know them, and judges for all that is installed.
docs/decisions/0040-a-run-is-judged-for-what-it-loaded.md
"""

from __future__ import annotations

from collections.abc import Callable

from envprint.core.fingerprint import Fingerprint, Unknown
from envprint.core.report import Report, counted
from envprint.knowledge.jobs import frameworks_of, imported_as
from envprint.run.promotion import listed
from envprint.run.record import Job

Again = Callable[[frozenset[str]], tuple[Report, str | None]]
"""The check of a job that has loaded these modules, and why the run cannot become `@last-good`."""


def job_of(modules: frozenset[str], before: Fingerprint, again: Again | None) -> Job | None:
    """What a command computed with that loaded files of these modules, and the check of that.

    None if none of them belongs to a library that takes part. Raises `EnvprintError`.
    """
    installed = before.get("facts.packages.distributions", {})
    frameworks = frameworks_of(modules)
    libraries = [name for name in imported_as(modules) if name in installed]
    if not frameworks and not libraries:
        return None
    return Job(frameworks, libraries, *(again(modules) if again else (None, None)))


def unfit_of(job: Job | Unknown | None) -> str | None:
    """Why the run cannot become `@last-good` by what the command loaded; None if nothing speaks
    against it. Where the check failed, the pre-flight stands.
    """
    return job.unfit if isinstance(job, Job) else None


def remark(job: Job, before: Report) -> str | None:
    """What the libraries change about the verdict of the pre-flight, in a line; None if nothing."""
    after = job.report
    if after is None:
        return None
    old, new = (list(dict.fromkeys(one.rule for one in r.findings)) for r in (before, after))
    gone, come = [r for r in old if r not in new], [r for r in new if r not in old]
    if not (gone or come) and _in_short(after) == _in_short(before):
        return None
    used = listed([*job.frameworks, *job.libraries])
    changed = [
        f"{word} {listed(rules)}" for word, rules in (("without", gone), ("with", come)) if rules
    ]
    return ", ".join([f"judged for what the command loaded ({used}): {_in_short(after)}", *changed])


def _in_short(report: Report) -> str:
    """`numeric`, `none and 2 changes not judged`"""
    left = f" and {counted(report.unjudged, 'change')} not judged" if report.unjudged else ""
    return f"{report.impact.word}{left}"
