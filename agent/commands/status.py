"""`wr-agent status`."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from agent.config.schema import Config
from agent.core.remedy_text import not_running
from agent.terminal import client, overview
from agent.terminal.style import Terminal

HELP = "show the live values and the health of the running agent"

_INTERVAL = 1.0
_CLEAR = "\033[H\033[2J"
_CUT_LINES, _WRAP_LINES = "\033[?7l", "\033[?7h"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration and the output format."""
    parser.add_argument("--config", metavar="FILE", help="the configuration that the agent runs with")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--watch", action="store_true", help="refresh each second, until Ctrl-C")


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if an agent answers, else 1."""
    from agent.doctor.agent import locate, settings  # the daemon imports all commands but does not use these

    read = settings.read(arguments.config)
    try:
        status, where = locate.ask(read.config)
    except client.NotRunningError as error:
        print(not_running(error, read.path), file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(status), indent=2).decode())
    elif arguments.watch:
        _watch(where, Terminal.of(sys.stdout))
    else:
        print("\n".join(overview.lines(status, Terminal.of(sys.stdout))))
    return 0


def _watch(where: Config, terminal: Terminal) -> None:
    """Print the status each second until Ctrl-C, also while the agent does not answer."""
    with _whole_screen() as show:
        while True:
            try:
                lines = list(overview.lines(client.fetch(where), terminal, findings_first=True))
            except client.NotRunningError as error:
                lines = [str(error)]
            show(lines)
            time.sleep(_INTERVAL)


@contextmanager
def _whole_screen() -> Iterator[Callable[[list[str]], None]]:
    """Yield a function that redraws lines on a terminal, or prints them one after another elsewhere."""
    screen = sys.stdout.isatty()

    def show(lines: list[str]) -> None:
        shown = _fitting(lines, shutil.get_terminal_size().lines - 1) if screen else lines
        print(_CLEAR if screen else "", "\n".join(shown), sep="", end="\n" if screen else "\n\n", flush=True)

    try:
        print(_CUT_LINES if screen else "", end="")
        yield show
    except KeyboardInterrupt:
        pass
    finally:
        print(_WRAP_LINES if screen else "", end="")


def _fitting(lines: list[str], room: int) -> list[str]:
    """Return the lines that fit the screen; the last one counts those that do not."""
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], f"({len(lines) - room + 1} more lines: enlarge the window, or wr-agent status)"]
