"""Serves the metrics of a Python tool on a Unix socket, for wr-agent to poll. Needs prometheus_client; copy this file.

    registry = CollectorRegistry()
    songs = Counter("songs_created_total", "Songs created.", registry=registry)
    with serving("song-tool", registry):
        songs.inc()

Answers in a thread of its own, so that it serves asyncio programs too. `curl --unix-socket FILE http://tool/metrics`
shows what the agent sees. Pass a registry of your own: prometheus_client's default one also has `process_` and
`python_` families, which the agent refuses because they are the agent's own.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import socket
import socketserver
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import MetricsHandler

_SHARED = Path("/run/white-room")


@contextlib.contextmanager
def serving(plugin: str, registry: CollectorRegistry, directory: Path | None = None) -> Iterator[Path]:
    """Serve `registry` for as long as the context lasts.

    Args:
        plugin: The value of the label `plugin`: letters, digits, `_` and `-`, a letter or digit first, at most 64.
        registry: What is served.
        directory: Where the socket goes, instead of the first usable place of the platform.

    Yields:
        The socket.

    Raises:
        ValueError: The plugin's name has another form.
        OSError: There is no place for the socket, or none where others cannot replace it.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", plugin):
        raise ValueError(f"expected letters, digits, '_' or '-', a letter or digit first, got {plugin!r}")
    process = os.getpid()
    place = _usable([directory] if directory else _directories())
    server, path = _bound(plugin, place, MetricsHandler.factory(registry))
    threading.Thread(target=server.serve_forever, name="white-room", daemon=True).start()
    try:
        yield path
    finally:
        if os.getpid() == process:  # in a forked child the thread is not, and the socket is its parent's
            server.shutdown()
            path.unlink(missing_ok=True)
        server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False


def _bound(plugin: str, directory: Path, handler: type[MetricsHandler]) -> tuple[_Server, Path]:
    """A server on `<plugin>.<pid>.sock`, or with a number before `.sock` if this process has that one already."""
    for left in filter(_is_left_over, directory.glob(f"{plugin}.*.sock")):
        left.unlink(missing_ok=True)
    for number in itertools.count(1):
        suffix = "" if number == 1 else f".{number}"
        path = directory / f"{plugin}.{os.getpid()}{suffix}.sock"
        if not path.exists():
            server = _Server(str(path), handler)
            path.chmod(0o660)
            return server, path
    raise AssertionError("numbers do not end")


def _is_left_over(path: Path) -> bool:
    """Whether the process of the name is gone, and none listens that has this number in another container."""
    try:
        os.kill(int(path.name.split(".")[1]), 0)
    except ProcessLookupError:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(path)) == errno.ECONNREFUSED
    except (PermissionError, ValueError):
        pass
    return False


def _directories() -> list[Path]:
    """Where the agent looks, the best first; where the environment says it, nowhere else."""
    if chosen := os.environ.get("WHITE_ROOM_SOCKET_DIR"):
        return [Path(chosen)]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    private = [Path(runtime, "white-room")] if runtime else []
    return [*private, _SHARED, Path(f"/tmp/white-room-{os.geteuid()}")]  # noqa: S108 - checked by _check


def _usable(directories: Sequence[Path]) -> Path:
    """The first of these that sockets can safely be put into; made, where it is not the machine's."""
    problems = []
    for directory in directories:
        try:
            if directory != _SHARED:
                directory.mkdir(mode=0o700, exist_ok=True)
            _check(directory)
        except OSError as error:
            problems.append(str(error))
        else:
            return directory
    raise OSError("; ".join(problems))


def _check(directory: Path) -> None:
    status = directory.lstat()
    shared, sticky = status.st_mode & 0o022, status.st_mode & stat.S_ISVTX
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (0, os.geteuid()) or (shared and not sticky):
        raise PermissionError(
            f"{directory} must be a directory of this user or root, and others must not be able to replace what is in "
            "it (chmod 700, or chmod +t if it is shared)"
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(f"{directory} may not be written to by this user")
