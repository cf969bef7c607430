from __future__ import annotations

from pathlib import Path

import pytest

from collectors.containers.cgroup_reading import Files, fields, limit


@pytest.mark.parametrize(("text", "number"), [("max\n", 0), ("7\n", 7), ("-1\n", 0), ("9223372036854771712\n", 0)])
def test_no_limit_is_zero_as_in_cadvisor(text: str, number: int) -> None:
    assert limit(text) == number


def test_fields_are_read_line_by_line() -> None:
    assert fields("a 1\nb\n\nc 3\n") == {"a": "1", "c": "3"}


def test_files_of_any_length_are_read_whole(tmp_path: Path) -> None:
    text = "8:0 rbytes=1\n" * 20_000
    (tmp_path / "io.stat").write_text(text)

    with Files(str(tmp_path)) as files:
        assert files.text("io.stat") == text
        assert files.text("none") == ""
        assert files.number("none") is None
