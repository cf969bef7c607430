"""`wr-agent doctor`: what is wrong with this machine and this agent, and what to type.

Asks the agent that runs, which has watched for longest; without one, measures by itself for a moment. Changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from typing import NoReturn

from agent import __version__, client, config, log
from agent.config import Config, ConfigError
from agent.diagnosis import Outcome, without_consequences, worst
from agent.health import SETTLE
from agent.report import findings_lines
from agent.terminal import Terminal
from collectors.findings import Finding, Severity
from collectors.offloop import start

HELP = "diagnose this machine; exit 0 clean, 1 warnings, 2 failures, 3 doctor itself broke"

SCHEMA = 1
"""Raised when a field of the JSON document changes its meaning or goes; new fields do not raise it."""

BROKEN = 3

_EXIT = {None: 0, Severity.INFO: 0, Severity.WARNING: 1, Severity.FAILURE: 2}

_CONFIG = ("agent.config", "The configuration can be used")
_RUNNING = ("agent.running", "The agent runs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to ask, and the form of the answer."""
    parser.error = _wrong_usage  # type: ignore[method-assign]  # argparse's own 2 would read as "failures"
    parser.add_argument("--config", metavar="FILE", help="the configuration that the agent runs with")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--list", action="store_true", help="print the names of the checks and do nothing else")
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="one check, or all of one source")
    parser.add_argument("-v", "--verbose", action="store_true", help="also show what is well")


def run(arguments: argparse.Namespace) -> int:
    """The exit code that `HELP` promises."""
    log.configure("critical", "console")
    try:
        return asyncio.run(_run(arguments))
    except KeyboardInterrupt:
        raise
    except Exception:  # noqa: BLE001 - never silence for our own mistake, and an exit code that says whose it is
        traceback.print_exc()
        print("doctor itself broke; report the lines above", file=sys.stderr)
        return BROKEN


async def _run(arguments: argparse.Namespace) -> int:
    loaded, config_findings = _load(arguments.config)
    if arguments.list:
        return _list(loaded)
    strange = _strange(arguments.only, loaded)
    if strange:
        _wrong_usage(f"no such check: {', '.join(strange)}; wr-agent doctor --list names them all")
    live, outcomes = await _examine(loaded)
    outcomes = [Outcome(*_CONFIG, tuple(config_findings)), *outcomes]
    chosen = [it for it in without_consequences(outcomes) if _wanted(it.name, arguments.only)]
    code = _EXIT[worst(finding for it in chosen for finding in it.findings)]
    print(_document(chosen, code, live=live) if arguments.json else _text(chosen, arguments, live=live))
    return code


def _load(given: str | None) -> tuple[Config, list[Finding]]:
    path = config.find(given)
    try:
        return config.load(path), []
    except ConfigError as error:
        found = Finding(
            code="config-invalid",
            title="The configuration cannot be used",
            severity=Severity.FAILURE,
            detail=str(error),
            affects="The agent does not start with it; what follows was found with the built-in defaults.",
            remedy=(f"wr-agent check-config {path}",),
        )
        return Config(), [found]


async def _examine(loaded: Config) -> tuple[bool, list[Outcome]]:
    """Whether an agent runs, and the outcomes: its own, or those of measuring here for a moment."""
    try:
        status = await start(lambda: client.fetch(loaded), "ask the agent")
    except client.NotRunningError as error:
        return False, [Outcome(*_RUNNING, (_not_running(str(error)),)), *await _measure(loaded)]
    return True, [Outcome(*_RUNNING, ()), *status.checks]


def _not_running(reason: str) -> Finding:
    return Finding(
        code="agent-not-running",
        title="The agent does not run",
        severity=Severity.WARNING,
        detail=f"{reason[0].upper()}{reason[1:]}. What follows was measured by doctor itself within {SETTLE:g} s.",
        affects="Nobody is told when something goes wrong on this machine.",
        remedy=("./start.sh", "or: wr-agent run"),
    )


async def _measure(loaded: Config) -> list[Outcome]:
    from agent.sources import Sources

    sources = Sources(loaded)
    sources.start()
    try:
        if sys.stderr.isatty():
            print(f"no agent runs: measuring for {SETTLE:g} s …", file=sys.stderr)
        await asyncio.sleep(SETTLE)
        await sources.supervisor.snapshot(sources.supervisor.supervised.keys())
        return list(await sources.health.outcomes())
    finally:
        await sources.stop()


def _checks(loaded: Config) -> list[tuple[str, str]]:
    """Name and title of every check there is."""
    from agent.sources import Sources

    return [_CONFIG, _RUNNING, *Sources(loaded).checks()]


def _list(loaded: Config) -> int:
    for name, title in _checks(loaded):
        print(f"{name:24} {title}")
    return 0


def _strange(only: Sequence[str], loaded: Config) -> list[str]:
    names = [name for name, _ in _checks(loaded)]
    return [wanted for wanted in only if not any(_wanted(name, [wanted]) for name in names)]


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(name == it or name.startswith(f"{it}.") for it in only)


def _wrong_usage(message: str) -> NoReturn:
    print(f"wr-agent doctor: {message}", file=sys.stderr)
    sys.exit(BROKEN)


def _document(outcomes: Sequence[Outcome], code: int, *, live: bool) -> str:
    document = {
        "schema": SCHEMA,
        "version": __version__,
        "agent_running": live,
        "exit_code": code,
        "checks": [asdict(it) | {"severity": it.severity or "ok"} for it in outcomes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _text(outcomes: Sequence[Outcome], arguments: argparse.Namespace, *, live: bool) -> str:
    terminal = Terminal.of(sys.stdout)
    seen = "as the running agent sees it" if live else "as doctor sees it"
    machine = f"{platform.node()} ({platform.system()} {platform.release()})"
    lines = [terminal.bold(f"wr-agent {__version__} on {machine}, {seen}")]
    for it in outcomes:
        if it.findings:
            lines += findings_lines(it.findings, terminal)
        elif arguments.verbose:
            lines.append(f"  {terminal.mark('ok')} {it.title}  {terminal.faint(it.name)}")
    well = sum(not it.findings for it in outcomes)
    return "\n".join([*lines, "", f"{well} of {len(outcomes)} checks found nothing."])
