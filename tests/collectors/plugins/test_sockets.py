from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from collectors.plugins.refusals import Reason
from collectors.plugins.sockets import FoundSockets, default_directories, find
from collectors.plugins.trust import Trust
from tests.collectors.plugins.conftest import Bind

OWN = Trust.of([])
STRANGER = os.geteuid() + 12_345


def look(directory: Path, trust: Trust = OWN) -> FoundSockets:
    return find([directory], trust)


def reasons(found: FoundSockets) -> list[Reason]:
    return [file.reason for file in found.refused]


def test_sockets_are_known_by_their_names(directory: Path, bind: Bind) -> None:
    for name in ("synth.11.sock", "synth.11.2.sock", "white-room_2.12.sock"):
        bind(name)

    found = look(directory)

    assert list(found.sockets) == [("synth", "11.2"), ("synth", "11"), ("white-room_2", "12")]
    assert found.sockets["synth", "11"].path == str(directory / "synth.11.sock")
    assert found.refused == []


@pytest.mark.parametrize(
    "name", ["synth.sock", "synth.x.sock", ".11.sock", "a b.11.sock", "synth.11.2.3.sock", "ü.11.sock"]
)
def test_a_socket_with_another_name_is_refused(name: str, directory: Path, bind: Bind) -> None:
    bind(name)

    found = look(directory)

    assert (found.sockets, reasons(found)) == ({}, [Reason.BAD_NAME])


def test_other_files_are_not_looked_at(directory: Path) -> None:
    (directory / "notes.txt").write_text("x")

    assert look(directory) == FoundSockets(looked=True)


def test_other_files_with_a_sockets_name_are_refused(directory: Path, bind: Bind) -> None:
    (directory / "plain.11.sock").write_text("x")
    (directory / "linked.11.sock").symlink_to(bind("real.11.sock"))
    (directory / "hard.11.sock").hardlink_to(bind("soft.11.sock"))

    found = look(directory)

    assert list(found.sockets) == [("real", "11")]
    assert reasons(found) == [Reason.UNTRUSTED_SOCKET] * 4


def test_one_name_in_two_directories_is_one_instance(tmp_path: Path) -> None:
    sockets = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[-1].bind(str(tmp_path / name / "synth.11.sock"))

    found = find([tmp_path / "a", tmp_path / "b"], OWN)

    for each in sockets:
        each.close()
    assert found.sockets["synth", "11"].path == str(tmp_path / "a/synth.11.sock")
    assert reasons(found) == [Reason.DUPLICATE_INSTANCE]


def test_there_is_an_end_to_sockets(directory: Path, bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.plugins.sockets.MOST_SOCKETS", 2)
    for pid in range(3):
        bind(f"synth.{pid}.sock")

    found = look(directory)

    assert list(found.sockets) == [("synth", "0"), ("synth", "1")]
    assert reasons(found) == [Reason.TOO_MANY_SOCKETS]


def test_directories_that_are_not_there_are_no_problem(tmp_path: Path) -> None:
    assert find([tmp_path / "none"], OWN) == FoundSockets(looked=True)


def test_a_directory_must_be_the_directory_itself(tmp_path: Path, directory: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(directory)
    file = tmp_path / "file"
    file.write_text("x")

    assert reasons(find([link, file], OWN)) == [Reason.UNTRUSTED_DIRECTORY] * 2


@pytest.mark.parametrize(("own", "sees"), [(0, [f"/run/user/{STRANGER}/white-room"]), (1000, [])])
def test_sockets_are_looked_for_where_each_trusted_user_has_them(
    own: int, sees: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/somewhere")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: own)

    assert [str(path) for path in default_directories([own, STRANGER])] == [
        "/somewhere/white-room",
        *sees,
        "/run/white-room",
        f"/tmp/white-room-{own}",  # noqa: S108 - as the platform has them
        f"/tmp/white-room-{STRANGER}",  # noqa: S108 - as above
    ]
    monkeypatch.setattr("sys.platform", "darwin")
    assert [path.name for path in default_directories([own])] == [f"white-room-{own}"]


def test_a_directory_that_cannot_be_listed_leaves_the_others_in_use(
    directory: Path, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind("synth.11.sock")
    closed = directory / "closed"
    closed.mkdir()
    listed = os.scandir

    def scandir(path: Path) -> object:  # the tests may run as root, which has access everywhere
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listed(path)

    monkeypatch.setattr("os.scandir", scandir)
    found = find([closed, directory], OWN)

    assert list(found.sockets) == [("synth", "11")]
    assert reasons(found) == [Reason.UNREADABLE_DIRECTORY]
    assert "WHITE_ROOM_SOCKET_DIR" in found.refused[0].remedy
