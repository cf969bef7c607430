from __future__ import annotations

import gc
import math
import subprocess
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.exposition.formats import Format
from agent.exposition.render import Group, Rendered, Renderer
from collectors.metrics import (
    Family,
    HistogramValue,
    LabelValues,
    MetricType,
    SummaryValue,
    Value,
    counter,
    gauge,
    histogram,
    unknown,
)

GOOD = gauge("good_ratio", "A good one.", 0.5)
GOOD_TEXT = "# HELP good_ratio A good one.\n# TYPE good_ratio gauge\ngood_ratio 0.5\n"
GOOD_HISTOGRAM = HistogramValue((0.1, 1.0), (1, 2, 3), 4.5)

MIXED = [
    gauge("temperature_celsius", 'Says "hot"\nor \\ cold.', {('a"b\\c\nd', "ü"): -1.5}, ("room", "city")),
    counter("jobs_total", "Jobs.", 7),
    counter("oddly_named", "A counter without its suffix.", 2**63),
    unknown("raw", "A kernel number.", {("x",): 1e-300}, ("field",)),
    histogram("wait_seconds", "Waits.", {("cpu",): HistogramValue((0.005, 1, 2.5e6), (1, 2, 0, 4), 12.25)}, ("on",)),
    Family("call_seconds", "summary", "Calls.", ("function",), {("load",): SummaryValue(3, 0.75)}),
    gauge("none_yet", "No series.", {}, ("device",)),
]

MIXED_TEXT = r"""# HELP temperature_celsius Says "hot"\nor \\ cold.
# TYPE temperature_celsius gauge
temperature_celsius{room="a\"b\\c\nd",city="ü"} -1.5
# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total 7
# HELP oddly_named A counter without its suffix.
# TYPE oddly_named counter
oddly_named 9223372036854775808
# HELP raw A kernel number.
# TYPE raw untyped
raw{field="x"} 1e-300
# HELP wait_seconds Waits.
# TYPE wait_seconds histogram
wait_seconds_bucket{on="cpu",le="0.005"} 1
wait_seconds_bucket{on="cpu",le="1.0"} 3
wait_seconds_bucket{on="cpu",le="2.5e+06"} 3
wait_seconds_bucket{on="cpu",le="+Inf"} 7
wait_seconds_count{on="cpu"} 7
wait_seconds_sum{on="cpu"} 12.25
# HELP call_seconds Calls.
# TYPE call_seconds summary
call_seconds_count{function="load"} 3
call_seconds_sum{function="load"} 0.75
# HELP none_yet No series.
# TYPE none_yet gauge
"""

MIXED_OPENMETRICS = (
    MIXED_TEXT.replace('Says "hot"', r"Says \"hot\"")
    .replace("# HELP jobs_total", "# HELP jobs")
    .replace("# TYPE jobs_total", "# TYPE jobs")
    .replace("oddly_named counter", "oddly_named unknown")
    .replace("raw untyped", "raw unknown")
    + "# EOF\n"
)


def render(*groups: Group, format_: Format = Format.TEXT) -> Rendered:
    return Renderer().render(groups, format_)


def page(*families: Family, format_: Format = Format.TEXT) -> str:
    rendered = render(("one", families), format_=format_)
    assert rendered.errors == {}
    return rendered.body.decode()


def test_text_is_as_the_format_wants_it() -> None:
    assert page(*MIXED) == MIXED_TEXT


@pytest.mark.parametrize("format_", [Format.OPENMETRICS, Format.OPENMETRICS_DRAFT])
def test_openmetrics_is_as_the_format_wants_it(format_: Format) -> None:
    assert page(*MIXED, format_=format_) == MIXED_OPENMETRICS


@pytest.mark.parametrize("total", [None, 12.5, -12.5])
def test_a_histogram_of_negative_bounds_has_no_sum_in_openmetrics(total: float | None) -> None:
    family = histogram("level_dbfs", "Level.", {(): HistogramValue((-6.0,), (2, 1), total)})

    text, openmetrics = (page(family, format_=format_) for format_ in (Format.TEXT, Format.OPENMETRICS))

    buckets = 'level_dbfs_bucket{le="-6.0"} 2\nlevel_dbfs_bucket{le="+Inf"} 3\n'
    ends = "level_dbfs_count 3\n" + ("" if total is None else f"level_dbfs_sum {total}\n")
    assert text.endswith(buckets + ends)
    assert openmetrics.endswith(buckets + "# EOF\n")
    assert list(parse_openmetrics(openmetrics))


