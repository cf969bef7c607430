"""The plugins' parser against Prometheus's own: the Python client's two parsers, and the Go parser in `promtool`."""

from __future__ import annotations

import asyncio
import math
import subprocess
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from collectors.plugins.parsed_page import read_page, split
from collectors.plugins.plan import Plan
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.refusals import RefusedError

MAX = 1_000
LINT = 3  # promtool's exit code for a page that it can read and has advice about

Samples = set[tuple[str, frozenset[tuple[str, str]], str]]


class Ours(NamedTuple):
    """A page as the agent reads it.

    Attributes:
        samples: Its samples: name, labels and number.
        plan: What becomes of them.
        plugin: The plugin with the sums.
    """

    samples: Samples
    plan: Plan
    plugin: Plugin

    @property
    def types(self) -> dict[str, str]:
        """The exported families and their types."""
        heads = [gauge.head for gauge in self.plan.gauges] + [series.head for series in self.plugin.series.values()]
        return {head.name: head.type for head in heads}


def ours(page: str, *, openmetrics: bool = False) -> Ours | RefusedError:
    """Read a page as one poll does."""

    async def read() -> Ours:
        lines = split(page.encode(), MAX, openmetrics=openmetrics)
        parsed = await read_page(lines, MAX, openmetrics=openmetrics)
        plugin = Plugin("engine", Admission(MAX))
        plan, values = await plugin.read(lines, None, openmetrics=openmetrics)
        plan.template.values(lines)
        return Ours(samples_of(zip(parsed.samples, values, strict=True)), plan, plugin)

    try:
        return asyncio.run(read())
    except RefusedError as error:
        return error


def samples_of(pairs: Iterable[tuple[object, float]]) -> Samples:
    found: Samples = set()
    for sample, value in pairs:
        labels = dict(getattr(sample, "labels"))  # noqa: B009 - of either library
        found.add((sample.name, frozenset((k, v) for k, v in labels.items() if v), repr(float(value))))  # type: ignore[attr-defined]
    return found


def theirs(page: str, parse: Callable[[str], Iterable[Metric]]) -> list[Metric] | None:
    """Return the families that the Python client reads; None if it refuses the page."""
    try:
        return list(parse(page))
    except ValueError:
        return None
    except (AssertionError, IndexError, KeyError, TypeError):  # its parser's own faults on pages that it should refuse
        return None


def promtool_accepts(page: str) -> bool:
    done = subprocess.run(["promtool", "check", "metrics"], input=page.encode(), capture_output=True, check=False)
    assert done.returncode in (0, 1, LINT)
    return done.returncode != 1


def library_samples(families: Iterable[Metric]) -> Samples:
    """Return the samples with the names that the page has: the client appends `_total` to counters of text 0.0.4."""
    return samples_of((sample, sample.value) for family in families for sample in family.samples)


def without_total(samples: Samples) -> Samples:
    return {(name.removesuffix("_total"), labels, value) for name, labels, value in samples}


blanks = st.sampled_from([" ", " ", " ", "  ", "\t", " \t"])
maybe_blanks = st.sampled_from(["", "", "", " ", "\t"])
names = st.sampled_from(["a", "b_total", "c:d", "_e", "f_seconds"])
numbers = st.sampled_from(
    ["0", "1", "-2.5", "+3", ".5", "5.", "1e3", "1E-3", "NaN", "nan", "+Inf", "-Inf", "inf", "infinity", "007"]
)
bad_numbers = st.sampled_from(["1_000", "0x10", "0x1p3", "1e", "--1", "one", "1,5", "1f", "0b1", "in", ""])
label_values = st.sampled_from(["", "1", "x y", r"\"", r"\\", r"\n", "}", "{", ",", "=", "#", "\u20ac", "\t"])


@st.composite
def labels(draw: st.DrawFn) -> str:
    """Draw labels in braces, or none."""
    some = draw(st.lists(st.sampled_from(["x", "y", "le", "_z"]), max_size=3, unique=True))
    pairs = [
        f'{draw(maybe_blanks)}{name}{draw(maybe_blanks)}={draw(maybe_blanks)}"{draw(label_values)}"{draw(maybe_blanks)}'
        for name in some
    ]
    comma = draw(st.sampled_from(["", ","])) if pairs else ""
    return draw(st.sampled_from(["{" + ",".join(pairs) + comma + "}"] if pairs else ["", "{}", "{ }"]))


remarks = st.sampled_from(["", "#", "# ", "#\thello", "# TYPEX a b", "# EOF", "# UNIT a b", "## a"])
_SUFFIXES = {"histogram": ["_bucket", "_sum", "_count"], "summary": ["_sum", "_count", ""]}


