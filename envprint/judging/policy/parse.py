"""Parses policies in TOML: `envprint.toml`, or `[tool.envprint]` in pyproject.toml.

Every key is checked, because a policy that is silently not applied is worse than none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from envprint.core.errors import PolicyError
from envprint.core.fields import ListOf, Record, Shape, ShapeFault, require
from envprint.core.impact import IMPACT_WORDS, Impact
from envprint.core.redact import is_recorded, safe_text
from envprint.core.report import DEVICES
from envprint.core.suggest import did_you_mean
from envprint.core.typed import Any, NamedTuple
from envprint.core.units import parse_size
from envprint.core.workload import Requirements
from envprint.judging.policy.accept import ACCEPTED_STEPS, ANY_STEP, ROLES
from envprint.judging.policy.fields import IDENTITY, ISO_DATE, MAX_GPUS, SHAPE, switches
from envprint.judging.policy.model import (
    UNKNOWN_ACTIONS,
    Accept,
    Entry,
    Policy,
    imagined_rule,
)
from envprint.judging.policy.toml import TABLE, decoded, is_pyproject, line_of, parse_toml

ANY = "*"
"""Matches any rule, any path, any installed version."""


def parse_policy(content: bytes, name: str, today: str) -> Policy:
    """The policy in the TOML `content`; entries that expired before `today` (ISO date) are void.

    In a pyproject.toml it is the table `[tool.envprint]`. Raises `PolicyError`; its message begins
    with `name` and, if it is known, the line.
    """
    text = decoded(content, name)
    data = parse_toml(text, name)
    prefix = TABLE if is_pyproject(name) else ()
    for length, key in enumerate(prefix, 1):
        if key not in data:
            note = f"{name}: it contains no table [tool.envprint]: the defaults apply"
            return Policy(notes=(note,))
        data = data[key]
        if not isinstance(data, dict):
            message = f"expected table, found {type(data).__name__}"
            raise _Reader(name, text, ()).fault(prefix[:length], message)
    return _Reader(name, text, prefix).policy(data, today)


class _Reader(NamedTuple):
    """Builds a policy from parsed data; knows the position of the data, for error messages."""

    name: str
    text: str
    prefix: tuple[str, ...]

    def fault(self, path: Sequence[str], message: str) -> PolicyError:
        """An error about the entry at `path`."""
        line = line_of(self.text, (*self.prefix, *path))
        where = f"{self.name}, line {line}" if line else self.name
        return PolicyError(f"{where}: {_spelt(path)}: {message}")

    def policy(self, data: Any, today: str) -> Policy:
        """The whole policy, with notes on entries whose rules do not exist."""
        self.check(data, SHAPE)
        policy = Policy(
            fail_on=self.impact(data.get("fail_on", "numeric"), ("fail_on",)),
            on_unknown=self.one_of(
                data.get("on_unknown", "warn"), UNKNOWN_ACTIONS, ("on_unknown",)
            ),
            # Two names may be of one framework.
            frameworks=tuple(dict.fromkeys(map(self.framework, data.get("frameworks", ())))),
            device=self.one_of(data["device"], tuple(DEVICES), ("device",))
            if "device" in data
            else None,
            impacts={
                rule: self.impact(word, ("impact", rule))
                for rule, word in data.get("impact", {}).items()
            },
            required=self.required(data.get("require", {})),
            ignores=tuple(self.entries("ignore", data.get("ignore", []), today)),
            expects=tuple(self.entries("expect", data.get("expect", []), today)),
            accepts=tuple(self.accepts(data.get("accept", []), today)),
            identity=tuple(self.identity(data.get("identity", []))),
            trusted=tuple(self.repositories(data.get("trust", {}).get("filters", []))),
        )
        return policy._replace(notes=tuple(self.imagined_rules(policy)))

    def imagined_rules(self, policy: Policy) -> Iterator[str]:
        """Entries whose rule id or pattern matches no rule. No error, because versions differ."""
        named: list[tuple[tuple[str, ...], str]]
        named = [(("impact", name), name) for name in policy.impacts]
        for kind, entries in (("ignore", policy.ignores), ("expect", policy.expects)):
            rules = [(str(n), entry.rule) for n, entry in enumerate(entries) if entry.rule != ANY]
            named += [((kind, number, "rule"), rule) for number, rule in rules]
        for path, name in named:
            if wrong := imagined_rule(name):
                yield str(self.fault(path, wrong))

    def check(self, data: Any, shape: Record) -> None:
        """Raise for wrong types and unknown keys."""
        _with_plain_dates(data)
        self.refuse_unknown_keys(data, shape, ())
        try:
            require(shape, data)
        except ShapeFault as fault:
            steps = re.findall(r"[^.\[\]]+", fault.path)
            expected = fault.expected.replace("object", "table")  # as TOML calls it
            message = f"expected {expected}, found {fault.found}"
            if steps == ["require", "min_free_gpu"]:
                message += "; a size needs a unit, such as '20 GiB'"
            raise self.fault(steps, message) from None

    def refuse_unknown_keys(self, value: Any, shape: Shape, path: tuple[str, ...]) -> None:
        """Raise for a key that nothing reads, and suggest the one that was probably meant."""
        if isinstance(shape, ListOf) and isinstance(value, list):
            for number, item in enumerate(value):
                self.refuse_unknown_keys(item, shape.item, (*path, str(number)))
        elif isinstance(shape, Record) and isinstance(value, dict):
            known = {field.name: field.shape for field in shape.fields}
            for key, inner in value.items():
                if key not in known:
                    raise self.fault((*path, key), f"unknown key; {did_you_mean(key, known)}")
                self.refuse_unknown_keys(inner, known[key], (*path, key))

    def required(self, data: Mapping[str, Any]) -> Requirements:
        """The requirements in `[require]`."""
        size = data.get("min_free_gpu")
        for name in data.get("variables", {}):
            if not is_recorded(name):
                raise self.fault(("require", "variables", name), "envprint does not record it")
        if not 0 <= data.get("gpus", 0) <= MAX_GPUS:
            raise self.fault(("require", "gpus"), f"expected a number from 0 to {MAX_GPUS}")
        for switch in data.get("switches", ()):
            self.one_of(switch, switches(), ("require", "switches"))
        for package, versions in data.get("packages", {}).items():
            self.specifier(versions, ("require", "packages", package))
        return Requirements(
            min_free_gpu_bytes=None if size is None else self.size(size),
            gpus=data.get("gpus"),
            variables=data.get("variables", {}),
            switches=tuple(data.get("switches", ())),
            packages=data.get("packages", {}),
        )

    def size(self, text: str) -> int:
        """The number of bytes in a size such as `20 GiB`."""
        try:
            return parse_size(text)
        except ValueError as error:
            raise self.fault(("require", "min_free_gpu"), str(error)) from None

    def framework(self, name: str) -> str:
        """The framework or library of that name or alias."""
        from envprint.knowledge.jobs import job_named  # few policies name one

        try:
            return job_named(name)
        except ValueError as error:
            raise self.fault(("frameworks",), str(error)) from None

    def specifier(self, text: str, path: Sequence[str]) -> None:
        """Raise if `text` is not a version specifier."""
        from packaging.specifiers import SpecifierSet

        try:
            if text != ANY:
                SpecifierSet(text).contains("1")  # also parses the numbers
        except ValueError:
            message = f"expected versions such as '==2.4.*', '>=2.4,<3' or '*', found {text!r}"
            raise self.fault(path, message) from None

    def entries(
        self, kind: str, entries: Sequence[Mapping[str, str]], today: str
    ) -> Iterator[Entry]:
        """The entries of `ignore` or `expect`."""
        for number, entry in enumerate(entries):
            path = (kind, str(number))
            self.check_entry(entry, path, ("rule", "path"))
            expires = entry.get("expires")
            yield Entry(
                place=_spelt(path),
                rule=entry.get("rule", ANY),
                path=entry.get("path", ANY),
                reason=safe_text(entry["reason"]),
                expires=expires,
                has_expired=expires is not None and expires < today,
            )

    def accepts(self, entries: Sequence[Mapping[str, str]], today: str) -> Iterator[Accept]:
        """The entries of `accept`."""
        for number, entry in enumerate(entries):
            path = ("accept", str(number))
            self.check_entry(entry, path, ("package", "role"))
            expires = entry.get("expires")
            yield Accept(
                place=_spelt(path),
                # As documents write it; `*` is no part of a name.
                package=re.sub(r"[-_.]+", "-", entry.get("package", ANY)).lower(),
                role=self.one_of(entry["role"], ROLES, (*path, "role")) if "role" in entry else ANY,
                step=self.one_of(entry.get("step", ANY_STEP), ACCEPTED_STEPS, (*path, "step")),
                reason=safe_text(entry["reason"]),
                expires=expires,
                has_expired=expires is not None and expires < today,
            )

    def identity(self, entries: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
        """The entries of `identity`: path and reason."""
        for number, entry in enumerate(entries):
            place = ("identity", str(number))
            self.check_entry(entry, place, ("path",))
            if not re.match(IDENTITY, entry["path"]):
                expected = "a path of facts, such as facts.environ.variables[WANDB_RUN_ID]"
                message = f"expected {expected}, found {entry['path'][:80]!r}"
                raise self.fault((*place, "path"), message)
            yield entry["path"], safe_text(entry["reason"])

    def repositories(self, patterns: Iterable[str]) -> Iterator[str]:
        """The patterns of `trust.filters`."""
        for number, pattern in enumerate(patterns):
            if not pattern.startswith(("/", "~/", ANY)):
                message = f"expected a path from the root or from ~, found {pattern[:80]!r}"
                raise self.fault(("trust", "filters", str(number)), message)
            yield pattern

    def check_entry(
        self, entry: Mapping[str, str], path: tuple[str, ...], subjects: tuple[str, ...]
    ) -> None:
        """Raise unless it has a reason and at least one of its subjects, and a valid date."""
        if not entry.get("reason", "").strip():
            raise self.fault(path, "a reason is required")
        if not any(key in entry for key in subjects):
            raise self.fault(path, f"expected {' or '.join(f'a {key}' for key in subjects)}")
        for key in subjects:
            if not entry.get(key, ANY).strip():
                raise self.fault((*path, key), f"expected a {key}, found {entry[key]!r}")
        expires = entry.get("expires")
        if expires is not None and not _is_date(expires):
            message = f"expected a date such as 2027-01-31, found {expires!r}"
            raise self.fault((*path, "expires"), message)

    def impact(self, word: str, path: Sequence[str]) -> Impact:
        """The impact with that name."""
        return Impact[self.one_of(word, IMPACT_WORDS, path).upper()]

    def one_of(self, word: str, allowed: tuple[str, ...], path: Sequence[str]) -> str:
        """`word`, if it is allowed; raises otherwise."""
        if word not in allowed:
            raise self.fault(path, f"expected one of {', '.join(allowed)}; found {word!r}")
        return word


def _is_date(text: str) -> bool:
    """Whether it is a valid calendar date, written as TOML and JSON Schema require."""
    from datetime import date

    try:
        # On its own it accepts other spellings, and which ones depends on the version of Python.
        return bool(re.match(ISO_DATE, text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _with_plain_dates(data: Any) -> None:
    """Replace dates, a type of their own in TOML, by text: a policy compares them as text."""
    for kind in ("ignore", "accept"):
        entries = data.get(kind, []) if isinstance(data, dict) else []
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and hasattr(entry.get("expires"), "isoformat"):
                entry["expires"] = entry["expires"].isoformat()[:10]


def _spelt(path: Sequence[str]) -> str:
    """`ignore[0].rule`"""
    steps = (f"[{step}]" if step.isdecimal() else f".{step}" for step in path)
    return "".join(steps).lstrip(".")
