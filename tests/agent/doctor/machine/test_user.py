import os
from pathlib import Path

import pytest

from agent.doctor.machine.user import ENTER, READ, WRITE, User, current, group, home, named, of_process
from tests.agent.doctor.support import STRANGER


@pytest.fixture
def file(open_folder: Path) -> Path:
    """A file that only its owner may use, in a folder that everyone may enter."""
    path = open_folder / "file"
    path.write_text("")
    path.chmod(0o600)
    return path


def friend(gid: int) -> User:
    return User("friend", STRANGER.uid, frozenset({gid}))


@pytest.mark.parametrize(("mode", "allowed"), [(0o600, False), (0o604, True), (0o640, False), (0o602, False)])
def test_others_have_what_the_last_bits_say(file: Path, mode: int, allowed: bool) -> None:  # noqa: FBT001 - a case
    file.chmod(mode)

    assert (STRANGER.obstacle(file, READ) is None) == allowed


def test_a_group_has_what_its_bits_say(file: Path) -> None:
    file.chmod(0o640)
    member = friend(file.stat().st_gid)

    assert member.obstacle(file, READ) is None
    assert member.obstacle(file, READ | WRITE) == file


def test_the_owner_has_what_the_first_bits_say(file: Path) -> None:
    os.chown(file, STRANGER.uid, -1)
    file.chmod(0o400)

    assert STRANGER.obstacle(file, READ) is None
    assert STRANGER.obstacle(file, WRITE) == file


def test_the_first_closed_folder_is_the_obstacle(open_folder: Path) -> None:
    closed = open_folder / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o700)

    assert STRANGER.obstacle(closed / "inner", ENTER) == closed


def test_nobody_is_kept_from_what_is_not_there(open_folder: Path) -> None:

    assert STRANGER.obstacle(open_folder / "nothing", READ) is None
    assert current().obstacle(open_folder / "nothing", READ) is None


def test_root_may_do_everything(file: Path) -> None:
    assert User("root", 0, frozenset()).obstacle(file, WRITE) is None


def test_a_running_process_has_the_user_and_groups_that_the_kernel_says() -> None:
    me = of_process(Path("/proc"), "self")

    assert me == current()
    assert of_process(Path("/proc"), 1 << 30) is None


def test_people_have_names_and_homes() -> None:
    root = named("root")

    assert root is not None
    assert (root.uid, home(root), group(0)) == (0, Path("/root"), "root")
    assert named("no-such-user-here") is None
    assert home(STRANGER) is None
    assert group(4711) == "4711"
