"""The command line as data, for completions and the manual page: commands, options and arguments, from argparse."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Argument:
    """One option or positional argument.

    Attributes:
        flags: The spellings of an option, such as `-v` and `--verbose`; empty for a positional argument.
        value: The name of its value, such as `FILE`; empty for an option without one.
        choices: The possible values; empty if there are others.
        help: One sentence.
        optional: True if the argument may be left out.
    """

    flags: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    help: str
    optional: bool

    @property
    def is_file(self) -> bool:
        """True if the value is the path of a file."""
        return self.value == "FILE"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        path: Its words after `wr-agent`; empty for `wr-agent` itself.
        help: One sentence.
        options: Its options.
        positional: Its arguments by place.
        commands: The commands below it.
    """

    path: tuple[str, ...]
    help: str
    options: tuple[Argument, ...]
    positional: tuple[Argument, ...]
    commands: tuple[Command, ...]

    def walk(self) -> Iterator[Command]:
        """Yield this command and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()


def read(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Command:
    """Return the command of a parser, with all commands below it."""
    actions = parser._actions  # noqa: SLF001 - argparse lists its arguments nowhere else
    below = [it for it in actions if isinstance(it, argparse._SubParsersAction)]  # noqa: SLF001 - nor its subcommands
    arguments = [_argument(it, parser) for it in actions if it not in below]
    return Command(
        path,
        parser.description or "",
        tuple(it for it in arguments if it.flags),
        tuple(it for it in arguments if not it.flags),
        tuple(read(child, (*path, name)) for group in below for name, child in group.choices.items()),
    )


def _argument(action: argparse.Action, parser: argparse.ArgumentParser) -> Argument:
    takes_value = action.nargs != 0
    default_name = "" if action.choices else action.dest.upper()
    name = action.metavar if isinstance(action.metavar, str) else default_name
    return Argument(
        flags=tuple(action.option_strings),
        value=name if takes_value else "",
        choices=tuple(map(str, action.choices or ())),
        help=(action.help or "") % {**vars(action), "prog": parser.prog},
        optional=bool(action.option_strings) or action.nargs in {"?", "*"},
    )
