"""The packages section: what is listed, where it came from, and which build it is."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.collectors import packages
from envprint.collectors._build_id import build_id
from envprint.collectors._conda import parse_channel, parse_file_name
from envprint.collectors._dist_info import normalised, parse_entry, parse_headers
from envprint.collectors._search_path import is_shared_library
from envprint.collectors._takes_part import takes_part
from envprint.collectors.packages import parse_direct_url
from envprint.core.fingerprint import Unknown
from envprint.machine.recorded import RecordedHost
from tests.builders.support import host

SITE = "/env/lib/python3.11/site-packages"
INDEX = {"kind": "index", "url": None, "vcs": None, "commit": None}


def hashed(content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest())
    return "sha256=" + digest.decode().rstrip("=")


def line(path: str, content: str = "x") -> str:
    return f"{path},{hashed(content)},{len(content)}"


PIP = "\r\n".join(
    [
        "../../../bin/demo," + hashed("#!/a/python") + ",11",
        line("../../../share/demo/data.json"),
        line("demo-1.0.dist-info/INSTALLER", "pip"),
        line("demo-1.0.dist-info/METADATA"),
        "demo-1.0.dist-info/RECORD,,",
        line("demo-1.0.dist-info/REQUESTED", ""),
        line("demo-1.0.dist-info/direct_url.json"),
        line("demo/__init__.py"),
        "demo/__pycache__/__init__.cpython-311.pyc,,",
        line("demo/core.so"),
        "",
    ]
)
UV = "\n".join(
    [
        line("demo/core.so"),
        line("demo/__init__.py"),
        line("demo-1.0.dist-info/METADATA"),
        line("demo-1.0.dist-info/INSTALLER", "uv"),
        line("demo-1.0.dist-info/uv_cache.json"),
        line("../../share/demo/data.json"),
        "../../bin/demo," + hashed("#!/b/python") + ",11",
        "demo-1.0.dist-info/RECORD,,",
        "",
    ]
)


def machine(read: dict[str, Any], path: list[str] | None = None, **answers: Any) -> RecordedHost:
    files = {name if name[0] == "/" else f"{SITE}/{name}": text for name, text in read.items()}
    return host(read=files, interpreter={"path": path or [SITE], "prefix": "/env"}, **answers)


def identity(record: str) -> str:
    return build_id(record.encode(), "demo-1.0.dist-info")


def test_a_wheel_from_an_index_is_read_whole() -> None:
    read = packages.collect(
        machine(
            {
                "demo-1.0.dist-info/INSTALLER": "pip\n",
                "demo-1.0.dist-info/WHEEL": "Generator: x\nTag: py3-none-any\nTag: cp311-a-b\n",
                "demo-1.0.dist-info/RECORD": PIP,
            }
        )
    )
    assert read == {
        "distributions": {
            "demo": {
                "version": "1.0",
                "installer": "pip",
                "origin": INDEX,
                "tags": ["cp311-a-b", "py3-none-any"],
                "build_id": identity(PIP),
                "location": SITE,
                "takes_part": None,
            }
        },
        "requested": ["demo"],
        "duplicates": {},
        "conda": {},
        "files_verified": False,
        "edited": Unknown("files are hashed again only with --deep"),
        "unmet": {},
    }


def named(*records: tuple[str, str, str | None], installer: str = "pip") -> list[str] | None:
    """What is read as installed by name, of (name, lines of RECORD, direct_url.json)."""
    files: dict[str, Any] = {}
    for name, record, direct in records:
        entry = f"{name}-1.0.dist-info"
        files |= {f"{entry}/INSTALLER": installer, f"{entry}/RECORD": f"{record}{entry}/RECORD,,\n"}
        if direct:
            files[f"{entry}/direct_url.json"] = direct
    found: list[str] | None = packages.collect(machine(files))["requested"]
    return found


def requested(name: str) -> tuple[str, str, None]:
    return name, line(f"{name}-1.0.dist-info/REQUESTED", "") + "\n", None


REPOSITORY = '{"url": "https://x.example/y", "vcs_info": {"vcs": "git", "commit_id": "7e1c"}}'


def test_what_was_installed_by_name_is_known_from_what_others_need() -> None:
    assert named(requested("trainer"), ("needed", "", None)) == ["trainer"]
    assert named(("needed", "", None), ("own", "", REPOSITORY), requested("b"), requested("a")) == [
        "a",
        "b",
        "own",
    ]


def test_where_no_installer_records_it_nothing_is_known_of_it() -> None:
    assert named(("one", "", None), ("own", "", REPOSITORY)) is None
    # uv marks what others need as well.
    assert named(requested("trainer"), requested("needed"), installer="uv") is None
    # A file of this name elsewhere is the library's own.
    assert named(("one", "one/REQUESTED,sha256=x,1\n", None)) is None


def test_an_empty_or_missing_search_path_has_no_distributions() -> None:
    read = packages.collect(machine({}, path=["/usr/lib/python311.zip", "/nowhere"]))
    assert read["distributions"] == {} and read["duplicates"] == {}


def test_a_denied_search_directory_makes_the_listing_unknown() -> None:
    read = packages.collect(machine({}, names={SITE: {"error": "EACCES"}}))
    denied = Unknown(f"{SITE}: Permission denied")
    assert (read["distributions"], read["duplicates"], read["edited"]) == (denied,) * 3
    assert read["conda"] == {}


def test_a_denied_record_costs_only_the_build() -> None:
    read = packages.collect(
        machine(
            {
                "demo-1.0.dist-info/INSTALLER": "uv",
                "demo-1.0.dist-info/RECORD": {"error": "EACCES"},
            }
        )
    )
    demo = read["distributions"]["demo"]
    assert demo["build_id"] == Unknown(f"{SITE}/demo-1.0.dist-info/RECORD: Permission denied")
    assert (demo["version"], demo["origin"]) == ("1.0", INDEX)


def test_what_no_installer_signed_has_no_origin_and_no_build() -> None:
    read = packages.collect(machine({"PyYAML-6.0.egg-info": "Name: PyYAML\nVersion: 6.0\n"}))
    assert read["distributions"] == {
        "pyyaml": {
            "version": "6.0",
            "installer": None,
            "origin": None,
            "tags": None,
            "build_id": None,
            "location": SITE,
            "takes_part": None,
        }
    }


def test_a_conda_package_has_no_origin_even_if_its_build_left_one() -> None:
    read = packages.collect(
        machine(
            {
                "numpy-1.26.4.dist-info/INSTALLER": "conda",
                "numpy-1.26.4.dist-info/direct_url.json": '{"url": "file:///c", "dir_info": {}}',
                "/env/conda-meta/history": "==>",
                "/env/conda-meta/numpy-1.26.4-py311h64a7726_0.json": '{"channel": "https://c/x"}',
            }
        )
    )
    assert read["distributions"]["numpy"]["origin"] is None
    assert read["conda"] == {
        "numpy": {"version": "1.26.4", "build": "py311h64a7726_0", "channel": "https://c/x"}
    }


def test_the_first_copy_on_the_search_path_wins_and_all_are_duplicates() -> None:
    read = packages.collect(
        machine(
            {
                "/user/numpy-2.0.0.dist-info/INSTALLER": "pip",
                "numpy-1.26.4.dist-info/INSTALLER": "pip",
                "six-1.0.dist-info/INSTALLER": "pip",
            },
            path=["/user", SITE],
        )
    )
    assert read["distributions"]["numpy"]["version"] == "2.0.0"
    assert read["duplicates"] == {
        "numpy": [
            {"version": "2.0.0", "location": "/user"},
            {"version": "1.26.4", "location": SITE},
        ]
    }


def test_one_directory_reached_by_two_names_is_no_duplicate() -> None:
    read = packages.collect(
        machine(
            {"six-1.0.dist-info/INSTALLER": "pip", "/lib64/six-1.0.dist-info/INSTALLER": "pip"},
            path=[SITE, "/lib64"],
            real_path={"/lib64": SITE},
        )
    )
    assert read["duplicates"] == {}
    assert read["distributions"]["six"]["location"] == SITE


def test_the_sources_of_an_editable_installation_are_no_second_copy() -> None:
    read = packages.collect(
        machine(
            {
                "demo-1.0.dist-info/INSTALLER": "pip",
                "demo-1.0.dist-info/RECORD": PIP,
                "demo-1.0.dist-info/direct_url.json": json.dumps(
                    {"url": "file:///home/me/demo", "dir_info": {"editable": True}}
                ),
                "/home/me/demo/src/demo.egg-info/PKG-INFO": "Name: demo\nVersion: 1.0\n",
            },
            path=["/home/me/demo/src", SITE],
        )
    )
    assert read["duplicates"] == {}
    demo = read["distributions"]["demo"]
    assert (demo["origin"]["kind"], demo["build_id"]) == ("editable", None)


def test_leftovers_of_an_interrupted_removal_are_not_installed() -> None:
    assert (
        packages.collect(machine({"~umpy-1.0.dist-info/METADATA": "Name: numpy\n"}))[
            "distributions"
        ]
        == {}
    )


def test_metadata_tells_what_the_directory_name_does_not() -> None:
    read = packages.collect(
        machine(
            {
                "demo.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: Demo.Pkg\nVersion: 3\n",
                "broken.dist-info/METADATA": {"error": "EIO"},
                "empty.dist-info/top_level.txt": "empty",
            }
        )
    )["distributions"]
    assert read["demo-pkg"]["version"] == "3"
    assert isinstance(read["broken"]["version"], Unknown)
    assert read["empty"]["version"] is None


def test_deep_names_files_that_differ_from_record_or_are_gone() -> None:
    answers = {
        "demo-1.0.dist-info/RECORD": "\n".join(
            [
                line("demo/__init__.py", "same"),
                line("demo/core.py", "before"),
                line('"demo/a,b.py"', "gone"),
                "demo/__pycache__/core.cpython-311.pyc,,",
                "not a record line",
            ]
        ),
        "other-1.0.dist-info/RECORD": line("other.py", "same"),
        "unlisted-1.0.dist-info/METADATA": "",
        "denied-1.0.dist-info/RECORD": {"error": "EACCES"},
        "demo/__init__.py": "same",
        "demo/core.py": "after",
        "other.py": "same",
    }
    read = packages.collect(machine(answers, deep=True))
    assert read["files_verified"] is True
    assert read["edited"] == {
        "demo": ["demo/a,b.py", "demo/core.py"],
        "denied": Unknown(f"{SITE}/denied-1.0.dist-info/RECORD: Permission denied"),
    }


def test_pip_and_uv_leave_the_same_build_id() -> None:
    assert identity(PIP) == identity(UV)


def test_compiled_bytecode_does_not_count() -> None:
    bytecode = line("demo/__pycache__/__init__.cpython-311.pyc")
    assert identity(UV) == identity(UV + bytecode + "\n")


@pytest.mark.parametrize(
    "change",
    [
        (line("demo/core.so"), line("demo/core.so", "y")),
        (line("demo/core.so"), line("demo/other.so")),
        (line("demo/core.so") + "\n", ""),
        (line("demo-1.0.dist-info/METADATA"), line("demo-1.0.dist-info/METADATA", "y")),
        (line("../../share/demo/data.json"), line("../../share/demo/data.json", "y")),
    ],
    ids=["content", "name", "missing", "metadata", "data file"],
)
def test_any_other_content_is_another_build(change: tuple[str, str]) -> None:
    assert change[0] in UV
    assert identity(UV.replace(*change)) != identity(UV)


@given(st.permutations(UV.splitlines()), st.sampled_from(["\n", "\r\n"]))
def test_neither_line_order_nor_line_ends_change_the_build_id(lines: list[str], end: str) -> None:
    assert identity(end.join(lines) + end) == identity(UV)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_build_id(record: bytes) -> None:
    assert len(build_id(record, "demo-1.0.dist-info")) == 32


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("scikit_learn-1.9.1.dist-info", ("scikit_learn", "1.9.1")),
        ("torch-2.13.0+cpu.dist-info", ("torch", "2.13.0+cpu")),
        ("PyGObject-3.42.2.egg-info", ("PyGObject", "3.42.2")),
        ("six-1.16.0-py3.11.egg-info", ("six", "1.16.0")),
        ("x-1.0-py3.11-linux-x86_64.egg-info", ("x", "1.0")),
        ("lazr.uri-1.0.6.egg-info", ("lazr.uri", "1.0.6")),
        ("pytz-1!2023.3.post1.dist-info", ("pytz", "1!2023.3.post1")),
        ("foo-bar-1.0.dist-info", None),
        ("demo.egg-info", None),
        (".dist-info", None),
    ],
)
def test_an_entry_name_tells_name_and_version(entry: str, expected: object) -> None:
    assert parse_entry(entry) == expected


def test_headers_end_at_the_first_empty_line() -> None:
    text = "Name: a\nname: b\nVersion:\nclutter\n\nVersion: 9\n"
    assert parse_headers(text) == {"name": "a"}


def test_names_are_normalised_as_pep_503_says() -> None:
    assert normalised("Zope.Interface__x--y") == "zope-interface-x-y"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {
                "url": "https://me:secret@host/o/p",
                "vcs_info": {"vcs": "git", "commit_id": "7e1c", "requested_revision": "main"},
            },
            ("vcs", "https://<hidden>@host/o/p", "git", "7e1c"),
        ),
        (
            {"url": "file:///p", "dir_info": {"editable": True}},
            ("editable", "file:///p", None, None),
        ),
        ({"url": "file:///p", "dir_info": {}}, ("local", "file:///p", None, None)),
        (
            {"url": "https://h/x.whl", "archive_info": {}},
            ("archive", "https://h/x.whl", None, None),
        ),
        ({"url": "u", "vcs_info": {"vcs": 3}}, ("vcs", "u", None, None)),
    ],
)
def test_direct_url_tells_the_origin(document: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert tuple(parse_direct_url(json.dumps(document)).values()) == expected


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1}', "{", "[" * 100_000])
def test_an_odd_direct_url_is_unknown_and_costs_nothing_else(text: str) -> None:
    demo = packages.collect(
        machine(
            {
                "demo-1.0.dist-info/INSTALLER": "pip",
                "demo-1.0.dist-info/direct_url.json": text,
            }
        )
    )["distributions"]["demo"]
    assert isinstance(demo["origin"], Unknown)
    assert demo["installer"] == "pip"


def test_conda_file_names() -> None:
    assert parse_file_name("libgcc-ng-13.2.0-h807b86a_5.json") == (
        "libgcc-ng",
        "13.2.0",
        "h807b86a_5",
    )
    assert parse_file_name("history") is None
    assert parse_file_name("a-b.json") is None


@pytest.mark.parametrize(
    ("content", "channel"),
    [
        (b'{\n  "channel": "https://c/conda-forge/linux-64",\n', "https://c/conda-forge/linux-64"),
        (b'{"channel": "https://c/t/se-cret/private"}', "https://c/t/<hidden>/private"),
        (b'{"channel": "https://me:pw@c/private"}', "https://<hidden>@c/private"),
        (b'{"channel": ""}', None),
        (b"\xff{}", None),
    ],
)
def test_a_conda_channel_is_read_without_secrets(content: bytes, channel: str | None) -> None:
    assert parse_channel(content) == channel


def test_shared_libraries_are_told_by_name() -> None:
    names = ["liba.so", "liba-1f.so.3", "liba.dylib", "a.dll", "a.so.txt", "a.py", "so"]
    assert [is_shared_library(name) for name in names] == [True] * 4 + [False] * 3


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ("Requires-Dist: torch>=2", True),
        ("Requires-Dist: Scikit_Learn (>=1.2)", True),
        ("Requires-Dist: numpy", True),
        ("Summary: Plots of arrays\nRequires-Dist: numpy", False),
        ("Summary: Helpers\nRequires-Dist: torch ; extra == 'gpu'", False),
        ("Summary: Helpers\nRequires-Dist: torch-geometric", False),
        ("Summary: Helpers\nRequires-Dist:", False),
        ("Summary: Reads audio files", None),
        ("Summary: Layers\nClassifier: Topic :: Scientific/Engineering", None),
        ("Summary: Fakes\nClassifier: Topic :: Software Development :: Testing", False),
        ("", None),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_metadata_says_whether_an_unlisted_distribution_takes_part(
    headers: str, answer: bool | None, end: str
) -> None:
    text = f"Metadata-Version: 2.1\nName: acme\n{headers}".rstrip("\n") + "\n\nUses numpy.\n"
    assert takes_part(text.replace("\n", end).encode()) is answer


def test_metadata_of_what_the_table_lists_is_not_read() -> None:
    named = {
        f"{name}-1.0.dist-info/METADATA": "Requires-Dist: torch\n" for name in ("timm", "acme")
    }
    read = packages.collect(machine(named))
    parts = {name: one["takes_part"] for name, one in read["distributions"].items()}
    assert parts == {"timm": None, "acme": True}