@st.composite
def sample_lines(draw: st.DrawFn, name: str) -> str:
    """Draw a sample line."""
    braces = draw(labels())
    before = draw(maybe_blanks if braces else blanks)
    stamp = draw(st.sampled_from(["", "", "1700000000000", "-5"]))
    line = f"{name}{draw(maybe_blanks) if braces else ''}{braces}{before}{draw(numbers)}"
    return f"{draw(maybe_blanks)}{line}{draw(blanks) + stamp if stamp else ''}"


@st.composite
def comment_lines(draw: st.DrawFn, keyword: str, name: str, text: str) -> str:
    """Draw a comment about a family."""
    start = f"{draw(maybe_blanks)}#{draw(blanks)}{keyword}{draw(blanks)}{name}"
    return f"{start}{draw(blanks)}{text}"


@st.composite
def family_lines(draw: st.DrawFn, name: str) -> list[str]:
    """Draw the lines of one family: help, type, samples, and remarks between them."""
    help_ = draw(st.sampled_from(["", "One.", r"A \n b \\", "counter"]))
    type_ = draw(st.sampled_from(["", "counter", "gauge", "untyped", "histogram", "summary"]))
    lines = [draw(comment_lines("HELP", name, help_))] if help_ else []
    lines += [draw(comment_lines("TYPE", name, type_))] if type_ else []
    for suffix in draw(st.lists(st.sampled_from(_SUFFIXES.get(type_, [""])), max_size=3)):
        lines.append(draw(sample_lines(f"{name}{suffix}")))
        lines += draw(st.lists(remarks, max_size=1))
    return lines


bad_lines = st.one_of(
    st.builds("a {}".format, bad_numbers),
    st.sampled_from(
        ['a{x="1"', "a{x=1} 1", 'a{x="1" y="2"} 1', 'a{x="1",,} 1', 'a{x="1",x="2"} 1', "1a 1", "a.b 1", "a", "a} 1",
         "HTTP/1.1 200 OK", "<html>", "a 1 now", "a 1 # remark", "# TYPE a-b counter", "# HELP 1 one", 'a{x="\\"} 1',
         '{""} 1', '{"a","b"} 1', 'b{"a"} 1', "a{}{} 1", "{} 1", "a\x00 1", "\ufeffa 1"],
    ),
)  # fmt: skip


@st.composite
def pages(draw: st.DrawFn, *, bad: bool = False) -> str:
    """Draw a page of text 0.0.4, with a bad line if `bad`."""
    chosen = draw(st.lists(names, max_size=3, unique=True))
    lines = [line for name in chosen for line in draw(family_lines(name))]
    if bad:
        lines.insert(draw(st.integers(0, len(lines))), draw(bad_lines))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\n\n"]))
    return "".join(f"{line}{end}" for line in lines)


def check_meaning(page: str, read: Ours, read_by_client: list[Metric]) -> None:
    """Compare names, labels, numbers and types with the Python client's."""
    assert without_total(read.samples) == without_total(library_samples(read_by_client)), page
    refused = {name.partition("{")[0] for name in read.plan.refused}
    last = {family.name: family.type for family in read_by_client if family.samples}
    for name, type_ in read.types.items():
        stem = name.removesuffix("_total")
        if not {name, stem} & refused:
            assert type_ == last.get(name, last.get(stem)), page


@given(pages())
@settings(max_examples=300)
@example("# TYPE  b_total\tcounter\r\n\r\n  b_total 1\t\r\n")
@example("\t# TYPE b_total counter\nb_total 1")
async def test_a_page_that_prometheus_client_accepts_is_read_alike(page: str) -> None:
    families = theirs(page, text_families)
    read = await asyncio.to_thread(ours, page)

    if families is None:
        return
    assert isinstance(read, Ours), (page, read)
    check_meaning(page, read, families)


@given(pages())
@settings(max_examples=80)
async def test_a_page_that_promtool_accepts_is_read(page: str) -> None:
    if await asyncio.to_thread(promtool_accepts, page):
        read = await asyncio.to_thread(ours, page)
        assert isinstance(read, Ours), (page, read)


@given(pages(bad=True))
@settings(max_examples=80)
async def test_a_page_that_both_refuse_is_refused(page: str) -> None:
    read = await asyncio.to_thread(ours, page)

    if theirs(page, text_families) is None and not await asyncio.to_thread(promtool_accepts, page):
        assert isinstance(read, RefusedError), page


