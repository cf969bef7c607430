"""Reading of the events in the state directory. Needs no running agent.

`store` writes the files. A line that is no event, such as the last one of a killed agent, is skipped.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import msgspec

from collectors import regular_file
from collectors.audio.causes.event import Cause, Event

EVENTS = "dropouts.jsonl"
OLDER_EVENTS = "dropouts.jsonl.1"

MOST_EVENTS = 10_000
"""The limit of events that a reader gets, and the number after which the file is rotated."""

_MOST_BYTES = 12 << 20
"""The limit of the lines that a reader gets."""

_MOST_FILE_BYTES, _MOST_LINE_BYTES = 512 << 20, 1 << 20
"""The limits of a file and of one line. The agent's own files stay far below."""

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""The errors of a line that is no event."""


@dataclass(frozen=True, slots=True)
class Query:
    """A selection of events.

    Attributes:
        since: Unix time in seconds; earlier events are left out.
        cause: The cause; None for all.
        id: The beginning of the event's id; empty for all.
        most: The limit of events, of which the newest are kept.
    """

    since: float = 0.0
    cause: Cause | None = None
    id: str = ""
    most: int = MOST_EVENTS


class Key(msgspec.Struct, frozen=True):
    """The fields of an event by which it is selected."""

    id: str
    at: str
    cause: Cause = Cause.UNKNOWN


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The selected events.

    Attributes:
        events: The events, oldest first, as they are in the file.
        more: The number of older events that also match and were left out.
        oldest: The time of the oldest stored event; empty without events.
        schema: The schema version. It increases when a field changes its meaning or is removed.
    """

    schema: int = 1
    events: list[msgspec.Raw] = []
    more: int = 0
    oldest: str = ""


def has_events(directory: Path) -> bool:
    """Return whether the directory has a file of events, as far as this user can see."""
    return any(os.access(directory / name, os.F_OK) for name in (EVENTS, OLDER_EVENTS))


def refusal(directory: Path) -> str:
    """Return why the events of a directory cannot be read; empty if they can, or if there are none."""
    for path in (directory / EVENTS, directory / OLDER_EVENTS):
        try:
            regular_file.check(path, path.stat(), _MOST_FILE_BYTES)
            if not os.access(path, os.R_OK):
                return f"this user may not read {path}; run it with sudo"
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{path}: {error.strerror}"
    return ""


def find(directory: Path, query: Query) -> Answer:
    """Return the events of a state directory that match. Blocks on the disk."""
    return select(chain(read_lines(directory / OLDER_EVENTS), read_lines(directory / EVENTS)), query)


def select(lines: Iterator[bytes], query: Query) -> Answer:
    """Return the events that match, of lines of JSON."""
    kept: deque[bytes] = deque()
    size = more = 0
    oldest = ""
    for line in lines:
        key = _key(line)
        if key is None:
            continue
        oldest = oldest or key.at
        if not _matches(key, query):
            continue
        kept.append(line)
        size += len(line)
        while len(kept) > query.most or size > _MOST_BYTES:
            size -= len(kept.popleft())
            more += 1
    return Answer(events=[msgspec.Raw(line) for line in kept], more=more, oldest=oldest)


def events_of(answer: Answer) -> list[Event]:
    """Return the events of an answer; one of another version that cannot be read is left out."""
    found = []
    for raw in answer.events:
        with suppress(*UNREADABLE):
            found.append(msgspec.json.decode(raw, type=Event))
    return found


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the whole lines of a file, without the newline; none of a missing or unreadable file."""
    with suppress(OSError):
        yield from regular_file.lines(path, _MOST_FILE_BYTES, _MOST_LINE_BYTES)


def seconds_of(at: str) -> float:
    """Return the Unix time of an event's `at`.

    Raises:
        ValueError: The text is no such time.
    """
    whole, _, fraction = at.removesuffix("Z").partition(".")
    return datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp() + float(f"0.{fraction or 0}")


def _key(line: bytes) -> Key | None:
    try:
        return msgspec.json.decode(line, type=Key)
    except UNREADABLE:
        return None


def _matches(key: Key, query: Query) -> bool:
    if query.cause is not None and key.cause is not query.cause:
        return False
    if not key.id.startswith(query.id):
        return False
    try:
        return not query.since or seconds_of(key.at) >= query.since
    except ValueError:
        return False
