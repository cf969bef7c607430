"""The events of dropouts on their way to Loki: real agents, a stand-in for Loki, every rotation."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from agent.config.loader import parse
from agent.config.schema import Config
from agent.core import own_logs
from collectors.audio.causes import store as module
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.store import EventStore
from tests.conftest import StartAgent
from tests.support.analyses import event
from tests.support.loki import Loki, loki
from tests.support.waiting import eventually


def configured(text: str) -> Config:
    return parse(text, "test")


@pytest.fixture
def sink() -> Iterator[Loki]:
    with loki() as server:
        yield server


def arrived(sink: Loki, count: int) -> bool:
    return len(sink.lines()) == count


def recent(number: int, cause: Cause = Cause.PREEMPTED) -> Event:
    """Return an event of the last minutes."""
    at = datetime.now(UTC) - timedelta(minutes=5) + timedelta(milliseconds=number)
    return replace(event(number, cause), at=f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06}000Z")


def test_the_events_are_a_source_once_loki_is_configured() -> None:
    found = own_logs.logs(configured('state_dir = "/state"\nloki.url = "http://loki:3100"'))

    assert [(source.name, source.paths) for source in found.sources] == [("audio_dropouts", ["/state/dropouts.jsonl"])]


@pytest.mark.parametrize("more", ['loki.url = ""', 'loki.url = "http://loki:3100"\naudio.enabled = false'])
def test_without_loki_or_audio_there_is_none(more: str) -> None:
    assert own_logs.logs(configured(more)).sources == []


@pytest.mark.parametrize("path", ["/state/dropouts.jsonl", "/state/*.jsonl"])
@pytest.mark.parametrize("name", ["audio_dropouts", "mine"])
def test_a_configured_source_of_the_same_file_replaces_it(name: str, path: str) -> None:
    text = f'state_dir = "/state"\nloki.url = "http://loki:3100"\n[[logs.sources]]\nname = "{name}"\npaths = ["{path}"]'

    assert [source.name for source in own_logs.logs(configured(text)).sources] == [name]


def test_each_event_reaches_loki_once_through_rotations_and_a_kill(
    start_agent: StartAgent, sink: Loki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 7)
    agent = start_agent(f'audio.observers = "passive"\nhost.enabled = false\nloki.url = "{sink.url}"\n')
    store = EventStore(agent.state_dir)
    store.restore()
    events = [recent(number) for number in range(30)]
    for end in (7, 14, 15):  # two generations are on the disk, so that a reader has time for each
        for it in events[len(sink.lines()) : end]:
            store.save(it)
        eventually(partial(arrived, sink, end), f"{end} events")
    agent.signal(signal.SIGKILL)
    agent.process.wait()
    for it in events[15:22]:
        store.save(it)
    restarted = type(agent)(agent.folder, agent.config_file.read_text())
    try:
        assert restarted.url
        eventually(lambda: len(sink.lines()) == 22, "the events while the agent was down")
        for it in events[22:]:
            store.save(it)
        eventually(lambda: len(sink.lines()) == 30, "the last events")
    finally:
        restarted.stop()

    entries = sink.entries()
    assert sorted(json.loads(entry.line)["id"] for entry in entries) == [it.id for it in events]
    assert {entry.labels["source"] for entry in entries} == {"audio_dropouts"}
    assert {frozenset(entry.labels) for entry in entries} == {frozenset({"host", "source", "filename"})}
    assert entries[0].metadata == {"id": events[0].id, "device": "system", "cause": "preempted"}
    assert msgspec.json.decode(entries[0].line, type=Event) == events[0]
    seconds, fraction = events[0].at.removesuffix("Z").split(".")
    whole = int(datetime.fromisoformat(seconds).replace(tzinfo=UTC).timestamp())
    assert entries[0].ns == whole * 10**9 + int(fraction)
    assert Path(agent.state_dir / "dropouts.jsonl").exists()
