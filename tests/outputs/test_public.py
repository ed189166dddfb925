"""What is posted names nobody: `show --format markdown`, and everything with `--public`."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from envprint.core.discovery import module_names
from envprint.core.fields import ListOf, MapOf, Record, Scalar, Shape
from envprint.core.fingerprint import Fingerprint
from envprint.documents.codec import dumps, loads, shape_of
from envprint.documents.validate import faults
from envprint.outputs import formats
from envprint.outputs.public import public, public_one
from envprint.outputs.public.fields import FIELDS, KEY, PRIVATE, kind_of
from envprint.outputs.public.kinds import KINDS
from tests.builders.commands import call
from tests.builders.support import fingerprint

HOSTS = Path(__file__).parent.parent / "hosts"
DOCS = Path(__file__).parent.parent.parent / "docs"
MACHINES = sorted(path.parent.name for path in HOSTS.glob("*/fingerprint.json"))
each_machine = pytest.mark.parametrize("machine", MACHINES)
FORMATS = module_names(formats)

OF_ONE_PROCESS = {"live.random.process"}
"""Fields that nobody else can use, so that they have no kind."""
NAMES = frozenset(["name", "reason"])
"""Kinds of which most is shown: what is private in them has a form, or stands elsewhere too."""
WORDS = count()


def planted() -> str:
    """A word that is in no table, and in no other text."""
    return f"zqx{next(WORDS)}corp"


def recorded(machine: str) -> Fingerprint:
    return loads((HOSTS / machine / "fingerprint.json").read_bytes(), machine)


def text_fields(shape: Shape, path: str) -> Iterator[str]:
    """The path of every text and of every map's keys, as `fields.py` writes them."""
    if isinstance(shape, Scalar):
        if str in shape.types:
            yield path
    elif isinstance(shape, Record):
        for field in shape.fields:
            yield from text_fields(field.shape, f"{path}.{field.name}")
    elif isinstance(shape, MapOf):
        yield path + KEY
        yield from text_fields(shape.item, f"{path}.*")
    else:
        yield from text_fields(shape.item, path)


def all_text_fields() -> list[str]:
    return [path for place in ("facts", "live") for path in text_fields(shape_of(place), place)]


def test_every_text_of_a_fingerprint_has_a_kind() -> None:
    without = {path for path in all_text_fields() if kind_of(path) == PRIVATE}
    assert without == OF_ONE_PROCESS


@pytest.mark.parametrize("kind", FIELDS)
def test_no_kind_lists_a_field_that_does_not_exist(kind: str) -> None:
    assert kind in KINDS
    assert any(kind_of(path) == kind for path in all_text_fields())


def plant(shape: Shape | None, value: Any, path: str, secrets: list[str]) -> Any:
    """The value with a secret in each text and each key; of names, one that has a form."""
    if isinstance(value, str):
        secrets.append(secret := planted())
        places = (
            f"/home/{secret}/x",
            f"https://{secret}.example/simple",
            f"{secret}@host",
            f"~/{secret}",
            f"\\\\srv\\{secret}",
            f"s3://{secret}/x",
        )
        is_name = kind_of(path) in NAMES
        return f"{value} {random.Random(secret).choice(places)}" if is_name else secret
    if value is None:
        return None
    if isinstance(shape, Record):
        by_name = {field.name: field.shape for field in shape.fields}
        return {
            name: plant(by_name.get(name), item, f"{path}.{name}", secrets)
            for name, item in value.items()
        }
    if isinstance(shape, MapOf):
        found = {}
        for key, item in value.items():
            is_name = kind_of(path + KEY) in NAMES
            found[key if is_name else plant(None, key, path + KEY, secrets)] = plant(
                shape.item, item, f"{path}.*", secrets
            )
        return found
    if isinstance(shape, ListOf):
        return [plant(shape.item, item, path, secrets) for item in value]
    return value


