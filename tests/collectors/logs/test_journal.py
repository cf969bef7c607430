import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from collectors.logs.command import LINE_BYTES
from collectors.logs.files.positions import Positions
from collectors.logs.journal import JournalSettings, JournalSource, newest
from collectors.logs.records import Batch
from collectors.logs.unified_log import UnifiedLogSettings, UnifiedLogSource
from tests.support.journal import BEGIN_US, entry, lead_journalctl, lead_journalctl_to, write_entries, write_journal
from tests.support.waiting import PATIENCE, soon


class Sink:
    def __init__(self) -> None:
        self.batches: list[Batch] = []

    async def __call__(self, batch: Batch) -> int:
        self.batches.append(batch)
        return len(batch.lines)

    @property
    def messages(self) -> list[str | list[str]]:
        return [json.loads(line)["MESSAGE"] for batch in self.batches for line in batch.lines]


@asynccontextmanager
async def running(source: JournalSource | UnifiedLogSource, sink: Sink) -> AsyncIterator[None]:
    task = asyncio.create_task(source.run(sink))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def source_of(folder: Path, state: Path) -> JournalSource:
    settings = JournalSettings(since="2000-01-01", command=("journalctl", f"--directory={folder}"))
    return JournalSource("journal", settings, Positions(state).load())


async def test_a_real_journal_is_read_and_followed_by_its_cursor(tmp_path: Path) -> None:
    journal, state = tmp_path / "journal" / "a.journal", tmp_path / "positions.json"
    journal.parent.mkdir()
    write_entries(journal, 0, 3000)
    sink = Sink()
    async with running(source_of(journal.parent, state), sink):
        await soon(lambda: len(sink.messages) == 3000)
        write_entries(journal, 3000, 3010)
        await soon(lambda: len(sink.messages) == 3010)
    write_entries(journal, 3010, 3020)
    async with running(source_of(journal.parent, state), sink):
        await soon(lambda: len(sink.messages) >= 3020)

    assert sink.messages == [f"entry {number}" for number in range(3020)]
    assert sink.batches[0].read_ns == BEGIN_US * 1000


async def test_an_entry_that_was_not_acknowledged_is_read_again(tmp_path: Path) -> None:
    journal, state = tmp_path / "journal" / "a.journal", tmp_path / "positions.json"
    journal.parent.mkdir()
    write_entries(journal, 0, 10)
    started = asyncio.Event()

    class Away(Sink):
        async def __call__(self, batch: Batch) -> int:
            self.batches.append(batch)
            started.set()
            await asyncio.Event().wait()
            return 0

    async with running(source_of(journal.parent, state), Away()):
        await asyncio.wait_for(started.wait(), PATIENCE)
    sink = Sink()
    async with running(source_of(journal.parent, state), sink):
        await soon(lambda: len(sink.messages) >= 10)

    assert sink.messages == [f"entry {number}" for number in range(10)]


async def test_a_message_with_colours_arrives_as_text(tmp_path: Path) -> None:
    journal = tmp_path / "journal" / "coloured.journal"
    journal.parent.mkdir()
    write_entries(journal, 0, 1)
    message = "\x1b[31mlate\x1b[0m café".encode() + b"\xff"
    binary = b"MESSAGE\n" + struct.pack("<Q", len(message)) + message
    write_journal(journal, entry(1, binary))
    write_journal(journal, entry(2, b"MESSAGE=one\nMESSAGE=another"))
    sink = Sink()
    async with running(source_of(journal.parent, tmp_path / "positions.json"), sink):
        await soon(lambda: len(sink.messages) >= 3)

    assert sink.messages == ["entry 0", "\x1b[31mlate\x1b[0m café\ufffd", ["one", "another"]]


async def test_a_missing_command_is_said_and_tried_again(tmp_path: Path) -> None:
    source = JournalSource(
        "journal",
        JournalSettings(command=(str(tmp_path / "journalctl"),)),
        Positions(tmp_path / "positions.json").load(),
    )
    async with running(source, Sink()):
        await soon(lambda: "No such file" in source.command.problem)


