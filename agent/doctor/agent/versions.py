"""Whether what is installed goes together: the agent's libraries, and the agent that runs with this command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata

from collectors.findings import Finding, Severity

_REQUIREMENT = re.compile(r"([\w.-]+)>=([\d.]+)$")
_NUMBER = re.compile(r"\d+")


def requirements() -> list[str]:
    """What the installed distribution needs, as `name>=version`, without what is optional."""
    try:
        return [text for text in metadata.requires("wr-agent") or () if ";" not in text]
    except metadata.PackageNotFoundError:  # run from a checkout
        return []


def installed(name: str) -> str:
    """The version of a library; empty if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def check_libraries(needed: Iterable[str], found: Callable[[str], str] = installed) -> Iterator[Finding]:
    """A finding for each library that is missing, or older than what is needed."""
    for name, least in (it.groups() for it in map(_REQUIREMENT.match, needed) if it):
        version = found(name)
        if _numbers(version) < _numbers(least):
            yield Finding(
                code="agent-library-outdated",
                title=f"The library {name} is {'too old' if version else 'missing'}",
                severity=Severity.FAILURE,
                detail=f"Expected {name} {least} or newer, found {version or 'none'}.",
                affects="Parts of the agent do not start, or fail while they run.",
                remedy=(f"pip install --upgrade '{name}>={least}'  # in the agent's own Python environment",),
            )


def check_daemon(running: str, command: str) -> Iterator[Finding]:
    """A finding if the agent that runs is of another version than this command."""
    if running != command:
        yield Finding(
            code="agent-version-differs",
            title="The agent that runs is of another version than its commands",
            severity=Severity.WARNING,
            detail=f"The agent is {running}, this command {command}.",
            affects="What is described for one may not hold for the other; a probe of the new version may not start.",
            remedy=("sudo systemctl restart wr-agent  # a user's own service: systemctl --user restart wr-agent",),
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, _NUMBER.findall(version)))
