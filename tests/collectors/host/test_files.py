from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.files import read_attribute, read_bytes, read_text


def test_a_file_of_many_pages_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 300_000)

    assert len(read_bytes(tmp_path / "big")) == 300_000


def test_bytes_that_are_not_utf8_become_replacement_characters(tmp_path: Path) -> None:
    (tmp_path / "alias").write_bytes(b"b\xfchne\n")

    assert read_text(tmp_path / "alias") == "b\ufffdhne\n"


def test_an_attribute_comes_without_its_newline(tmp_path: Path) -> None:
    (tmp_path / "mtu").write_text("1500\n")

    assert read_attribute(tmp_path / "mtu") == "1500"


def test_an_absent_attribute_is_none(tmp_path: Path) -> None:
    assert read_attribute(tmp_path / "speed") is None


def test_an_attribute_that_the_kernel_refuses_is_none() -> None:
    assert read_attribute("/sys/class/net/lo/speed") is None


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "absent")
