"""Versions of the installed libraries, and of the running agent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from agent.core.versions import installed
from collectors import remedies
from collectors.findings import Finding, Severity

_REQUIREMENT = re.compile(r"([\w.-]+)>=([\d.]+)$")
_NUMBER = re.compile(r"\d+")


def check_libraries(needed: Iterable[str], found: Callable[[str], str] = installed) -> Iterator[Finding]:
    """Yield a finding for each library that is missing or too old."""
    for name, least in (it.groups() for it in map(_REQUIREMENT.match, needed) if it):
        version = found(name)
        if _numbers(version) < _numbers(least):
            yield Finding(
                code="agent-library-outdated",
                title=f"The library {name} is {'too old' if version else 'missing'}",
                severity=Severity.FAILURE,
                detail=f"Expected {name} {least} or newer, found {version or 'none'}.",
                affects="Parts of the agent fail at start or later.",
                remedy=remedies.python_packages([f"{name}>={least}"]),
            )


def check_daemon(running: str, command: str) -> Iterator[Finding]:
    """Yield a finding if the running agent and this command differ in version."""
    if running != command:
        yield Finding(
            code="agent-version-differs",
            title="The running agent and this command differ in version",
            severity=Severity.WARNING,
            detail=f"The agent is {running}, this command {command}.",
            affects="Commands may misread the agent's answers. A probe of the new version may not start.",
            remedy=remedies.restart_agent(),
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, _NUMBER.findall(version)))
