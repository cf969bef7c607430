"""`wr-agent plugins`: the polled sockets with their cost, and the refused series with the reason."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import msgspec

from agent.core.remedy_text import not_running
from agent.shared_files import shared
from agent.terminal import client
from agent.terminal.style import Terminal
from collectors.plugins.state import GoneState, PluginsState, SocketState

HELP = "list the polled plugins and the refused series"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration and the output format."""
    parser.add_argument("--config", metavar="FILE", help="the configuration that the agent runs with")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if an agent that polls plugins answers, else 1."""
    from agent.doctor.agent import locate, settings  # the daemon imports all commands but does not use these

    read = settings.read(arguments.config)
    try:
        status, _ = locate.ask(read.config)
    except client.NotRunningError as error:
        print(not_running(error, read.path), file=sys.stderr)
        return 1
    states = status.state
    if "plugins" not in states:
        print("the agent polls no plugins: plugins.enabled is false in its configuration", file=sys.stderr)
        return 1
    state = msgspec.convert(states["plugins"], PluginsState)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(state), indent=2).decode())
    else:
        print("\n".join(_lines(state, Terminal.of(sys.stdout))))
    return 0


def _lines(state: PluginsState, terminal: Terminal) -> Iterator[str]:
    yield f"sockets in {', '.join(state.directories)}"
    if not state.sockets:
        yield f"  no socket found; the place of a plugin's socket: {shared('docs/plugins.md')}"
    for socket in state.sockets:
        yield from _socket_lines(socket, terminal)
    for gone in state.gone:
        yield f"  {terminal.mark('failure')} {gone.plugin}: {_missing(gone)}"
    if state.rejected:
        yield "\nrefused since the agent's start"
    for it in state.rejected:
        yield f"  {it.plugin}: {terminal.bold(it.reason)}, {it.count} times, last: {it.detail}"


def _missing(gone: GoneState) -> str:
    service = f" (service {gone.service})" if gone.service else ""
    if gone.reason == "expected":
        return f"does not run{service}, and plugins.expected names it"
    return f"{gone.missing} ended without closing the socket{service}"


def _socket_lines(socket: SocketState, terminal: Terminal) -> Iterator[str]:
    severity = "failure" if not socket.up else "warning" if socket.problem else "ok"
    who = f"{socket.plugin} {socket.instance}"
    pid = f"pid {socket.pid or 'unknown'}"
    cost = f"{socket.duration * 1000:7.1f} ms {socket.samples:6} samples"
    yield f"  {terminal.mark(severity)} {terminal.shortened(who, 20):20} {cost}  {pid:12} {terminal.faint(socket.path)}"
    if socket.problem:
        yield f"      {socket.problem}"
