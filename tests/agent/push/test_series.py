from array import array

import pytest

from agent.push.series import Pages, Readings, family_filter, identity
from agent.push.wire import decode_labels

EVERY = identity("studio-7", {"role": "studio"})
PAGE = """# HELP node_load1 Load.
# TYPE node_load1 gauge
node_load1 0.42
# TYPE http_seconds histogram
http_seconds_bucket{path="/a b",le="0.1"} 3
http_seconds_bucket{path="/a b",le="+Inf"} 4
http_seconds_count{path="/a b"} 4
http_seconds_sum{path="/a b"} NaN
# TYPE odd gauge
odd{text="a \\"b\\" \\\\n \\n c",empty="",instance="x",job="y"} -Inf
"""


def pages(keep: tuple[str, ...] = (), drop: tuple[str, ...] = ()) -> Pages:
    return Pages(EVERY, family_filter(keep, drop), {"up": 1.0})


def shown(readings: Readings) -> list[tuple[dict[str, str], float]]:
    own = [
        {name: value for name, value in decode_labels(one).items() if name not in EVERY or value != EVERY[name]}
        for one in readings.series
    ]
    return list(zip(own, array("d", readings.values), strict=True))


def test_each_line_is_a_series_with_the_labels_of_the_machine() -> None:
    readings = pages().read(PAGE)

    assert all(decode_labels(one).items() >= EVERY.items() for one in readings.series)
    found = shown(readings)
    assert found[:3] == [
        ({"__name__": "up"}, 1.0),
        ({"__name__": "node_load1"}, 0.42),
        ({"__name__": "http_seconds_bucket", "path": "/a b", "le": "0.1"}, 3.0),
    ]
    assert found[5][1] != found[5][1]
    assert found[6] == (
        {"__name__": "odd", "text": 'a "b" \\n \n c', "exported_instance": "x", "exported_job": "y"},
        float("-inf"),
    )


def test_the_labels_of_a_machine() -> None:
    assert EVERY == {"job": "wr-agent", "instance": "studio-7", "host": "studio-7", "role": "studio"}
    assert "host" not in identity("a", {"host": ""})


def test_an_own_label_finds_a_free_name() -> None:
    readings = pages().read('# TYPE x gauge\nx{instance="1",exported_instance="2"} 1\n')

    assert decode_labels(readings.series[1]) == {
        **EVERY,
        "__name__": "x",
        "exported_instance": "2",
        "exported_exported_instance": "1",
    }


def test_the_same_series_are_the_same_object() -> None:
    reader = pages()
    first = reader.read(PAGE)

    second = reader.read(PAGE.replace("0.42", "7"))

    assert second.series is first.series
    assert shown(second)[1][1] == 7.0


@pytest.mark.parametrize(
    ("keep", "drop", "names"),
    [
        (("node_.*",), (), {"node_load1"}),
        (("http_seconds", "up"), (), {"up", "http_seconds_bucket", "http_seconds_count", "http_seconds_sum"}),
        ((), ("http_.*", "odd"), {"up", "node_load1"}),
        (("node_load1", "odd"), ("odd",), {"node_load1"}),
        (("load",), (), set()),
    ],
)
def test_families_are_kept_and_dropped_by_whole_names(
    keep: tuple[str, ...], drop: tuple[str, ...], names: set[str]
) -> None:
    readings = pages(keep, drop).read(PAGE)

    assert {decode_labels(one)["__name__"] for one in readings.series} == names
    assert len(readings.values) == 8 * len(readings.series)
