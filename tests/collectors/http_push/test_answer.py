import pytest

from collectors.http_push.answer import http_date, retry_after

NOON = "Sun, 29 Nov 2026 12:00:00 GMT"
HUGE = "1" * 400
ODD_DATES = [
    "Sun, 29 Nov 2026 17:30:00 +99999999999999",
    "29 Nov 99999999999999999999 00:00:00 GMT",
    "Sun, 99 Nov 2026 12:00:00 GMT",
    "yesterday",
]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("", 0.0),
        ("-5", 0.0),
        ("inf", 0.0),
        ("nan", 0.0),
        ("soon", 0.0),
        ("٣", 0.0),
        (HUGE, 3600.0),
        ("Sun, 29 Nov 2026 12:00:20 GMT", 20.0),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        *((date, 0.0) for date in ODD_DATES),
    ],
)
def test_the_wait_is_a_number_or_lasts_from_the_answers_date_to_another(value: str, seconds: float) -> None:
    assert retry_after(value, NOON) == seconds


@pytest.mark.parametrize("date", ["", *ODD_DATES])
def test_without_a_usable_date_the_wait_starts_now(date: str) -> None:
    assert retry_after("Fri, 31 Dec 9999 23:59:59 GMT", date) == 3600.0
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT", date) == 0.0


@pytest.mark.parametrize("text", ODD_DATES)
def test_a_date_that_cannot_be_converted_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Nov|yesterday|out of range"):
        http_date(text)
