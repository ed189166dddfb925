"""Every reader of envprint, with real inputs to begin with and what it may refuse with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from envprint.collectors import (
    _cgroup,
    _conda,
    _dist_info,
    _import_names,
    _requirements,
    code,
    cpu,
    os,
)
from envprint.core import cuda_visible_devices, markers, requirement, shell, text, units, versions
from envprint.core.errors import DocumentError, EnvprintError, PolicyError
from envprint.core.fields import ShapeFault
from envprint.core.fingerprint import around, split_path
from envprint.core.redact import clean, safe_arguments, safe_text, safe_value
from envprint.documents.codec import dumps, loads, parse_json
from envprint.documents.store import Damaged, Store
from envprint.documents.validate import faults
from envprint.importers import imported
from envprint.judging.policy.model import matches
from envprint.judging.policy.parse import parse_policy
from envprint.machine import elf, procfs
from envprint.machine.nvml.calls import MARK
from envprint.machine.nvml.messages import NvmlMessages, finished
from envprint.machine.other_interpreter import checked
from tests.builders.records import SAMPLES

ROOT = Path(__file__).parents[1]
TODAY = "2026-11-28"
NOT_UNDERSTOOD = (OSError, ValueError, KeyError, IndexError, RecursionError)
"""What `envprint.machine.attempt` takes for one unknown value."""


class Reader(NamedTuple):
    """One way in: what it reads, real inputs, and the errors that are a refusal."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refuses: tuple[type[Exception], ...]


def _text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda content: read(content.decode("utf-8", "replace"))


def _lines(*seeds: str) -> tuple[bytes, ...]:
    return tuple(seed.encode() for seed in seeds)


def _documents() -> tuple[bytes, ...]:
    paths = sorted([*ROOT.glob("golden/*/a*.json"), *ROOT.glob("golden/*/before.json")])
    found = [path.read_bytes() for path in paths if b'"facts"' in path.read_bytes()]
    found = sorted(found, key=len)[:3]
    small = {
        **{"schema_version": "1.1", "envprint_version": "0.1.0", "digest": "sha256:0"},
        **{"captured_at": "2026-11-21T12:00:00Z", "unknown": {"facts.math": "x"}, "live": {}},
        "facts": {"environ": {"variables": {"TF_X": "1"}}, "cpu": {"flags": ["avx2"]}},
    }
    return (*found, json.dumps(small).encode())


class _Folder:
    """A store of one entry."""

    place = "memory"

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, path: str) -> bytes:
        return self._content

    def names(self, path: str) -> list[str]:
        return ["20261122T005625.123456789Z-1f9c2ab07d3e.json"]


def _entries(content: bytes) -> object:
    store = Store.__new__(Store)
    store._folder = _Folder(content)  # type: ignore[assignment]
    store.place = "memory"
    (one,) = store.saved()
    if isinstance(one, Damaged):
        raise DocumentError(one.reason)
    return one.in_words()


def _again(content: bytes) -> object:
    """What is read is written in the same words."""
    found = loads(content, "f")
    again = loads(dumps(found).encode(), "f")
    # What this version does not know at the top of a document is named and not written again.
    assert again._replace(undeclared=()) == found._replace(undeclared=())
    return found


@cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)) / "lib.so"


def _library(content: bytes) -> object:
    _file().write_bytes(content)
    return elf.linking(str(_file()))


def _reading(content: bytes) -> object:
    messages = NvmlMessages()
    for line in content.split(b"\n"):
        messages.take(line)
    return finished(messages.reading)


def _devices(content: bytes) -> object:
    devices: dict[str, dict[str, Any]] = {
        str(n): {"uuid": f"GPU-{n}a2b-{n}", "name": "x"} for n in range(3)
    }
    wanted = content.decode("utf-8", "replace")
    keys = cuda_visible_devices.keys_of(3, devices)
    cuda_visible_devices.unknown_reason(keys, devices, wanted, wanted)
    return cuda_visible_devices.visible_devices(keys, devices, wanted, "550.1")


def _record(form: str, content: bytes) -> object:
    """What is read is a document that a reader accepts."""
    return loads(dumps(imported(content, "f", form)).encode(), "f")


