"""`wr-agent check-config`."""

from __future__ import annotations

import argparse
import sys

from agent.config import loader, locations
from agent.config.decode import ConfigError
from agent.web.security.web_security import WebSecurity

HELP = "check a configuration file and print every problem in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the optional file."""
    parser.add_argument("file", nargs="?", help="the file; without it, the one that `wr-agent run` would read")


def run(arguments: argparse.Namespace) -> int:
    """Check the file; return 0 if it is valid, else print one line for each problem and return 1."""
    path = locations.find(arguments.file)
    try:
        web_file = locations.web_config_file(loader.load(path))
        problem = WebSecurity(web_file).problem
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    if problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{path}: good" if path else "no configuration file: the built-in defaults are used")
    return 0
