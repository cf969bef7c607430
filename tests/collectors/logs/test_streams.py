from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Stream
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.streams import MAX_VALUE_BYTES

NOW = 1795321418_000000000
LEVEL = [JsonConfig(fields=["level", "id"]), LabelsConfig(fields=["level"])]


def line(level: str) -> bytes:
    return f'{{"level":"{level}"}}'.encode()


def test_each_set_of_labels_is_a_stream_in_the_order_of_its_lines() -> None:
    lines = [line("info"), line("warn"), b"none", line("info")]
    streams = Pipeline("s", LEVEL, {"service": "juce"}).process(Batch("s", lines, NOW, {"filename": "/x"})).streams
    size = len(line("info")) + 1
    common = (("filename", "/x"), ("level", "info"), ("service", "juce"), ("source", "s"))

    assert streams[0] == Stream(common, [NOW, NOW + 2 * size + len("none\n")], [line("info"), line("info")], None)
    assert [(stream.timestamps, stream.lines) for stream in streams[1:]] == [
        ([NOW + size], [line("warn")]),
        ([NOW + 2 * size], [b"none"]),
    ]
    assert streams[2].labels == tuple(label for label in common if label[0] != "level")


def test_metadata_goes_with_its_entry() -> None:
    lines = [b'{"level":"a","id":1}', b'{"level":"b","id":2}', b'{"level":"a"}']
    streams = (
        Pipeline("s", [*LEVEL, StructuredMetadataConfig(fields=["id"])]).process(Batch("s", lines, NOW, {})).streams
    )

    assert [stream.metadata for stream in streams] == [[{"id": "1"}, None], [{"id": "2"}]]


def test_values_are_within_lokis_limit_and_whole_characters() -> None:
    stages = [*LEVEL, StructuredMetadataConfig(fields=["id"])]
    long = '{"level":"' + "ä" * 5000 + '","id":"' + "x" * 5000 + '"}'
    (stream,) = Pipeline("s", stages).process(Batch("s", [long.encode()], NOW, {})).streams

    assert len(dict(stream.labels)["level"].encode()) <= MAX_VALUE_BYTES
    assert dict(stream.labels)["level"].endswith("ää…")
    assert stream.metadata == [{"id": "x" * (MAX_VALUE_BYTES - 3) + "…"}]
    assert stream.lines == [long.encode()]


def test_nothing_makes_no_stream() -> None:
    assert Pipeline("s").process(Batch("s", [], NOW, {})).streams == []