def test_sums_that_openmetrics_does_not_allow_are_left_out() -> None:
    families = [
        histogram("h", "H.", {("a",): HistogramValue((1.0,), (2, 1), -1.5)}, ("x",)),
        Family("s", "summary", "S.", ("x",), {("a",): SummaryValue(3, None), ("b",): SummaryValue(3, -1.5)}),
    ]

    openmetrics = page(*families, format_=Format.OPENMETRICS)

    assert "_sum" not in openmetrics
    assert 's_count{x="b"} 3' in openmetrics
    assert list(parse_openmetrics(openmetrics))
    assert 's_sum{x="b"} -1.5' in page(*families)


def test_a_second_rendering_says_the_same() -> None:
    renderer = Renderer()

    bodies = {renderer.render([("one", MIXED)], Format.TEXT).body for _ in range(3)}

    assert {MIXED_TEXT.encode()} == bodies


def test_an_empty_page_is_valid() -> None:
    assert render().body == b""
    assert render(format_=Format.OPENMETRICS).body == b"# EOF\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (0, "0"),
        (-0.0, "-0.0"),
        (True, "1"),
        (2**63, "9223372036854775808"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_numbers_are_written_exactly(value: float, written: str) -> None:
    assert f"x {written}\n" in page(gauge("x", "X.", value))


def test_a_subclass_of_float_is_written_as_a_number() -> None:
    class Special(float):
        def __repr__(self) -> str:
            return "special"

    assert "x 1.5\n" in page(gauge("x", "X.", Special(1.5)))


@pytest.mark.parametrize(
    ("bound", "written"),
    [(1, "1.0"), (0.25, "0.25"), (1e-05, "1e-05"), (100000, "100000.0"), (1e6, "1e+06"), (1234567.5, "1.2345675e+06"),
     (1e15, "1e+15"), (1e16, "1e+16"), (-2e6, "-2e+06"), (0, "0.0")],
)  # fmt: skip
def test_bounds_are_canonical(bound: float, written: str) -> None:
    text = page(histogram("h", "H.", {(): HistogramValue((bound,), (0, 0), 0)}))

    assert f'h_bucket{{le="{written}"}} 0\n' in text


def test_a_lone_surrogate_becomes_its_escape() -> None:
    text = page(gauge("x", "Help \udcff.", {("a\udcffb",): 1}, ("path",)))

    assert 'x{path="a\\\\udcffb"} 1\n' in text


def test_families_of_one_name_share_one_header() -> None:
    first = [gauge("x", "X.", {("1",): 1}, ("a",)), GOOD]
    second = [gauge("x", "X.", {("2",): 2}, ("b",)), gauge("x", "X.", {("2",): 3}, ("a",))]

    rendered = render(("first", first), ("second", second))

    expected = '# HELP x X.\n# TYPE x gauge\nx{a="1"} 1\nx{b="2"} 2\nx{a="2"} 3\n' + GOOD_TEXT
    assert (expected.encode(), {}) == (rendered.body, rendered.errors)


class Exploding(dict[LabelValues, float]):
    def values(self) -> Any:  # noqa: ANN401 - never returns
        raise RuntimeError("dictionary changed size during iteration")


# Without the types that say what is allowed.
any_gauge: Any = gauge
any_histogram: Any = histogram
any_family: Any = Family
any_value: Any = HistogramValue
any_half: Any = 0.5

NONSENSE: dict[str, tuple[Any, str]] = {
    "a bad name": (any_gauge("a-b", "X.", 1), "metric name"),
    "an empty name": (any_gauge("", "X.", 1), "metric name"),
    "no name": (any_family(None, "gauge", "X.", (), {(): 1}), "metric name"),
    "a name with a newline": (any_gauge("x\n", "X.", 1), "metric name"),
    "a bad label": (any_gauge("x", "X.", {("1",): 1}, ("a b",)), "label names"),
    "a reserved label": (any_gauge("x", "X.", {("1",): 1}, ("__name__",)), "label names"),
    "label names as a text": (any_gauge("x", "X.", {("1",): 1}, "a"), "label names"),
    "label names as a list": (any_gauge("x", "X.", {("1",): 1}, ["a"]), "unhashable"),
    "a label twice": (any_gauge("x", "X.", {("1", "2"): 1}, ("a", "a")), "distinct labels"),
    "a histogram with le": (any_histogram("x", "X.", {("1",): GOOD_HISTOGRAM}, ("le",)), "`le`"),
    "a missing label value": (any_gauge("x", "X.", {("1",): 1}, ("a", "b")), "('a', 'b')"),
    "label values as a text": (any_gauge("x", "X.", {"12": 1}, ("a", "b")), "tuple of values"),
    "a label value that is no text": (any_gauge("x", "X.", {(1,): 1}, ("a",)), "text as label value"),
    "a label value that is None": (any_gauge("x", "X.", {(None,): 1}, ("a",)), "text as label value"),
    "a type that does not exist": (any_family("x", "gaugehistogram", "X.", (), {(): 1}), "one of the types"),
    "a help that is no text": (any_gauge("x", None, 1), "help"),
    "None as value": (any_gauge("x", "X.", None), "number as value, got None"),
    "a text as value": (any_gauge("x", "X.", "12"), "number as value, got '12'"),
    "a complex number": (any_gauge("x", "X.", 1j), "number as value"),
    "a number beyond floats": (any_gauge("x", "X.", 10**400), "64-bit float"),
    "a number beyond reason": (any_gauge("x", "X.", 10**5000), "64-bit float"),
    "a histogram as gauge": (any_gauge("x", "X.", {(): GOOD_HISTOGRAM}), "number as value"),
    "a number as histogram": (any_histogram("x", "X.", {(): 1.0}), "HistogramValue"),
    "too few counts": (any_histogram("x", "X.", {(): any_value((1.0,), (1,), 1)}), "2 natural numbers"),
    "a negative count": (any_histogram("x", "X.", {(): any_value((1.0,), (1, -1), 1)}), "2 natural numbers"),
    "a fractional count": (any_histogram("x", "X.", {(): any_value((1.0,), (1, 0.5), 1)}), "2 natural numbers"),
    "falling bounds": (any_histogram("x", "X.", {(): any_value((2.0, 1.0), (1, 1, 1), 1)}), "ascend"),
    "an infinite bound": (any_histogram("x", "X.", {(): any_value((math.inf,), (1, 1), 1)}), "finite"),
    "a number as summary": (any_family("x", "summary", "X.", (), {(): 1.0}), "SummaryValue"),
    "a summary with a fraction as count": (
        any_family("x", "summary", "X.", (), {(): SummaryValue(any_half, 1)}),
        "natural",
    ),
    "a summary with a quantile": (any_family("x", "summary", "X.", ("quantile",), {("0.5",): 1.0}), "`quantile`"),
    "a sum that is no number": (any_histogram("x", "X.", {(): any_value((1.0,), (1, 1), "1")}), "number"),
    "no family at all": ("up 1", "expected a Family, got 'up 1'"),
    "samples that cannot be read": (any_family("x", "gauge", "X.", (), Exploding({(): 1})), "changed size"),
    "no samples": (any_family("x", "gauge", "X.", (), None), "NoneType"),
}


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize(("family", "reason"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_costs_its_collector_alone(family: Family, reason: str, format_: Format) -> None:
    renderer = Renderer()
    healthy = renderer.render([("before", [GOOD]), ("after", [counter("jobs_total", "Jobs.", 1)])], format_)

    rendered = renderer.render(
        [
            ("before", [GOOD]),
            ("bad", [gauge("lost", "Lost.", 1), family, gauge("lost_too", "Lost.", 1)]),
            ("after", [counter("jobs_total", "Jobs.", 1)]),
        ],
        format_,
    )

    assert healthy.body == rendered.body
    assert list(rendered.errors) == ["bad"]
    assert reason in rendered.errors["bad"]
    assert "\n" not in rendered.errors["bad"]


def test_a_collector_whose_families_are_no_families_is_named() -> None:
    any_families: Any = None

    rendered = render(("none", any_families), ("good", [GOOD]))

    assert GOOD_TEXT.encode() == rendered.body
    assert "NoneType" in rendered.errors["none"]


def test_a_collector_that_mends_itself_is_back() -> None:
    renderer = Renderer()
    renderer.render([("one", [any_gauge("good_ratio", "A good one.", None)])], Format.TEXT)

    rendered = renderer.render([("one", [GOOD])], Format.TEXT)

    assert (GOOD_TEXT.encode(), {}) == (rendered.body, rendered.errors)


CONTRADICTIONS = {
    "another type": ([gauge("x", "X.", 1)], [counter("x", "X.", 1)]),
    "another help": ([gauge("x", "X.", 1)], [gauge("x", "Y.", {("1",): 1}, ("a",))]),
    "the same series": ([gauge("x", "X.", 1)], [gauge("x", "X.", 2)]),
    "the same series but for the order of its labels": (
        [gauge("x", "X.", {("1", "2"): 1}, ("a", "b"))],
        [gauge("x", "X.", {("2", "1"): 1}, ("b", "a"))],
    ),
    "the same series but for an empty label": ([gauge("x", "X.", 1)], [gauge("x", "X.", {("",): 1}, ("a",))]),
    "the same histogram with other bounds": (
        [histogram("x", "X.", {(): GOOD_HISTOGRAM})],
        [histogram("x", "X.", {(): HistogramValue((7.0,), (1, 1), 1)})],
    ),
    "a name that a histogram takes up": ([histogram("x", "X.", {(): GOOD_HISTOGRAM})], [gauge("x_count", "X.", 1)]),
    "a histogram over a name": ([gauge("x_sum", "X.", 1)], [histogram("x", "X.", {(): GOOD_HISTOGRAM})]),
    "a name that OpenMetrics gives a counter": ([counter("x_total", "X.", 1)], [gauge("x", "X.", 1)]),
}


@pytest.mark.parametrize(("first", "second"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_of_two_collectors_that_contradict_each_other_the_later_one_is_dropped(
    first: list[Family], second: list[Family]
) -> None:
    rendered = render(("first", first), ("second", [*second, gauge("other", "O.", 1)]), ("third", [GOOD]))

    assert render(("first", first), ("third", [GOOD])).body == rendered.body
    assert list(rendered.errors) == ["second"]
    assert "collector first" in rendered.errors["second"]


@pytest.mark.parametrize(("first", "second"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_collector_that_contradicts_itself_is_dropped(first: list[Family], second: list[Family]) -> None:
    rendered = render(("both", [*first, *second]), ("good", [GOOD]))

    assert GOOD_TEXT.encode() == rendered.body
    assert "collector both" in rendered.errors["both"]


class Label(str):
    """A text whose life can be watched."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize(("make", "value"), [(gauge, 1.0), (histogram, GOOD_HISTOGRAM)], ids=["scalars", "histograms"])
def test_series_that_are_gone_are_forgotten_and_others_kept(make: Callable[..., Family], value: Value) -> None:
    renderer = Renderer()
    stays, goes = Label("stays"), Label("goes")
    kept, forgotten = weakref.ref(stays), weakref.ref(goes)
    renderer.render([("one", [make("x", "X.", {(stays,): value, (goes,): value}, ("a",))])], Format.TEXT)
    del stays, goes

    rendered = renderer.render([("one", [make("x", "X.", {("stays",): value}, ("a",))])], Format.TEXT)
    gc.collect()

    assert kept() is not None
    assert forgotten() is None
    assert b"goes" not in rendered.body


def test_a_family_that_is_gone_is_forgotten() -> None:
    renderer = Renderer()
    label = Label("goes")
    forgotten = weakref.ref(label)
    renderer.render([("one", [gauge("x", "X.", {(label,): 1}, ("a",))])], Format.TEXT)
    del label

    renderer.render([("one", [GOOD])], Format.TEXT)
    gc.collect()

    assert forgotten() is None


def test_a_collector_that_fails_is_forgotten() -> None:
    renderer = Renderer()
    label = Label("goes")
    forgotten = weakref.ref(label)
    families = [gauge("x", "X.", {(label,): 1}, ("a",)), gauge("a-b", "A bad name.", 1)]
    renderer.render([("one", families[:1])], Format.TEXT)

    renderer.render([("one", families)], Format.TEXT)
    del label, families
    gc.collect()

    assert forgotten() is None


def test_a_collector_that_is_not_selected_is_remembered() -> None:
    renderer = Renderer()
    label = Label("stays")
    kept = weakref.ref(label)
    renderer.render([("one", [gauge("x", "X.", {(label,): 1}, ("a",))])], Format.TEXT)
    del label

    renderer.render([("other", [GOOD])], Format.TEXT)
    gc.collect()

    assert kept() is not None


def test_a_series_given_twice_is_seen_also_after_a_page_of_the_same_families() -> None:
    renderer = Renderer()
    once = gauge("x", "X.", {("1",): 1}, ("a",))
    again = gauge("x", "X.", {("1",): 2}, ("a",))
    clean = renderer.render([("one", [once]), ("good", [GOOD])], Format.TEXT)
    page = renderer.render([("one", [once, again]), ("good", [GOOD])], Format.TEXT)
    mended = renderer.render([("one", [again]), ("good", [GOOD])], Format.TEXT)

    assert clean.errors == {}
    assert "is duplicate" in page.errors["one"]
    assert page.body.decode() == GOOD_TEXT
    assert mended.errors == {}
    assert 'x{a="1"} 2\n' in mended.body.decode()


def test_a_series_of_two_collectors_is_refused_as_soon_as_both_have_it() -> None:
    renderer = Renderer()
    first, second = gauge("x", "X.", {("1",): 1}, ("a",)), gauge("x", "X.", {("2",): 2}, ("a",))
    clean = renderer.render([("one", [first]), ("two", [second])], Format.TEXT)
    page = renderer.render([("one", [first]), ("two", [first])], Format.TEXT)

    assert clean.errors == {}
    assert "is duplicate" in page.errors["two"]


def test_families_keep_the_order_of_their_own_page() -> None:
    renderer = Renderer()
    others = gauge("other", "O.", 1)
    renderer.render([("one", [GOOD, others])], Format.TEXT)
    page = renderer.render([("one", [others, GOOD])], Format.TEXT)

    assert page.body.decode().endswith(GOOD_TEXT)


def test_bounds_that_change_are_written_anew() -> None:
    renderer = Renderer()
    renderer.render([("one", [histogram("x", "X.", {(): GOOD_HISTOGRAM})])], Format.TEXT)

    changed = histogram("x", "X.", {(): HistogramValue((7.0,), (1, 1), 1.0)})
    rendered = renderer.render([("one", [changed])], Format.TEXT)

    assert rendered.body.splitlines()[2:4] == [b'x_bucket{le="7.0"} 1', b'x_bucket{le="+Inf"} 2']


def test_promtool_has_no_complaint() -> None:
    lint_clean = [family for family in MIXED if family.name not in ("oddly_named", "none_yet")]

    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page(*lint_clean), text=True, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def foreign(family: Family) -> Family:
    return msgspec.structs.replace(family, foreign=True)


def test_a_foreign_family_joins_an_own_one_under_the_own_help() -> None:
    xruns = foreign(counter("x_total", "Late engines.", {("engine",): 2.0}, ("source",)))

    rendered = render(("plugins", [xruns]), ("audio", [counter("x_total", "X.", {("hw:0",): 1.0}, ("device",))]))

    expected = '# HELP x_total X.\n# TYPE x_total counter\nx_total{device="hw:0"} 1.0\nx_total{source="engine"} 2.0\n'
    assert (expected, {}) == (rendered.body.decode(), rendered.errors)


@pytest.mark.parametrize(
    "family",
    [counter("x_ratio", "X.", 1), gauge("x_ratio", "X.", 2), histogram("x", "X.", {(): GOOD_HISTOGRAM})],
    ids=["another type", "the same series", "a name that an own one takes up"],
)
def test_a_foreign_family_that_contradicts_is_left_out_alone(family: Family) -> None:
    own = [gauge("x_ratio", "X.", 1), counter("x_count", "X.", 1)]
    without = render(("own", own), ("plugins", [foreign(GOOD)]))

    rendered = render(("plugins", [foreign(family), foreign(GOOD)]), ("own", own))

    assert (without.body, {}) == (rendered.body, rendered.errors)
    assert [family.name] == [*rendered.left_out["plugins"]]
    assert "own" in rendered.left_out["plugins"][family.name]


def test_own_families_of_a_collector_are_safe_from_its_foreign_ones() -> None:
    rendered = render(("plugins", [foreign(counter("good_ratio", "Forged.", 7)), GOOD]))

    assert (rendered.body.decode(), rendered.errors) == (GOOD_TEXT, {})


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.one_of(st.floats(), st.integers(-(2**63), 2**63))
counts = st.one_of(st.floats(min_value=0), st.integers(0, 2**63))
ascending = st.lists(st.floats(0, 1e300), unique=True, min_size=1, max_size=5).map(lambda bounds: tuple(sorted(bounds)))


@st.composite
def histograms(draw: st.DrawFn) -> HistogramValue:
    bounds = draw(ascending)
    tally = draw(st.lists(st.integers(0, 2**40), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    return HistogramValue(bounds, tuple(tally), draw(st.floats(0, 1e300)))


@st.composite
def families(draw: st.DrawFn) -> Family:
    kinds: dict[MetricType, tuple[str, st.SearchStrategy[Value]]] = {
        "gauge": ("a_gauge", numbers),
        "counter": ("a_total", counts),
        "unknown": ("raw", numbers),
        "histogram": ("a_histogram", histograms()),
        "summary": ("a_summary", st.builds(SummaryValue, st.integers(0, 2**40), st.floats(0, 1e300))),
    }
    type_ = draw(st.sampled_from(sorted(kinds)))
    name, values = kinds[type_]
    labels = draw(st.sampled_from([("a",), ("a", "b")]))
    samples = st.dictionaries(st.tuples(*[texts] * len(labels)), values, min_size=1, max_size=3)
    return Family(name, type_, draw(texts.map(str.strip)), labels, draw(samples))  # the parsers strip help


Samples = Mapping[tuple[str, frozenset[tuple[str, str | float]]], float]


def expected_samples(family: Family) -> Samples:
    found: dict[tuple[str, frozenset[tuple[str, str | float]]], float] = {}
    for values, value in family.samples.items():
        labels: list[tuple[str, str | float]] = [*zip(family.labels, values, strict=True)]
        if isinstance(value, SummaryValue):
            found["a_summary_count", frozenset(labels)] = value.count
            found["a_summary_sum", frozenset(labels)] = _known(value.sum)
            continue
        if not isinstance(value, HistogramValue):
            found[family.name, frozenset(labels)] = value
            continue
        for i, bound in enumerate((*value.bounds, math.inf)):
            found["a_histogram_bucket", frozenset([*labels, ("le", bound)])] = sum(value.counts[: i + 1])
        found["a_histogram_count", frozenset(labels)] = sum(value.counts)
        found["a_histogram_sum", frozenset(labels)] = _known(value.sum)
    return found


def _known(total: float | None) -> float:
    assert total is not None
    return total


def parsed_samples(parsed: Metric) -> Samples:
    return {
        (s.name, frozenset((k, float(v) if k == "le" else v) for k, v in s.labels.items())): s.value
        for s in parsed.samples
    }


def same(expected: Samples, parsed: Samples) -> bool:
    return expected.keys() == parsed.keys() and all(
        float(expected[key]) == float(parsed[key]) or (math.isnan(expected[key]) and math.isnan(parsed[key]))
        for key in expected
    )


@given(families())
def test_text_comes_back_from_a_parser(family: Family) -> None:
    (parsed,) = parse_text(page(family))

    assert family.help == parsed.documentation
    assert family.type == parsed.type
    assert same(expected_samples(family), parsed_samples(parsed))


@given(families())
def test_openmetrics_comes_back_from_a_parser(family: Family) -> None:
    (parsed,) = parse_openmetrics(page(family, format_=Format.OPENMETRICS))

    assert family.help == parsed.documentation
    assert family.type == parsed.type
    assert same(expected_samples(family), parsed_samples(parsed))


@given(st.text(st.characters(categories=["Cs", "L", "Po"])))
def test_any_text_makes_valid_utf_8(text: str) -> None:
    page(gauge("x", text, {(text,): 1}, ("a",)))
