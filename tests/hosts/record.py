"""Records the machine it runs on: `python -m tests.hosts.record NAME [options]`.

Runs one capture through a `RecordingHost` and writes tests/hosts/NAME/host.json. The home
directory, the user and the host name are replaced, and only the variables that
`envprint.machine.recorded_environ` lets pass are kept. What else must not be published (a build
name, a mount point) is named with `--replace`. Read the file before it is committed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from envprint.collectors._runner import capture
from envprint.knowledge import launchers
from envprint.machine.live import LiveHost
from envprint.machine.recorded import RecordingHost

HOSTS = Path(__file__).parent
NEUTRAL = {"user": "user", "host_name": "host", "home": "/home/user"}
SHORTEST_NAME = 4
"""A shorter user or host name, or `root`, is a word of many paths: only its own answers change."""


def main(argv: list[str] | None = None) -> int:
    """Write one recording; returns the exit code."""
    options = _options(argv)
    if options.directory:
        os.chdir(options.directory)
    host = RecordingHost(LiveHost(options.python), launchers.names(*launchers.SIZES))
    capture(host)
    answers = redacted(host.answers, host.identity(), dict(options.replace))
    machine = {"description": options.describe, "sources": options.source, "answers": answers}
    target = HOSTS / options.name / "host.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(machine, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target}: {target.stat().st_size} bytes")
    return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hosts.record", description=__doc__)
    parser.add_argument("name", help="folder below tests/hosts")
    parser.add_argument("--describe", default="", help="what this machine is, in one sentence")
    parser.add_argument("--source", action="append", default=[], help="a page that describes it")
    parser.add_argument("--python", help="the interpreter to look at")
    parser.add_argument("--directory", help="working directory of the capture")
    parser.add_argument("--replace", action="append", default=[], type=_pair, metavar="TEXT=NEW")
    return parser.parse_args(argv)


def _pair(text: str) -> tuple[str, str]:
    before, _, after = text.partition("=")
    return before, after


def redacted(
    answers: Mapping[str, Any], identity: Mapping[str, str], replace: Mapping[str, str]
) -> dict[str, Any]:
    """`answers`, sorted, with the machine's own names replaced in every key and value."""
    patterns = [(re.compile(re.escape(text)), new) for text, new in replace.items()]
    if identity["home"] != "/":
        home = re.escape(identity["home"].rstrip("/"))
        patterns.append((re.compile(rf"(?<![\w.-]){home}(?![\w.-])"), NEUTRAL["home"]))
    for key in ("user", "host_name"):
        name = identity.get(key, "")
        if len(name) >= SHORTEST_NAME and name != "root":
            patterns.append((re.compile(rf"(?<!\w){re.escape(name)}(?!\w)"), NEUTRAL[key]))

    def neutral(text: str) -> str:
        for pattern, new in patterns:
            text = pattern.sub(new, text)
        return text

    changed: dict[str, Any] = {**_walk(answers, neutral), "identity": {"": NEUTRAL}}
    for process in changed.get("process", {}).values():
        if process.get("user") == identity.get("user", ""):
            process["user"] = NEUTRAL["user"]
    return changed


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): _walk(item, change) for key, item in sorted(value.items())}
    return [_walk(item, change) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    raise SystemExit(main())