async def test_a_huge_entry_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    script = tmp_path / "log"
    script.write_text(
        '#!/bin/sh\nhead -c 5000000 /dev/zero | tr "\\0" x\necho\necho \'{"MESSAGE": "next"}\'\nexec sleep 60\n'
    )
    script.chmod(0o755)
    sink = Sink()
    source = UnifiedLogSource("unified", UnifiedLogSettings(command=(str(script),)))
    async with running(source, sink):
        await soon(lambda: source.command.lines >= 2)

    lines = [line for batch in sink.batches for line in batch.lines]
    assert [len(lines[0]), lines[1:]] == [LINE_BYTES, [b'{"MESSAGE": "next"}']]
    assert [batch.true_bytes for batch in sink.batches] == [5_000_000, 0]


async def test_an_open_entry_is_ended_when_nothing_follows_for_as_long_as_was_said(tmp_path: Path) -> None:
    script = tmp_path / "log"
    script.write_text("#!/bin/sh\necho first\nexec sleep 60\n")
    script.chmod(0o755)

    class Patient(Sink):
        async def __call__(self, batch: Batch) -> int:
            self.batches.append(batch)
            return len(batch.lines) if batch.final else 0

    sink = Patient()
    source = UnifiedLogSource("unified", UnifiedLogSettings(command=(str(script),), flush_after=0.1))
    async with running(source, sink):
        await soon(lambda: source.command.lines == 1)

    assert [(batch.lines, batch.final) for batch in sink.batches] == [([b"first"], False), ([b"first"], True)]


async def first_messages(settings: JournalSettings, state: Path) -> list[str | list[str]]:
    sink = Sink()
    async with running(JournalSource("journal", settings, Positions(state).load()), sink):
        await soon(lambda: sink.messages)
    return sink.messages


async def test_units_and_matches_choose_entries(tmp_path: Path) -> None:
    journal = tmp_path / "journal" / "a.journal"
    journal.parent.mkdir()
    fields = (
        b"MESSAGE=a\n_SYSTEMD_UNIT=nginx.service\nPRIORITY=6",
        b"MESSAGE=b\n_SYSTEMD_UNIT=cron.service\nPRIORITY=6",
        b"MESSAGE=c\n_SYSTEMD_UNIT=nginx.service\nPRIORITY=3",
    )
    write_journal(journal, b"".join(entry(number, field) for number, field in enumerate(fields)))
    command = ("journalctl", f"--directory={journal.parent}")
    chosen: dict[str, JournalSettings] = {
        "units": JournalSettings(("nginx",), since="2000-01-01", command=command),
        "matches": JournalSettings((), ("PRIORITY=6",), since="2000-01-01", command=command),
        "both": JournalSettings(("nginx", "cron"), ("PRIORITY=3",), since="2000-01-01", command=command),
    }
    read = {name: await first_messages(settings, tmp_path / f"{name}.json") for name, settings in chosen.items()}

    assert read == {
        "units": ["a", "c"],
        "matches": ["a", "b"],
        "both": ["c"],
    }


async def test_a_long_coloured_message_arrives_as_text(tmp_path: Path) -> None:
    journal = tmp_path / "journal" / "long.journal"
    journal.parent.mkdir()
    message = b"\x1b[31m" + b"x" * 250_000
    write_journal(journal, entry(1, b"MESSAGE\n" + struct.pack("<Q", len(message)) + message))
    sink = Sink()
    async with running(source_of(journal.parent, tmp_path / "positions.json"), sink):
        await soon(lambda: sink.messages)

    assert sink.messages == [message.decode()]


def test_the_newest_entries_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_entries(tmp_path / "a.journal", 0, 30)
    write_journal(tmp_path / "b.journal", entry(30, b"MESSAGE\n" + struct.pack("<Q", 7) + b"\x1b[31mre"))
    lead_journalctl_to(tmp_path, tmp_path / "bin", monkeypatch)

    assert [json.loads(line)["MESSAGE"] for line in newest(3, 20.0)] == ["entry 28", "entry 29", "\x1b[31mre"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo first >&2; echo broken journal >&2; exit 1", "broken journal"),
        ("exit 3", "ended with exit code 3"),
        ("exec sleep 60", "no answer within 0.5 s"),
    ],
)
def test_the_failure_of_journalctl_is_told(
    script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_journalctl(tmp_path / "bin", script, monkeypatch)

    with pytest.raises(OSError, match=reason) as failed:
        newest(3, 0.5)
    assert failed.value.filename == "journalctl"
    assert failed.value.strerror == reason


def test_a_missing_journalctl_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(FileNotFoundError) as missing:
        newest(3, 20.0)
    assert missing.value.filename == "journalctl"
