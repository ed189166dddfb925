"""Files that are none, pipes nobody feeds, and targets that cannot be replaced."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import envprint
from envprint.core.errors import DocumentError, OutputError
from envprint.machine.files import read_input, write_output
from envprint.machine.live import LiveHost
from tests.builders.support import fingerprint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"nope\.json: no such file or directory"):
        read_input(str(tmp_path / "nope.json"))


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="is a directory, expected a fingerprint file"):
        read_input(str(tmp_path))


def test_a_name_with_a_null_byte_is_refused() -> None:
    with pytest.raises(DocumentError, match="null"):
        read_input("a\0b")


def test_a_fifo_that_nobody_writes_to_reads_as_empty_and_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert read_input(str(tmp_path / "fifo")) == b""


def test_a_pipe_that_another_command_feeds_late_is_read_to_its_end() -> None:
    reader, writer = os.pipe()

    def feed() -> None:
        for chunk in (b'{"a":', b" 1}"):
            threading.Event().wait(0.05)
            os.write(writer, chunk)
        os.close(writer)

    thread = threading.Thread(target=feed)
    thread.start()
    assert read_input(f"/dev/fd/{reader}") == b'{"a": 1}'
    thread.join()
    os.close(reader)


def test_an_endless_input_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envprint.machine.files.MAX_BYTES", 1000)
    assert len(read_input("/dev/zero")) == 1001


def test_a_file_is_replaced_with_its_mode_kept(tmp_path: Path) -> None:
    target = tmp_path / "f.json"
    target.write_text("old")
    target.chmod(0o640)
    write_output(str(target), "new\n")
    assert target.read_text() == "new\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["f.json"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_output(str(tmp_path / "link.json"), "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_a_fifo_without_a_reader_is_refused_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OutputError, match="fifo"):
        write_output(str(tmp_path / "fifo"), "x")
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


@pytest.mark.parametrize("target", ["/proc/nope/x.json", "/nope/x.json", "a\0b", "/dev/full"])
def test_an_unwritable_target_is_one_error(target: str) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_output(target, "x" * 10_000)


def test_a_directory_as_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a directory"):
        write_output(str(tmp_path), "x")


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    """A file-size limit stands in for the full disk: the write fails half way, as there."""
    target = tmp_path / "f.json"
    target.write_text("old")
    code = (
        "import resource, signal, sys\n"
        "from envprint.core.errors import OutputError\n"
        "from envprint.machine.files import write_output\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: write_output(sys.argv[1], 'x' * 100_000)\n"
        "except OutputError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=True
    )
    assert "file too large" in done.stdout
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["f.json"]


def test_bytes_of_a_name_that_are_no_text_are_written_escaped(tmp_path: Path) -> None:
    write_output(str(tmp_path / "r.txt"), "LD_PRELOAD is /lib/\udcff.so\n")
    assert (tmp_path / "r.txt").read_bytes() == b"LD_PRELOAD is /lib/\\udcff.so\n"


def test_many_writers_of_one_file_leave_one_whole_document(tmp_path: Path) -> None:
    target, failed = tmp_path / ("f" * 255), []

    def write(text: str) -> None:
        try:
            write_output(str(target), text)
        except OutputError as error:
            failed.append(error)

    texts = [letter * 100_000 for letter in "abcdefgh"]
    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert target.read_text() in texts
    assert os.listdir(tmp_path) == [target.name]


def test_an_interruption_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    (tmp_path / "f.json").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_output(str(tmp_path / "f.json"), "new")
    assert (tmp_path / "f.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["f.json"]


def test_a_pipe_is_written_by_its_name_in_dev_fd() -> None:
    reader, writer = os.pipe()
    write_output(f"/dev/fd/{writer}", "text")
    os.close(writer)
    assert os.read(reader, 100) == b"text"
    os.close(reader)


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(OutputError, match="the file name is empty"):
        write_output("", "x")


@pytest.mark.parametrize("name", ["fifo", "zero", "directory", "link"])
def test_what_could_wait_or_never_end_is_refused_as_a_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "fifo":
        os.mkfifo(path)
    elif name == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    for ask in (LiveHost().read, LiveHost().read_text, LiveHost().sha256):
        with pytest.raises(OSError, match="is not a regular file"):
            ask(str(path))


def in_a_mount_namespace(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python `code` where it may mount; skips where nobody may."""
    for unshare in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        able = [*unshare, "sh", "-c", "mount --bind . ."]
        if shutil.which("unshare") and subprocess.run(able, check=False, cwd=cwd).returncode == 0:
            command = [*unshare, sys.executable, "-c", code]
            return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    pytest.skip("no mount namespace can be made here")