def hostile(machine: str) -> tuple[Fingerprint, list[str]]:
    """A recorded machine with a secret wherever a document has a text."""
    side, secrets = recorded(machine), list[str]()
    parts = {
        place: plant(shape_of(place), getattr(side, place), place, secrets)
        for place in ("facts", "live")
    }
    beside = {name: planted() for name in ("label", "note", "machine_id", "captured_via", "hint")}
    who = {"user": planted(), "host_name": planted(), "home": f"/home/{planted()}"}
    tags = {planted(): planted()}
    secrets += [*beside.values(), *who.values(), *tags, *tags.values()]
    secrets += [reference := planted(), key := planted(), newer := planted()]
    unknown = {
        f"facts.packages.distributions[{key}].version": f"cannot read /data/{newer}/x: {newer}",
        "facts.container.image": f"{who['host_name']} does not answer: {newer} said '{newer}'",
        f"facts.{newer}": newer,
    }
    made = side._replace(**parts, **beside, tags=tags, identity=who, unknown=unknown)
    return made._replace(reference=f"{reference}.json", chosen=reference, program=reference), [
        secret.removeprefix("/home/") for secret in secrets
    ]


def assert_none_of(secrets: list[str], text: str) -> None:
    assert [secret for secret in secrets if secret.lower() in text.lower()] == []


@each_machine
def test_no_planted_text_is_in_what_is_public(machine: str) -> None:
    side, secrets = hostile(machine)
    assert len(secrets) > 40
    assert_none_of(secrets, repr(public_one(side)._asdict()))


@each_machine
def test_what_is_public_is_a_document_and_stays_as_it_is(machine: str) -> None:
    once = public_one(recorded(machine))
    text = dumps(once)
    assert faults(text.encode(), "public") == []
    assert loads(text.encode(), "public") == once._replace(reference=None)
    assert public_one(once) == once


@pytest.mark.parametrize("form", ["text", "json", "html", "markdown"])
def test_show_prints_none_of_it(tmp_path: Path, form: str) -> None:
    side, secrets = hostile("dgx-a100")
    secrets = [secret for secret in secrets if secret in dumps(side)]
    (tmp_path / "one.json").write_text(dumps(side._replace(captured_via="cli")))
    options = [] if form == "markdown" else ["--public"]
    done = call("show", "one.json", "--format", form, *options, cwd=tmp_path)
    assert done.returncode == 0
    assert_none_of(secrets, done.stdout)


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_of_a_report_prints_any_of_it(tmp_path: Path, form: str) -> None:
    (before, some), (after, others) = hostile("dgx-a100"), hostile("ubuntu-rtx2080ti")
    for name, side in (("one", before), ("two", after)):
        (tmp_path / f"{name}-zqxfile.json").write_text(dumps(side._replace(captured_via="cli")))
    policy = '[[ignore]]\nrule = "os-*"\nreason = "zqxreason"\n'
    (tmp_path / "zqxpolicy.toml").write_text(policy)
    done = call(
        *("diff", "one-zqxfile.json", "two-zqxfile.json", "--format", form, "-v", "--public"),
        *("--policy", "zqxpolicy.toml", "--expect", "facts.cpu.model=zqxexpect"),
        cwd=tmp_path,
    )
    assert done.returncode in (0, 1)
    assert_none_of([*some, *others, "zqx"], done.stdout)


@pytest.mark.parametrize("other", MACHINES)
@pytest.mark.parametrize("one", ["dgx-a100", "debian12-cpu-vm"])
def test_the_public_verdict_is_the_real_one(one: str, other: str) -> None:
    pair = [f"{name}/fingerprint.json" for name in (one, other)]
    real, shown = (
        call("diff", *pair, "--format", "json", *more, cwd=HOSTS) for more in ([], ["--public"])
    )
    assert real.returncode == shown.returncode
    was, now = json.loads(real.stdout), json.loads(shown.stdout)
    assert [f["rule"] for f in now["findings"]] == [f["rule"] for f in was["findings"]]
    assert [f["impact"] for f in now["findings"]] == [f["impact"] for f in was["findings"]]
    assert now["verdict"]["impact"] == was["verdict"]["impact"]
    assert len(now["unjudged"]) == len(was["unjudged"])


