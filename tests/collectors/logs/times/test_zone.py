from datetime import UTC, datetime

import pytest

from collectors.logs.times.zone import NS, Zone, numeric_offset, offset_seconds

BERLIN = Zone.parse("Europe/Berlin")
SUMMER = datetime(2026, 7, 1, 12)  # noqa: DTZ001 - a wall clock time
WINTER = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - a wall clock time


def unix(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("zone", "winter", "summer"),
    [("UTC", 12, 12), ("Z", 12, 12), ("Europe/Berlin", 11, 10), ("+02:00", 10, 10), ("-0330", 15.5, 15.5)],
)
def test_a_wall_clock_time_has_an_instant_in_a_zone(zone: str, winter: float, summer: float) -> None:
    read = Zone.parse(zone)

    assert read.unix_seconds(WINTER) == unix(2026, 1, 1) + winter * 3600
    assert read.unix_seconds(SUMMER) == unix(2026, 7, 1) + summer * 3600


def test_the_name_of_the_zone_decides_the_repeated_hour() -> None:
    repeated = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - a wall clock time

    assert BERLIN.named_seconds(repeated, "CEST") == unix(2026, 10, 25, 0, 30)
    assert BERLIN.named_seconds(repeated, "CET") == unix(2026, 10, 25, 1, 30)
    assert BERLIN.named_seconds(WINTER, "JST") == unix(2026, 1, 1, 3)
    assert BERLIN.named_seconds(WINTER, "WHAT") == unix(2026, 1, 1, 11)


def test_the_repeated_hour_has_a_second_reading() -> None:
    first, other = unix(2026, 10, 25, 0, 30) * NS, unix(2026, 7, 1) * NS

    assert BERLIN.second_reading(first) == first + 3600 * NS
    assert BERLIN.second_reading(other) == other
    assert Zone(UTC).second_reading(first) == first


@pytest.mark.parametrize(("text", "seconds"), [("+02:00", 7200), ("-0330", -12600), ("+01", 3600), ("Z", 0)])
def test_offsets_are_read(text: str, seconds: int) -> None:
    assert offset_seconds(text) == seconds


def test_an_abbreviation_has_an_offset() -> None:
    assert [numeric_offset(name) for name in ("CET", "NST", "UTC", "NEWS")] == ["+0100", "-0330", "+0000", "NEWS"]
