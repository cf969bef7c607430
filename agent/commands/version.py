"""`wr-agent version`."""

from __future__ import annotations

import argparse

from agent.core import versions

HELP = "print the version of the agent, of Python and of the libraries"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(_arguments: argparse.Namespace) -> int:
    """Print one line for each component, including missing ones."""
    print(versions.text(), end="")
    return 0
