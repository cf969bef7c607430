from collectors.logs.stages.static_labels import StaticLabelsConfig
from tests.support.log_stages import process


def test_every_entry_gets_the_labels_and_the_last_value_counts() -> None:
    stages = [StaticLabelsConfig(labels={"team": "audio", "tier": "1"}), StaticLabelsConfig(labels={"tier": "2"})]
    (stream,) = process(stages, b"a", b"b").streams

    assert dict(stream.labels) == {"source": "s", "team": "audio", "tier": "2"}
    assert stream.lines == [b"a", b"b"]
