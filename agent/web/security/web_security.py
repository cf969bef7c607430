"""The security that holds now: read from the web configuration file, and again whenever that or a certificate changes.

A change that cannot be used leaves what was there, and is a problem to be shown until it is mended.
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
"""Seconds between two looks at whether a file has changed."""

_DEADLINE = 10.0

log = structlog.get_logger()

_Stamps = dict[Path, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Secured:
    """What the files say. Without a configuration file: plain HTTP for everyone."""

    file: WebFile = field(default_factory=WebFile)
    tls: tls.Tls | None = None

    @property
    def knows_callers(self) -> bool:
        """Whether nobody gets in without a password or a certificate."""
        return bool(self.file.basic_auth_users) or (self.tls is not None and self.tls.knows_clients)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of the files: what holds after it, and why that is not what they say, if it is not."""

    path: Path | None
    secured: Secured
    problem: ConfigError | None = None
    stamps: _Stamps = field(default_factory=dict)


class WebSecurity:
    """Who may talk to the agent's port, now.

    Args:
        path: The web configuration file; `None` for none. It is read at once; `problem` says whether it could be.
    """

    def __init__(self, path: Path | None) -> None:
        self.failed_logins = 0
        """Passwords that were looked at and wrong."""
        self.ended: Counter[str] = Counter()
        """Connections that the agent ended or refused, by reason."""
        self._reading = _read(path, Secured())
        self._look_again = OneAtATime(lambda: _read_if_changed(self._reading), "web configuration")

    @property
    def current(self) -> Secured:
        """What holds."""
        return self._reading.secured

    @property
    def problem(self) -> ConfigError | None:
        """Why the files as they are now cannot be used; `None` if they can."""
        return self._reading.problem

    @contextmanager
    def moved(self, path: Path | None) -> Iterator[None]:
        """Follow another configuration file from now on, unless the block under the `with` fails.

        Raises:
            ConfigError: It cannot be used; the one before stays.
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
            changed: Called, on the event loop, when other security holds from now on.
        """
        while True:
            await asyncio.sleep(INTERVAL)
            before = self._reading
            after = await self._read_again(before)
            if self._reading is not before or after is before:  # moved meanwhile, or nothing new
                continue
            self._reading = after
            if after.problem and str(after.problem) != str(before.problem):
                log.error("the web configuration is refused and what held before stays", problem=str(after.problem))
            elif not after.problem:
                log.info("the web configuration was read again", file=str(after.path))
                changed()

    async def _read_again(self, before: _Reading) -> _Reading:
        """A new reading if a file has changed, else the one before."""
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
    """Read the files that `path` leads to; `held` goes on to hold if they cannot be used."""
    if path is None:
        return _Reading(None, Secured())
    stamps = _stamps([path])
    try:
        file = read(path)
        if not file.tls_server_config.enabled:
            return _Reading(path, Secured(file), None, stamps)
        named = tls.files(file.tls_server_config, path.parent)
        stamps |= _stamps(named.values())  # before they are read: a change meanwhile is then seen
        return _Reading(path, Secured(file, tls.load(file.tls_server_config, path)), None, stamps)
    except ConfigError as error:
        return _Reading(path, held, error, stamps)


def _stamps(paths: Iterable[Path]) -> _Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, ...]:
    """What differs when the file does; also its change time, which new permissions change."""
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
