"""The current access rules, read from the web configuration file, and again when it or a certificate changes.

An unusable change leaves the previous rules in effect and is reported until it is fixed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from agent.config.decode import ConfigError, Problem
from agent.web.security import tls, web_file
from agent.web.security.web_file import WebFile
from collectors.offloop import NoThreadError, start
from collectors.plain_errors import unexpected

INTERVAL = 2.0
"""Seconds between two checks for changed files."""

DEADLINE = 10.0
"""Seconds that a reading may take."""

_MOST_HUNG = 3
"""The number of hung readings at which no further one starts."""

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
class LoadedRules:
    """The result of one reading of the files: the rules in effect, and the problem if the files are unusable."""

    path: Path | None
    secured: Secured
    problem: ConfigError | None = None
    stamps: _Stamps = field(default_factory=dict)


class WebSecurity:
    """The access rules of the agent's port. Without a reading, they admit all callers.

    Args:
        path: The web configuration file; `None` for none.
    """

    def __init__(self, path: Path | None) -> None:
        self.failed_logins = 0
        """The number of wrong passwords."""
        self.ended: Counter[str] = Counter()
        """The number of connections that the agent closed or refused, by reason."""
        self._reading = LoadedRules(path, Secured())
        self._hung = 0

    @classmethod
    def of(cls, path: Path | None) -> WebSecurity:
        """Return the rules of a file. Blocks on the disk; `problem` tells whether the file is usable."""
        security = cls(path)
        security.adopt(_read(path, Secured()))
        return security

    @property
    def current(self) -> Secured:
        """The rules in effect."""
        return self._reading.secured

    @property
    def problem(self) -> ConfigError | None:
        """The problem of the files in their current state; `None` if they are valid."""
        return self._reading.problem

    async def read(self) -> None:
        """Read the files off the event loop; `problem` tells whether they are usable."""
        path, held = self._reading.path, self.current
        try:
            self._reading = await self._within_deadline(lambda: _read(path, held), path)
        except ConfigError as problem:
            self._reading = replace(self._reading, problem=problem, stamps={path: (-1,)} if path else {})

    async def prepare(self, path: Path | None) -> LoadedRules:
        """Read a file and the files that it names, off the event loop.

        Raises:
            ConfigError: They are unusable, or the reading takes longer than `DEADLINE` seconds.
        """
        held = self.current
        reading = await self._within_deadline(lambda: _read(path, held), path)
        if reading.problem:
            raise reading.problem
        return reading

    def adopt(self, reading: LoadedRules) -> LoadedRules:
        """Put a reading into effect; return the previous one."""
        before, self._reading = self._reading, reading
        return before

    async def watch(self, changed: Callable[[], None]) -> None:
        """Read the files again when they change, until cancelled.

        Args:
            changed: Called on the event loop when new rules take effect.
        """
        while True:
            await asyncio.sleep(INTERVAL)
            before = self._reading
            after = await self._read_again(before)
            if self._reading is not before or after is before:  # replaced by `adopt`, or unchanged
                continue
            self._reading = after
            if after.problem and str(after.problem) != str(before.problem):
                log.error("web configuration refused; the old one stays in effect", problem=str(after.problem))
            elif not after.problem:
                log.info("web configuration reloaded", file=str(after.path))
                changed()

    async def _read_again(self, before: LoadedRules) -> LoadedRules:
        """Return a new reading if a file has changed, else the previous one."""
        if before.path is None or self._hung >= _MOST_HUNG:
            return before
        try:
            return await self._within_deadline(lambda: _read_if_changed(before), before.path)
        except ConfigError as problem:
            return replace(before, problem=problem, stamps={before.path: (-1,)})  # to read it again later

    async def _within_deadline(self, read_files: Callable[[], LoadedRules], path: Path | None) -> LoadedRules:
        """Run a reading in a thread of its own, or here if the system has none left.

        A reading that hangs keeps its thread until the disk answers.

        Raises:
            ConfigError: The reading takes longer than `DEADLINE` seconds, or fails in an unforeseen way.
        """
        reading = start(read_files, "web configuration")
        self._hung += 1
        reading.add_done_callback(self._returned)
        try:
            async with asyncio.timeout(DEADLINE):
                return await asyncio.shield(reading)
        except TimeoutError:
            problem = f"cannot be read within {DEADLINE:g} s; check the disk"
        except NoThreadError:
            return read_files()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a file is a refusal
            problem = f"cannot be read: {unexpected(error)}"
        raise ConfigError(str(path), [Problem("file", problem)])

    def _returned(self, reading: asyncio.Future[LoadedRules]) -> None:
        self._hung -= 1
        if not reading.cancelled():
            reading.exception()  # mark it as retrieved, as the waiter may have left


def _read_if_changed(before: LoadedRules) -> LoadedRules:
    return before if _stamps(before.stamps) == before.stamps else _read(before.path, before.secured)


def _read(path: Path | None, held: Secured) -> LoadedRules:
    """Read the file `path` and the files that it names; `held` stays in effect if they are unusable."""
    if path is None:
        return LoadedRules(None, Secured())
    stamps = _stamps([path])
    try:
        file = web_file.read(path)
        if not file.tls_server_config.enabled:
            return LoadedRules(path, Secured(file), None, stamps)
        named = tls.files(file.tls_server_config, path.parent)
        stamps |= _stamps(named.values())  # before the reading, so that a concurrent change is detected
        return LoadedRules(path, Secured(file, tls.load(file.tls_server_config, path)), None, stamps)
    except ConfigError as error:
        return LoadedRules(path, held, error, stamps)


def _stamps(paths: Iterable[Path]) -> _Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, ...]:
    """Return the identity of a file's state, including its change time, which new permissions update."""
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
