"""A real server of S3 on loopback: references, a store, and numbers that no two trainings share."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Build

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PACKAGES = ("moto[server]==5.2.5", "s3fs==2026.9.0", "pytest>=8", "packaging")
"""The last two for `tests.builders`."""
(OF_THE_PAGE,) = re.findall(
    r"(?ms)^```bash\n(export ENVPRINT_HOME=s3:.*?)^```$", (ROOT / "docs/baselines.md").read_text()
)
WRITERS = 32
SERVER = """
import json, os, subprocess, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
import s3fs
files = s3fs.S3FileSystem()
files.mkdir("bucket")
files.mkdir("our-bucket")
"""
FILES = """
def call(*arguments):
    command = [sys.executable, "-m", "envprint", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr

said = {"capture": call("capture", "-o", "f.json")}
files.put("f.json", "bucket/f.json")
said["same"] = call("diff", "s3://bucket/f.json", "f.json")
os.environ["ENVPRINT_HOME"] = "s3://our-bucket/baselines"
said["saved"] = call("capture", "--save", "monday")
del os.environ["ENVPRINT_HOME"]
ours = f'envprint() {{ {sys.executable} -m envprint "$@"; }}; set -e; '
page = ours + sys.argv[1]
said["page"] = subprocess.run(["bash", "-c", page], capture_output=True).returncode
said["missing"] = call("diff", "s3://bucket/nope.json", "f.json")
begin = (
    "import sys; from envprint.integrations._fit import Fit, Options; sys.stdin.readline();"
    "Fit('s3://bucket/checkpoints', Options(chief=True)).begin()"
)
started = [subprocess.Popen([sys.executable, "-c", begin], stdin=subprocess.PIPE) for _ in range(4)]
for one in started:
    one.stdin.write(b"go")
    one.stdin.close()
said["ended"] = [one.wait() for one in started]
said["names"] = sorted(name.rpartition("/")[2] for name in files.ls("bucket/checkpoints"))
server.stop()
print(json.dumps(said))
"""
STORE = f"""
begin = (
    "import sys\\n"
    "from envprint.documents.store import Store\\n"
    "from tests.builders.labelled import labelled\\n"
    "store, label = Store('s3://bucket/store'), sys.argv[1]\\n"
    "sys.stdin.read()\\n"
    "store.save(labelled(label), f'own-{{label}}')\\n"
    "store.save(labelled(f'{{label}}-again'), 'common')\\n"
)
started = [
    subprocess.Popen([sys.executable, "-c", begin, str(number)], stdin=subprocess.PIPE)
    for number in range({WRITERS})
]
for one in started:
    one.stdin.close()
ended = [one.wait() for one in started]
from envprint.documents.codec import loads
from envprint.documents.store import Store
store = Store("s3://bucket/store")
saves = list(store.saved())
own = [loads(store.read(store.named(f"own-{{number}}")), "x").label for number in range({WRITERS})]
said = {{"ended": ended, "names": store.names(), "own": own}}
said["saved"] = [[saved.label, loads(store.read(saved.object), "x").label] for saved in saves]
said["common"] = store.named("common") in {{saved.object for saved in saves}}
server.stop()
print(json.dumps(said))
"""


def test_documents_in_s3_are_read_and_each_training_gets_a_number_of_its_own(
    environment: Build, tmp_path: Path
) -> None:
    said = answers(environment(*PACKAGES), SERVER + FILES, tmp_path, OF_THE_PAGE)
    assert (said["saved"][0], said["page"]) == (0, 0), said
    assert (said["capture"][0], said["same"][0], said["missing"][0]) == (0, 0, 2), said
    (line,) = said["missing"][1].strip().splitlines()
    assert line.startswith("envprint: s3://bucket/nope.json: ")
    assert said["ended"] == [0] * 4
    assert said["names"] == [f"fingerprint-00{number}-start.json" for number in (1, 2, 3, 4)]


@pytest.mark.long
def test_32_writers_at_once_lose_nothing_in_a_store_on_s3(
    environment: Build, tmp_path: Path
) -> None:
    said = answers(environment(*PACKAGES), SERVER + STORE, tmp_path)
    labels = [str(number) for number in range(WRITERS)]
    assert said["ended"] == [0] * WRITERS
    assert said["own"] == labels
    wanted = sorted(labels + [f"{label}-again" for label in labels])
    assert sorted(said["saved"]) == [[label, label] for label in wanted]
    assert said["names"] == sorted(["common", *(f"own-{label}" for label in labels)])
    assert said["common"]


def answers(python: str, script: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """What a script prints as JSON at its end."""
    done = subprocess.run(
        [python, "-c", script, *arguments],
        cwd=folder,
        env={
            **{"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)},
            **{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
            **{"AWS_DEFAULT_REGION": "us-east-1", "LANG": "C.UTF-8"},
        },
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