LEGAL = [
    "# TYPE a counter\na 1",
    "# TYPE  a  counter\na 1\n",
    "#\tTYPE\ta\tcounter\na 1\n",
    " # TYPE a counter\na 1\n",
    "#TYPE a counter\na 1\n",
    "# TYPE a counter \na 1 \n",
    "# TYPE a COUNTER\na 1\n",
    "# TYPE a counter\r\na 1\r\n",
    "\n# hello\n#\n# TYPE a counter\n\na 1\n \n",
    "# TYPE a counter\na\t1\t1700000000000\n",
    '# TYPE a counter\na { x = "1" , } 1\n',
    '# TYPE a counter\n{"a", x="1"} 1\n',
    '# TYPE "a" counter\na 1\n',
    "# TYPE a counter\na 1\na-1\n",
]


@pytest.mark.parametrize("page", LEGAL)
def test_a_counter_may_be_written_in_every_legal_way(page: str) -> None:
    assert theirs(page, text_families) is not None or promtool_accepts(page)

    read = ours(page)

    assert isinstance(read, Ours)
    assert read.types == {"a": "counter"}


@pytest.mark.parametrize(
    ("page", "types"),
    [
        ("# TYPE a counter\na_total 1\n", {"a_total": "unknown"}),
        ("# TYPE a info\na_info 1\n", {"a_info": "unknown"}),
        ("a 1\n# TYPE a counter\n", {"a": "unknown"}),
        ("# TYPE h_count counter\nh_count 1\n# TYPE g gauge\ng 1\n", {"h_count": "counter", "g": "gauge"}),
        ("# TYPE a\na 1\n# TYPE\n", {"a": "unknown"}),
        ('# TYPE h histogram\nh_bucket{le="-1"} 1\nh_bucket{le="+Inf"} 2\nh_count 2\n', {"h": "histogram"}),
        ('# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 3\nh_count 2\n', {"h": "histogram"}),
        ("# TYPE h histogram\nh_sum 3\nh_count 2\n", {"h": "histogram"}),
        ("# TYPE s summary\ns_count 1\n", {"s": "summary"}),
    ],
)  # fmt: skip
def test_a_sample_has_the_type_that_prometheus_gives_it(page: str, types: dict[str, str]) -> None:
    assert theirs(page, text_families) is not None or promtool_accepts(page)

    read = ours(page)

    assert isinstance(read, Ours)
    assert read.types == types
    assert read.plan.refused == {}


GOOD = '# TYPE good_total counter\ngood_total{x="1"} 3\n# TYPE fine gauge\nfine 2\n'


@pytest.mark.parametrize(
    "family",
    [
        '# TYPE "a.b" gauge\n{"a.b"} 1\n',
        '{"a b",x="1"} 1\n',
        'a{"x.y"="1"} 1\n',
        'a{x:y="1"} 1\n',
        'a{__name__="b"} 1\n',
        "# TYPE a foo\na 1\n",
        "# TYPE a foo\n",
        "a 1\n# TYPE a foo\n",
        '# TYPE h foo\nh_bucket{le="1"} 1\nh_sum 1\n',
        "# TYPE a counter\n# TYPE a gauge\na 1\n",
        "# TYPE h histogram\nh 3\n",
        '# TYPE h histogram\nh_bucket{le="x"} 3\n',
        '# TYPE h histogram\nh_bucket{le="NaN"} 3\n',
        "# TYPE h histogram\nh_bucket 3\n",
        "# TYPE h histogram\nh_sum 3\n",
        "# TYPE s summary\ns_sum 3\n",
        '# TYPE s summary\ns{quantile="0.5"} 1\n',
        "a 1\na 2\n",
        "node_load1 1\n",
    ],
)
def test_a_family_costs_no_other(family: str) -> None:
    """A family that only one of Prometheus's parsers can read, or that cannot be summed, is refused alone."""
    read, alone = ours(GOOD + family + "last_total 1\n"), ours(GOOD)

    assert isinstance(read, Ours)
    assert isinstance(alone, Ours)
    assert alone.types.items() <= read.types.items()
    assert "last_total" in read.types
    assert read.plan.refused


OPENMETRICS_PAGES = [
    "a 1\n# EOF",
    "a 1\n# EOF\n",
    "# EOF\n",
    '# TYPE a counter\n# HELP a One \\"two\\".\na_total 1 # {x="}"} 1 2.5\n# EOF\n',
    "# TYPE a counter\na_total 1 # {} 1\na_created 1.0\n# EOF\n",
    "# UNIT a_seconds seconds\n# TYPE a_seconds gauge\na_seconds 1 1e3\n# EOF\n",
    '# TYPE h histogram\nh_bucket{le="-1.0"} 1\nh_bucket{le="+Inf"} 2\n# EOF\n',
    '# TYPE i info\ni_info{v="1"} 1\n# TYPE s stateset\ns{s="a"} 1\ns{s="b"} 0\n# EOF\n',
    "# TYPE s summary\ns_count 3\n# EOF\n",
    '{"a"} 1\n# EOF\n',
]  # fmt: skip


