"""What the file sources say to a person: their checks and findings. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from collectors.findings import Check, Finding, Severity
from collectors.logs.files.positions import Positions
from collectors.logs.files.source import FileSource

_BEHIND_SECONDS = 300.0
_HANGING_SECONDS = 30.0
_SHOWN = 5
_LOKI_CAUSES = ("loki-unreachable", "loki-refuses", "loki-rate-limited")


def file_checks(sources: Sequence[FileSource], positions: Positions) -> Sequence[Check]:
    """The checks; each looks at the state of the moment."""
    return (
        Check("logs.files", "The log files are there and can be read", lambda: _files(sources)),
        Check("logs.positions", "The log positions are safe", lambda: _positions(positions)),
        Check("logs.lag", "The logs are sent as they are written", lambda: _behind(sources)),
    )


def _files(sources: Sequence[FileSource]) -> list[Finding]:
    unreadable = [_unreadable(source) for source in sources if source.state.unreadable]
    unmatched = [_no_match(source) for source in sources if source.state.looked and not source.state.files]
    lost = [_lost(source) for source in sources if source.lost]
    return [*_hanging(sources), *unreadable, *unmatched, *lost]


def _hanging(sources: Sequence[FileSource]) -> list[Finding]:
    now = time.monotonic()
    return [
        Finding(
            code="log-file-hangs",
            title=f"The file system under {source.name} does not answer",
            severity=Severity.FAILURE,
            detail=f"Expected an answer at once, found none for {now - since:.0f} s: {path}.",
            affects="The source's lines are not sent until it answers; other sources go on.",
            remedy=(f"findmnt --target '{path.split(', ')[0]}'  # a network file system whose server is away?",),
        )
        for source in sources
        for path, since in list(source.state.waiting)[:_SHOWN]
        if now - since > _HANGING_SECONDS
    ]


def _unreadable(source: FileSource) -> Finding:
    problems = dict(source.state.unreadable)
    shown = "; ".join(f"{path}: {reason}" for path, reason in list(problems.items())[:_SHOWN])
    first = next(iter(problems), "")
    return Finding(
        code="log-file-unreadable",
        title=f"Log files of {source.name} cannot be read",
        severity=Severity.FAILURE,
        detail=f"{len(problems)} of {source.state.files} files: {shown}.",
        affects="Their lines are not sent. They are read from where they stopped as soon as that is possible.",
        remedy=(
            f"namei -l '{first}'  # the permissions on the way to the file",
            "sudo usermod -a -G adm wr-agent  # Debian: who may read /var/log; then restart the agent",
        ),
    )


def _no_match(source: FileSource) -> Finding:
    return Finding(
        code="log-no-match",
        title=f"No file matches the paths of {source.name}",
        severity=Severity.WARNING,
        detail=f"Looked for {', '.join(source.settings.paths)}.",
        affects="Nothing is sent of this source until there is one, which is noticed.",
        remedy=(f"ls -l {source.settings.paths[0]}", "correct paths in the section [[logs.sources]]"),
        depends_on=("log-file-unreadable",),
    )


def _lost(source: FileSource) -> Finding:
    return Finding(
        code="log-file-lost",
        title=f"A file of {source.name} was gone before it was sent",
        severity=Severity.WARNING,
        detail=f"{source.lost} times the rest of a file was neither beside it nor in a compressed copy.",
        affects="If anything was written after what was last sent of it, those lines are not in Loki.",
        remedy=("let the rotation keep at least two old files beside the log, in the same folder",),
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
                affects="Every log file was read from its beginning again; Loki may hold lines twice.",
                remedy=("look for a full or damaged disk; the agent has begun a new positions file",),
            )
        )
    if positions.unwritable:
        found.append(
            Finding(
                code="log-positions-unwritable",
                title="The log positions cannot be saved",
                severity=Severity.FAILURE,
                detail=f"{positions.unwritable}.",
                affects="Logs are sent, but after a restart those since the last saving are sent again.",
                remedy=("df -h  # a full disk", "let the agent's user write to state_dir"),
            )
        )
    return found


def _behind(sources: Sequence[FileSource]) -> list[Finding]:
    return [
        Finding(
            code="log-behind",
            title=f"Logs of {source.name} are sent late",
            severity=Severity.WARNING,
            detail=f"{source.lag_bytes} bytes wait; for {source.lag_seconds:.0f} s there was no moment without any.",
            affects="Loki does not show the newest lines. None is lost while the files stand.",
            remedy=("wr-agent status  # whether Loki answers, and how fast",),
            depends_on=(*_LOKI_CAUSES, "log-file-hangs"),
        )
        for source in sources
        if source.lag_seconds > _BEHIND_SECONDS
    ]
