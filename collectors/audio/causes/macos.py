"""The causes that CoreAudio itself reports in macOS's unified log. Built from published logs, never run on a Mac.

coreaudiod writes up to three messages about an overload: a line `Overload possibly due to ...`, the overload itself
with a field `cause`, and a report for analytics with the cause and the client. macOS hides fields as `<private>` on
most machines, but not those of the report. The program that missed its cycle writes a line of its own.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import NamedTuple

from collectors.audio.causes.event import Cause, Culprit, Event
from collectors.audio.causes.evidence import Evidence, Incident, Window

ANALYSIS = "collectors.audio.causes.macos:analyse"
"""Module and function of the analysis of these messages."""

KIND = "coreaudio"
"""The kind of an incident that is one of these messages."""

_HINT = "Overload possibly due to "
_OVERLOAD = "Audio IO Overload"
_SKIPPED = "skipping cycle due to overload"
_REPORT = "issue_type"
_FIELD = re.compile(r'"?(\w+)"?(?:: Optional\(| = )"?([^);"]*)')
_CAUSE = re.compile(r"cause: '([^']*)'")
_HIDDEN = frozenset({"", "Unknown", "<private>", "unknown"})
_NEAR_NS = 1_000_000_000
"""The longest time between a message and a dropout that it explains."""
_MOST = 256
_OLDEST_SECONDS = 10.0
_MOST_TEXT = 300

_MISSING = (
    "macOS shows no scheduling, priority or page faults of other programs to this agent.",
    "macOS hides the cause of most overloads.",
)


class _Rule(NamedTuple):
    """A cause of CoreAudio's, as a cause of the agent's.

    Attributes:
        cause: The agent's cause.
        confidence: The probability that it is right: CoreAudio's words leave several readings.
        text: The sentence about the client.
    """

    cause: Cause
    confidence: float
    text: str


_CAUSES: Mapping[str, _Rule] = {
    "ClientHALIODurationExceededBudget": _Rule(
        Cause.CLIENT_CPU, 0.6, "{client} needed more time than a buffer lasts, in its own callback."
    ),
    "ClientTimeout": _Rule(Cause.CLIENT_WAIT, 0.5, "{client} did not finish its callback at all for some buffers."),
    "PageFaultsOnIOThread": _Rule(
        Cause.MEMORY, 0.8, "{client} waited for memory that was not there (page faults) in its callback."
    ),
}

_HINTS: Mapping[str, str] = {
    "client timeout": "ClientTimeout",
    "HAL client proc exceeding io cycle budget": "ClientHALIODurationExceededBudget",
}
"""The cause for the words of a line `Overload possibly due to ...`."""


def parse(line: bytes, wall: float, now_ns: int) -> Incident | None:
    """Return the message about an overload in a line of `log stream --style ndjson`; None for every other line.

    The incident has the program's name and process, and `text` is CoreAudio's cause.

    Args:
        line: One line.
        wall: The time of day in seconds since the epoch.
        now_ns: The same instant on the monotonic clock.
    """
    try:
        entry = json.loads(line)
        message, path, pid = entry["eventMessage"], entry["processImagePath"], entry["processID"]
        age = wall - datetime.fromisoformat(entry["timestamp"]).timestamp()
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if not (isinstance(message, str) and isinstance(path, str) and isinstance(pid, int)):
        return None
    at_ns = now_ns - int((age if 0 <= age <= _OLDEST_SECONDS else 0.0) * 1e9)
    if _SKIPPED in message:
        return _incident(at_ns, PurePosixPath(path).name, "", pid)
    return _of_server(message, at_ns)


def _of_server(message: str, at_ns: int) -> Incident | None:
    """Return the incident of a message of coreaudiod."""
    if _HINT in message:
        words = message.partition(_HINT)[2].strip(" .\n")
        return _incident(at_ns, "", _HINTS.get(words, words))
    if _REPORT in message:
        return _reported(message, at_ns)
    if _OVERLOAD in message:
        found = _CAUSE.search(message)
        return _incident(at_ns, "", found[1] if found else "")
    return None


def _reported(message: str, at_ns: int) -> Incident | None:
    """Return the overload in a report for analytics, of the present or of the older form."""
    fields = dict(_FIELD.findall(message))
    if fields.get("issue_type") != "overload":
        return None
    return _incident(at_ns, fields.get("HostApplicationDisplayID", ""), fields.get("cause", ""))


def _incident(at_ns: int, name: str, cause: str, pid: int = 0) -> Incident:
    known = {field: "" if field in _HIDDEN else field[:_MOST_TEXT] for field in (name, cause)}
    return Incident(at_ns=at_ns, since_ns=at_ns, kind=KIND, name=known[name], pid=pid, text=known[cause])


class CoreAudioEvidence:
    """The last messages about overloads."""

    def __init__(self) -> None:
        self._messages: deque[Incident] = deque(maxlen=_MOST)

    def add(self, message: Incident) -> None:
        """Add a message."""
        self._messages.append(message)

    def suspect(self, at_ns: int) -> None:
        """Do nothing: CoreAudio's messages come by themselves."""

    async def freeze(self, window: Window) -> Evidence:
        """Return the messages near a dropout."""
        first_ns, last_ns = window.start_ns - _NEAR_NS, window.end_ns + _NEAR_NS
        near = tuple(message for message in self._messages if first_ns <= message.at_ns <= last_ns)
        return Evidence(window=window, incidents=near, missing=_MISSING)


def analyse(evidence: Evidence) -> Event:
    """Return the event of a dropout, by CoreAudio's own words."""
    window, messages = evidence.window, [it for it in evidence.incidents if it.kind == KIND]
    rule = next((_CAUSES[it.text] for it in messages if it.text in _CAUSES), None)
    client = next((it for it in messages if it.pid), next((it for it in messages if it.name), None))
    name = client.name if client is not None else ""
    text = rule.text.format(client=name or "A program") if rule is not None else _unknown(messages, name)
    return Event(
        id=window.id,
        at=window.at,
        duration_ms=0.0,
        device=window.device,
        cause=rule.cause if rule is not None else Cause.UNKNOWN,
        confidence=rule.confidence if rule is not None else 0.0,
        culprit=Culprit(kind="client", name=name, pid=client.pid) if rule is not None and client is not None else None,
        victim=name,
        evidence=tuple(dict.fromkeys(_facts(messages))),
        missing=evidence.missing,
        text=text,
    )


def _unknown(messages: Sequence[Incident], name: str) -> str:
    if not messages:
        return "Not known: CoreAudio wrote nothing about it."
    return f"Not known: {name or 'a program'} missed its cycle, and CoreAudio names no cause."


def _facts(messages: Sequence[Incident]) -> Iterator[str]:
    for message in messages:
        if message.pid:
            yield f"{message.name} (pid {message.pid}) skipped a cycle due to an overload."
        elif message.text:
            of_client = f" of {message.name}" if message.name else ""
            yield f"CoreAudio reports an overload{of_client}: {message.text}."
