import asyncio
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from collectors.logs import delivery as module
from collectors.logs.config import SourceConfig
from collectors.logs.delivery import Delivery
from collectors.logs.history import History
from collectors.logs.loki.client import LokiClient, PushResult
from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Processed, Stream
from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.drop import DropConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.multiline import MultilineConfig
from collectors.logs.stages.patterns import Pattern
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.logs.times.formats import TimestampFormat

NOW = 1795321418_000000000
STAGES: list[StageConfig] = [
    JsonConfig(fields=["level", "id"]),
    LabelsConfig(fields=["level"]),
    StructuredMetadataConfig(fields=["id"]),
    DropConfig(pattern=Pattern("noise"), reason="noise"),
]


class Taken:
    """Takes all that is pushed."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []

    async def push(self, stream: Stream, **_: object) -> PushResult:
        self.streams.append(stream)
        return PushResult(len(stream.lines), Counter())


def delivery(folder: Path, stages: list[StageConfig], taken: Taken, turn: asyncio.Lock | None = None) -> Delivery:
    config = SourceConfig(name="s", paths=["/x"], stages=stages)
    return Delivery(config, cast("LokiClient", taken), folder, turn or asyncio.Lock())


def lines(count: int) -> list[bytes]:
    """Lines of two levels; some have metadata, some are noise, some have NULs around them."""
    return [
        bytes(number % 11)
        + b'{"level":"%s"' % (b"warn" if number % 3 else b"info")
        + (b',"id":%d}' % number if number > count / 2 else b"}")
        + (b" noise" if number % 7 == 0 else b"")
        for number in range(count)
    ]


async def test_slices_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = Batch("s", lines(2000), NOW, {"filename": "/x"}, untidy=True)
    whole = Pipeline("s", STAGES).process(batch)
    monkeypatch.setattr(module, "SLICE_SECONDS", 1e-9)
    taken = Taken()
    sliced = delivery(tmp_path, STAGES, taken)

    assert await sliced.handle(batch) == whole.consumed == 2000
    assert taken.streams == whole.streams
    assert sliced.dropped == whole.dropped


@pytest.mark.parametrize("final", [True, False])
async def test_entries_of_many_lines_go_across_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, final: bool
) -> None:
    stages: list[StageConfig] = [MultilineConfig(first=Pattern(r"\S"))]
    batch = Batch("s", [b"first", *[b" more" * 40] * 300, b"second", *[b" more"] * 20], NOW, {}, final)
    whole = Pipeline("s", stages).process(batch)
    monkeypatch.setattr(module, "SLICE_SECONDS", 1e-9)
    taken = Taken()

    assert await delivery(tmp_path, stages, taken).handle(batch) == whole.consumed == (322 if final else 301)
    assert taken.streams == whole.streams


async def test_the_loop_goes_on_between_slices_and_one_slice_is_made_at_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    made: list[int] = []
    process = Pipeline.process

    def noted(self: Pipeline, batch: Batch) -> Processed:
        made.append(turns)
        return process(self, batch)

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    monkeypatch.setattr(module, "SLICE_SECONDS", 1e-9)
    monkeypatch.setattr(Pipeline, "process", noted)
    turn, counting = asyncio.Lock(), asyncio.create_task(count())
    deliveries = [delivery(tmp_path, STAGES, Taken(), turn) for _ in range(3)]
    await asyncio.gather(*(each.handle(Batch("s", lines(2000), NOW, {}, untidy=True)) for each in deliveries))
    counting.cancel()

    assert len(made) > 30
    assert len({*made}) == len(made)


async def test_a_slice_is_as_large_as_its_time_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    process = Pipeline.process

    def noted(self: Pipeline, batch: Batch) -> Processed:
        sizes.append(sum(map(len, batch.lines)))
        return process(self, batch)

    monkeypatch.setattr(module, "SLICE_SECONDS", 10.0)
    monkeypatch.setattr(Pipeline, "process", noted)
    await delivery(tmp_path, [], Taken()).handle(Batch("s", [b"x" * 99] * 5000, NOW, {}))

    assert sizes[:-1] == sorted(sizes[:-1])
    assert len(sizes) <= 6


@pytest.mark.parametrize(("sent", "ends"), [([b"untimed"], [1]), ([b"untimed", b'{"time": 1795321418}'], []), ([], [])])
async def test_the_end_of_lines_before_the_first_known_time_is_recorded_before_they_are_sent(
    tmp_path: Path, sent: list[bytes], ends: list[int]
) -> None:
    recorded: list[int] = []
    taken = Taken()

    async def record_end(consumed: int) -> None:
        assert taken.streams == []
        recorded.append(consumed)

    time = TimestampConfig(field="time", format=TimestampFormat("unix"))
    stages: list[StageConfig] = [JsonConfig(fields=["time"]), time]
    batch = Batch("s", sent or [b"untimed"], NOW, {}, record_end=record_end)
    if not sent:
        batch.recent = History(known=NOW).pack()
    await delivery(tmp_path, stages, taken).handle(batch)

    assert recorded == ends
