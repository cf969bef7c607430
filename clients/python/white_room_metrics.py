"""The metrics of a Python tool, served on a Unix socket for wr-agent. Copy this file; it needs prometheus_client.

    registry = CollectorRegistry()
    songs = Counter("songs_created_total", "Songs created.", registry=registry)
    with serving("song-tool", registry):
        songs.inc()

A thread of its own answers, so it serves asyncio programs too. `curl --unix-socket FILE http://tool/metrics` shows the
page that the agent polls. Pass a registry of your own: that of prometheus_client also has `process_` and `python_`
families, whose names the agent reserves for itself.
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

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import MetricsHandler

_SHARED = Path("/run/white-room")


@contextlib.contextmanager
def serving(plugin: str, registry: CollectorRegistry, directory: Path | None = None) -> Iterator[Path]:
    """Serve `registry` for as long as the context lasts.

    Args:
        plugin: The value of the label `plugin`: letters, digits, `_` and `-`, a letter or digit first, at most 64.
        registry: The registry that is served.
        directory: The socket's directory; by default the first usable one of the platform.

    Yields:
        The socket.

    Raises:
        ValueError: The plugin's name has another form.
        OSError: No directory is usable, or others could replace the socket in each.
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
        if os.getpid() == process:  # a forked child has no such thread, and the socket is its parent's
            server.shutdown()
            path.unlink(missing_ok=True)
        server.server_close()


def add_deployment_version(registry: CollectorRegistry, service: str, version: str) -> None:
    """Export the deployed version of a service, with the label values that its other metrics have.

    Args:
        registry: The registry that is served.
        service: The value of the label `service`, such as `export-server`.
        version: The version, such as `1.2.3`.
    """
    help_ = "The deployed version of the service, as a label of a series with the value 1."
    Gauge("deployment_version", help_, ["service", "version"], registry=registry).labels(service, version).set(1)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False


def _bound(plugin: str, directory: Path, handler: type[MetricsHandler]) -> tuple[_Server, Path]:
    """Return a server on `<plugin>.<pid>.sock`, or with a number before `.sock` if this process has that one."""
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
    """Return whether the named process is gone, and no process of that number listens in another container."""
    try:
        os.kill(int(path.name.split(".")[1]), 0)
    except ProcessLookupError:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(path)) == errno.ECONNREFUSED
    except (PermissionError, ValueError):
        pass
    return False


def _directories() -> list[Path]:
    """Return the directories that the agent searches, the best first; only that of the environment if it names one."""
    if chosen := os.environ.get("WHITE_ROOM_SOCKET_DIR"):
        return [Path(chosen)]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    private = [Path(runtime, "white-room")] if runtime else []
    return [*private, _SHARED, Path(f"/tmp/white-room-{os.geteuid()}")]  # noqa: S108 - checked by _check


def _usable(directories: Sequence[Path]) -> Path:
    """Return the first directory that is safe for sockets; create it unless it is the machine's."""
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
