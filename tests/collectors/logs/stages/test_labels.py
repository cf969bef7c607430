import pytest

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.static_labels import StaticLabelsConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from tests.collectors.logs.stages.conftest import After


def test_fields_become_labels_under_their_own_or_another_name(after: After) -> None:
    (entry,) = after(
        [JsonConfig(fields=["a", "b", "c"]), LabelsConfig(fields={"a": "a", "bee": "b", "c": "c"})],
        b'{"a":1,"b":"x","c":""}',
    )

    assert entry.labels == {"source": "test", "a": "1", "bee": "x", "c": ""}


def test_values_beyond_the_bound_become_metadata_and_are_counted() -> None:
    pipeline = Pipeline("s", [JsonConfig(fields=["k"]), LabelsConfig(fields=["k"], max_values=2)])
    lines = [b'{"k":"%d"}' % (n % 4) for n in range(8)] + [b"{}"]
    first = pipeline.process(Batch("s", lines, 0, {}))
    second = pipeline.process(Batch("s", [b'{"k":"9"}', b'{"k":"1"}'], 0, {}))

    assert [dict(stream.labels).get("k") for stream in first.streams] == ["0", "1", None]
    assert first.streams[2].metadata == [{"k": "2"}, {"k": "3"}, {"k": "2"}, {"k": "3"}, None]
    assert [dict(stream.labels).get("k") for stream in second.streams] == [None, "1"]
    assert pipeline.families()[0].samples == {("s", "label_values"): 5}


@pytest.mark.parametrize("name", ["user_id", "userId", "user.id", "USER-ID", "app_user_id", "user_uuid", "email"])
def test_what_identifies_a_person_never_becomes_a_label(name: str) -> None:
    for labels in ([name], {"who": name}):
        with pytest.raises(ValueError, match=r"structured_metadata|letters"):
            LabelsConfig(fields=labels)
    with pytest.raises(ValueError, match=r"structured_metadata|letters"):
        StaticLabelsConfig(labels={name: "x"})


@pytest.mark.parametrize("name", ["a-b", "1a", "", "__name__", "ä"])
def test_a_name_that_loki_refuses_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        LabelsConfig(fields=[name])


def test_a_name_that_is_too_long_for_loki_is_refused() -> None:
    with pytest.raises(ValueError, match="1024 characters"):
        StaticLabelsConfig(labels={"a" * 1025: "x"})


def test_the_name_of_the_file_is_not_replaced() -> None:
    with pytest.raises(ValueError, match="belongs to the agent"):
        StaticLabelsConfig(labels={"filename": "app"})
    with pytest.raises(ValueError, match="belongs to the agent"):
        LabelsConfig(fields=["filename"])
    LabelsConfig(fields={"file": "filename"})


def test_a_user_may_be_attached_to_the_entry(after: After) -> None:
    (entry,) = after([JsonConfig(fields=["user_id"]), StructuredMetadataConfig(fields=["user_id"])], '{"user_id":7}')

    assert entry.metadata == {"user_id": "7"}


def test_static_labels_win_over_the_files(after: After) -> None:
    (entry,) = after([StaticLabelsConfig(labels={"service": "a"})], "x", file_labels={"service": "b", "filename": "/x"})

    assert entry.labels == {"source": "test", "service": "a", "filename": "/x"}


def test_more_metadata_than_loki_takes_is_told() -> None:
    with pytest.raises(ValueError, match="at most 24"):
        StructuredMetadataConfig(fields=[f"f{n}" for n in range(25)])
