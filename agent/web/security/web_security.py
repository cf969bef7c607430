"""The current access rules, read from the web configuration file, and again when it or a certificate changes.

An unusable change leaves the previous rules in effect and is reported until it is fixed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from agent.config.decode import ConfigError, Problem
from agent.web.security import tls
from agent.web.security.web_file import WebFile, read
from collectors.offloop import OneAtATime

INTERVAL = 2.0
"""Seconds between two checks for changed files."""

_DEADLINE = 10.0

log = structlog.get_logger()

_Stamps = dict[Path, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Secured:
    """The content of the files. Without a configuration file, it is plain HTTP for all callers."""

    file: WebFile = field(default_factory=WebFile)
    tls: tls.Tls | None = None

    @property
    def knows_callers(self) -> bool:
        """True if every caller needs a password or a certificate."""
        return bool(self.file.basic_auth_users) or (self.tls is not None and self.tls.knows_clients)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The result of one reading of the files: the rules in effect, and the problem if the files are unusable."""

    path: Path | None
    secured: Secured
    problem: ConfigError | None = None
    stamps: _Stamps = field(default_factory=dict)


class WebSecurity:
    """The access rules of the agent's port.

    Args:
        path: The web configuration file; `None` for none. It is read at once; `problem` says whether it could be.
    """

    def __init__(self, path: Path | None) -> None:
        self.failed_logins = 0
        """The number of wrong passwords."""
        self.ended: Counter[str] = Counter()
        """The number of connections that the agent closed or refused, by reason."""
        self._reading = _read(path, Secured())
        self._look_again = OneAtATime(lambda: _read_if_changed(self._reading), "web configuration")

    @property
    def current(self) -> Secured:
        """The rules in effect."""
        return self._reading.secured

    @property
    def problem(self) -> ConfigError | None:
        """The problem of the files in their current state; `None` if they are valid."""
        return self._reading.problem

    @contextmanager
    def moved(self, path: Path | None) -> Iterator[None]:
        """Switch to another configuration file, unless the block under the `with` fails.

        Raises:
            ConfigError: The file is unusable; the previous one stays.
        """
        before, after = self._reading, _read(path, self.current)
        if after.problem:
            raise after.problem
        self._reading = after
        try:
            yield
        except BaseException:
            self._reading = before
            raise

    async def watch(self, changed: Callable[[], None]) -> None:
        """Read the files again when they change, until cancelled.

        Args:
            changed: Called on the event loop when new rules take effect.
        """
        while True:
            await asyncio.sleep(INTERVAL)
            before = self._reading
            after = await self._read_again(before)
            if self._reading is not before or after is before:  # replaced by `moved`, or unchanged
                continue
            self._reading = after
            if after.problem and str(after.problem) != str(before.problem):
                log.error("web configuration refused; the old one stays in effect", problem=str(after.problem))
            elif not after.problem:
                log.info("web configuration reloaded", file=str(after.path))
                changed()

    async def _read_again(self, before: _Reading) -> _Reading:
        """Return a new reading if a file has changed, else the previous one."""
        if before.path is None:
            return before
        try:
            return await self._look_again(_DEADLINE)
        except TimeoutError:
            problem = ConfigError(str(before.path), [Problem("file", f"could not be read within {_DEADLINE:g} s")])
            return replace(before, problem=problem, stamps={before.path: (-1,)})  # to be read once it can


def _read_if_changed(before: _Reading) -> _Reading:
    return before if _stamps(before.stamps) == before.stamps else _read(before.path, before.secured)


def _read(path: Path | None, held: Secured) -> _Reading:
    """Read the file `path` and the files that it names; `held` stays in effect if they are unusable."""
    if path is None:
        return _Reading(None, Secured())
    stamps = _stamps([path])
    try:
        file = read(path)
        if not file.tls_server_config.enabled:
            return _Reading(path, Secured(file), None, stamps)
        named = tls.files(file.tls_server_config, path.parent)
        stamps |= _stamps(named.values())  # before the reading, so that a concurrent change is detected
        return _Reading(path, Secured(file, tls.load(file.tls_server_config, path)), None, stamps)
    except ConfigError as error:
        return _Reading(path, held, error, stamps)


def _stamps(paths: Iterable[Path]) -> _Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, ...]:
    """Return the identity of a file's state, including its change time, which new permissions update."""
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
