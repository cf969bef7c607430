from datetime import UTC, datetime

import pytest

from collectors.logs.times.strptime import check_pattern, strptime
from collectors.logs.times.zone import NS, Zone

NEAR = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
BERLIN = Zone.parse("Europe/Berlin")
UTC_ZONE = Zone.parse("UTC")


def read(pattern: str, text: object, zone: Zone = UTC_ZONE, near: datetime = NEAR) -> datetime:
    return datetime.fromtimestamp(strptime(pattern, zone)(text, int(near.timestamp()) * NS) / NS, UTC)


def test_a_time_without_a_zone_is_in_the_configured_one() -> None:
    assert read("%d.%m.%Y %H:%M", "01.07.2025 12:00", BERLIN) == datetime(2025, 7, 1, 10, tzinfo=UTC)


def test_a_time_with_an_offset_has_its_own() -> None:
    assert read("%d.%m.%Y %H:%M %z", "01.07.2025 12:00 -0500", BERLIN) == datetime(2025, 7, 1, 17, tzinfo=UTC)


def test_a_name_of_a_zone_that_python_does_not_know_is_read() -> None:
    assert read("%Y-%m-%d %H:%M %Z", "2025-07-01 12:00 CEST") == datetime(2025, 7, 1, 10, tzinfo=UTC)


def test_a_missing_year_is_the_latest_that_fits() -> None:
    assert read("%b %d %H:%M", "Dec 31 23:59") == datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
    leap = datetime(2025, 3, 1, tzinfo=UTC)
    assert read("%b %d %H:%M", "Feb 29 10:00", near=leap) == datetime(2024, 2, 29, 10, tzinfo=UTC)


def test_a_missing_date_is_the_latest_that_fits() -> None:
    assert read("%H:%M:%S", "23:59:59") == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert read("%H:%M:%S", "00:10:00") == datetime(2026, 1, 1, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fraction", "nanos"),
    [("5", 500_000_000), ("123456", 123_456_000), ("1234567", 123_456_700), ("1234567891", 123_456_789)],
)
def test_a_fraction_has_nanoseconds(fraction: str, nanos: int) -> None:
    instant = strptime("%Y-%m-%d %H:%M:%S.%f", UTC_ZONE)(f"2025-07-01 12:00:00.{fraction}", 0)

    assert instant % NS == nanos


def test_a_text_is_read_again_when_its_latest_year_has_changed() -> None:
    parse = strptime("%b %d", UTC_ZONE)
    found = [parse("Jun 1", int(datetime(year, 7, 1, tzinfo=UTC).timestamp()) * NS) for year in (2025, 2026)]

    assert [datetime.fromtimestamp(it / NS, UTC).year for it in found] == [2025, 2026]


@pytest.mark.parametrize("text", ["", "no time", "31.02.2025", 12, None])
def test_another_text_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read("%d.%m.%Y", text)


def test_a_pattern_is_checked() -> None:
    check_pattern("%d.%m.%Y %H:%M:%S")
    with pytest.raises(ValueError, match=r"expected a strptime pattern such as .*, got '%Q'"):
        check_pattern("%Q")
