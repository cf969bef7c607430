import random
from statistics import fmean

import pytest

from collectors.logs.sketch import Window, add, estimate, keyed_hash, merged

SALT = b"the same on all machines"


def counted(values: range, precision: int) -> bytearray:
    registers = bytearray(1 << precision)
    for value in values:
        add(registers, keyed_hash(str(value).encode(), SALT))
    return registers


def test_a_register_holds_the_leading_zeros_after_its_number() -> None:
    registers = bytearray(256)
    add(registers, 0x03_80_00_00_00_00_00_00)
    add(registers, 0x04_00_80_00_00_00_00_00)
    add(registers, 0x05_00_00_00_00_00_00_00)

    assert [registers[3], registers[4], registers[5], sum(registers)] == [1, 9, 57, 67]


def test_a_smaller_rank_changes_nothing() -> None:
    registers = bytearray(256)

    assert [add(registers, 1), add(registers, 1), add(registers, 2)] == [True, False, False]


@pytest.mark.parametrize("precision", [8, 10, 12])
@pytest.mark.parametrize("true", [10, 300, 20_000])
def test_estimates_within_three_standard_errors(precision: int, true: int) -> None:
    error = 1.04 / (1 << precision) ** 0.5

    assert estimate(counted(range(true), precision)) == pytest.approx(true, rel=3 * error)


@pytest.mark.parametrize("precision", [8, 10, 12])
def test_three_machines_merge_to_what_they_saw_together(precision: int) -> None:
    chooser = random.Random(precision)  # noqa: S311
    seen = [set(chooser.sample(range(8000), 2500)) for _ in range(3)]
    sketches = [merged([counted(range(user, user + 1), precision) for user in users], 1 << precision) for users in seen]
    error = 1.04 / (1 << precision) ** 0.5

    together = estimate(merged(sketches, 1 << precision))

    assert together == pytest.approx(len(set.union(*seen)), rel=3 * error)
    assert together > fmean(map(estimate, sketches)) * 1.5


def test_the_hash_needs_the_salt() -> None:
    assert keyed_hash(b"user 1", SALT) == keyed_hash(b"user 1", SALT)
    assert keyed_hash(b"user 1", SALT) != keyed_hash(b"user 1", b"another")


def test_a_window_forgets_what_is_too_old_and_bounds_what_is_to_come() -> None:
    window = Window(stretch_ns=10, count=3)
    for value, at in enumerate([100, 115, 129, 500]):
        window.add(keyed_hash(b"%d" % value, SALT), at, now_ns=129, size=256)

    def seen(now: int) -> int:
        return round(estimate(window.registers(now, 256)))

    assert [seen(129), seen(130), seen(140), seen(150)] == [4, 3, 2, 0]
    assert not window.add(keyed_hash(b"old", SALT), 99, now_ns=129, size=256)
    window.add(keyed_hash(b"new", SALT), 1000, now_ns=1000, size=256)
    assert list(window.sketches) == [100]
