from __future__ import annotations

import pytest

from collectors.units import Duration, Size


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("10s", 10), ("5 m", 300), ("2h", 7200), (" 1.5d ", 129_600)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "size"), [("512B", 512), ("64KiB", 65_536), ("4MiB", 4_194_304), ("1GB", 10**9), ("1.5B", 1)]
)
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert Size.parse(text) == size


@pytest.mark.parametrize("text", ["", "10", "s", "10 S", "-1s", "1e3s", "10sec", "10s 5ms"])
def test_a_duration_of_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as '10s'"):
        Duration.parse(text)


def test_a_size_of_another_form_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match=r"KiB.*such as '4MiB', got '4 megabytes'"):
        Size.parse("4 megabytes")
