from __future__ import annotations

from pathlib import Path

import pytest

from collectors.kernel_files import entries, read_attribute, read_attributes, read_bytes, read_text


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


def test_attributes_are_those_that_the_kernel_has_an_answer_for(tmp_path: Path) -> None:
    (tmp_path / "mtu").write_text("1500\n")
    (tmp_path / "speed").mkdir()  # opens, and cannot be read
    (tmp_path / "type").write_text("1\n")

    assert read_attributes(tmp_path, ("mtu", "absent", "speed", "type")) == {"mtu": "1500", "type": "1"}


def test_entries_are_in_order_and_none_where_there_is_no_directory(tmp_path: Path) -> None:
    for name in ("b", "c", "a"):
        (tmp_path / name).touch()

    assert entries(tmp_path) == ["a", "b", "c"]
    assert entries(tmp_path / "absent") == []
