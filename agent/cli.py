"""The command line: its commands and their exit codes."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from types import ModuleType

from agent.commands import (
    check_config,
    completion,
    config,
    doctor,
    dropouts,
    logs,
    plugins,
    run,
    service,
    status,
    version,
)
from agent.config.decode import ConfigError

COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "doctor": doctor,
    "check-config": check_config,
    "config": config,
    "status": status,
    "plugins": plugins,
    "dropouts": dropouts,
    "logs": logs,
    "service": service,
    "completion": completion,
    "version": version,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 success, 1 failure, 2 wrong usage; `doctor` has its own."""
    given = list(sys.argv[1:] if argv is None else argv)
    top = parser()
    given = _without_help_command(given)
    if not given:
        top.print_help()
        return 0
    if not given[0].startswith("-") and given[0] not in COMMANDS:
        top.error(f"unknown command {given[0]!r}{_nearest(given[0])}; see wr-agent help")
    arguments, strange = top.parse_known_args(given)
    if strange:
        arguments.parser.error(f"unrecognized arguments: {' '.join(strange)}")
    try:
        return int(arguments.run(arguments))
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command prints to the terminal
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        sys.stderr.close()
        return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="wr-agent",
        description="Watches this machine's audio, plugins, logs and host, and serves it all to Prometheus.",
    )
    top.add_argument("--version", action="store_const", const=version.run, dest="run", help=version.HELP)
    commands = top.add_subparsers(metavar="COMMAND")
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command, top=top)
    return top


def _without_help_command(given: list[str]) -> list[str]:
    """Return the arguments with `help [COMMAND]` as `[COMMAND] --help`."""
    if given[:1] != ["help"]:
        return given
    return [*given[1:2], "--help"]


def _nearest(word: str) -> str:
    near = difflib.get_close_matches(word, COMMANDS, n=1)
    return f"; did you mean {near[0]}?" if near else ""
