"""`wr-agent check-config`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from agent.config import loader, locations
from agent.config.decode import ConfigError
from agent.config.schema import Config
from agent.push import interval

HELP = "check a configuration file and print every problem in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, by position or by `--config` as in other commands."""
    files = parser.add_mutually_exclusive_group()
    files.add_argument("file", nargs="?", help="the file; - is standard input; default: the file of wr-agent run")
    files.add_argument("--config", metavar="FILE", help="the same, as in other commands")


def run(arguments: argparse.Namespace) -> int:
    """Check the file; return 0 if it is valid, else print one line for each problem and return 1."""
    path = locations.find(arguments.config or arguments.file)
    loaded = loader.load(path, _warn)
    if text := interval.warning(loaded.remote_write):
        _warn(f"{_name(path)}: {text}")
    problems = [line for error in _errors(loaded) for line in str(error).splitlines()]
    if problems:
        print("\n".join(line.replace("configuration: ", f"{_name(path)}: ", 1) for line in problems), file=sys.stderr)
        return 1
    print(f"{_name(path)}: good" if path else "no configuration file: the built-in defaults are used")
    return 0


def _errors(loaded: Config) -> Iterator[Exception]:
    """Yield the reasons for which the agent would refuse the configuration at its start."""
    from agent.core import catalog, state_directory
    from agent.web import listener
    from agent.web.security.web_security import WebSecurity

    security = WebSecurity.of(locations.web_config_file(loaded))
    if security.problem:
        yield security.problem
    try:
        listener.check(loaded.web.listen)
    except listener.ListenError as error:
        yield ConfigError("configuration", [error.problem])
    try:
        state_directory.check(locations.state_directory(loaded))
    except ConfigError as error:
        yield error
    yield from asyncio.run(catalog.problems(loaded))


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


def _name(path: Path | None) -> str:
    return "standard input" if path == loader.STANDARD_INPUT else str(path or "built-in defaults")
