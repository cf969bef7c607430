"""Distinct counts of the `metrics` stage: the different values of a field over a day and over 30 days.

The exported registers of a HyperLogLog sketch merge by their maximum over machines and over time. Raw values are
neither kept nor exported: only a keyed hash reaches the registers.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

import msgspec
import structlog

from collectors import atomic_file, regular_file
from collectors.logs.sketch import Window, estimate, keyed_hashes, ranks
from collectors.logs.stages.config import Context
from collectors.logs.stages.entries import Entries, TextColumn
from collectors.logs.stages.metric import MetricConfig, selected
from collectors.logs.times.zone import NS
from collectors.metrics import Family, LabelValues, gauge
from collectors.plain_errors import plain_text

_HOUR_NS = 3600 * NS
_WINDOWS = {"day": (_HOUR_NS, 24), "month": (24 * _HOUR_NS, 30)}
_SALT_BYTES = 32
_SALT_NAME = "distinct.salt"
_MAX_SALT_FILE = 4096
_MOST_BYTES = 256 << 20

_log = structlog.get_logger()


class DistinctConfig(MetricConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A count of the different values of a field.

    Attributes:
        value: The field.
        precision: The power of 2 of the registers. The standard error is 6.5 % at 8, 3.3 % at 10, 1.6 % at 12.
        salt_file: A file with a secret that all counting machines share. Empty uses a secret of this machine, kept
            in the state directory.
    """

    value: str
    precision: Annotated[int, msgspec.Meta(ge=8, le=12)] = 10
    salt_file: str = ""


class _Saved(msgspec.Struct):
    """The state file, as JSON: registers in base64 by their stretch of time."""

    salt: str
    precision: int
    windows: dict[str, dict[int, bytes]]


class Distinct:
    """One distinct count and its windows. Before `prepare`, its salt is random."""

    def __init__(self, config: DistinctConfig, context: Context) -> None:
        self._config = config
        self._source = context.source
        self._size = 1 << config.precision
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._state_dir = context.state_dir
        self._file = _state_file(config, context)
        self._windows = {name: Window(stretch, count) for name, (stretch, count) in _WINDOWS.items()}
        self._changed = False

    def prepare(self) -> None:
        """Read the salt file, or check that this machine's salt can be read or written.

        Raises:
            ValueError: The salt is unusable, or the state directory is.
        """
        if self._config.salt_file:
            self._salt = _read_salt(Path(self._config.salt_file))
        elif self._state_dir is not None and (self._state_dir / _SALT_NAME).exists():
            self._salt = _read_salt(self._state_dir / _SALT_NAME)
        elif self._state_dir is not None:
            _check_writable(self._state_dir, self._config.name)

    def restore(self) -> None:
        """Create this machine's salt if it is missing, and read the registers of an earlier run."""
        if self._state_dir is not None and not self._config.salt_file:
            try:
                self._salt = _own_salt(self._state_dir / _SALT_NAME)
            except (OSError, ValueError) as error:
                problem = plain_text(error)
                _log.error("a distinct count has no lasting salt; it restarts with the agent", problem=problem)
        self._load()

    def observe(self, entries: Entries) -> None:
        """Count the values in these entries at the entries' times."""
        column, times, now = entries.texts(self._config.value), entries.timestamps, time.time_ns()
        if self._config.where:
            chosen = selected(entries, self._config.where)
            column, times = [column[position] for position in chosen], [times[position] for position in chosen]
        for hour, values in _by_hour(column, times):
            ranked = ranks(keyed_hashes(_encoded(values - {"", None}), self._salt), self._size)
            for window in self._windows.values():
                self._changed |= window.add_all(ranked, hour * _HOUR_NS, now, self._size)

    def families(self) -> list[Family]:
        """Return the estimate of this machine and the registers that are set."""
        now, name, help_ = time.time_ns(), self._config.name, self._config.help
        registers = {window: kept.registers(now, self._size) for window, kept in self._windows.items()}
        estimates: dict[LabelValues, float] = {
            (self._source, window): estimate(kept) for window, kept in registers.items()
        }
        sketch: dict[LabelValues, float] = {
            (self._source, window, str(register)): value
            for window, kept in registers.items()
            for register, value in enumerate(kept)
            if value
        }
        return [
            gauge(name, f"{help_} Estimate of this machine alone.", estimates, ("source", "window")),
            gauge(
                f"{name}_sketch",
                f"{help_} HyperLogLog registers, merged by their maximum.",
                sketch,
                ("source", "window", "register"),
            ),
        ]

    def save(self) -> None:
        """Write the registers if they changed. Blocks on the disk.

        Raises:
            OSError: The state directory cannot be written.
        """
        if not self._changed or self._file is None:
            return
        self._changed = False
        windows = {
            name: {at: bytes(kept) for at, kept in dict(w.sketches).items()} for name, w in self._windows.items()
        }
        saved = msgspec.json.encode(_Saved(_fingerprint(self._salt), self._config.precision, windows))
        try:
            atomic_file.replace(self._file, saved)
        except OSError:
            self._changed = True
            raise

    def _load(self) -> None:
        if self._file is None or not self._file.exists():
            return
        try:
            self._restore(msgspec.json.decode(regular_file.read(self._file, _MOST_BYTES), type=_Saved))
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("a distinct count was reset", file=str(self._file), reason=plain_text(error))

    def _restore(self, saved: _Saved) -> None:
        if (saved.salt, saved.precision) != (_fingerprint(self._salt), self._config.precision):
            raise ValueError("the file has another salt or precision")
        if any(len(kept) != self._size for window in saved.windows.values() for kept in window.values()):
            raise ValueError("the file has another number of registers")
        for name, window in self._windows.items():
            window.sketches = {at: bytearray(kept) for at, kept in saved.windows.get(name, {}).items()}


