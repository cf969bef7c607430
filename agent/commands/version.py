"""`wr-agent version`."""

from __future__ import annotations

import argparse
import platform
from importlib import metadata

from agent import __version__

HELP = "print the version of the agent, of Python and of the libraries"

LIBRARIES = ("aiohttp", "msgspec", "psutil", "structlog", "JACK-Client", "numpy", "PyAudio")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(_arguments: argparse.Namespace) -> int:
    """Print one line for each component, including missing ones."""
    rows = [("wr-agent", __version__), ("Python", platform.python_version()), ("system", platform.platform())]
    rows += [(name, _installed(name)) for name in LIBRARIES]
    for name, version in rows:
        print(f"{name:12} {version}")
    return 0


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
