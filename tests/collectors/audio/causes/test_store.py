"""The store of events: what is kept, rotated, finished after a kill, and lost on a broken disk."""

from __future__ import annotations

import gzip
import os
import resource
import time
from pathlib import Path

import msgspec
import pytest

from collectors.audio.causes import store as module
from collectors.audio.causes.event import Cause
from collectors.audio.causes.packing import pack
from collectors.audio.causes.reading import EVENTS, OLDER_EVENTS, Query, events_of
from collectors.audio.causes.store import EVIDENCE, KEEP_SECONDS, PENDING, EventStore
from tests.support.analyses import event, window
from tests.support.own_process import limit_files, run_in_own_process


def begun(directory: Path) -> EventStore:
    store = EventStore(directory)
    store.restore()
    return store


def add(store: EventStore, number: int, evidence: bytes = b"") -> None:
    store.remember(event(number))
    store.save(event(number), evidence)


def ids(store: EventStore) -> list[str]:
    return [it.id for it in store.recent]


def stored(store: EventStore) -> list[str]:
    return [it.id for it in events_of(store.find(Query()))]


def test_events_survive_a_restart(tmp_path: Path) -> None:
    before = begun(tmp_path)
    add(before, 1)
    add(before, 2)

    after = begun(tmp_path)

    assert after.recent == (event(1), event(2))
    assert stored(after) == [event(1).id, event(2).id]
    assert (tmp_path / EVENTS).stat().st_mode & 0o777 == 0o600


def test_a_dropout_whose_analysis_did_not_end_becomes_unknown(tmp_path: Path) -> None:
    before = begun(tmp_path)
    before.expect([window(1), window(2)])
    add(before, 1)
    before.expect([window(3)])

    after = begun(tmp_path)

    assert ids(after) == stored(after) == [event(number).id for number in (1, 2, 3)]
    assert [it.cause for it in after.recent] == [Cause.CLIENT_CPU, Cause.UNKNOWN, Cause.UNKNOWN]
    last = after.recent[-1]
    assert last.text == "Not known: the agent ended before it analysed this dropout."
    assert last.missing == ("The agent ended before it analysed this dropout.",)
    assert (last.at, last.duration_ms, last.device, last.period_ms) == (window(3).at, 20.0, "system", 5.333)
    assert not (tmp_path / PENDING).exists()
    assert ids(begun(tmp_path)) == ids(after), "each is finished once"


def test_the_pending_file_is_gone_once_all_are_final(tmp_path: Path) -> None:
    store = begun(tmp_path)
    store.expect([window(1)])
    assert (tmp_path / PENDING).exists()
    add(store, 1)
    assert not (tmp_path / PENDING).exists()


def test_the_pending_file_is_bounded_in_a_storm_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FINISHED", 10)
    store = begun(tmp_path)
    store.expect([window(0)])
    for number in range(1, 100):
        store.expect([window(number)])
        add(store, number - 1)

    assert (tmp_path / PENDING).read_bytes().count(b"\n") <= 12
    assert ids(begun(tmp_path))[-1] == window(99).id


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    add(begun(tmp_path), 1)
    for name in (EVENTS, PENDING):
        with (tmp_path / name).open("ab") as file:
            file.write(b'{"id":"20300102-0304')

    store = begun(tmp_path)
    add(store, 2)
    store.expect([window(3)])

    assert ids(begun(tmp_path)) == [event(number).id for number in (1, 2, 3)]
    assert b"20300102-0304{" not in (tmp_path / EVENTS).read_bytes()


def test_the_file_is_rotated_by_rename_and_two_generations_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 10)
    store = begun(tmp_path)
    for number in range(25):
        add(store, number)

    assert (tmp_path / OLDER_EVENTS).read_bytes().count(b"\n") == 10
    assert (tmp_path / EVENTS).read_bytes().count(b"\n") == 5
    assert stored(store) == [event(number).id for number in range(10, 25)]
    again = begun(tmp_path)
    add(again, 25)
    assert stored(again) == [event(number).id for number in range(10, 26)]


def test_events_older_than_thirty_days_go(tmp_path: Path) -> None:
    old = msgspec.structs.replace(event(1), at="1990-01-02T03:04:05.000000000Z")
    (tmp_path / EVENTS).write_bytes(msgspec.json.encode(old) + b"\n")
    add(begun(tmp_path), 2)
    assert (tmp_path / OLDER_EVENTS).read_bytes().count(b"\n") == 1

    long_ago = time.time() - KEEP_SECONDS - 60
    os.utime(tmp_path / OLDER_EVENTS, (long_ago, long_ago))
    add(begun(tmp_path), 3)
    assert not (tmp_path / OLDER_EVENTS).exists()


def test_the_newest_raw_evidence_is_kept_within_both_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EVIDENCE", 3)
    store = begun(tmp_path)
    for number in range(6):
        add(store, number, pack(b'{"number":%d}' % number))
    folder = tmp_path / EVIDENCE

    assert sorted(path.name for path in folder.iterdir()) == [f"{event(number).id}.json.gz" for number in (3, 4, 5)]
    assert gzip.decompress((folder / f"{event(5).id}.json.gz").read_bytes()) == b'{"number":5}'
    monkeypatch.setattr(module, "MOST_EVIDENCE_BYTES", 4060)
    add(store, 6, os.urandom(4040))
    assert [path.name for path in folder.iterdir()] == [f"{event(6).id}.json.gz"]
    add(store, 7, os.urandom(6000))
    assert [path.name for path in folder.iterdir()] == [f"{event(6).id}.json.gz"], "too large by itself"


def fill_the_disk_for_a_while(folder: Path) -> None:
    store = begun(folder)
    add(store, 1)
    limit_files(1000)
    for number in range(2, 22):
        store.expect([window(number)])
        add(store, number, os.urandom(2000))
    numbers = range(1, 22)
    assert store.problem == "File too large"
    assert ids(store) == [event(number).id for number in numbers]
    assert stored(store) == ids(store), "a reader gets them from memory"
    assert (folder / EVENTS).read_bytes().endswith(b"\n"), "no torn line stays"
    assert ids(begun(folder))[0] == event(1).id

    limit_files(resource.RLIM_INFINITY)
    add(store, 22)
    assert store.problem == ""


def test_a_full_disk_costs_nothing_once_it_has_room(tmp_path: Path) -> None:
    run_in_own_process(fill_the_disk_for_a_while, tmp_path)

    assert ids(begun(tmp_path)) == [event(number).id for number in range(1, 23)]


def test_an_unwritable_directory_keeps_events_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = begun(tmp_path / "file" / "state")
    store.expect([window(1)])
    add(store, 1, b"{}")

    assert store.problem == "Not a directory"
    assert stored(store) == [event(1).id]


def test_without_restore_nothing_is_written(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.expect([window(1)])
    add(store, 1, b"{}")

    assert list(tmp_path.iterdir()) == []
    assert stored(store) == [event(1).id]


def test_no_link_is_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    state = tmp_path / "state"
    state.mkdir()
    store = begun(state)
    (state / EVENTS).unlink()
    (state / EVENTS).symlink_to(victim)
    add(store, 1)

    assert victim.read_text() == ""
    assert store.problem


def test_memory_keeps_the_evidence_of_the_newest_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WHOLE", 2)
    store = EventStore(None)
    for number in range(4):
        store.remember(msgspec.structs.replace(event(number), evidence=("jackd waited.",)))

    assert [len(it.evidence) for it in store.recent] == [0, 0, 1, 1]