@pytest.mark.parametrize("page", OPENMETRICS_PAGES)
def test_a_legal_page_of_openmetrics_is_read_alike(page: str) -> None:
    families = theirs(page, openmetrics_families)
    assert families is not None

    read = ours(page, openmetrics=True)

    assert isinstance(read, Ours)
    assert read.samples == library_samples(families)
    assert read.plan.refused == {}


@pytest.mark.parametrize(
    "page",
    [
        "", "a 1\n", "a 1\n# EOF\n\n", "a 1\n# EOF\nb 1\n", "a 1\n# EOF\nb 1\n# EOF\n", "a 1\n# EOF \n", "\n# EOF\n",
        "a 1\n\n# EOF\n", "a  1\n# EOF\n", " a 1\n# EOF\n", "a 1 \n# EOF\n", "a\t1\n# EOF\n", "a 1\t\n# EOF\n",
        "a 1\r\n# EOF\n", "#TYPE a gauge\n# EOF\n", "# TYPE\ta gauge\n# EOF\n", " # TYPE a gauge\n# EOF\n",
        "# hello\n# EOF\n", "#\n# EOF\n", "# TYPE a\na 1\n# EOF\n", 'a{x="1"}1\n# EOF\n', "a{,} 1\n# EOF\n",
        "a 1 x\n# EOF\n", "a 1_0\n# EOF\n", "a 0x10\n# EOF\n", "a 1 2 3\n# EOF\n", "a 1 NaN\n# EOF\n",
        "a_total 1 #{} 1\n# EOF\n", "a_total 1 # {}\n# EOF\n", "a 1 # comment\n# EOF\n", "a_total 1 # {} x\n# EOF\n",
        "a_total 1 # {} 1 2 3\n# EOF\n", "a_total 1 # {x=1} 1\n# EOF\n", "a.b 1\n# EOF\n", "1a 1\n# EOF\n",
    ],
)  # fmt: skip
def test_an_illegal_page_of_openmetrics_is_refused(page: str) -> None:
    assert theirs(page, openmetrics_families) is None

    assert isinstance(ours(page, openmetrics=True), RefusedError)


@pytest.mark.parametrize(
    "family",
    [
        "# TYPE a GAUGE\na 1\n",
        "# TYPE a untyped\na 1\n",
        "# UNIT a seconds\n# TYPE a gauge\na 1\n",
        '# TYPE g gaugehistogram\ng_bucket{le="+Inf"} 1\n',
        '# TYPE "a.b" gauge\n{"a.b"} 1\n',
    ],
)
def test_a_family_of_openmetrics_costs_no_other(family: str) -> None:
    read = ours(
        f"# TYPE good counter\ngood_total 1\n{family}# TYPE last counter\nlast_total 1\n# EOF\n", openmetrics=True
    )

    assert isinstance(read, Ours)
    assert read.types == {"good_total": "counter", "last_total": "counter"}
    assert len(read.plan.refused) == 1


def test_a_number_is_read_alike_when_the_page_is_recognised() -> None:
    """Numbers of a page that came before take another way than those of a new one."""
    page = "# TYPE a gauge\na {}\n"

    async def again(number: str, *, openmetrics: bool) -> float | RefusedError:
        plugin, end = Plugin("engine", Admission(MAX)), "# EOF\n" if openmetrics else ""
        read, values = None, [math.nan]
        for text in ("1", number):
            lines = split(page.format(text).encode() + end.encode(), MAX, openmetrics=openmetrics)
            try:
                plan, values = await plugin.read(lines, read, openmetrics=openmetrics)
            except RefusedError as error:
                return error
            read = plan
        return values[0]

    for openmetrics in (False, True):
        for number, expected in (("2.5", 2.5), ("1e3", 1e3), ("+Inf", math.inf), ("infinity", math.inf), ("7 1", 7)):
            assert asyncio.run(again(number, openmetrics=openmetrics)) == expected
        for number in ("1_0", "0x1", "one", "", "1 now", "N", "e", "1-1", "1 #"):
            assert isinstance(asyncio.run(again(number, openmetrics=openmetrics)), RefusedError), number
    assert asyncio.run(again("1\t", openmetrics=False)) == 1
    assert isinstance(asyncio.run(again("1\t", openmetrics=True)), RefusedError)
