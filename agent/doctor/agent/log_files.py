"""Whether the agent's user can read the log files of the configuration. Opens none of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.doctor.machine.user import READ, User, group
from collectors.findings import Finding, Severity
from collectors.logs.config import SourceConfig
from collectors.logs.files.discovery import find_files

_SHOWN = 3


def check(sources: Iterable[SourceConfig], person: User) -> Iterator[Finding]:
    """A finding for each source with files that `person` cannot read, and for each without files."""
    for source in sources:
        files = sorted(find_files(source.paths).files)
        closed = {path: obstacle for path in files if (obstacle := person.obstacle(Path(path), READ))}
        if closed:
            yield _unreadable(source.name, closed, len(files), person)
        elif source.paths and not files:
            yield _unmatched(source)


def _unreadable(source: str, closed: dict[str, Path], count: int, person: User) -> Finding:
    shown = "; ".join(f"{path} (closed: {obstacle})" for path, obstacle in list(closed.items())[:_SHOWN])
    return Finding(
        code="log-file-unreadable",
        title=f"Log files of {source} cannot be read",
        severity=Severity.FAILURE,
        detail=f"Expected user {person.name} to be able to read {count} files, found {len(closed)} closed: {shown}.",
        affects="Their lines are not sent.",
        remedy=(*dict.fromkeys(_let_in(obstacle, person) for obstacle in closed.values()),),
    )


def _let_in(obstacle: Path, person: User) -> str:
    owner = group(obstacle.stat().st_gid)
    if owner == "root":
        return f"sudo setfacl -m u:{person.name}:rX {obstacle}"
    return f"sudo usermod -aG {owner} {person.name}  # and restart the agent"


def _unmatched(source: SourceConfig) -> Finding:
    return Finding(
        code="log-no-match",
        title=f"No file matches the paths of {source.name}",
        severity=Severity.WARNING,
        detail=f"Looked for {', '.join(source.paths)}.",
        affects="Nothing is sent of this source until there is one.",
        remedy=(f"ls -l {source.paths[0]}", "correct paths in the section [[logs.sources]]"),
    )
