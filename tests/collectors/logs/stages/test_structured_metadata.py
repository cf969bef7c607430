from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from tests.support.log_stages import process


def test_fields_are_attached_as_text_where_there_are_any() -> None:
    stages = [JsonConfig(fields=["id", "n"]), StructuredMetadataConfig(fields={"trace": "id", "number": "n"})]
    (stream,) = process(stages, b'{"id":"a","n":7}', b"{}", b'{"n":null}').streams

    assert [found or {} for found in stream.metadata or ()] == [{"trace": "a", "number": "7"}, {}, {}]
