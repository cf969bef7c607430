"""Text as Windows, editors and dying programs leave it in files."""

import asyncio
import gzip
from pathlib import Path

import pytest

from collectors.logs.files.encodings import wide_encoding
from collectors.logs.files.generation import ReadLimits
from tests.support.log_files import Agent, Sink, settings
from tests.support.waiting import soon


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
async def test_wide_text_is_read_as_utf8_and_followed(agent: Agent, sink: Sink, logs: Path, codec: str) -> None:
    log = logs / "app.log"
    log.write_bytes("first line\r\nzweite Zeile ü\r\n".encode(codec))
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: len(sink.lines) == 2)
    rest = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(codec, codec)
    with log.open("ab") as file:
        file.write("third\r\n".encode(rest))
    await soon(lambda: len(sink.lines) == 3)
    await agent.stop()

    (logs / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes() + "fourth\r\n".encode(rest)))
    log.unlink()
    log.write_bytes(b"fifth\n")
    await agent.start(sink, settings(logs / "*.log"))

    await soon(lambda: len(sink.lines) >= 5)
    assert sink.lines == [b"first line", "zweite Zeile ü".encode(), b"third", b"fourth", b"fifth"]


@pytest.mark.parametrize("head", [b"", b"ab", b"plain text\n", bytes(64), b"\0\0text after a hole", "ü".encode() * 30])
def test_other_text_is_not_wide(head: bytes) -> None:
    assert wide_encoding(head) == ""


async def test_an_open_entry_goes_on_in_the_file_after_a_rotation(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"1\nopen\n")
    sink.consume = lambda batch: (
        len(batch.lines) if batch.final or b"end" in batch.lines else batch.lines.index(b"open")
    )
    await agent.start(sink, settings(log, limits=ReadLimits(flush_after=3.0, linger=5.0)))
    await soon(lambda: sink.lines == [b"1"])

    log.rename(f"{log}.1")
    log.write_bytes(b"end\n")

    await soon(lambda: len(sink.lines) == 3)
    assert [batch.lines for batch in sink.batches if batch.lines][-1] == [b"open", b"end"]


async def test_a_last_line_without_its_newline_belongs_to_the_open_entry(agent: Agent, sink: Sink, logs: Path) -> None:
    (logs / "app.log").write_bytes(b"trace\n at a\n at b")
    sink.consume = lambda batch: len(batch.lines) if batch.final else 0
    await agent.start(sink, settings(logs / "*.log"))

    await soon(lambda: len(sink.lines) == 3)
    assert [batch.lines for batch in sink.batches if batch.lines] == [[b"trace", b" at a", b" at b"]]


async def test_an_overlong_line_is_cut_and_its_true_size_is_known(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"x" * 10_000)
    await agent.start(sink, settings(log, limits=ReadLimits(batch_bytes=1000, flush_after=2.0)))
    await asyncio.sleep(0.5)
    with log.open("ab") as file:
        file.write(b"x" * 5_000 + b"\nnext\n")

    await soon(lambda: len(sink.lines) == 2)
    assert [(len(batch.lines[0]), batch.true_bytes) for batch in sink.batches] == [(1000, 15_000), (4, 0)]
