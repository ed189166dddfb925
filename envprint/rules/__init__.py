"""The catalogue: one module per section, each with its `RULES`."""

from __future__ import annotations

from functools import cache

from envprint.rule import Rule


@cache
def catalogue() -> tuple[Rule, ...]:
    """Every rule, in order of id."""
    from envprint import rules as package
    from envprint.modules import load_modules

    found = [rule for module in load_modules(package) for rule in module.RULES]
    return tuple(sorted(found, key=lambda rule: rule.id))
