"""`wr-agent run`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from agent.config import loader, locations
from agent.core import log
from collectors.address import Address

if TYPE_CHECKING:
    from agent.core.daemon import Daemon

HELP = "run the daemon in the foreground"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the configuration file, the address and the log."""
    parser.add_argument(
        "--listen", metavar="ADDRESS", type=_address, help="listen here instead of at web.listen, such as :9787"
    )
    parser.add_argument("--config", metavar="FILE", help="the configuration file; wr-agent config init writes one")
    parser.add_argument(
        "--welcome",
        action="store_true",
        help="print where the page is, what is watched and what was found, as on a terminal",
    )
    parser.add_argument(
        "--log-file", metavar="FILE", type=Path, help="log to this file, which rotates, instead of standard error"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon; return 0 after an orderly stop, 1 if the daemon failed to start."""
    from agent.core.daemon import Daemon
    from agent.core.instance import HeldError
    from agent.core.memory import share_one_heap
    from agent.web.listener import ListenError

    share_one_heap()
    path = locations.find(arguments.config)
    outdated: list[str] = []
    loaded = loader.load(path, outdated.append)
    log.configure(loaded.log_level, loaded.log_format)
    if arguments.log_file:
        try:
            log.keep(arguments.log_file, instead_of_stderr=True)
        except OSError as error:
            print(f"wr-agent: cannot write the log {arguments.log_file}: {error.strerror}", file=sys.stderr)
            return 1
    for warning in outdated:
        structlog.get_logger().warning("outdated setting", problem=warning)

    async def serve() -> None:
        daemon = Daemon(path, loaded, arguments.listen)
        welcome = asyncio.create_task(_welcome(daemon, path)) if arguments.welcome or sys.stderr.isatty() else None
        try:
            await daemon.run()
        finally:
            if welcome:
                welcome.cancel()

    try:
        asyncio.run(serve())
    except (ListenError, HeldError) as error:
        print(f"wr-agent: {error}", file=sys.stderr)
        return 1
    return 0


async def _welcome(daemon: Daemon, path: Path | None) -> None:
    """Print the address of the page, and the first findings, once the agent has looked around."""
    from agent.core.health import SETTLE
    from agent.core.remedy_text import RemedyText
    from agent.terminal import welcome

    await daemon.serving.wait()
    await asyncio.sleep(SETTLE)
    said = welcome.lines(await daemon.status(), RemedyText(path))
    print("", *said, "", sep="\n", file=sys.stderr, flush=True)


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
