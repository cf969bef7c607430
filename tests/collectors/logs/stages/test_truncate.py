import pytest

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch
from collectors.logs.stages.truncate import TruncateConfig
from collectors.units import Size
from tests.support.log_stages import process, texts


def test_truncate_marks_what_it_shortens_at_a_whole_character() -> None:
    short, long = texts(process([TruncateConfig(max_size=Size(64))], b"x" * 64, "ä".encode() * 50))

    assert short == b"x" * 64
    assert 60 <= len(long) <= 64
    assert long.decode().endswith("ä …[truncated, 100 bytes]")


def test_truncate_tells_the_true_size_of_a_line_that_the_reader_cut() -> None:
    batch = Batch("s", [b"x" * 100], 1, {}, true_bytes=3_000_000)
    (line,) = texts(Pipeline("s", [TruncateConfig(max_size=Size(64))]).process(batch))

    assert line.decode().endswith(" …[truncated, 3000000 bytes]")
    assert len(line) <= 64


@pytest.mark.parametrize("character", ["a", "ä", "♯", "𝄞"])
def test_truncate_cuts_no_character_wherever_it_falls(character: str) -> None:
    lines = [("x" * shift + character * 100).encode() for shift in range(4)]

    for shift, line in enumerate(texts(process([TruncateConfig(max_size=Size(64))], *lines))):
        assert len(line) <= 64
        assert line.decode().startswith("x" * shift + character * 8)


def test_every_line_is_within_lokis_limit() -> None:
    fits, huge = texts(process([], b"x" * 262_144, b"\x80" * 1_000_000))

    assert fits == b"x" * 262_144
    assert len(huge) <= 262_144
    assert "1000000 bytes" in huge.decode("utf-8", "ignore")


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_limit_that_makes_no_sense_is_told(size: int) -> None:
    with pytest.raises(ValueError, match="256KiB"):
        TruncateConfig(max_size=Size(size))
