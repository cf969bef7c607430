from __future__ import annotations

from collectors.audio.causes.ids import Ids, rfc3339

AT_NS = 1_893_553_445_042_000_007  # 2030-01-02T03:04:05.042000007Z


def test_an_id_is_date_time_and_milliseconds_in_utc() -> None:
    assert Ids().new(AT_NS) == "20300102-030405-042"


def test_two_dropouts_of_one_millisecond_have_different_ids_in_order() -> None:
    ids = Ids()

    assert [ids.new(AT_NS) for _ in range(3)] == ["20300102-030405-042", "20300102-030405-043", "20300102-030405-044"]


def test_an_id_of_an_earlier_run_is_not_used_again() -> None:
    assert Ids(["20300102-030405-042"]).new(AT_NS) == "20300102-030405-043"


def test_the_time_has_nanoseconds() -> None:
    assert rfc3339(AT_NS) == "2030-01-02T03:04:05.042000007Z"
