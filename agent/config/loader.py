"""The reader of configuration files."""

from __future__ import annotations

import tomllib
from pathlib import Path

from agent.config.decode import ConfigError, Problem, decode
from agent.config.schema import Config

_MAX_BYTES = 1 << 20


def load(path: Path | None) -> Config:
    """Read and check a configuration file; return the built-in defaults for `None`.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or has an invalid value.
    """
    if path is None:
        return Config()
    return parse(read_text(path), str(path))


def parse(text: str, source: str) -> Config:
    """Parse the text of a configuration. `source` names it in errors.

    Raises:
        ConfigError: As for `load`.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [Problem("TOML", str(error))]) from error
    config, problems = decode(Config, data)
    if config is None:
        raise ConfigError(source, problems)
    return config


def read_text(path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: The file cannot be read, is not UTF-8, or is larger than any configuration.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}; check the path and its permissions"
        raise ConfigError(str(path), [Problem("file", message)]) from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError(str(path), [Problem("file", f"expected a configuration of at most {_MAX_BYTES} bytes")])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [Problem("file", f"expected UTF-8 text: {error}")]) from error
