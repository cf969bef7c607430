from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from collectors.audio.causes import reading
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.reading import EVENTS, OLDER_EVENTS, Query, events_of, find, seconds_of
from tests.support.analyses import event

CAUSES = (Cause.MEMORY, Cause.IO, Cause.MEMORY, Cause.UNKNOWN)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A state directory with two events in each file."""
    lines = [msgspec.json.encode(event(number, cause)) + b"\n" for number, cause in enumerate(CAUSES)]
    (tmp_path / OLDER_EVENTS).write_bytes(b"".join(lines[:2]))
    (tmp_path / EVENTS).write_bytes(b"".join(lines[2:]))
    return tmp_path


def found(directory: Path, query: Query) -> list[Event]:
    return events_of(find(directory, query))


def test_all_events_are_read_oldest_first(directory: Path) -> None:
    assert found(directory, Query()) == [event(number, cause) for number, cause in enumerate(CAUSES)]
    assert find(directory, Query()).oldest == event(0).at


def test_events_are_selected_by_cause_time_and_beginning_of_the_id(directory: Path) -> None:
    assert [it.id for it in found(directory, Query(cause=Cause.MEMORY))] == [event(0).id, event(2).id]
    assert [it.id for it in found(directory, Query(since=seconds_of(event(2).at)))] == [event(2).id, event(3).id]
    assert [it.id for it in found(directory, Query(id=event(1).id))] == [event(1).id]
    assert len(found(directory, Query(id="20300102"))) == 4
    assert found(directory, Query(id="2031")) == []


def test_the_newest_are_kept_and_the_others_counted(directory: Path) -> None:
    answer = find(directory, Query(most=3))

    assert [it.id for it in events_of(answer)] == [event(number).id for number in (1, 2, 3)]
    assert answer.more == 1


def test_the_size_of_an_answer_is_limited(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_BYTES", 500)

    answer = find(directory, Query())

    assert 1 <= len(answer.events) < 4
    assert len(answer.events) + answer.more == 4


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"id": 1}', b'{"id":"x","at":"soon","cause":"weather"}', b"\xff\xfe"])
def test_a_line_that_is_no_event_is_skipped(directory: Path, line: bytes) -> None:
    with (directory / EVENTS).open("ab") as file:
        file.write(line + b"\n" + msgspec.json.encode(event(9)) + b"\n")

    assert [it.id for it in found(directory, Query(since=1.0))][-2:] == [event(3).id, event(9).id]


def test_a_torn_last_line_is_skipped(directory: Path) -> None:
    with (directory / EVENTS).open("ab") as file:
        file.write(msgspec.json.encode(event(9))[:-5])

    assert len(found(directory, Query())) == 4


def test_a_missing_directory_has_no_events(tmp_path: Path) -> None:
    assert found(tmp_path / "missing", Query()) == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("1970-01-01T00:01:00.000000000Z", 60.0),
        ("1970-01-01T00:01:00Z", 60.0),
    ],
)
def test_the_time_of_an_event_is_unix_time(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds
