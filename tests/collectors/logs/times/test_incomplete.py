from datetime import UTC, datetime, timedelta

import pytest

from collectors.logs.times.incomplete import latest_day, latest_year
from collectors.logs.times.zone import NS, Zone


def instant(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp()) * NS  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("near", "month", "day", "year"),
    [
        ((2026, 11, 22), 11, 22, 2026),
        ((2026, 1, 1, 0, 5), 12, 31, 2025),
        ((2025, 12, 31, 23, 59), 1, 1, 2026),
        ((2025, 12, 28), 1, 3, 2026),
        ((2025, 12, 28), 1, 6, 2025),
        ((2026, 6, 1), 7, 1, 2025),
        ((2026, 6, 1), 2, 29, 2024),
    ],
)
def test_the_year_is_the_latest_that_is_not_over_a_week_ahead(
    near: tuple[int, ...], month: int, day: int, year: int
) -> None:
    found = latest_year(lambda candidate: instant(candidate, month, day), instant(*near))

    assert found == instant(year, month, day)


def test_a_date_of_no_year_is_refused() -> None:
    with pytest.raises(ValueError, match="2026"):
        latest_year(lambda year: instant(year, 2, 30), instant(2026, 6, 1))


@pytest.mark.parametrize(
    ("near", "hour", "day"), [((2026, 5, 2, 12), 11, 2), ((2026, 5, 2, 0, 10), 23, 1), ((2026, 5, 1, 23, 50), 0, 2)]
)
def test_the_day_is_the_latest_that_is_not_in_the_future(near: tuple[int, ...], hour: int, day: int) -> None:
    found = latest_day(Zone(UTC), timedelta(hours=hour, milliseconds=250), instant(*near))

    assert found == instant(2026, 5, day, hour) + NS // 4
