"""The cost of a page: the agent's renderer and prometheus_client's, on the same values in the same run.

Run: python -m bench.exposition

Both get finished families (three labels; gauges, counters, histograms of 12 buckets; new values each time), so neither
side's measuring is in the figures. A series is a sample line.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.aiohttp import make_aiohttp_handler
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from agent.exposition.formats import Format
from agent.exposition.negotiate import choose_encoding, choose_format
from agent.exposition.render import Group, Renderer
from agent.exposition.shared import Names, SharedExposition
from bench.table import machine, table
from collectors.metrics import Family, HistogramValue, LabelValues, counter, gauge, histogram

_SIZES = (1_000, 10_000, 50_000)
_SERIES_OVER_HTTP = 10_000
_RENDERINGS = 7
_SCRAPERS = 8
_ROUNDS = 12
_ROUND_SECONDS = 0.4  # longer than a page is kept, so that each round costs a rendering
_TICK = 0.001

_LABELS = ("device", "channel", "host_api")
_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_HISTOGRAM_LINES = len(_BOUNDS) + 3
_SERIES_A_FAMILY = 100

_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}

_RANDOM = random.Random(1)  # noqa: S311 - test data, the same in each run


def _values(position: int) -> LabelValues:
    return f"system:{position // 64}", f"capture_{position % 64 + 1}", "JACK Audio Connection Kit"


def _blocks(series: int) -> Iterator[tuple[int, list[LabelValues]]]:
    """Yield label values for as many series, a family at a time."""
    for block, start in enumerate(range(0, series, _SERIES_A_FAMILY)):
        yield block, [_values(i) for i in range(start, min(start + _SERIES_A_FAMILY, series))]


def _observed() -> HistogramValue:
    counts = tuple(_RANDOM.randrange(100_000) for _ in range(len(_BOUNDS) + 1))
    return HistogramValue(_BOUNDS, counts, _RANDOM.random() * 1e6)


def _families(lines: int) -> list[Family]:
    """Return so many sample lines with current values: four tenths gauges, three counters, three histograms."""
    gauges = [
        gauge(
            f"audio_gauge_{block}_ratio", "A number with many digits.", {v: _RANDOM.random() for v in values}, _LABELS
        )
        for block, values in _blocks(lines * 4 // 10)
    ]
    counters = [
        counter(f"audio_{block}_seconds_total", "A sum.", {v: _RANDOM.random() * 1e6 for v in values}, _LABELS)
        for block, values in _blocks(lines * 3 // 10)
    ]
    histograms = [
        histogram(f"audio_{block}_interval_seconds", "Intervals.", {v: _observed() for v in values}, _LABELS)
        for block, values in _blocks(lines * 3 // 10 // _HISTOGRAM_LINES)
    ]
    return [*gauges, *counters, *histograms]


def _theirs(family: Family) -> Metric:
    """Return the same family as prometheus_client has it."""
    if family.type == "histogram":
        metric: Metric = _their_histogram(family)
    else:
        kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
        metric = kind(family.name, family.help, labels=family.labels)
        for values, value in family.samples.items():
            assert isinstance(value, float)  # noqa: S101 - tells mypy
            metric.add_metric(values, value)
    return metric


def _their_histogram(family: Family) -> HistogramMetricFamily:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for values, value in family.samples.items():
        assert isinstance(value, HistogramValue)  # noqa: S101 - tells mypy
        bounds = [*map(str, value.bounds), "+Inf"]
        metric.add_metric(values, [*zip(bounds, itertools.accumulate(value.counts), strict=True)], sum_value=value.sum)
    return metric


class _Ready(Collector):
    """A source that returns prepared snapshots in turn."""

    def __init__(self, snapshots: Iterable[Sequence[Metric]]) -> None:
        self._snapshots = itertools.cycle(snapshots)

    def collect(self) -> Iterable[Metric]:
        return next(self._snapshots)


def _registry(snapshots: Iterable[Sequence[Metric]]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ready(snapshots))
    return registry


def _cpu_ms(render: Callable[[], bytes]) -> tuple[float, int]:
    """Return the CPU time of one rendering in milliseconds, and its bytes."""
    gc.collect()
    start = time.thread_time()
    body = render()
    return (time.thread_time() - start) * 1e3, len(body)


def _rendering_rows() -> Iterator[list[str]]:
    for size, format_ in itertools.product(_SIZES, (Format.TEXT, Format.OPENMETRICS)):
        snapshots = [_families(size) for _ in range(_RENDERINGS)]
        cold, *warm = _our_costs(snapshots, format_)
        theirs = _their_costs(snapshots, format_)
        ours_ms = statistics.median(ms for ms, _ in warm)
        theirs_ms = statistics.median(ms for ms, _ in theirs)
        yield [
            f"{size:,}",
            format_.name.lower(),
            f"{cold[0]:.1f}",
            f"{ours_ms:.1f}",
            f"{theirs_ms:.1f}",
            f"{theirs_ms / ours_ms:.0f}x",
            f"{cold[1]:,}",
            f"{theirs[0][1]:,}",
        ]


def _our_costs(snapshots: Iterable[list[Family]], format_: Format) -> list[tuple[float, int]]:
    renderer = Renderer()
    given = iter(snapshots)
    return [_cpu_ms(lambda: renderer.render([("bench", next(given))], format_).body) for _ in range(_RENDERINGS)]


def _their_costs(snapshots: list[list[Family]], format_: Format) -> list[tuple[float, int]]:
    registry = _registry([[_theirs(family) for family in families] for families in snapshots])
    generate = exposition.generate_latest if format_ is Format.TEXT else openmetrics.generate_latest
    return [_cpu_ms(lambda: generate(registry)) for _ in snapshots]


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _our_handler(shared: SharedExposition) -> _Handler:
    async def metrics(request: web.Request) -> web.Response:
        format_ = choose_format(request.headers.get("Accept"))
        encoding = choose_encoding(request.headers.get("Accept-Encoding"))
        body = await shared.page(format_, encoding, frozenset({"bench"}))
        return web.Response(body=body, headers={"Content-Type": format_, "Content-Encoding": encoding})

    return metrics


async def _ours_over_http(snapshots: list[list[Family]]) -> list[str]:
    ready = itertools.cycle(snapshots)

    async def snapshot(_names: Names) -> list[Group]:
        return [("bench", next(ready))]

    def refuse(_names: Iterable[str], errors: Mapping[str, str], _left_out: object) -> None:
        if errors:
            raise AssertionError(errors)

    shared = SharedExposition(snapshot, refuse)
    return await _http_row("ours", _our_handler(shared))


async def _theirs_over_http(snapshots: list[list[Family]]) -> list[str]:
    registry = _registry([[_theirs(family) for family in families] for families in snapshots])
    return await _http_row("prometheus_client", make_aiohttp_handler(registry))


async def _http_row(name: str, handler: _Handler) -> list[str]:
    async with _serving(handler) as url:
        ticker = asyncio.create_task(_worst_lag())
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.exposition", "--scrape", url, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
        ticker.cancel()
        (lags,) = await asyncio.gather(ticker)
    scrapes = statistics.quantiles(json.loads(out), n=100)
    return [name, f"{max(lags):.1f}", f"{scrapes[49]:.1f}", f"{scrapes[98]:.1f}"]


async def _worst_lag() -> list[float]:
    """Note the delay of each tick of the loop in milliseconds, until cancelled."""
    lags = []
    try:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(_TICK)
            lags.append((time.perf_counter() - start - _TICK) * 1e3)
    except asyncio.CancelledError:
        return lags


@asynccontextmanager
async def _serving(handler: _Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/metrics", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    await runner.cleanup()


async def _scrape(url: str) -> list[float]:
    """Scrape eight times at once, repeatedly, and return the milliseconds of each."""
    async with aiohttp.ClientSession(headers=_HEADERS, auto_decompress=False) as session:

        async def once() -> float:
            start = time.perf_counter()
            async with session.get(url, raise_for_status=True) as answer:
                await answer.read()
            return (time.perf_counter() - start) * 1e3

        took = []
        for _ in range(_ROUNDS):
            took += await asyncio.gather(*(once() for _ in range(_SCRAPERS)))
            await asyncio.sleep(_ROUND_SECONDS)
        return took


async def _http_rows() -> list[list[str]]:
    snapshots = [_families(_SERIES_OVER_HTTP) for _ in range(_ROUNDS)]
    return [await _ours_over_http(snapshots), await _theirs_over_http(snapshots)]


def main() -> None:
    """Print both tables, or, as the child, the times of the scrapes."""
    if sys.argv[1:2] == ["--scrape"]:
        print(json.dumps(asyncio.run(_scrape(sys.argv[2]))))
        return
    print(f"One rendering: CPU ms, median of {_RENDERINGS}; {machine()}\n")
    header = ["series", "format", "first", "later", "library", "ratio", "bytes", "library"]
    print(table(header, list(_rendering_rows())))
    print(f"\n{_SCRAPERS} scrapes of {_SERIES_OVER_HTTP:,} series at once, over HTTP, OpenMetrics, gzip: ms\n")
    print(table(["", "worst loop lag", "scrape p50", "scrape p99"], asyncio.run(_http_rows())))


if __name__ == "__main__":
    main()
