"""Files that a user names, of any kind, are read at once or refused."""

import os
import socket
import stat
from pathlib import Path

import pytest

from collectors import regular_file


def test_a_small_regular_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")

    assert regular_file.read(file, 5) == b"12345"
    link = tmp_path / "link"
    link.symlink_to(file)
    assert regular_file.read(link, 5) == b"12345"


def test_a_larger_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")

    with pytest.raises(OSError, match="at most 4 bytes"):
        regular_file.read(file, 4)
    with pytest.raises(OSError, match="at most 4 bytes"):
        regular_file.read(Path("/proc/self/status"), 4)


def make(kind: str, path: Path) -> Path:
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a directory":
        path.mkdir()
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    else:
        return Path("/dev/zero")
    return path


@pytest.mark.parametrize("kind", ["a FIFO", "a directory", "a socket", "a character device"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = make(kind, tmp_path / "x")
    assert not stat.S_ISREG(path.stat().st_mode)

    with pytest.raises(OSError, match=f"expected a regular file, found {kind}"):
        regular_file.read(path, 1000)


def test_lines_are_whole_and_of_a_bounded_length(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one\n\n" + b"x" * 100 + b"\n12345\nunfinished")

    assert list(regular_file.lines(file, 1000, 5)) == [b"one", b"", b"12345"]


def test_lines_of_a_large_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with file.open("wb") as opened:
        opened.truncate(1 << 40)

    with pytest.raises(OSError, match="at most 1000 bytes"):
        list(regular_file.lines(file, 1000, 5))


@pytest.mark.parametrize("kind", ["a FIFO", "a directory", "a socket", "a character device"])
def test_lines_of_what_is_no_regular_file_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    with pytest.raises(OSError, match=f"expected a regular file, found {kind}"):
        list(regular_file.lines(make(kind, tmp_path / "x"), 1000, 1000))
