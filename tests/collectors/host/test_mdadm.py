from __future__ import annotations

import pytest

from collectors.host.mdadm import Array, families, parse
from tests.collectors.host.support import Tree, samples_of

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


def _states(tree: Tree, text: str) -> list[str]:
    found = samples_of(families(tree({"proc/mdstat": HEAD + text + TAIL})), "node_md_state")
    return [state for (_, state), value in found.items() if value]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("md0 : broken raid0 sda[0] sdb[1](F)\n      100 blocks super 1.2 512k chunks\n\n", "broken"),
        (
            (
                "md0 : active raid5 sda[0] sdb[1]\n      100 blocks [2/2] [UU]\n"
                "      [=>...]  reshape =  5.0% (10/100) finish=1.0min speed=9K/sec\n\n"
            ),
            "reshape",
        ),
        ("md0 : active raid5 sda[0] sdb[1]\n      100 blocks [2/2] [UU]\n      \treshape=DELAYED\n\n", "reshape"),
        ("md0 : frozen raid1 sda[0] sdb[1]\n      100 blocks [2/2] [UU]\n\n", "frozen"),
    ],
)
def test_a_state_that_node_exporter_does_not_know_has_a_series(tree: Tree, text: str, state: str) -> None:
    assert _states(tree, text) == [state]


def test_the_notes_on_a_state_are_no_level() -> None:
    found = _one("md127 : active (auto-read-only) raid0 sdb[1] sda[0]\n      100 blocks super 1.2 512k chunks\n\n")

    assert (found.state, found.required, found.active) == ("active", 2, 2)


def test_a_name_that_holds_a_level_is_no_level() -> None:
    found = _one("md_raid0 : active raid1 dm-linear[1] sda[0]\n      100 blocks super 1.2 [3/2] [UU_]\n\n")

    assert (found.required, found.active) == (3, 2)


def test_the_members_of_a_broken_stripe_are_not_all_active() -> None:
    found = _one("md0 : broken raid0 sda[0] sdb[1](F)\n      100 blocks super 1.2 512k chunks\n\n")

    assert (found.required, found.active, found.failed) == (2, 1, 1)


def test_an_unknown_level_without_counts_has_none(tree: Tree) -> None:
    found = families(tree({"proc/mdstat": f"{HEAD}md0 : active raid42 sda[0]\n      100 blocks\n\n{TAIL}"}))

    assert samples_of(found, "node_md_disks_required") == {}
    assert ("md0", "active") not in samples_of(found, "node_md_disks")


def test_flags_of_a_member_do_not_hide_its_failure() -> None:
    found = _one("md0 : active raid1 sda[0](W)(F) sdb[1](J) sdc[2](S)\n      100 blocks [2/1] [_U]\n\n")

    assert (found.failed, found.spare) == (1, 1)


@pytest.mark.parametrize(
    ("raid_disks", "expected"), [("4\n", {("md0",): 4}), ("11 (10)\n", {("md0",): 11}), ("\n", {})]
)
def test_sys_has_the_disks_and_the_degraded_ones(
    tree: Tree, raid_disks: str, expected: dict[tuple[str, ...], float]
) -> None:
    array = f"{HEAD}md0 : active raid1 sda[0]\n      100 blocks [2/1] [U_]\n\n{TAIL}"
    files = {"sys/block/md0/md/raid_disks": raid_disks, "sys/block/md0/md/degraded": "1\n"}
    found = families(tree({"proc/mdstat": array} | files))

    assert samples_of(found, "node_md_raid_disks") == expected
    assert samples_of(found, "node_md_degraded") == {("md0",): 1}
