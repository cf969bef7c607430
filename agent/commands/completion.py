"""`wr-agent completion`."""

from __future__ import annotations

import argparse

from agent.terminal import command_tree
from agent.terminal.completions import SHELLS

HELP = "print the script that completes wr-agent's commands in a shell"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument("shell", choices=tuple(SHELLS))


def run(arguments: argparse.Namespace) -> int:
    """Print the script of one shell."""
    print(SHELLS[arguments.shell](command_tree.read(arguments.top)), end="")
    return 0
