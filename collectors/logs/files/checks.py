"""The checks and findings of the file sources. Pure."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from collectors import remedies
from collectors.findings import Check, Finding, Severity
from collectors.logs.files.names import shown
from collectors.logs.files.positions import Positions
from collectors.logs.files.source import FileSource

_BEHIND_SECONDS = 300.0
_HANGING_SECONDS = 30.0
_SHOWN = 5
_LOKI_CAUSES = ("loki-unreachable", "loki-refuses", "loki-rate-limited")


def file_checks(sources: Sequence[FileSource], positions: Positions) -> Sequence[Check]:
    """Return the checks; each reads the current state."""
    return (
        Check("logs.files", "The log files exist and are readable", lambda: _files(sources)),
        Check("logs.positions", "The log positions are saved", lambda: _positions(positions)),
        Check("logs.lag", "The logs are sent without delay", lambda: _behind(sources)),
    )


def _files(sources: Sequence[FileSource]) -> list[Finding]:
    unreadable = [_unreadable(source) for source in sources if source.state.unreadable]
    unmatched = [_no_match(source) for source in sources if source.state.looked and not source.state.files]
    lost = [_lost(source) for source in sources if source.lost]
    closed = [_closed_unread(source) for source in sources if source.closed_unread]
    return [*_hanging(sources), *unreadable, *unmatched, *lost, *closed]


def _hanging(sources: Sequence[FileSource]) -> list[Finding]:
    now = time.monotonic()
    return [
        Finding(
            code="log-file-hangs",
            title=f"The file system under {source.name} does not answer",
            severity=Severity.FAILURE,
            detail=f"Expected an answer within {_HANGING_SECONDS:.0f} s, found none for {now - since:.0f} s: {path}.",
            affects="The source sends no lines until the file system answers. Other sources continue.",
            remedy=(f"findmnt --target {shlex.quote(path.split(', ')[0])}  # is its server away?",),
        )
        for source in sources
        for path, since in [(shown(path), since) for path, since in list(source.state.waiting)[:_SHOWN]]
        if now - since > _HANGING_SECONDS
    ]


def _unreadable(source: FileSource) -> Finding:
    problems = dict(source.state.unreadable)
    listed = "; ".join(f"{shown(path)}: {reason}" for path, reason in list(problems.items())[:_SHOWN])
    first = shown(next(iter(problems), ""))
    return Finding(
        code="log-file-unreadable",
        title=f"Log files of {source.name} cannot be read",
        severity=Severity.FAILURE,
        detail=f"{len(problems)} of {source.state.files} files: {listed}.",
        affects="Their lines are not sent. Reading resumes at the saved position once the files are readable.",
        remedy=(
            f"namei -l {shlex.quote(first)}  # the permissions on the way to the file",
            *remedies.let_read(Path(first)),
        ),
    )


def _no_match(source: FileSource) -> Finding:
    return Finding(
        code="log-no-match",
        title=f"No file matches the paths of {source.name}",
        severity=Severity.WARNING,
        detail=f"Looked for {', '.join(source.settings.paths)}.",
        affects="The source sends nothing until a file matches. The agent finds a new file by itself.",
        remedy=(f"ls -l {source.settings.paths[0]}", remedies.in_section("[[logs.sources]]", "correct paths")),
        depends_on=("log-file-unreadable",),
    )


def _lost(source: FileSource) -> Finding:
    return Finding(
        code="log-file-lost",
        title=f"A file of {source.name} vanished before it was sent",
        severity=Severity.WARNING,
        detail=f"{source.lost} times the rest of a file was in no folder of the log and in no compressed copy.",
        affects="Lines written after the last sent one are not in Loki.",
        remedy=("configure the rotation to keep at least two old files in the folder of the log",),
    )


def _closed_unread(source: FileSource) -> Finding:
    return Finding(
        code="log-files-closed-unread",
        title=f"Unread files of {source.name} are not kept open",
        severity=Severity.WARNING,
        detail=f"The limit of descriptors is reached. {source.closed_unread} files with unread lines are closed.",
        affects="If such a file is deleted or moved to another folder before Loki answers, its lines are lost.",
        remedy=(
            *remedies.command("sudo systemctl edit wr-agent", "LimitNOFILE=524288 in the section [Service]"),
            "wr-agent status",
        ),
    )


def _positions(positions: Positions) -> list[Finding]:
    found = []
    if positions.corrupt:
        found.append(
            Finding(
                code="log-positions-corrupt",
                title="The log positions could not be read",
                severity=Severity.WARNING,
                detail=f"{positions.corrupt}.",
                affects="The agent read every log file from its beginning again. Loki may hold lines twice.",
                remedy=("look for a full or damaged disk; the agent has started a new positions file",),
            )
        )
    if positions.unwritable:
        found.append(
            Finding(
                code="log-positions-unwritable",
                title="The log positions cannot be saved",
                severity=Severity.FAILURE,
                detail=f"{positions.unwritable}.",
                affects="Logs are sent. After a restart, lines since the last saved position are sent twice.",
                remedy=(
                    "df -h  # a full disk",
                    f"or give the agent's user write access to state_dir of {remedies.CONFIGURATION}",
                ),
            )
        )
    return found


def _behind(sources: Sequence[FileSource]) -> list[Finding]:
    return [
        Finding(
            code="log-behind",
            title=f"Logs of {source.name} are sent late",
            severity=Severity.WARNING,
            detail=f"{source.lag_bytes} bytes wait. The source has not caught up for {source.lag_seconds:.0f} s.",
            affects="Loki does not show the newest lines. No line is lost while the files exist.",
            remedy=("wr-agent status  # shows Loki's state and answer times",),
            depends_on=(*_LOKI_CAUSES, "log-file-hangs"),
        )
        for source in sources
        if source.lag_seconds > _BEHIND_SECONDS
    ]
