import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.times.formats import TimestampFormat, reader
from collectors.logs.times.rfc3339 import usual_column
from collectors.logs.times.zone import Zone

NOW = int(datetime(2026, 11, 22, 4, 23, 38, tzinfo=UTC).timestamp()) * 10**9
FORMATS = ["rfc3339", "unix", "unix_ms", "unix_us", "unix_ns", "syslog", "nginx", "postgresql", "%d.%m.%Y %H:%M:%S"]


def read(form: str, value: object, zone: str = "UTC", near: int = NOW) -> int:
    return reader(form, Zone.parse(zone))(value, near)


def read_or_none(form: str, value: object) -> int | None:
    try:
        return read(form, value)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("form", "value", "nanos"),
    [
        ("rfc3339", "2026-11-22T04:23:38Z", 0),
        ("rfc3339", "2026-11-22T04:23:38.5Z", 500_000_000),
        ("rfc3339", "2026-11-22T04:23:38.123456789Z", 123_456_789),
        ("rfc3339", "2026-11-22T04:23:38.1234567891Z", 123_456_789),
        ("rfc3339", "2026-11-22 04:23:38,250", 250_000_000),
        ("rfc3339", "2026-11-22t04:23:38.000000001z", 1),
        ("rfc3339", "2026-11-22T05:23:38.25+01:00", 250_000_000),
        ("rfc3339", "2026-11-21T20:53:38-0730", 0),
        ("rfc3339", "2026-11-22T04:22:60.5Z", -37_500_000_000),
        ("rfc3339", "2026-11-22T04:23Z", -38_000_000_000),
        ("rfc3339", "2026-11-22 04:23:38 AM", 0),
        ("rfc3339", "2026-11-21 11:23:38.25 pm -0500", 250_000_000),
        ("rfc3339", "2026-11-22T05:23:38+01:00[Europe/Berlin][u-ca=iso8601]", 0),
        ("unix", 1795321418, 0),
        ("unix", "1795321418", 0),
        ("unix", 1795321418.25, 250_000_000),
        ("unix", "1795321418.123456789", 123_456_789),
        ("unix_ms", 1795321418250, 250_000_000),
        ("unix_us", 1795321418000001, 1_000),
        ("unix_ns", "1795321418000000001", 1),
        ("syslog", "Nov 22 04:23:38", 0),
        ("syslog", "Nov 22 04:23:38.125", 125_000_000),
        ("syslog", "2026-11-22T04:23:38.000001Z", 1_000),
        ("nginx", "22/Nov/2026:06:23:38 +0200", 0),
        ("nginx", "2026/11/22 04:23:38", 0),
        ("postgresql", "2026-11-22 04:23:38.123 UTC", 123_000_000),
        ("postgresql", "2026-11-22 05:23:38.123+01", 123_000_000),
        ("%d.%m.%Y %H:%M:%S,%f", "22.11.2026 04:23:38,000250", 250_000),
        ("%d.%m.%Y %H:%M:%S %z", "22.11.2026 05:23:38 +0100", 0),
    ],
)
def test_reads_each_form_to_the_nanosecond(form: str, value: object, nanos: int) -> None:
    assert read(form, value) == NOW + nanos


@pytest.mark.parametrize(("hour", "read_hour"), [("12", 0), ("1", None), ("01", 1), ("00", None), ("13", None)])
def test_a_clock_of_twelve_hours_has_an_hour_twelve_and_no_hour_zero(hour: str, read_hour: int | None) -> None:
    found = read_or_none("rfc3339", f"2026-11-22 {hour}:00:00 AM")

    assert found == (None if read_hour is None else read("rfc3339", f"2026-11-22 {read_hour:02}:00:00Z"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "value", [None, "", "yesterday", True, [], {}, float("nan"), "1e999999999", "2026-13-40T99:99:99Z", "٣/٣"]
)
def test_what_is_no_time_is_a_value_error(form: str, value: object) -> None:
    assert read_or_none(form, value) is None


@given(st.sampled_from(FORMATS), st.text() | st.integers() | st.floats() | st.none() | st.lists(st.text()))
def test_anything_is_read_or_a_value_error(form: str, value: object) -> None:
    instant = read_or_none(form, value)

    assert instant is None or isinstance(instant, int)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_rfc3339_agrees_with_datetime(wall: datetime, minutes: int) -> None:
    moment = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert read("rfc3339", moment.isoformat()) == micros * 1000
    assert read("rfc3339", moment.astimezone(UTC).isoformat().replace("+00:00", "Z")) == micros * 1000


def test_times_without_a_zone_are_in_the_given_one() -> None:
    hour = 3600 * 10**9

    assert read("rfc3339", "2026-11-22T05:23:38", "Europe/Berlin") == NOW
    assert read("rfc3339", "2026-07-22T06:23:38", "Europe/Berlin") == read("rfc3339", "2026-07-22T04:23:38Z")
    assert read("postgresql", "2026-11-22 05:23:38.000 CET", "Europe/Berlin") == NOW
    assert read("nginx", "2026/11/22 02:23:38", "-02:00") == NOW
    assert read("rfc3339", "2026-11-22T05:23:38Z", "Europe/Berlin") == NOW + hour
    assert read("%H:%M %d.%m.%Y", "05:23 22.11.2026", "Europe/Berlin") == NOW - 38 * 10**9
    assert (
        read("rfc3339", "2026-11-22T04:23:38", "local") == int(time.mktime((2026, 11, 22, 4, 23, 38, 0, 0, -1))) * 10**9
    )


def test_syslog_without_a_year_takes_the_one_that_is_nearest() -> None:
    new_year = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 10**9

    assert read("syslog", "Dec 31 23:59:59", near=new_year) == new_year - 10**9
    assert read("syslog", "Jan  1 00:00:01", near=new_year) == new_year + 10**9
    assert read("syslog", "Jan  1 00:00:00", near=new_year - 10**9) == new_year
    assert read("syslog", "Feb 29 00:00:00", near=new_year) == read("rfc3339", "2024-02-29T00:00:00Z")


@pytest.mark.parametrize(
    ("text", "hint"), [("rfc339", "did you mean rfc3339"), ("%Y %", "strptime"), ("iso", "expected one of")]
)
def test_a_format_that_does_not_exist_is_told_with_a_remedy(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        TimestampFormat.parse(text)


def test_a_zone_that_does_not_exist_is_told_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        Zone.parse("Mars/Olympus")


@given(
    st.lists(
        st.sampled_from(["2026-11-22T04:23:38.5Z", "2026-11-22T04:23:38.25Z", "x", None, "2026-13-22T04:23:38.5Z"])
    )
)
def test_a_column_is_read_as_its_texts_are(texts: list[str | None]) -> None:
    column = usual_column(texts) if texts else None

    assert column is None or column == [read("rfc3339", text) for text in texts]


@pytest.mark.parametrize("digits", range(1, 10))
def test_a_column_of_the_usual_form_is_read_at_once(digits: int) -> None:
    texts = [f"2026-11-22T04:23:{second:02}.{'123456789'[:digits]}Z" for second in range(60)]

    assert usual_column(texts) == [read("rfc3339", text) for text in texts]
    for bad in ("2026-11-22T04:23:38.½Z", "2026-11-22T04:23:38.1 Z", "2026-11-22T04:23:38+1Z", "٣" * 22):
        assert usual_column([*texts, bad]) is None
