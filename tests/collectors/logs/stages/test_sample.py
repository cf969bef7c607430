import pytest

from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.sample import SampleConfig
from tests.support.log_stages import process, texts


def test_sample_keeps_its_share_and_always_the_same() -> None:
    lines = [b"line %d" % number for number in range(2000)]
    once, again = (texts(process([SampleConfig(ratio=0.25)], *lines)) for _ in range(2))
    part = texts(process([SampleConfig(ratio=0.25)], *lines[1000:]))

    assert once == again
    assert 400 < len(once) < 600
    assert part == [line for line in once if line in set(lines[1000:])]


def test_sample_keeps_entries_of_one_value_together_and_those_without() -> None:
    lines = [b'{"t":"%d"}' % (number % 10) for number in range(100)]
    kept = texts(process([JsonConfig(fields=["t"]), SampleConfig(ratio=0.5, field="t")], *lines, b"{}"))

    assert {kept.count(line) for line in set(kept)} == {10, 1}
    assert kept[-1] == b"{}"


@pytest.mark.parametrize(("ratio", "kept"), [(0, 0), (1, 100)])
def test_sample_of_nothing_and_of_all(ratio: float, kept: int) -> None:
    processed = process([SampleConfig(ratio=ratio)], *(b"%d" % number for number in range(100)))

    assert len(texts(processed)) == kept
    assert processed.dropped.total() == 100 - kept
