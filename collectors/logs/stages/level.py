"""The `level` stage: maps the level names of programs to one set of names.

The names are those of Loki's `detected_level`: `trace`, `debug`, `info`, `warn`, `error`, `critical`, and `unknown`.
A label with these values makes few streams.
"""

from __future__ import annotations

from typing import Literal

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Entries, Stage

_WORDS = {
    "trace": "trace t trc verbose v finest finer all silly",
    "debug": "debug d dbg dbug fine config debug1 debug2 debug3 debug4 debug5",
    "info": "info i inf information informational notice n log statement default success ok",
    "warn": "warn w wrn warning",
    "error": "error e err eror severe fault failure fail",
    "critical": "critical c crit crt fatal f ftl emerg emergency alert a panic p dpanic wtf",
}
_SYSLOG = {
    "0": "critical",
    "1": "critical",
    "2": "critical",
    "3": "error",
    "4": "warn",
    "5": "info",
    "6": "info",
    "7": "debug",
}
_PINO = {"10": "trace", "20": "debug", "30": "info", "40": "warn", "50": "error", "60": "critical"}
_PYTHON = {"10": "debug", "20": "info", "30": "warn", "40": "error", "50": "critical"}

_BY_WORD = {word: level for level, words in _WORDS.items() for word in words.split()}
_NUMBERS = {"auto": _SYSLOG | _PINO, "python": _PYTHON}
_REMEMBERED = 1024
_LONGEST = 20


class LevelConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ level = {} }`: replaces the field by its standard name.

    Attributes:
        field: The field with the level.
        numbers: The scale of numbers: `auto` is syslog (0 to 7) with pino and bunyan (10 to 60), `python` is Python's
            logging (10 to 50).
    """

    field: str = "level"
    numbers: Literal["auto", "python"] = "auto"

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        levels = _Levels(_NUMBERS[self.numbers])

        def level(entries: Entries) -> None:
            column = [levels[name] for name in entries.texts(self.field)]
            entries.fields[self.field] = column
            entries.missed["level"] += column.count("unknown")

        return level


class _Levels(dict[str | None, str]):
    """The level of each text, with a bounded cache."""

    def __init__(self, numbers: dict[str, str]) -> None:
        super().__init__()
        self._known = _BY_WORD | numbers

    def __missing__(self, name: str | None) -> str:
        level = self._known.get(_bare(name or ""), "unknown")
        if name is None or (len(self) < _REMEMBERED and len(name) <= _LONGEST):
            self[name] = level
        return level


def _bare(name: str) -> str:
    return name.strip(" []<>():").lower()
