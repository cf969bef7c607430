"""The command line: its commands and their exit codes."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from agent.config.decode import ConfigError
from agent.terminal import output

_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")

COMMANDS = (
    "run",
    "doctor",
    "check-config",
    "config",
    "status",
    "plugins",
    "dropouts",
    "logs",
    "service",
    "completion",
    "version",
)

_DAEMON = "run"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 success, 1 failure, 2 wrong usage; `doctor` has its own."""
    given = list(sys.argv[1:] if argv is None else argv)
    given = _without_help_command(given)
    top = parser([_DAEMON] if given[:1] == [_DAEMON] else COMMANDS)
    if not given:
        top.print_help()
        return 0
    if not given[0].startswith("-") and given[0] not in COMMANDS:
        near = _nearest(given[0], COMMANDS) or ";"
        top.error(f"unknown command {given[0]!r}{near} wr-agent help lists the commands")
    arguments, strange = top.parse_known_args(given)
    if strange:
        arguments.parser.error(
            f"unrecognized arguments: {' '.join(strange)}{_nearest(strange[0], _flags(arguments.parser))}"
        )
    try:
        code = int(arguments.run(arguments))
        output.finish()
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command prints to the terminal
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        output.discard()
        return 0
    except OSError as error:
        problem = "" if given[0] == _DAEMON else output.refusal(error)
        if not problem:
            raise
        print(f"wr-agent: {problem}", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    return code


def command(name: str) -> ModuleType:
    """Return the module of a command."""
    return import_module(f"agent.commands.{name.replace('-', '_')}")


def parser(names: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Args:
        names: The commands to load. The daemon loads its own only, which saves 1.5 MiB.
    """
    top = _Parser(
        prog="wr-agent",
        description="Watches this machine's audio, plugins, logs and host, and serves it all to Prometheus.",
    )
    commands = top.add_subparsers(metavar="COMMAND")
    for name in names:
        module = command(name)
        added = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(added)
        added.set_defaults(run=module.run, parser=added, top=top)
        if name == "version":
            top.add_argument("--version", action="store_const", const=module.run, dest="run", help=module.HELP)
    return top


class _Parser(argparse.ArgumentParser):
    """A parser that proposes the nearest choice for a misspelt one."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit with 2."""
        found = _CHOICE.search(message)
        super().error(message + (_nearest(found[1], re.findall("'([^']*)'", found[2])) if found else ""))


def _without_help_command(given: list[str]) -> list[str]:
    """Return the arguments with `help [COMMAND]` as `[COMMAND] --help`."""
    if given[:1] != ["help"]:
        return given
    return [*given[1:], "--help"]


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    from agent.terminal.command_tree import read

    return [flag for it in read(parser).walk() for option in it.options for flag in option.flags]


def _nearest(word: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