def test_one_card_has_one_placeholder_on_both_sides() -> None:
    uuid, other = "GPU-5a3d9c2e-1f4b-4c8d-9e7a-0b1c2d3e4f50", "GPU-" + "0" * 8 + "-" + "1" * 27
    before = fingerprint({"facts.gpu.devices[0]": {"uuid": uuid}, "facts.gpu.visible": [uuid]})
    after = fingerprint(
        {
            "facts.gpu.devices[0]": {"uuid": other},
            "facts.gpu.devices[1]": {"uuid": uuid},
            "facts.environ.variables[CUDA_VISIBLE_DEVICES]": f"{uuid},{other}",
        }
    )
    one, two = public(before, after)
    mark = one.value("facts.gpu.devices[0].uuid")
    assert mark == "uuid-1"
    assert one.value("facts.gpu.visible") == [mark]
    assert two.value("facts.gpu.devices[1].uuid") == mark
    assert two.value("facts.environ.variables[CUDA_VISIBLE_DEVICES]") == f"{mark},uuid-2"


SHOWN_AND_HIDDEN = {
    "facts.packages.distributions[numpy].version": ("2.4.6", "2.4.6"),
    "facts.packages.distributions[torch].version": ("2.5.1+cu124", "2.5.1+cu124"),
    "facts.frameworks.torch.version": ("2.5.1+acme.fork", "2.5.1+local.1"),
    "facts.environ.variables[OMP_NUM_THREADS]": ("8", "8"),
    "facts.environ.variables[LANG]": ("en_US.UTF-8", "en_US.UTF-8"),
    "facts.environ.variables[XLA_FLAGS]": (
        "--xla_gpu_deterministic_ops=true --xla_dump_to=/data/acme/x",
        "--xla_gpu_deterministic_ops=true --xla_dump_to=/path-1",
    ),
    "facts.environ.variables[HF_HOME]": ("/mnt/acme/hub", "/path-1"),
    "facts.environ.variables[JAX_PLATFORMS]": ("cpu", "cpu"),
    "facts.environ.variables[OPENBLAS_CORETYPE]": ("Haswell", "Haswell"),
    "facts.environ.variables[PYTORCH_CUDA_ALLOC_CONF]": (
        "expandable_segments:True,max_split_size_mb:128",
        "expandable_segments:True,max_split_size_mb:128",
    ),
    "facts.environ.variables[NCCL_SOCKET_IFNAME]": ("acme0", "value-1"),
    "facts.os.kernel_release": ("6.1.0-18-cloud-amd64", "6.1.0-18-cloud-amd64"),
    "facts.os.time_zone": ("Europe/Berlin", "value-1"),
    "facts.python.prefix": ("/srv/acme/venv", "/path-1/venv"),
    "facts.cuda.driver_library.path": (
        "/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.15",
        "/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.15",
    ),
    "facts.code.branch": ("acme-42", "branch-1"),
    "facts.code.repository": ("git@github.com:acme/models.git", "url-1"),
    "facts.container.image": ("registry.acme.example/train:3", "image-1"),
    "facts.math.blas": (
        [{"name": "openblas", "owner": "acme-linalg", "library": "acme.libs/libopenblas.so"}],
        [
            {
                "name": "openblas",
                "owner": "private-package-1",
                "library": "path-1/libopenblas.so",
            }
        ],
    ),
}


@pytest.mark.parametrize("path", SHOWN_AND_HIDDEN)
def test_what_helps_stays_and_what_names_somebody_goes(path: str) -> None:
    value, wanted = SHOWN_AND_HIDDEN[path]
    assert public_one(fingerprint({path: value})).value(path) == wanted


