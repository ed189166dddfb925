"""The documentation follows from the code, and its links lead somewhere."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import envprint
from envprint.collectors import collectors
from envprint.rules import catalogue
from tests.builders.generators import generator
from tests.builders.golden_files import Golden

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])


def test_the_generated_pages_are_what_the_code_says(golden: Golden, update_golden: bool) -> None:
    docs = generator("docs")
    if update_golden:
        docs.write()
    made = docs.pages()
    for path, text in made.items():
        golden(DOCS / path, text)
    on_disk = {f"rules/{page.name}" for page in (DOCS / "rules").glob("*.md")}
    assert on_disk == {path for path in made if path.startswith("rules/")}


def test_the_example_of_the_architecture_is_true() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    path, example = re.findall(r"(?s)For `([\w.]+)`:\n\n(.+?)\n\n", text)[0]
    lines = dict(re.findall(r"(?s)\* (\w+) in (.+?)(?=\n\*|$)", example))
    files = {what: re.findall(r"`([\w/.]+\.\w+)`", line) for what, line in lines.items()}
    assert list(files) == ["read", "judged", "tested", "described"]
    place, section, field = path.split(".")
    (collector,) = [c for c in collectors() if (c.kind, c.section) == (place, section)]
    assert field in {declared.name for declared in collector.fields}
    assert files["read"] == [f"envprint/collectors/{section}.py"]
    names = [name.removesuffix(".py").replace("/", ".") for name in files["judged"]]
    rules = [rule for name in names for rule in import_module(name).RULES]
    watching = {rule.id for rule in catalogue() if path in rule.watches}
    assert watching
    assert watching <= {rule.id for rule in rules}
    tests = {name: (ROOT / name).read_text(encoding="utf-8") for name in files["tested"]}
    assert field in tests[f"tests/collectors/test_{section}.py"]
    of_rules = [test for name, test in tests.items() if name.startswith("tests/rules/")]
    assert [rule for rule in sorted(watching) if not any(rule in test for test in of_rules)] == []
    assert [page for page in files["described"] if field not in (ROOT / page).read_text()] == []


OURS = [p for top in ("envprint", "tests", "docs") for p in sorted((ROOT / top).rglob("*.py"))]


def leads_somewhere(name: str) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    found: object = envprint
    for reached in range(2, name.count(".") + 2):
        step = name.split(".")[reached - 1]
        if hasattr(found, "__path__") and not hasattr(found, step):
            with suppress(ModuleNotFoundError):
                import_module(".".join(name.split(".")[:reached]))
        if not hasattr(found, step):
            return False
        found = getattr(found, step)
    return True


def test_every_module_and_function_that_a_text_names_is_there() -> None:
    named = {
        (str(file.relative_to(ROOT)), name)
        for file in (*OURS, *PAGES)
        for name in re.findall(r"`(envprint(?:\.[a-z_]\w*)+)`", file.read_text(encoding="utf-8"))
    }
    assert [
        (f, n) for f, n in sorted(named) if n not in NO_MODULES and not leads_somewhere(n)
    ] == []


NO_MODULES = {
    *("envprint.toml", "envprint.integrations.keras.Fingerprint"),
    *("envprint.digest", "envprint.version", "envprint.section.packages"),
}
"""A file's name, and what is made only where Keras is installed."""


def test_every_relative_link_leads_to_a_file() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not target.startswith(("http:", "https:")):
                assert (page.parent / target).exists(), (page, target)
