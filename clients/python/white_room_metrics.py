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
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import MetricsHandler


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
        OSError: There is no place for the socket, or none that is this user's alone.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", plugin):
        raise ValueError(f"expected letters, digits, '_' or '-', a letter or digit first, got {plugin!r}")
    process = os.getpid()
    server, path = _bound(plugin, directory or _directory(), MetricsHandler.factory(registry))
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
    directory.mkdir(mode=0o700, exist_ok=True)
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


def _directory() -> Path:
    """The first usable one of the places where the agent looks."""
    if chosen := os.environ.get("WHITE_ROOM_SOCKET_DIR"):
        return Path(chosen)
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime, "white-room")
    shared = Path("/run/white-room")
    if os.access(shared, os.W_OK | os.X_OK):
        return shared
    own = Path(f"/tmp/white-room-{os.geteuid()}")  # noqa: S108 - checked here
    own.mkdir(mode=0o700, exist_ok=True)
    status = own.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"{own} must be a directory of this user that no one else may write to (chmod 700)")
    return own