@pytest.mark.parametrize("old", ["old\n", "old and longer than what comes\n" * 1000])
def test_a_target_that_is_a_bind_mounted_file_is_written_in_place_after_saying_so(
    old: str, tmp_path: Path
) -> None:
    # As with `docker run -v $PWD/host.json:/out.json`.
    (tmp_path / "host.json").write_text(old)
    (tmp_path / "host.json").chmod(0o640)
    (tmp_path / "out.json").write_text("")
    done = in_a_mount_namespace(
        "import subprocess, sys\n"
        "subprocess.run(['mount', '--bind', 'host.json', 'out.json'], check=True)\n"
        "from envprint.cli._console import Console\n"
        "Console(sys.stdout, sys.stderr).emit('new\\n', 'out.json')\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "envprint: warning: out.json: cannot be replaced (device or resource busy), so it is "
        "overwritten in place\n"
    )
    assert (tmp_path / "host.json").read_text() == "new\n"
    assert stat.S_IMODE((tmp_path / "host.json").stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["host.json", "out.json"]


def test_a_bind_mounted_file_without_room_for_the_new_content_keeps_the_old(tmp_path: Path) -> None:
    done = in_a_mount_namespace(
        "import os, subprocess, sys\n"
        "def mount(*words): subprocess.run(['mount', *words], check=True)\n"
        "os.mkdir('small'); mount('-t', 'tmpfs', '-o', 'size=16k', 'none', 'small')\n"
        "open('small/host.json', 'w').write('old'); open('out.json', 'w').close()\n"
        "mount('--bind', 'small/host.json', 'out.json')\n"
        "from envprint.cli._console import Console\n"
        "from envprint.core.errors import OutputError\n"
        "try: Console(sys.stdout, sys.stderr).emit('x' * 100_000, 'out.json')\n"
        "except OutputError as error: print(error)\n"
        "print(open('small/host.json').read())\n",
        tmp_path,
    )
    assert done.stdout == "cannot write out.json: no space left on device\nold\n", done.stderr


NOBODY = 65534


def test_a_writable_file_in_a_directory_that_is_not_is_written_in_place(tmp_path: Path) -> None:
    target = tmp_path / "f.json"
    target.write_text("old and longer")
    target.chmod(0o666)
    tmp_path.chmod(0o555)
    code = (
        "import os, sys\n"
        "from envprint.cli._console import Console\n"
        # So that nothing is imported as another user:
        "from envprint.judging.policy.model import Policy\n"
        "import envprint.core.text\n"
        f"os.getuid() or os.setuid({NOBODY})\n"
        "Console(sys.stdout, sys.stderr).emit('new', sys.argv[1])\n"
    )
    for folder in tmp_path.parents[:3]:
        if os.geteuid() == 0 and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    command = [sys.executable, "-c", code, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tmp_path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert (
        "f.json: cannot be replaced (permission denied), so it is overwritten in place"
        in done.stderr
    )
    assert (target.read_text(), [p.name for p in tmp_path.iterdir()]) == ("new", ["f.json"])
    assert stat.S_IMODE(target.stat().st_mode) == 0o666


def test_python_warns_of_a_file_that_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(before: str, after: str) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), before)

    monkeypatch.setattr(os, "replace", busy)
    target = tmp_path / "f.json"
    target.write_text("old")
    with pytest.warns(
        UserWarning, match=r"cannot be replaced .*, so it is overwritten in place"
    ) as told:
        envprint.dump(fingerprint(), target)
    assert told[0].filename == __file__
    assert envprint.load(target).facts == {}
    # A new file cannot be written in place, and an error that is none of the place stays one.
    with pytest.raises(OutputError, match="busy"):
        envprint.dump(fingerprint(), tmp_path / "new.json")


def test_stdout_that_goes_into_a_file_keeps_what_others_write_there(tmp_path: Path) -> None:
    code = (
        "import sys; from envprint.machine.files import write_output; write_output('{}', 'text\\n')"
    )
    lines = "".join(
        f"""'{sys.executable}' -c "{code.format(name)}"; echo after\n"""
        for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
    )
    script = f"(echo before\n{lines}) > out"
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "out").read_text() == "before\n" + "text\nafter\n" * 3
