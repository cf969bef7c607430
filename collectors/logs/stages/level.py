"""The `level` stage: maps the level names of programs to one set of names.

The names are those of Loki's `detected_level`: `trace`, `debug`, `info`, `warn`, `error`, `critical`, and `unknown`.
A label with these values makes few streams.
"""

from __future__ import annotations

import re
from typing import Literal

from collectors.logs.stages.colours import without_colours
from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Entries, Stage

_WORDS = {
    "trace": "trace t trc trce verbose vrb v finest finer all silly",
    "debug": "debug d dbg dbug fine config debug1 debug2 debug3 debug4 debug5 d1 d2 d3 d4 d5 .",
    "info": "info i inf information informational notice n note log statement default success ok system http *",
    "warn": "warn w wrn warning deprecated #",
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
_LONGEST = 64
_NUMBER_WORD = re.compile(r"[a-z]+(?=[+-]\d+$)")  # slog: INFO+2
_LETTER = re.compile(r"[vdiwef](?=\d{4}\b|/)")  # glog and klog: W1129; Android: W/Tag
_PRIORITY = re.compile(r"<(\d{1,3})>")  # syslog: facility * 8 + severity
_TOKEN = re.compile(r"[a-z]+\d?|\d+")
_MOST_TOKENS = 4


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
        level = self._level((name or "")[:_LONGEST].strip().lower())
        if name is None or (len(self) < _REMEMBERED and len(name) <= _LONGEST):
            self[name] = level
        return level

    def _level(self, name: str) -> str:
        name = without_colours(name)
        if priority := _PRIORITY.match(name):
            return _SYSLOG[str(int(priority[1]) % 8)]
        bare = name.strip(" []<>():\"'")
        if level := self._known.get(bare):
            return level
        if found := _NUMBER_WORD.match(bare) or _LETTER.match(bare):
            return self._known.get(found[0], "unknown")
        tokens = _TOKEN.findall(bare)
        if len(tokens) > _MOST_TOKENS:
            return "unknown"
        if len({*tokens}) == 1:
            return self._known.get(tokens[0], "unknown")  # given several times
        # Words such as `core:error` and `Fatal error`. A letter or a number in them is no level.
        known = [self._known[token] for token in tokens if len(token) > 1 and token in _BY_WORD]
        return known[0] if known else "unknown"
