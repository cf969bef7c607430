from pathlib import Path

import pytest

from collectors.logs.files.fingerprint import fingerprint
from collectors.logs.files.positions import Position
from collectors.logs.files.rewrite import Rewrite

OLD = b"1\n2\n3\n"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(logs: Path) -> Path:
    log = logs / "app.log"
    log.write_bytes(OLD)
    return log


def position(log: Path) -> Position:
    return Position(log.stat().st_ino, len(OLD), fingerprint(OLD), fingerprint(OLD))


def test_a_beginning_of_the_old_content_may_grow_to_it_for_a_second(log: Path) -> None:
    clock = Clock()
    rewrite, old = Rewrite(str(log), clock), position(log)
    log.write_bytes(OLD[:3])

    assert rewrite.is_under_way(old)
    assert rewrite.look_again_after is not None
    clock.now += 0.9
    assert rewrite.is_under_way(old)
    clock.now += 0.2
    assert not rewrite.is_under_way(old)
    assert rewrite.look_again_after is None


def test_other_content_of_the_same_length_is_new(log: Path) -> None:
    rewrite, old = Rewrite(str(log)), position(log)
    log.write_bytes(b"")
    assert rewrite.is_under_way(old)

    log.write_bytes(OLD[::-1])

    assert not rewrite.is_under_way(old)
    assert rewrite.look_again_after is None


def test_another_file_at_the_path_is_no_rewriting(log: Path) -> None:
    rewrite, old = Rewrite(str(log)), position(log)
    log.rename(log.with_name("app.log.1"))
    assert not rewrite.is_under_way(old)

    log.write_bytes(b"")

    assert not rewrite.is_under_way(old)


def test_each_rewriting_has_its_own_second(log: Path) -> None:
    clock = Clock()
    rewrite, old = Rewrite(str(log), clock), position(log)
    log.write_bytes(b"")
    assert rewrite.is_under_way(old)
    rewrite.end()
    clock.now += 5.0

    assert rewrite.is_under_way(old)
