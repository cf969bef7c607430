"""Metrics of other programs, from every `*.prom` file of a directory. A refused file costs only its own metrics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from collectors.host.promfile import parse
from collectors.metrics import Family, LabelValues, gauge, names_taken

_log = structlog.get_logger()

DEBIAN = Path("/var/lib/prometheus/node-exporter")
"""The directory of Debian's node_exporter, which Debian's scripts write to."""

_MOST_BYTES = 1 << 20
_MOST_BYTES_TOGETHER = 4 << 20
_MOST_FILES = 200

# Names that only the agent and Prometheus report. Other names with `node_` are allowed, as scripts for node_exporter
# use them.
_RESERVED = (
    "wr_agent_",
    "audio_",
    "container_",
    "host_",
    "node_scrape_collector_",
    "node_textfile_",
    "process_",
    "scrape_",
)

_Owner = tuple[str, str]
"""A family's name and type. Families of the host have no type here, so that no file can share them."""


@dataclass(frozen=True, slots=True)
class _File:
    """One file: its families, or the reason why it is refused. `version` is time, size and inode."""

    version: tuple[int, int, int]
    families: tuple[Family, ...] = ()
    error: str = ""

    @property
    def modified(self) -> int:
        """The time of the last write, in whole seconds since 1970 as node_exporter has them."""
        return self.version[0] // 10**9


@dataclass(frozen=True, slots=True)
class _Read:
    """The directory: its files by their path, and its own errors."""

    files: Mapping[str, _File]
    errors: Mapping[str, str]


class TextFiles:
    """The files of one directory. An accepted file is parsed again only when it has changed.

    Args:
        directory: The directory, or "" for Debian's, if it exists.
    """

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory) if directory else DEBIAN
        self._must_exist = bool(directory)
        self._known = _Read({}, {})
        self._logged: Mapping[str, str] = {}

    def read(self) -> tuple[Family, ...]:
        """Read the new and changed files. It returns no families, see `families`."""
        errors = {}
        try:
            found = sorted(str(path) for path in self._directory.iterdir() if path.suffix == ".prom")
        except OSError as error:
            found = []
            if self._must_exist:
                errors[str(self._directory)] = f"cannot be read: {error.strerror}"
        if len(found) > _MOST_FILES:
            errors[str(self._directory)] = f"expected at most {_MOST_FILES} files, found {len(found)}"
        files: dict[str, _File] = {}
        left = _MOST_BYTES_TOGETHER
        for path in found[:_MOST_FILES]:
            files[path] = _read(path, self._known.files.get(path), min(_MOST_BYTES, left))
            left -= 0 if files[path].error else files[path].version[1]
        self._known = _Read(files, errors)
        return ()

    def families(self, host: Iterable[Family]) -> list[Family]:
        """Return the families of the last read, the times of the files, and whether one was refused.

        Args:
            host: The host's own families, which no file may contradict.
        """
        known = self._known
        errors = dict(known.errors)
        page = _AcceptedFamilies(host if known.files else ())
        written: dict[LabelValues, float] = {}
        for path, file in known.files.items():
            error = file.error or page.take(file.families)
            if error:
                errors[path] = error
            else:
                written[path,] = file.modified
        self._log(errors)
        return [*page.families, *_own_families(written, failed=bool(errors))]

    def _log(self, errors: Mapping[str, str]) -> None:
        for path, error in errors.items():
            if self._logged.get(path) != error:
                _log.warning("a text file's metrics are refused", file=path, error=error)
        self._logged = errors


def _read(path: str, known: _File | None, most_bytes: int) -> _File:
    """Read the file; return `known` if that was accepted and has not changed."""
    version = (0, 0, 0)
    try:
        with Path(path).open("rb") as file:
            status = os.fstat(file.fileno())
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if known and known.version == version and not known.error and version[1] <= most_bytes:
                return known
            body = file.read(most_bytes + 1)
    except OSError as error:
        return _File(version, error=f"cannot be read: {error.strerror}")
    if len(body) > most_bytes:
        return _File(version, error=f"expected at most {most_bytes} bytes, found {version[1]}")
    try:
        return _File(version, tuple(parse(body, path)))
    except ValueError as error:
        return _File(version, error=str(error))


class _AcceptedFamilies:
    """The families accepted so far.

    Args:
        host: Families whose names no file may use.
    """

    def __init__(self, host: Iterable[Family]) -> None:
        self.families: list[Family] = []
        self._owners: dict[str, _Owner] = {
            name: (family.name, "") for family in host for name in names_taken(family.name, family.type)
        }
        self._series: set[tuple[str, frozenset[tuple[str, str]]]] = set()

    def take(self, families: tuple[Family, ...]) -> str:
        """Accept a file's families, all or none; return the reason if they are refused, else ""."""
        owners: dict[str, _Owner] = {}
        series: set[tuple[str, frozenset[tuple[str, str]]]] = set()
        for family in families:
            if family.name == "up" or family.name.startswith(_RESERVED):
                return f"{family.name} is the agent's own to report"
            for name in names_taken(family.name, family.type):
                owner = owners.setdefault(name, self._owners.get(name, (family.name, family.type)))
                if owner != (family.name, family.type):
                    return f"{family.name} ({family.type}) contradicts {owner[0]}, which is there already"
            for values in family.samples:
                identity = (family.name, frozenset(zip(family.labels, values, strict=True)))
                if identity in self._series:
                    return f"{family.name}{dict(identity[1])} is in another file already"
                series.add(identity)
        self.families += families
        self._owners |= owners
        self._series |= series
        return ""


def _own_families(written: Mapping[LabelValues, float], *, failed: bool) -> list[Family]:
    return [
        gauge("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.", written, ("file",)),
        gauge(
            "node_textfile_scrape_error", "1 if there was an error opening or reading a file, 0 otherwise", int(failed)
        ),
    ]
