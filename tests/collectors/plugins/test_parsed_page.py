from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from collectors.plugins.parsed_page import ParsedPage, Template, read_page, split
from collectors.plugins.refusals import Reason, RefusedError

MAX = 1_000


async def read(text: str | bytes, *, openmetrics: bool = False) -> tuple[ParsedPage, Template, list[float]]:
    lines = split(text.encode() if isinstance(text, str) else text, MAX, openmetrics=openmetrics)
    page = await read_page(lines, MAX, openmetrics=openmetrics)
    template = Template(lines, page)
    values = template.values(lines)
    assert values is not None
    return page, template, values


async def refusal(text: str | bytes, *, openmetrics: bool = False) -> Reason:
    with pytest.raises(RefusedError) as caught:
        await read(text, openmetrics=openmetrics)
    assert caught.value.detail
    return caught.value.reason


def again(template: Template, text: str) -> list[float] | None:
    return template.values(split(text.encode(), MAX, openmetrics=False))


async def test_a_sample_may_be_written_in_all_the_ways_of_the_format() -> None:
    text = r"""
# some remark
a 1
a_b:c	2.5
b{} +Inf
c{ x = "1" , y="",z="\"\\\n}{,=\q"  , } 1e3 1700000000123
d{y="2",x="1"}-7
"""

    page, _, values = await read(text)

    assert [(sample.name, dict(sample.labels)) for sample in page.samples] == [
        ("a", {}),
        ("a_b:c", {}),
        ("b", {}),
        ("c", {"x": "1", "z": '"\\\n}{,=\\q'}),
        ("d", {"x": "1", "y": "2"}),
    ]
    assert values == [1, 2.5, math.inf, 1000, -7]


async def test_exemplars_and_timestamps_are_not_used() -> None:
    text = 'a_total 3 # {id="} 9 #"} 0.5 1700000000.5\nb 2 1700000000.5\nc_bucket{le="1"} 4 # {} 1\n# EOF\n'

    _, _, values = await read(text, openmetrics=True)

    assert values == [3, 2, 4]


async def test_types_and_helps_are_read() -> None:
    page, _, _ = await read("# HELP a_total One\\nor \\\\two\n# TYPE a_total counter\n# TYPE b gauge\n# HELP c\n")

    assert page.types == {"a_total": "counter", "b": "gauge"}
    assert page.helps == {"a_total": "One\nor \\two", "c": ""}
    assert page.contradictions == {}


async def test_a_family_of_two_types_is_found() -> None:
    page, _, _ = await read("# TYPE a counter\n# TYPE a gauge\n# TYPE b gauge\n# TYPE b gauge\n")

    assert set(page.contradictions) == {"a"}


@pytest.mark.parametrize(
    "line",
    ["a", "a ", "a b", "1a 1", "a{x=1} 1", 'a{x="1} 1', 'a{x="1"', 'a{x="1"} ', 'a{x="1" y="2"} 1', 'a{x="1",x="2"} 1',
     "a 1 2 3", "a 1 # no exemplar", "a 1 now", "{} 1", "a} 1", "é 1", "HTTP/1.1 200 OK", "a,b 1", "a 1,5", "a 0x10"],
)  # fmt: skip
async def test_a_line_that_is_none_is_refused(line: str) -> None:
    assert await refusal(f"good 1\n{line}\n") is Reason.MALFORMED


async def test_half_an_answer_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        split(b"a 1\nb 12", MAX, openmetrics=False, whole=False)
    assert caught.value.reason is Reason.TRUNCATED
    assert await refusal("a 1\n", openmetrics=True) is Reason.TRUNCATED
    assert await refusal(b"", openmetrics=True) is Reason.TRUNCATED


async def test_a_whole_answer_needs_no_line_end() -> None:
    _, _, values = await read("a 1\nb 12")

    assert values == [1, 12]


async def test_invalid_utf8_is_refused() -> None:
    assert await refusal(b'a{x="\xff"} 1\n') is Reason.NOT_UTF8


async def test_too_much_is_refused() -> None:
    assert await refusal("a 1\n" * (MAX + 1)) is Reason.TOO_MANY_SAMPLES
    assert await refusal("#\n" * 10 * MAX) is Reason.TOO_MANY_SAMPLES
    assert await refusal(f'a{{x="{"y" * 20_000}"}} 1\n') is Reason.LABEL_LIMIT


async def test_a_page_is_recognised_by_all_but_its_numbers() -> None:
    text = '# HELP a One.\n# TYPE a gauge\na{x="1"} 1\na{x="2"} 2\n'
    _, template, _ = await read(text)

    assert again(template, text.replace("} 1", "} 7.5").replace("} 2", "} NaN 99")) is not None
    assert again(template, text.replace('} 1\na{x="2"} 2', '} 12\na{x="2"} 345')) == [12, 345]
    for other in (
        text.replace("One.", "Two."),
        text.replace("gauge", "gauges"),
        text.replace('x="1"', 'x="3"'),
        text + "b 1\n",
        text.removesuffix('a{x="2"} 2\n'),
        "",
    ):
        assert again(template, other) is None


async def test_a_number_that_becomes_nonsense_is_refused() -> None:
    _, template, _ = await read("a 1\nb 2\n")

    with pytest.raises(RefusedError):
        again(template, "a 1\nb two\n")


def samples_of(page: ParsedPage, values: list[float]) -> Iterator[tuple[str, tuple[tuple[str, str], ...], float]]:
    for sample, value in zip(page.samples, values, strict=True):
        yield sample.name, sample.labels, value


labels = st.text(max_size=6)
numbers = st.floats(allow_nan=False)


@given(st.dictionaries(labels, numbers, max_size=4), st.floats(0, 1e6))
async def test_whatever_the_library_writes_is_read_as_the_library_reads_it(
    gauges: dict[str, float], observed: float
) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", 'Says "x"\n\\.', ["l"], registry=registry)
    for label, number in gauges.items():
        gauge.labels(label).set(number)
    Histogram("h", "H.", registry=registry).observe(observed)
    Summary("s", "S.", registry=registry).observe(observed)
    Counter("c", "C.", registry=registry).inc(observed)
    text = generate_latest(registry)
    theirs = {
        (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if v)), sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }

    page, _, values = await read(text)

    assert set(samples_of(page, values)) == theirs
    in_openmetrics, _, values = await read(generate_openmetrics(registry), openmetrics=True)
    assert {name for name, *_ in samples_of(in_openmetrics, values)} == {name for name, *_ in theirs}


@given(st.binary(max_size=200))
async def test_noise_is_read_or_refused(noise: bytes) -> None:
    try:
        await read(noise)
    except RefusedError as error:
        assert error.detail  # noqa: PT017 - both ends are right