def _by_hour(column: TextColumn, times: Sequence[int]) -> Iterator[tuple[int, set[str | None]]]:
    """Yield each hour since 1970 with its different values."""
    first, last = min(times, default=0) // _HOUR_NS, max(times, default=0) // _HOUR_NS
    if first == last:  # the usual case, in half of the time
        yield first, set(column)
        return
    hours = [at // _HOUR_NS for at in times]
    for hour in set(hours):
        yield hour, {value for value, at in zip(column, hours, strict=True) if at == hour}


def _encoded(values: Iterable[str | None]) -> list[bytes]:
    texts = cast("Iterable[str]", values)
    try:
        return list(map(str.encode, texts))
    except UnicodeEncodeError:
        return [value.encode("utf-8", "replace") for value in texts]


def _state_file(config: DistinctConfig, context: Context) -> Path | None:
    if context.state_dir is None:
        return None
    return context.state_dir / f"distinct-{quote(context.source, safe='')}-{config.name}.json"


def _own_salt(path: Path) -> bytes:
    if not path.exists():
        atomic_file.replace(path, secrets.token_hex(_SALT_BYTES).encode())
    return _read_salt(path)


def _check_writable(state_dir: Path, name: str) -> None:
    existing = next(folder for folder in (state_dir, *state_dir.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(
            f"the distinct count {name} keeps its salt in the state directory {state_dir}, and {existing} cannot be "
            "written; make it writable for the agent's user, or set state_dir or salt_file"
        )


def _read_salt(path: Path) -> bytes:
    try:
        secret = regular_file.read(path, _MAX_SALT_FILE).strip()
    except OSError as error:
        message = f"salt_file {path} cannot be read: {error.strerror}; check the path and its permissions"
        raise ValueError(message) from error
    if not secret:
        raise ValueError(f"salt_file {path} is empty; put a secret there, the same on each machine")
    return hashlib.blake2b(secret, digest_size=_SALT_BYTES).digest()


def _fingerprint(salt: bytes) -> str:
    return hashlib.blake2b(salt, digest_size=8, person=b"fingerprint").hexdigest()