@pytest.mark.parametrize("kind", ["index", "editable", "vcs", "local", None])
def test_a_package_that_no_table_lists_has_no_name(kind: str | None) -> None:
    entry = {"version": "1.2.3+g5f3a", "origin": kind and {"kind": kind, "url": "https://x.acme/"}}
    side = public_one(fingerprint({"facts.packages.distributions[acme-models]": entry}))
    (name,) = side.facts["packages"]["distributions"]
    assert name == "private-package-1"
    assert side.value(f"facts.packages.distributions[{name}].version") == "1.2.3+local.1"


def test_a_variable_that_no_table_lists_keeps_only_its_library() -> None:
    side = public_one(fingerprint({"facts.environ.variables[TF_ACME_SHARDS]": "acme"}))
    assert side.facts["environ"]["variables"] == {"TF_VARIABLE_1": "value-1"}


def test_a_private_name_is_replaced_in_other_texts_too() -> None:
    side = fingerprint(
        {"facts.packages.distributions[acme-models].version": "1"},
        unknown={"facts.os.libc": "ACME_Models took too long"},
    )
    assert public_one(side).unknown["facts.os.libc"] == "name-1 took too long"


def test_a_captured_environment_names_nobody(tmp_path: Path) -> None:
    home = tmp_path / "zqxhome"
    code = home / "zqxproject"
    code.mkdir(parents=True)
    git = ["git", "-C", str(code), "-c", "user.name=zqx", "-c", "user.email=zqx@zqx.example"]
    for words in (
        ["init", "-q", "-b", "zqxbranch"],
        ["remote", "add", "origin", "https://git.zqx.example/zqxproject.git"],
        ["commit", "-q", "--allow-empty", "-m", "zqx"],
    ):
        subprocess.run([*git, *words], check=True)
    settings = {
        "HOME": str(home),
        "TF_CONFIG": '{"cluster": {"worker": ["zqxnode:2222"]}}',
        "HF_HOME": "/data/zqx",
        "PYTHONPATH": str(code),
        "NCCL_SOCKET_IFNAME": "zqx0",
        "TF_ZQX_X": "1",
    }
    made = call(
        *("capture", "-o", "one.json", "--label", "zqxlabel", "--note", "zqxnote"),
        *("--tag", "zqxkey=zqxvalue", "--identify"),
        cwd=code,
        env=settings,
    )
    assert made.returncode == 0
    assert (code / "one.json").read_text().count("zqx") > 8
    for options in (["--format", "markdown"], ["--public"], ["--public", "--format", "json"]):
        shown = call("show", "one.json", *options, cwd=code, env=settings)
        assert shown.returncode == 0
        assert "zqx" not in shown.stdout.lower()
    now = call("check", "one.json", "--public", "-v", cwd=code, env=settings)
    assert now.returncode in (0, 1)
    assert "zqx" not in now.stdout.lower()


def test_commands_to_go_back_are_not_public() -> None:
    pair = [f"{name}/fingerprint.json" for name in ("dgx-a100", "debian12-cpu-vm")]
    done = call("diff", *pair, "--public", "--remedy", cwd=HOSTS)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--remedy has private names" in done.stderr


def test_the_page_lists_what_is_left_out_and_replaced() -> None:
    page = (DOCS / "public.md").read_text("utf-8")
    of_texts = {"name", "number", "digest", "reason", "error", "private", "variable", "path"}
    shown = {"package": "private-package-1"}
    for kind in KINDS.keys() - of_texts:
        assert f"`{shown.get(kind, f'{kind}-1')}`" in page, kind
    for placeholder in ("/path-1/lib", "TF_VARIABLE_1", "address-1", "name-1"):
        assert placeholder in page


def test_twenty_thousand_private_names_take_seconds() -> None:
    names = {f"facts.packages.distributions[acme-{n}-x]": {"version": "1"} for n in range(20_000)}
    begun = time.process_time()
    public_one(fingerprint(names))
    assert time.process_time() - begun < 20
