"""The host collector. It reads each subsystem separately, so that a failure costs only that subsystem's families."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

import structlog

from collectors.base import Collector
from collectors.findings import Check, Finding
from collectors.host import checks, view
from collectors.host.bounded_calls import BoundedCalls
from collectors.host.config import HostConfig, SubsystemName
from collectors.host.subsystems import Platform, Subsystem, this_platform
from collectors.host.textfile import TextFiles
from collectors.host.view import HostView
from collectors.metrics import Family, gauge

_log = structlog.get_logger()

# All subsystems together take some milliseconds. A sensor that hangs must leave the others their share of the time that
# the agent gives to a collector.
_LONGEST_DEADLINE = 0.8
_SHARE_OF_TIMEOUT = 0.6
_FRESH = 20.0
"""Seconds for which a check uses the readings of a scrape. Scrapes are usually 15 s apart."""

_HANDOVERS = 4
"""The number of subsystems in a row that may hang within the deadline without a cost to the others."""

_TEXTFILE: SubsystemName = "textfile"
_SCRAPE_NAMES = frozenset({"node_scrape_collector_duration_seconds", "node_scrape_collector_success"})


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt at one subsystem.

    Attributes:
        name: The subsystem's name.
        families: Its families; none after an error.
        seconds: The duration of the attempt.
        error: The error; FileNotFoundError if the machine has no such source; None on success.
    """

    name: str
    families: Sequence[Family]
    seconds: float
    error: Exception | None

    @property
    def failure(self) -> Exception | None:
        """The error, unless the source is merely absent."""
        return None if isinstance(self.error, FileNotFoundError) else self.error


def _read(subsystem: Subsystem) -> _Attempt:
    start = time.perf_counter()
    families: Sequence[Family] = ()
    problem = None
    try:
        families = subsystem.families()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in one subsystem must not reach the others
        problem = error
    return _Attempt(subsystem.name, families, time.perf_counter() - start, problem)


class HostCollector(Collector):
    """The machine itself, under node_exporter's names. Safe for several threads.

    Args:
        config: The configuration.
        platform: The subsystems; those of this machine by default.
        collect_timeout: Seconds that the agent waits for `collect()`.
    """

    name = "host"

    def __init__(self, config: HostConfig, platform: Platform | None = None, *, collect_timeout: float = 2.0) -> None:
        self.config = config
        self._deadline = min(_LONGEST_DEADLINE, _SHARE_OF_TIMEOUT * collect_timeout)
        self._platform = platform or this_platform(config)
        self._calls: BoundedCalls[str, _Attempt] = BoundedCalls(
            "host", handover=self._deadline / _HANDOVERS, deadline=self._deadline
        )
        self._textfiles = TextFiles(config.textfile_directory)
        self._subsystems = self._find_subsystems()
        self._reads = {it.name: partial(_read, it) for it in self._subsystems}
        self._failing: Mapping[str, str] = {}
        self._failures: Mapping[str, Exception] = {}
        self._measured = -_FRESH
        self._parts: Mapping[str, AbstractSet[str]] = {it.name: _SCRAPE_NAMES for it in self._subsystems}

    def collect(self) -> list[Family]:
        """Return the families of every subsystem, and the duration and result of reading it."""
        readings = self._all_readings()
        self._log_changes(readings)
        by_subsystem = {reading.name: [family for family in reading.families if family.samples] for reading in readings}
        if _TEXTFILE not in self.config.exclude:
            others = [family for families in by_subsystem.values() for family in families]
            by_subsystem[_TEXTFILE] = [family for family in self._textfiles.families(others) if family.samples]
        self._parts = {name: {family.name for family in its} | _SCRAPE_NAMES for name, its in by_subsystem.items()}
        return [*(family for families in by_subsystem.values() for family in families), *_scrape_families(readings)]

    def view(self) -> HostView:
        """Return the live values of the machine."""
        readings = self._readings({name: read for name, read in self._reads.items() if name in view.SUBSYSTEMS})
        return view.host_view(family for reading in readings for family in reading.families)

    @property
    def parts(self) -> Mapping[str, AbstractSet[str]]:
        """The subsystems, by node_exporter's names of its collectors."""
        return self._parts

    def checks(self) -> Sequence[Check]:
        """Return the checks of disks, mounts, memory, sources and the platform."""
        return (
            Check("host.disk-space", "Every disk has space left", self._disk_space),
            Check("host.inodes", "Every disk has inodes left", self._inodes),
            Check("host.mounts", "Every mounted file system answers", self._mounts),
            Check("host.memory", "Memory is available", self._memory),
            Check("host.sources", "Every part of the host can be measured", self._sources),
            *self._platform.checks,
        )

    def _find_subsystems(self) -> list[Subsystem]:
        every = (*self._platform.subsystems, Subsystem(_TEXTFILE, self._textfiles.read))
        return [subsystem for subsystem in every if subsystem.name not in self.config.exclude]

    def _readings(self, reads: Mapping[str, Callable[[], _Attempt]]) -> list[_Attempt]:
        answers = self._calls.answers(reads)
        return [
            _Attempt(name, (), self._deadline, answer) if isinstance(answer, Exception) else answer
            for name, answer in answers.items()
        ]

    def _all_readings(self) -> list[_Attempt]:
        readings = self._readings(self._reads)
        self._failures = {reading.name: reading.failure for reading in readings if reading.failure}
        self._measured = time.monotonic()
        return readings

    def _log_changes(self, readings: Sequence[_Attempt]) -> None:
        failing = {reading.name: checks.reason(reading.failure) for reading in readings if reading.failure}
        for name, error in failing.items():
            if self._failing.get(name) != error:
                _log.warning("host subsystem fails", subsystem=name, error=error)
        for name in self._failing.keys() - failing.keys():
            _log.info("host subsystem can be read again", subsystem=name)
        self._failing = failing

    def _disk_space(self) -> list[Finding]:
        return checks.disk_space(self._platform.file_systems())

    def _inodes(self) -> list[Finding]:
        return checks.inodes(self._platform.file_systems())

    def _mounts(self) -> list[Finding]:
        return checks.mounts(self._platform.file_systems())

    def _memory(self) -> list[Finding]:
        return checks.memory(self._platform.memory())

    def _sources(self) -> list[Finding]:
        """Return the failures of the last scrape; measure if that is too long ago."""
        if time.monotonic() - self._measured >= _FRESH:
            self._all_readings()
        return checks.sources(self._failures)


def _scrape_families(readings: Sequence[_Attempt]) -> list[Family]:
    return [
        gauge(
            "node_scrape_collector_duration_seconds",
            "node_exporter: Duration of a collector scrape.",
            {(reading.name,): reading.seconds for reading in readings},
            ("collector",),
        ),
        gauge(
            "node_scrape_collector_success",
            "node_exporter: Whether a collector succeeded.",
            {(reading.name,): int(reading.error is None) for reading in readings},
            ("collector",),
        ),
    ]
