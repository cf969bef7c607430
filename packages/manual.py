"""Prints the manual page wr-agent(1), from the command line itself.

Run: python -m packages.manual
"""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator

from agent import __version__
from agent.cli import parser
from agent.config import locations
from agent.terminal.command_tree import Argument, Command, read

_DESCRIPTION = """\
wr-agent is one process on each studio or server machine that reports audio faults and their causes.
It watches the callback of the audio device, polls plugins and apps over their Unix sockets, measures the host and its
containers, ships logs to Loki without losing a line, and serves metrics to Prometheus at
http://127.0.0.1:9787/metrics.
The same address without a path shows the status page in a browser.
"""

_FILES = {
    str(locations.default_path()): "The configuration. It is optional; wr-agent runs with its defaults without it.",
    "/usr/share/doc/wr-agent/config.example.toml": "Every key of the configuration with its default.",
    "/var/lib/wr-agent": "The state of the system service: positions of logs, the dropouts of the last 24 hours.",
    "~/.local/state/wr-agent": "The state of an agent that a user runs.",
}
_ENVIRONMENT = {
    "WR_AGENT_CONFIG": "The configuration file of commands without --config.",
    "NO_COLOR": "Any value switches colours off.",
}
_STATUS = {
    "0": "Success; for doctor: no finding, or notes only.",
    "1": "Failure; for doctor: warnings.",
    "2": "Wrong usage; for doctor: failures.",
    "3": "wr-agent doctor itself broke.",
    "64": "Wrong usage of wr-agent doctor.",
}
_SEE_ALSO = ("systemctl(1), journalctl(1), jackd(1), pw-top(1)", "The documents in /usr/share/doc/wr-agent.")


def page(date: str) -> str:
    """Return the page in the man macros of groff.

    Args:
        date: The date of the page, such as 2026-11-29.
    """
    top = read(parser())
    head = [f'.TH WR-AGENT 1 "{date}" "wr-agent {__version__}" "White Room"', ".SH NAME"]
    lines = [*head, _escaped(f"wr-agent - {top.help[0].lower()}{top.help[1:].rstrip('.')}"), ".SH SYNOPSIS"]
    for command in top.walk():
        if not command.commands:
            lines += [".PP", _usage(command)]
    lines += [".SH DESCRIPTION", _escaped(_DESCRIPTION).rstrip(), ".SH COMMANDS"]
    lines += [line for command in top.walk() if command.path for line in _section(command)]
    tables = {"FILES": _FILES, "ENVIRONMENT": _ENVIRONMENT, "EXIT STATUS": _STATUS}
    for title, rows in tables.items():
        lines += [f".SH {title}"] + [line for key, text in rows.items() for line in _row(_bold(key), text)]
    lines += [".SH SEE ALSO", *(_escaped(text) for text in _SEE_ALSO)]
    return "\n".join(lines) + "\n"


def _section(command: Command) -> Iterator[str]:
    if command.commands:  # its commands have sections of their own
        return
    yield f'.SS "wr-agent {_escaped(" ".join(command.path))}"'
    yield _escaped(_sentence(command.help))
    for argument in (*command.positional, *command.options):
        yield from _row(_spelled(argument), _sentence(argument.help))


def _usage(command: Command) -> str:
    options = [f"[{_spelled_once(option)}]" for option in command.options if "--help" not in option.flags]
    positional = [_optional(argument) for argument in command.positional]
    return " ".join([_bold(" ".join(["wr-agent", *command.path])), *options, *positional])


def _spelled_once(option: Argument) -> str:
    return " ".join([_bold(option.flags[-1]), *([f"\\fI{_escaped(option.value)}\\fR"] if option.value else [])])


def _optional(argument: Argument) -> str:
    named = "|".join(map(_bold, argument.choices)) or f"\\fI{_escaped(argument.value)}\\fR"
    return f"[{named}]" if argument.optional else named


def _spelled(argument: Argument) -> str:
    flags = ", ".join(map(_bold, argument.flags))
    value = "|".join(map(_escaped, argument.choices)) if argument.choices and not argument.value else argument.value
    return " ".join(filter(None, [flags, f"\\fI{_escaped(value)}\\fR" if value else ""]))


def _row(head: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield head
    yield from textwrap.wrap(_escaped(text), 110) or ["\\&"]


def _bold(text: str) -> str:
    return f"\\fB{_escaped(text)}\\fR"


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1] if sys.argv[1:] else time.strftime("%Y-%m-%d", time.gmtime())))
