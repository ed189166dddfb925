"""The GitHub Action: its files follow their schemas, and no pull request changes its own judge.

The steps of `action.yml` are executed with bash in a real clone of a real repository; only what
GitHub itself fills in, the expressions, is filled in here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders.commands import call

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = ACTION["runs"]["steps"]
INSTALL, BASE, CHECK = STEPS
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def assert_follows(schema: str, path: Path) -> None:
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema)
    done = subprocess.run(
        [*command, "--default-filetype", "yaml", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action_follows_its_schema() -> None:
    assert_follows("vendor.github-actions", ROOT / "action.yml")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_each_workflow_follows_its_schema(workflow: Path) -> None:
    assert_follows("vendor.github-workflows", workflow)


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_each_issue_form_follows_its_schema_and_asks_for_what_is_safe_to_post(form: Path) -> None:
    is_config = form.name == "config.yml"
    assert_follows(f"vendor.github-issue-{'config' if is_config else 'forms'}", form)
    assert is_config or "`envprint show --format markdown`" in form.read_text("utf-8")


def test_no_script_contains_an_expression() -> None:
    """What a person may name, such as a branch, would become a command."""
    for path in (ROOT / "action.yml", *WORKFLOWS):
        document = yaml.safe_load(path.read_text("utf-8"))
        jobs = document.get("jobs", {}).values()
        steps = [step for job in jobs for step in job["steps"]] or document["runs"]["steps"]
        scripts = [step["run"] for step in steps if "run" in step]
        assert scripts
        assert not any("${{" in script for script in scripts)


def test_every_input_is_used_and_described() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    page = (ROOT / "docs/github-action.md").read_text("utf-8")
    for name in ACTION["inputs"]:
        assert f"inputs.{name} " in text
        assert f"| `{name}` |" in page


def git(folder: Path, *arguments: object) -> str:
    who = ("-c", "user.name=ann", "-c", "user.email=ann@host.example", "-c", "init.defaultBranch=x")
    done = subprocess.run(
        ["git", *who, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Runner:
    """A repository, a pull request that is checked out, and a runner that executes the action."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origin, self.checkout = folder / "origin", folder / "checkout"
        self.temp = folder / "temp"
        for one in (self.origin, self.temp):
            one.mkdir()
        git(self.origin, "init", "-q", "-b", "main")
        git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        # As the first step would install it.
        self.temp.joinpath("envprint").symlink_to(sys.prefix)
        self.baseline: dict[str, Any] = json.loads(call("capture").stdout)

    def commit(self, branch: str, files: dict[str, str | None]) -> str:
        """Commit these files on a branch that begins at main; None removes one."""
        if branch != "main":
            git(self.origin, "checkout", "-q", "-b", branch)
        for name, text in files.items():
            path = self.origin / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        git(self.origin, "add", "-A")
        git(self.origin, "commit", "-q", "-m", "a change", "--allow-empty")
        made = git(self.origin, "rev-parse", "HEAD")
        git(self.origin, "checkout", "-q", "main")
        return made

    def run(
        self, branch: str, base: str = "main", **inputs: str
    ) -> tuple[int, str, dict[str, str]]:
        """Check out `branch` and run the action; exit code, output, and the action's outputs."""
        url = f"file://{self.origin}"
        git(self.folder, "clone", "-q", "--depth=1", "-b", branch, url, self.checkout)
        texts, outputs, code = [], dict[str, str](), 0
        for step in (BASE, CHECK):
            code, text, more = self._step(step, base, inputs, outputs)
            texts.append(text)
            outputs |= more
            if code:
                break
        return code, "".join(texts), outputs

    def _step(
        self, step: dict[str, Any], base: str, inputs: dict[str, str], outputs: dict[str, str]
    ) -> tuple[int, str, dict[str, str]]:
        given = {name: one["default"] for name, one in ACTION["inputs"].items()} | inputs

        def value(match: re.Match[str]) -> str:
            first = match[1].split(" || ")[0].strip()
            kind, _, name = first.rpartition(".")
            if kind == "inputs":
                return given[name] or (base if name == "base" else "")
            assert kind == "steps.base.outputs", first
            return outputs.get(name, "")

        output, summary = self.folder / "output", self.folder / "summary.md"
        output.write_text("")
        variables = {
            name: re.sub(r"\$\{\{ (.*?) \}\}", value, text) for name, text in step["env"].items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env={
                **{"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"},
                **{"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(output)},
                **{"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true"},
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        found = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return done.returncode, done.stdout + done.stderr, found


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def observed() -> dict[str, str]:
    return {"python": sys.executable, "device": "cpu"}


def of_another_machine(baseline: dict[str, Any]) -> str:
    """The baseline with an older NumPy-like change that a check reports."""
    facts = {**baseline["facts"], "os": {**baseline["facts"]["os"], "locale": "de_DE.UTF-8"}}
    python = {**facts["python"], "version": "3.8.1"}
    return json.dumps({**baseline, "facts": {**facts, "python": python}})


STRICT = 'fail_on = "none"\n'
LENIENT = '[[ignore]]\nrule = "*"\nreason = "hostile"\n'
HOSTILE_MODULE = "import os; os._exit(0)\n"


def test_a_clean_pull_request_passes(runner: Runner) -> None:
    runner.commit("main", {"baseline.json": json.dumps(runner.baseline)})
    runner.commit("feature", {"README": "more"})
    code, text, outputs = runner.run("feature", **observed())
    assert (code, outputs["exit-code"]) == (0, "0"), text
    assert Path(outputs["markdown"]).read_text().startswith("**")
    assert (runner.folder / "summary.md").read_text()


@pytest.mark.parametrize("base", ["main", "commit"])
def test_a_hostile_pull_request_does_not_change_the_verdict_of_the_base(
    runner: Runner, base: str
) -> None:
    old = of_another_machine(runner.baseline)
    made = runner.commit("main", {"baseline.json": old, "envprint.toml": STRICT})
    hostile = {
        "baseline.json": json.dumps(runner.baseline),
        "envprint.toml": LENIENT,
        "pyproject.toml": f"[tool.envprint]\n{LENIENT.replace('[[', '[[tool.envprint.')}",
        "envprint/__init__.py": HOSTILE_MODULE,
        "envprint/__main__.py": HOSTILE_MODULE,
        ".envprint/x": "",
        ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = file:///nowhere\n',
        ".gitattributes": "* filter=x textconv=x\n",
    }
    runner.commit("hostile", hostile)
    code, text, outputs = runner.run("hostile", made if base == "commit" else "main", **observed())
    assert (code, outputs["exit-code"]) == (1, "1"), text
    assert "::error" in text
    assert "python-minor-version-changed" in text
    assert "hostile" not in text
    assert "python-minor-version-changed" in Path(outputs["markdown"]).read_text()


def test_a_module_that_stops_the_observed_interpreter_does_not_pass(runner: Runner) -> None:
    runner.commit("main", {"baseline.json": of_another_machine(runner.baseline)})
    runner.commit("hostile", {"json.py": HOSTILE_MODULE, "argparse.py": HOSTILE_MODULE})
    assert runner.run("hostile", **observed())[0] == 2


def test_a_policy_is_not_taken_from_the_head_where_the_base_has_none(runner: Runner) -> None:
    runner.commit("main", {"baseline.json": of_another_machine(runner.baseline)})
    runner.commit("hostile", {"envprint.toml": LENIENT})
    code, text, _ = runner.run("hostile", **observed())
    assert code == 1, text


def test_a_policy_in_pyproject_toml_of_the_base_counts(runner: Runner) -> None:
    policy = '[project]\nname = "x"\n\n[tool.envprint]\nfail_on = "breaks"\n'
    files = {"baseline.json": of_another_machine(runner.baseline), "pyproject.toml": policy}
    runner.commit("main", files)
    runner.commit("feature", {"pyproject.toml": None})
    code, text, _ = runner.run("feature", **observed())
    assert (code, "::error" in text) == (0, False), text


def test_a_removed_baseline_is_still_compared_with(runner: Runner) -> None:
    runner.commit("main", {"baseline.json": of_another_machine(runner.baseline)})
    runner.commit("hostile", {"baseline.json": None})
    assert runner.run("hostile", **observed())[0] == 1


def test_a_base_without_a_baseline_is_an_error_unless_that_is_allowed(runner: Runner) -> None:
    runner.commit("main", {"README": ""})
    runner.commit("feature", {"baseline.json": json.dumps(runner.baseline)})
    code, text, _ = runner.run("feature", **observed())
    assert code == 2
    assert "::error title=envprint::the base branch does not contain the baseline" in text
    shutil.rmtree(runner.checkout)
    wanted = {"require-baseline": "false"}
    code, text, outputs = runner.run("feature", **observed(), **wanted)
    assert (code, "baseline" in outputs) == (0, False), text


@pytest.mark.parametrize(
    "name", ["$(touch x)", "`touch x`", "; touch x", "--upload-pack=touch x", "a b"]
)
def test_names_are_no_commands(runner: Runner, name: str) -> None:
    runner.commit("main", {"baseline.json": json.dumps(runner.baseline)})
    runner.commit("feature", {})
    code, text, _ = runner.run("feature", **observed(), base=name)
    assert code == 2, text
    assert not list(runner.checkout.glob("x")) + list(runner.folder.glob("x"))


def test_what_it_prints_names_nobody(runner: Runner) -> None:
    runner.commit("main", {"baseline.json": of_another_machine(runner.baseline)})
    runner.commit("feature", {})
    _, text, outputs = runner.run("feature", **observed())
    shown = (
        text + Path(outputs["markdown"]).read_text() + (runner.folder / "summary.md").read_text()
    )
    assert str(runner.folder) not in shown.replace(outputs["markdown"], "")
    assert sys.prefix not in shown


@pytest.mark.slow
def test_the_first_step_installs_envprint_where_no_file_of_the_checkout_is_run(
    tmp_path: Path,
) -> None:
    for name in ("venv.py", "pip.py", "json.py"):
        tmp_path.joinpath(name).write_text(HOSTILE_MODULE)
    variables = {"RUNNER_TEMP": str(tmp_path / "temp"), "PACKAGE": "", "ACTION_PATH": str(ROOT)}
    (tmp_path / "temp").mkdir()
    done = subprocess.run(
        ["bash", "-e", "-c", INSTALL["run"]],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    python = tmp_path / "temp/envprint/bin/python"
    assert subprocess.check_output([python, "-Im", "envprint", "--version"]).startswith(
        b"envprint "
    )
