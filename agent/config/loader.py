"""The reader of configuration files."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from agent.config.bounds import BoundsError, check
from agent.config.decode import ConfigError, Problem, decode
from agent.config.log_sources import quoted
from agent.config.outdated import modernize
from agent.config.schema import Config
from collectors import regular_file
from collectors.offloop import wait_for

MAX_BYTES = 1 << 20
READ_DEADLINE = 10.0
"""Seconds for the reading of one file."""

STANDARD_INPUT = Path("-")

_PART = r"""(?:[A-Za-z0-9_-]{1,64}|"[^"\n]{0,64}"|'[^'\n]{0,64}')[ \t]{0,8}"""
_PLACE = re.compile(r"\(at line (\d+), column \d+\)")
_UNQUOTED = re.compile(r"([\w.-]+)\s*=\s*([A-Za-z/~][^\"'#=\[\]{}]*?)\s*")
_TRUTH = dict.fromkeys(("true", "yes", "on"), "true") | dict.fromkeys(("false", "no", "off"), "false")
_MOST_SHOWN = 80
_DEEP_KEY = re.compile(rf"(?:{_PART}\.[ \t]{{0,8}}){{64}}")
"""A dotted key of 64 parts. The time of `tomllib` grows with the square of the number of parts."""


Warn = Callable[[str], None]


def load(path: Path | None, warn: Warn = lambda _: None) -> Config:
    """Read and check a configuration file.

    Args:
        path: The file; `-` is standard input, and `None` the built-in defaults.
        warn: Receives a warning for each outdated spelling.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or has an invalid value.
    """
    if path is None:
        return Config()
    if path == STANDARD_INPUT:
        return parse(_decoded(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input"), "standard input", warn)
    return parse(read_text(path), str(path), warn)


def parse(text: str, source: str, warn: Warn = lambda _: None) -> Config:
    """Parse the text of a configuration. `source` names it in errors.

    Raises:
        ConfigError: As for `load`.
    """
    data, outdated = modernize(plain(text, source))
    config, problems = decode(Config, data)
    if config is None:
        raise ConfigError(source, problems)
    for warning in outdated:
        warn(f"{source}: {warning}")
    return config


def plain(text: str, source: str) -> dict[str, object]:
    """Return the plain data of a configuration, within the bounds of `agent.config.bounds`.

    Raises:
        ConfigError: The text is not TOML, or is too deep or too large.
    """
    try:
        if _DEEP_KEY.search(text):
            raise BoundsError  # noqa: TRY301 - one refusal for all that is too deep
        data = tomllib.loads(text)
        check(data)
    except (tomllib.TOMLDecodeError, BoundsError) as error:
        raise ConfigError(source, [Problem("TOML", f"{error}{_line_of(error, text)}")]) from error
    except RecursionError:
        raise ConfigError(source, [Problem("TOML", str(BoundsError()))]) from None
    except ValueError as error:  # such as a date that does not exist, or an integer of too many digits
        raise ConfigError(source, [Problem("TOML", f"invalid value: {error}")]) from error
    return data


def _line_of(error: Exception, text: str) -> str:
    """Return the line with the error, and the mistake that is made most: a text without quotes."""
    place = _PLACE.search(str(error))
    lines = text.split("\n")
    if place is None or int(place[1]) > len(lines):
        return ""
    line = lines[int(place[1]) - 1].strip()[:_MOST_SHOWN]
    unquoted = _UNQUOTED.fullmatch(line)
    if unquoted is None:
        return f": {line}"
    value = _TRUTH.get(unquoted[2].lower()) or quoted(unquoted[2])
    return f": {line}; did you mean {unquoted[1]} = {value}?"


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: The file cannot be read, is no regular file, is not UTF-8, is larger than `limit`, or
            cannot be read within `READ_DEADLINE`.
    """
    try:
        raw = wait_for(READ_DEADLINE, lambda: regular_file.read(path, limit), "read configuration")
        return _decoded(raw, str(path))
    except (OSError, ValueError) as error:  # a path with a null byte is a ValueError
        hint = (
            ""
            if regular_file.is_refusal(error) or isinstance(error, TimeoutError)
            else "; check the path and its permissions"
        )
        message = f"cannot be read: {getattr(error, 'strerror', None) or error}{hint}"
        raise ConfigError(str(path), [Problem("file", message)]) from error


def _decoded(raw: bytes, source: str) -> str:
    if len(raw) > MAX_BYTES:
        raise ConfigError(source, [Problem("file", f"expected a configuration of at most {MAX_BYTES} bytes")])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(source, [Problem("file", f"expected UTF-8 text: {error}")]) from error
