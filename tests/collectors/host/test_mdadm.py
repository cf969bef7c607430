from __future__ import annotations

import pytest

from collectors.host.mdadm import Array, parse

HEAD = "Personalities : [raid1] [raid6]\n"
TAIL = "unused devices: <none>\n"


def _one(text: str) -> Array:
    (array,) = parse(HEAD + text + TAIL)
    return array


def test_a_healthy_array() -> None:
    text = "md0 : active raid1 sdb1[1] sda1[0]\n      248896 blocks super 1.2 [2/2] [UU]\n\n"

    assert _one(text) == Array("md0", "active", 0, 0, required=2, active=2, blocks=248896, synced=248896)


@pytest.mark.parametrize(
    ("line", "state", "synced"),
    [
        ("[>....]  recovery =  0.5% (85067/248896) finish=2.5min speed=9K/sec", "recovering", 85067),
        ("[>....]  resync =  0.5% (85067/248896) finish=2.5min speed=9K/sec", "resync", 85067),
        ("[>....]  check =  0.5% (85067/248896) finish=2.5min speed=9K/sec", "check", 85067),
        ("resync=PENDING", "resync", 0),
        ("resync=DELAYED", "resync", 0),
        ("bitmap: 0/1 pages [0KB], 65536KB chunk", "active", 248896),
    ],
)
def test_what_an_array_does_beside_working(line: str, state: str, synced: int) -> None:
    found = _one(f"md0 : active raid1 sdb1[1] sda1[0](F)\n      248896 blocks [2/1] [_U]\n      {line}\n\n")

    assert (found.state, found.synced, found.active, found.failed) == (state, synced, 1, 1)


def test_an_array_without_redundancy_has_the_disks_that_it_lists() -> None:
    found = _one("md2 : active raid0 sde1[0] sdf1[1]\n      314159265 blocks 64k chunks\n\n")

    assert (found.required, found.active, found.blocks) == (2, 2, 314159265)


def test_an_inactive_array_has_no_active_disks() -> None:
    found = _one("md4 : inactive raid1 sdi1[0](F) sdj1[1](S)\n      4883648 blocks [2/2] [UU]\n\n")

    assert (found.state, found.required, found.active, found.failed, found.spare) == ("inactive", 0, 0, 1, 1)


def test_a_machine_without_arrays_has_none() -> None:
    assert parse(HEAD + TAIL) == []
