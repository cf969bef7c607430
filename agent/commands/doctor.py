"""`wr-agent doctor`: findings on this machine and this agent, with fixes.

It asks the running agent, or measures for a few seconds without one. It changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from agent import __version__
from agent.core import log
from agent.core.diagnosis import Outcome, without_consequences, worst
from agent.doctor.finding_codes import CODES
from agent.terminal import output
from agent.terminal.report import count_line, outcomes_lines, wrapped
from agent.terminal.style import Terminal
from collectors.findings import Severity

if TYPE_CHECKING:
    from agent.doctor.examination import Examination

HELP = "diagnose this machine; exit 0 clean, 1 warnings, 2 failures, 3 doctor itself broke, 64 wrong usage"

SCHEMA = 1
"""The version of the JSON document. A changed or removed field raises it; a new one does not."""

BROKEN = 3
WRONG_USAGE = 64  # EX_USAGE of sysexits(3), since argparse's 2 means "failures"

_EXIT = {None: 0, Severity.INFO: 0, Severity.WARNING: 1, Severity.FAILURE: 2}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the selection of checks and the output format."""
    parser.error = _wrong_usage  # type: ignore[method-assign]  # argparse offers no other way to choose the exit code
    parser.add_argument("--config", metavar="FILE", help="the configuration that the agent runs with")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--list", action="store_true", help="print the names of the checks and do nothing else")
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help="one check, all checks of a subject, or the code of a finding",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="also show checks that passed or do not apply")
    form.add_argument(
        "--bundle", metavar="FILE", help="write a support bundle without secrets, - to standard output; sends nothing"
    )


def run(arguments: argparse.Namespace) -> int:
    """Return the exit code that `HELP` lists."""
    log.configure("critical", "console")
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        raise
    except Exception as error:  # noqa: BLE001 - exit code 3 reports a fault of doctor itself
        if problem := output.refusal(error):
            print(f"wr-agent doctor: {problem}", file=sys.stderr)
            return BROKEN
        traceback.print_exc()
        print("doctor itself broke; report the lines above", file=sys.stderr)
        return BROKEN


def _run(arguments: argparse.Namespace) -> int:
    from agent.doctor.agent import settings  # the daemon imports all commands but does not use it
    from agent.doctor.examination import Examination

    if arguments.bundle == "-" and sys.stdout.isatty():
        _wrong_usage("--bundle - writes an archive to standard output, which is a terminal: add > bundle.tar.gz")
    only = () if arguments.bundle else arguments.only
    names_asked = () if set(only) & CODES else only  # any check may be the one that makes a finding
    examination = Examination(settings.read(arguments.config), lambda name: _wanted(name, names_asked), _announce)
    asyncio.run(examination.begin())
    names = examination.names()
    if arguments.list:
        return _list(names)
    unknown = [asked for asked in only if asked not in CODES and not any(_wanted(name, [asked]) for name, _ in names)]
    if unknown:
        subjects = {name.partition(".")[0]: "" for name, _ in names}
        _wrong_usage(_unknown(unknown, [*subjects, *(name for name, _ in names), *CODES]))
    found = without_consequences(asyncio.run(examination.outcomes()))
    outcomes = [kept for it in found if (kept := _selected(it, only))]
    code = _EXIT[worst(finding for it in outcomes for finding in it.findings)]
    live = examination.status is not None
    if arguments.bundle:
        _bundle(arguments.bundle, examination, outcomes, code)
    elif arguments.json:
        output.show(document(outcomes, code, live=live))
    else:
        output.show(text(outcomes, Terminal.of(sys.stdout), live=live, verbose=arguments.verbose))
    return code


def _bundle(target: str, examination: Examination, outcomes: Sequence[Outcome], code: int) -> None:
    from agent.bundle.archive import BundleError, write
    from agent.bundle.contents import PAUSE, gather
    from agent.bundle.private_values import private
    from agent.bundle.scrub import Scrubber

    live = examination.status is not None
    _announce(f"gathering{f'; two pages of metrics, {PAUSE:g} s apart' if live else ''}")
    shown = text(outcomes, Terminal(colour=False, unicode=True), live=live, verbose=True)
    source = examination.settings.path
    files = gather(shown, document(outcomes, code, live=live), source, examination.reached, live=live)
    path = None if target == "-" else Path(target)
    try:
        listed = write(path or sys.stdout.buffer, files, Scrubber(private(source, os.environ)))
    except BundleError as error:
        _wrong_usage(str(error))
    said = sys.stdout if path else sys.stderr
    print(f"wrote {path or 'standard output'}, read it before you share it; nothing was sent", file=said)
    for name, size in listed:
        print(f"  {name:16} {size:>9,} bytes", file=said)


def document(outcomes: Sequence[Outcome], code: int, *, live: bool) -> str:
    """Return the outcomes as JSON."""
    content = {
        "schema": SCHEMA,
        "version": __version__,
        "agent_running": live,
        "exit_code": code,
        "checks": [asdict(it) | {"severity": it.severity or "ok", "status": _status(it)} for it in outcomes],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _status(outcome: Outcome) -> str:
    if outcome.findings:
        return "found"
    return "not applicable" if outcome.not_applicable else "passed"


def text(outcomes: Sequence[Outcome], terminal: Terminal, *, live: bool, verbose: bool) -> str:
    """Return the outcomes as text."""
    seen = "as the running agent sees it" if live else "as doctor sees it"
    machine = f"{platform.node()} ({_system()})"
    header = [terminal.bold(line) for line in wrapped(f"wr-agent {__version__} on {machine}, {seen}", terminal.width)]
    return "\n".join([*header, *outcomes_lines(outcomes, terminal, verbose=verbose), "", count_line(outcomes)])


def _announce(what: str) -> None:
    if sys.stderr.isatty():
        print(f"{what} …", file=sys.stderr)


def _list(names: Sequence[tuple[str, str]]) -> int:
    output.show("\n".join(f"{name:24} {title}" for name, title in names))
    return 0


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(name == it or name.startswith(f"{it}.") for it in only)


def _selected(outcome: Outcome, only: Sequence[str]) -> Outcome | None:
    """Return the outcome if its check is wanted, or its findings with a wanted code; `None` without any."""
    if _wanted(outcome.name, only):
        return outcome
    findings = tuple(finding for finding in outcome.findings if finding.code in only)
    return replace(outcome, findings=findings) if findings else None


def _unknown(asked: Sequence[str], names: Sequence[str]) -> str:
    close = [near for name in asked for near in get_close_matches(name, names, 1)]
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"no check or finding is named {', '.join(asked)}; {hint}wr-agent doctor --list shows the checks"


def _wrong_usage(message: str) -> NoReturn:
    print(f"wr-agent doctor: {message}", file=sys.stderr)
    sys.exit(WRONG_USAGE)


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.system()} {platform.release()}"
