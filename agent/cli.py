"""The command line: its commands and their exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from agent.commands import check_config, doctor, logs, plugins, run, service, status, version
from agent.config.decode import ConfigError

COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "doctor": doctor,
    "check-config": check_config,
    "status": status,
    "plugins": plugins,
    "logs": logs,
    "service": service,
    "version": version,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 success, 1 failure, 2 wrong usage; `doctor` has its own."""
    arguments, strange = parser().parse_known_args(argv)
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
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return top
