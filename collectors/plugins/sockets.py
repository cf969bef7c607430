"""The search for plugins' sockets in their directories.

This module owns names and places; `trust` decides which sockets may be polled. Each look lists every directory again.
At the interval of the polls that costs less than notifications of changes would, and misses none.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from collectors.plugins.names import PLUGIN_NAME
from collectors.plugins.refusals import Reason
from collectors.plugins.trust import Trust

MOST_SOCKETS = 1_024
"""The limit of polled sockets: each costs a file descriptor and memory."""

UNNAMED = "unknown"
"""The plugin's name in refusals of a file whose name has none."""

_MOST_FILES = 8_192  # of one directory: listing them takes tens of milliseconds
_SHARE = "export WHITE_ROOM_SOCKET_DIR=/run/white-room  # for the plugins; docs/plugins.md says how to share it"
_NAME = re.compile(rf"(?P<plugin>{PLUGIN_NAME})\.(?P<instance>[0-9]{{1,10}}(?:\.[0-9]{{1,6}})?)\.sock")


class SocketFile(NamedTuple):
    """A trusted socket.

    Attributes:
        path: The path of the socket.
        plugin: The plugin's name.
        instance: The process's number, followed by a dot and a counter where one process has several sockets.
        identity: The file's device and inode.
    """

    path: str
    plugin: str
    instance: str
    identity: tuple[int, int]


class RefusedFile(NamedTuple):
    """A file or a directory that is not used, with the reason and its remedy."""

    plugin: str
    reason: Reason
    detail: str
    remedy: str


@dataclass(slots=True)
class FoundSockets:
    """The result of one look.

    Attributes:
        sockets: The trusted sockets, by plugin and instance.
        refused: The files and directories that are not used.
        looked: Whether a look took place.
    """

    sockets: dict[tuple[str, str], SocketFile] = field(default_factory=dict)
    refused: list[RefusedFile] = field(default_factory=list)
    looked: bool = False


def default_directories(uids: Iterable[int]) -> list[Path]:
    """Return the platform's directories for sockets of these users, those of the agent's own user first."""
    own = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{own}"
    others = sorted(set(uids) - {own})
    seen = others if own == 0 else []  # only root can look into another user's /run/user/UID
    places = [Path(runtime, "white-room"), *(Path(f"/run/user/{uid}/white-room") for uid in seen)]
    shared = [] if sys.platform == "darwin" else [*places, Path("/run/white-room")]
    return [*shared, *(Path(f"/tmp/white-room-{uid}") for uid in (own, *others))]  # noqa: S108 - checked by `trust`


def find(directories: Iterable[Path], trust: Trust) -> FoundSockets:
    """Look into all directories that exist. This blocks on the file system, so call it off the event loop."""
    found = FoundSockets(looked=True)
    for directory in directories:
        try:
            if problem := trust.directory_problem(directory):
                found.refused.append(RefusedFile(UNNAMED, Reason.UNTRUSTED_DIRECTORY, *problem))
            else:
                _look_into(directory, trust, found)
        except FileNotFoundError:
            continue
        except OSError as error:
            detail = f"the agent's user cannot look into {directory}: {error.strerror}"
            found.refused.append(RefusedFile(UNNAMED, Reason.UNREADABLE_DIRECTORY, detail, _SHARE))
    return found


def _look_into(directory: Path, trust: Trust, found: FoundSockets) -> None:
    for entry in sorted(_entries(directory), key=lambda entry: entry.name):
        if not entry.name.endswith(".sock"):
            continue
        name = _NAME.fullmatch(entry.name)
        if name is None:
            detail = f"expected a name such as synth.4711.sock, found {entry.path!a}"
            found.refused.append(RefusedFile(UNNAMED, Reason.BAD_NAME, detail, "name it PLUGIN.PID.sock"))
        else:
            _take(entry, name["plugin"], name["instance"], trust, found)


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        yield from islice(entries, _MOST_FILES)


def _take(entry: os.DirEntry[str], plugin: str, instance: str, trust: Trust, found: FoundSockets) -> None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return  # it was removed since the listing
    known = found.sockets.get((plugin, instance))
    if problem := trust.socket_problem(entry.path, status):
        refusal = (Reason.UNTRUSTED_SOCKET, *problem)
    elif known:
        detail = f"{entry.path} has the name of {known.path}"
        refusal = (Reason.DUPLICATE_INSTANCE, detail, "let each process use one directory")
    elif len(found.sockets) >= MOST_SOCKETS:
        detail = f"{entry.path} exceeds the limit of {MOST_SOCKETS} polled sockets"
        refusal = (Reason.TOO_MANY_SOCKETS, detail, "let one socket serve several instances of a process")
    else:
        identity = (status.st_dev, status.st_ino)
        found.sockets[plugin, instance] = SocketFile(entry.path, plugin, instance, identity)
        return
    found.refused.append(RefusedFile(plugin, *refusal))