HERE = {"python_version": "3.11", "sys_platform": "linux", "extra": "", "os_name": "posix"}
OWN = Path(elf.__file__).read_bytes()
READERS: Mapping[str, Reader] = {
    "a fingerprint": Reader(_again, _documents(), (DocumentError,)),
    "JSON": Reader(lambda c: parse_json(c, "f"), _documents(), (DocumentError,)),
    "validate": Reader(lambda c: faults(c, "f"), _documents()[-1:], (EnvprintError,)),
    "a policy": Reader(
        lambda c: parse_policy(c, "envprint.toml", TODAY),
        _lines(
            'fail_on = "numeric"\non_unknown = "warn"\nframeworks = ["tensorflow"]\n[impact]\n'
            '"os-locale-changed" = "none"\n[require]\nmin_free_gpu = "20 GiB"\ngpus = 2\n'
            'packages = { numpy = "==2.4.*" }\n[[ignore]]\nrule = "gpu-*"\nreason = "r"\n'
            'expires = 2027-01-31\n[[accept]]\npackage = "timm"\nstep = "patch"\nreason = "r"\n'
            '[trust]\nfilters = ["~/a", "/b/*"]\n',
        ),
        (PolicyError,),
    ),
    "a project file": Reader(
        lambda c: parse_policy(c, "pyproject.toml", TODAY),
        ((ROOT.parent / "pyproject.toml").read_bytes()[:3000], b'[tool.envprint]\ndevice="cpu"\n'),
        (PolicyError,),
    ),
    "an entry of a store": Reader(
        _entries,
        _lines(
            '{"schema_version": "1.1", "object": "sha256:' + "a" * 64 + '", "digest": "x", '
            '"saved_at": "2026-11-22T00:56:25Z", "kind": "run", "exit_code": 0, "label": null, '
            '"program": "train.py", "good": true, "reason": null}'
        ),
        (DocumentError,),
    ),
    "an interpreter": Reader(
        lambda c: checked(json.loads(c)),
        _lines(
            json.dumps(
                {
                    **dict.fromkeys(("implementation", "version", "compiler", "executable"), "x"),
                    **dict.fromkeys(("prefix", "base_prefix", "platform", "byte_order"), "/x"),
                    **{"flags": {"a": 1}, "x_options": {}, "gil_enabled": True, "pid": 5},
                    **{"hash_algorithm": "siphash13", "hash_probe": 5, "path": ["/x"]},
                    **{"subnormals_flushed": False, "libc": None, "imported": []},
                    **{"site_hooks": [], "switches": {"a": {"value": "on", "source": "x"}}},
                }
            )
        ),
        (ValueError, TypeError, RecursionError, ShapeFault),  # type: ignore[arg-type]
    ),
    "what the driver's child prints": Reader(
        _reading,
        tuple(
            b"\n".join(MARK + json.dumps(words).encode() for words in several)
            for several in (
                [["call", "nvmlInit"], ["is", ["init"], None], ["is", ["count"], 1, "nvmlC", 1.5]],
                [["is", ["devices", 0, "name"], "A100"], ["is", ["sampled_at_s"], 1.5], ["end"]],
            )
        ),
        NOT_UNDERSTOOD,
    ),
    "git status": Reader(
        _text(code.parse_status),
        _lines(
            "# branch.oid "
            + "a" * 40
            + "\0# branch.head main\x001 .M N... 100644 100644 100644 "
            + "b" * 40
            + " "
            + "c" * 40
            + " train.py\0? notes.py\0"
        ),
        NOT_UNDERSTOOD,
    ),
    "git config": Reader(
        _text(lambda t: list(code.settings(t, "remote", "url"))),
        _lines('[core]\n\tbare = no\n[remote "origin"]\n\turl = git@example.org:o/x.git\n'),
        (),
    ),
    "mounts": Reader(
        _text(code.kinds),
        _lines("23 21 0:40 / /p rw,relatime - nfs4 server:/p rw\n24 21 0:41 / /a\\040b rw - xfs\n"),
        NOT_UNDERSTOOD,
    ),
    "cpuinfo": Reader(
        _text(
            lambda t: [
                one(cpu.parse_cpuinfo(t))
                for one in (cpu.model_of, cpu.vendor_of, cpu.common_flags, cpu.arm_model)
            ]
        ),
        _lines(
            "processor : 0\nvendor_id : GenuineIntel\nmodel name : Xeon\nflags : fpu avx2 fma\n\n",
            "processor : 0\nFeatures : fp asimd\nCPU implementer : 0x41\nCPU part : 0xd0c\n\n",
        ),
        NOT_UNDERSTOOD,
    ),
    "control groups": Reader(
        _text(_cgroup.parse_groups), _lines("4:memory:/user.slice\n0::/system.slice/x.scope\n"), ()
    ),
    "os-release": Reader(
        _text(os.parse_os_release), _lines("ID=debian\nVERSION_ID=\"12\"\nNAME='x'\n"), ()
    ),
    "METADATA": Reader(
        _text(_dist_info.parse_headers),
        _lines("Metadata-Version: 2.1\nName: numpy\nVersion: 2.4.6\nRequires-Dist: x\n\nText\n"),
        (),
    ),
    "requirements": Reader(
        lambda c: list(_requirements.requirements(c)),
        _lines('Name: a\nRequires-Dist: numpy<3,>=1.2; python_version >= "3.9"\n\n'),
        NOT_UNDERSTOOD,
    ),
    "RECORD": Reader(
        _text(_import_names.modules_in),
        _lines("numpy/__init__.py,sha256=x,12\nnumpy/core.so,,\n../../bin/f2py,sha256=y,5\n"),
        NOT_UNDERSTOOD,
    ),
    "names of entries": Reader(
        _text(lambda t: (_dist_info.parse_entry(t), _conda.parse_file_name(t))),
        _lines("scikit_learn-1.9.1.dist-info", "six-1.16.0-py3.11.egg-info", "mkl-2024.0-h_1.json"),
        NOT_UNDERSTOOD,
    ),
    "conda": Reader(
        _conda.parse_channel,
        _lines('{"channel": "https://conda.example.org/main/linux-64", "name": "mkl"}'),
        NOT_UNDERSTOOD,
    ),
    "a library": Reader(_library, (Path("/bin/sh").read_bytes()[:4096],), NOT_UNDERSTOOD),
    "maps of a process": Reader(
        _text(lambda t: procfs.mapped_files(t.splitlines())),
        _lines("7f0-7f1 r-xp 0 fe:00 5 /usr/lib/libcudart.so.12\n7f1-7f2 rw-p 0 0 0 [heap]\n"),
        (),
    ),
    "CUDA_VISIBLE_DEVICES": Reader(_devices, _lines("0,1", "GPU-1a2b", "MIG-x/1/0,-1"), ()),
    "sizes": Reader(_text(units.parse_size), _lines("20 GiB", "1.5TB", "512 MB"), (ValueError,)),
    "times": Reader(_text(units.parse_seconds), _lines("90 s", "5 min", "2h"), (ValueError,)),
    "versions": Reader(
        _text(lambda t: (versions.numbers(t), versions.is_below(t, "2.5"))),
        _lines("2.16.0rc1", "12.4.131", "1!2.0.post1+cu128"),
        (),
    ),
    "specifiers": Reader(
        _text(lambda t: versions.meets(*t.split("|", 1)) if "|" in t else None),
        _lines("2.16.0|>=2.4,<3", "1.2|~=1.1", "1.0|!=1.*", "3|===3"),
        (),
    ),
    "markers": Reader(
        _text(lambda t: markers.applies(t, HERE)),
        _lines('python_version >= "3.9" and (extra == "x" or os_name != "nt")'),
        (),
    ),
    "requirements of remedies": Reader(
        _text(lambda t: (requirement.pinned("a", t), requirement.specified("a", t))),
        _lines("2.4.6", ">=2.4,<3", "2.8.0+cu128"),
        (),
    ),
    "words of a shell": Reader(_text(shell.quoted), _lines("a 'b'", "/a/b", "$(x)"), ()),
    "texts for a terminal": Reader(
        _text(lambda t: (text.plain(t), text.wrapped(t, 40), text.one_line(t))),
        _lines("a b ::error::x", "##[x]\x1b[31m", "é 雪"),
        (),
    ),
    "secrets": Reader(
        _text(lambda t: (safe_text(t), safe_value("A_TOKEN", t), safe_arguments(t.split(" ")))),
        _lines(
            "https://user:pass@host/x?sig=abcdefghijkl",
            "--password=hunter2 --token abc",
            '{"api_key": "x"}',
            "Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789",
            "ghp_" + "a1B2" * 9,
            "login ann password x",
        ),
        (),
    ),
    "documents to clean": Reader(
        _text(lambda t: clean({t: [t, {"a": t}]}, "/home/u")),
        _lines("/home/u/x:/home/u", "a=b"),
        (),
    ),
    "records": Reader(
        lambda c: dumps(imported(c, "f")),
        tuple(text.encode() for text in SAMPLES.values()),
        (DocumentError,),
    ),
    **{
        f"a record of the form {form}": Reader(
            partial(_record, form), (text.encode(),), (DocumentError,)
        )
        for form, text in SAMPLES.items()
    },
    "paths": Reader(
        _text(lambda t: (split_path(t), list(around(t)))),
        _lines("facts.environ.variables[TF_X]", "live.gpu.devices[0].processes"),
        (),
    ),
    "patterns": Reader(
        _text(lambda t: matches(*t.split("|", 1)) if "|" in t else None),
        _lines("facts.*|facts.gpu", "*a*b|xaxb"),
        (),
    ),
}
