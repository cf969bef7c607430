import pytest

from collectors import throttle
from collectors.throttle import Throttle


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_one_each_interval() -> None:
    clock = Clock()
    bucket = Throttle(3, 10.0, clock)

    for _ in range(3):
        assert bucket.wait("a") == 0
        bucket.take("a")
    assert bucket.wait("a") == pytest.approx(10)
    clock.now += 4
    assert bucket.wait("a") == pytest.approx(6)
    clock.now += 6
    assert bucket.wait("a") == 0
    bucket.take("a")
    assert bucket.wait("a") == pytest.approx(10)


def test_keys_are_apart_and_a_token_can_go_back() -> None:
    bucket = Throttle(1, 10.0, Clock())

    bucket.take("a")
    assert bucket.wait("a") > 0
    assert bucket.wait("b") == 0
    bucket.give_back("a")
    assert bucket.wait("a") == 0


def test_the_table_is_bounded_and_forgets_the_quietest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_MOST_KEYS", 3)
    bucket = Throttle(1, 10.0, Clock())
    for key in "abcacd":
        bucket.take(key)

    assert [key for key in "abcd" if bucket.wait(key)] == ["a", "c", "d"]
