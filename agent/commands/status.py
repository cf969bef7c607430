"""`wr-agent status`."""

from __future__ import annotations

import argparse
import sys

import msgspec

from agent import client, config
from agent.report import findings_lines
from agent.status import Status
from agent.terminal import Terminal

HELP = "say what the running agent says of itself"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to look, and the form."""
    parser.add_argument("--config", metavar="FILE", help="the configuration that the agent runs with")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """0 if an agent answers, 1 if none does."""
    try:
        status = client.fetch(config.load(config.find(arguments.config)))
    except client.NotRunningError as error:
        print(f"{error}; start it with ./start.sh or wr-agent run", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(status), indent=2).decode())
    else:
        print("\n".join(_lines(status, Terminal.of(sys.stdout))))
    return 0


def _lines(status: Status, terminal: Terminal) -> list[str]:
    lines = [
        f"wr-agent {status.version}, pid {status.pid}, up {_span(status.uptime)}",
        f"serving  {status.url}/metrics",
        f"config   {status.config}",
    ]
    if status.config_error:
        lines += [f"{terminal.mark('failure')} the last reload was refused: {status.config_error}"]
    lines += ["", "collectors"]
    for it in status.collectors:
        mark = terminal.mark("failure" if it.error else "ok")
        lines.append(f"  {mark} {it.name:10} {it.duration * 1000:7.1f} ms  {it.error or 'up'}")
    findings = [finding for check in status.checks for finding in check.findings]
    lines += ["", f"findings ({len(status.checks)} checks)"]
    lines += findings_lines(findings, terminal) or [f"  {terminal.mark('ok')} nothing found"]
    return lines


def _span(seconds: float) -> str:
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"
