"""Access to the configured log files. Opens none of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.doctor.machine.user import READ, User
from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.logs.config import SourceConfig
from collectors.logs.files.discovery import find_files
from collectors.logs.files.names import shown

_SHOWN = 3


def check(sources: Iterable[SourceConfig], user: User) -> Iterator[Finding]:
    """Yield a finding for each source with unreadable files, and for each source without files."""
    for source in sources:
        files = sorted(find_files(source.paths).files)
        closed = {path: obstacle for path in files if (obstacle := user.obstacle(Path(path), READ))}
        if closed:
            yield _unreadable(source.name, closed, len(files), user)
        elif source.paths and not files:
            yield _unmatched(source)


def _unreadable(source: str, closed: dict[str, Path], count: int, user: User) -> Finding:
    listed = "; ".join(f"{shown(path)} (closed: {obstacle})" for path, obstacle in list(closed.items())[:_SHOWN])
    return Finding(
        code="log-file-unreadable",
        title=f"Log files of {source} cannot be read",
        severity=Severity.FAILURE,
        detail=f"Expected user {user.name} to be able to read {count} files, found {len(closed)} closed: {listed}.",
        affects="Their lines are not sent.",
        remedy=(
            *dict.fromkeys(line for obstacle in closed.values() for line in remedies.let_read(obstacle, user.name)),
        ),
    )


def _unmatched(source: SourceConfig) -> Finding:
    return Finding(
        code="log-no-match",
        title=f"No file matches the paths of {source.name}",
        severity=Severity.WARNING,
        detail=f"Expected a file that matches {', '.join(source.paths)}, found none.",
        affects="This source sends nothing until a file appears.",
        remedy=(f"ls -l {source.paths[0]}", remedies.in_section("[[logs.sources]]", "correct paths")),
    )
