import pytest

from agent.config.remote_write import RemoteWriteConfig, RemoteWriteUrl
from agent.push import interval
from collectors.units import Duration

URL = RemoteWriteUrl("http://127.0.0.1:9090/api/v1/write")


@pytest.mark.parametrize(("seconds", "expected"), [(15, []), (30, []), (31, ["remote-write-interval-long"])])
def test_an_interval_that_alerts_cannot_use_is_a_finding(seconds: float, expected: list[str]) -> None:
    found = interval.check(RemoteWriteConfig(url=URL, interval=Duration(seconds)))

    assert [one.code for one in found] == expected
    assert all("at most 30s" in one.detail and "got 31s" in one.detail for one in found)


def test_an_interval_of_nothing_is_no_finding() -> None:
    assert interval.check(RemoteWriteConfig(interval=Duration(60))) == []
