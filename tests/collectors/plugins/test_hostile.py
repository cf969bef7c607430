"""Hostile plugins, which affect only themselves: each has a well-behaved neighbour, which stays on time."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import os
import resource
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors.base import Collector
from collectors.findings import Finding
from collectors.plugins.refusals import Reason
from collectors.units import Duration
from tests.support.plugins import OPENMETRICS, TEXT, Engine, Listener, Talk, answer, quickly, read_request, watching
from tests.support.waiting import PATIENCE

StartEngine = Callable[..., Engine]
StartVillain = Callable[[Talk, str], Listener]

GOOD_PAGE = "# TYPE calls_total counter\ncalls_total 1\n"
TIMEOUT = 2.0
LATE = 1.5
"""Seconds of this thread's processor time between two polls of the neighbour, far more than a page needs."""
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: {TEXT}\r\n"
CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1 << 20


def saying(reply: bytes, *, hang_up: bool = False) -> Talk:
    """Return a talk that responds to each request with this."""

    def talk(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(reply)
            if hang_up:
                connection.close()
                return

    return talk


def page(text: str, content_type: str = TEXT) -> Talk:
    return saying(answer(text.encode(), content_type))


def silent(connection: socket.socket) -> None:
    read_request(connection)
    connection.recv(1)


def dripping(connection: socket.socket) -> None:
    read_request(connection)
    for byte in answer(GOOD_PAGE.encode()):
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def endless(beginning: str, part: bytes) -> Talk:
    """Begins an answer and never ends it."""

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(beginning.encode())
        while True:
            connection.sendall(part)

    return talk


def never_taken(connection: socket.socket) -> None:
    connection.close()


def histogram(*buckets: tuple[str, str], rest: str = "h_sum 1\n") -> Talk:
    lines = [f'h_bucket{{le="{le}"}} {count}\n' for le, count in buckets]
    return page("# TYPE h histogram\n" + "".join(lines) + rest)


VILLAINS: dict[str, tuple[Talk, Reason]] = {
    "accepts and sends nothing": (silent, Reason.TIMEOUT),
    "answers a byte at a time": (dripping, Reason.TIMEOUT),
    "never ends": (endless(HEAD + "\r\n", b"a 1\n" * 10_000), Reason.TOO_LARGE),
    "never ends its head": (endless(HEAD, b"X: y\r\n" * 1_000), Reason.NOT_HTTP),
    "never ends its chunks": (endless(CHUNKED, b"4\r\na 1\n\r\n" * 1_000), Reason.TOO_LARGE),
    "never ends its trailers": (endless(CHUNKED + "0\r\n", b"X: y\r\n"), Reason.NOT_HTTP),
    "never ends a chunk's length": (endless(CHUNKED, b"0" * 1_000), Reason.NOT_HTTP),
    "announces 1 GB": (saying(f"{HEAD}Content-Length: {1 << 30}\r\n\r\n".encode()), Reason.TOO_LARGE),
    "announces a negative length": (saying(f"{HEAD}Content-Length: -1\r\n\r\n".encode()), Reason.NOT_HTTP),
    "sends 1 GB": (endless(f"{HEAD}\r\n", bytes(MEGABYTE)), Reason.TOO_LARGE),
    "sends a gzip bomb": (
        saying(answer(gzip.compress(bytes(64 * MEGABYTE)), extra="Content-Encoding: gzip\r\n")), Reason.CONTENT_ENCODING
    ),
    "sends HTML": (page("<html>", "text/html"), Reason.CONTENT_TYPE),
    "sends no content type": (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Reason.CONTENT_TYPE),
    "is not found": (saying(answer(b"", status="404 Not Found")), Reason.HTTP_STATUS),
    "speaks no HTTP": (saying(b"\x00\xff SSH-2.0 \r\n\r\n"), Reason.NOT_HTTP),
    "hangs up at once": (never_taken, Reason.TRUNCATED),
    "hangs up in the head": (saying(HEAD.encode(), hang_up=True), Reason.TRUNCATED),
    "hangs up in the body": (saying(answer(GOOD_PAGE.encode())[:-5], hang_up=True), Reason.TRUNCATED),
    "hangs up in a line": (saying(f"{HEAD}\r\ncalls_total 12".encode(), hang_up=True), Reason.TRUNCATED),
    "forgets its EOF": (page(GOOD_PAGE, OPENMETRICS), Reason.TRUNCATED),
    "sends half a line": (page("a 1\nb{\n"), Reason.MALFORMED),
    "sends noise": (page("\x00\x01\n\x02 \x03\n"), Reason.MALFORMED),
    "sends invalid UTF-8": (saying(answer(b'a{x="\xff"} 1\n')), Reason.NOT_UTF8),
    "counts NaN": (page("# TYPE a_total counter\na_total NaN\n"), Reason.BAD_VALUE),
    "counts to infinity": (page("# TYPE a_total counter\na_total +Inf\n"), Reason.BAD_VALUE),
    "observes NaN": (histogram(("+Inf", "NaN")), Reason.BAD_HISTOGRAM),
    "has a histogram without a count": (histogram(rest="h_sum 1\n"), Reason.BAD_HISTOGRAM),
    "has a bucket of nothing": (histogram(("?", "1"), ("+Inf", "1")), Reason.BAD_HISTOGRAM),
    "has a bucket twice": (histogram(("1", "1"), ("1.0", "1"), ("+Inf", "1")), Reason.DUPLICATE_SERIES),
    "has a million series": (page("".join(f"a{i} 1\n" for i in range(10**6))), Reason.TOO_LARGE),
    "has ten thousand series": (page("".join(f"a{i} 1\n" for i in range(10**4))), Reason.TOO_MANY_SAMPLES),
    "has a label of 1 MB": (page(f'a{{x="{"y" * MEGABYTE}"}} 1\n'), Reason.TOO_LARGE),
    "has a label of 100 kB": (page(f'a{{x="{"y" * 100_000}"}} 1\n'), Reason.LABEL_LIMIT),
    "has a label of 10 kB": (page(f'a{{x="{"y" * 10_000}"}} 1\n'), Reason.LABEL_LIMIT),
    "has many labels": (page("a{" + ",".join(f'l{i}="x"' for i in range(100)) + "} 1\n"), Reason.LABEL_LIMIT),
    "has a label of Prometheus's": (page('a{__name__="up"} 1\n'), Reason.RESERVED_LABEL),
    "pretends to be up": (page("up 1\n"), Reason.RESERVED_NAME),
    "pretends to be the host": (page("node_load1 1\n"), Reason.RESERVED_NAME),
    "pretends to be the agent": (page("wr_agent_finding 1\n"), Reason.RESERVED_NAME),
    "pretends to be the audio device": (
        page('# TYPE audio_engine_xruns_total counter\naudio_engine_xruns_total{source="device",device="x"} 9\n'),
        Reason.RESERVED_LABEL,
    ),
    "contradicts its neighbour": (page("# TYPE calls_total gauge\ncalls_total 9\n"), Reason.TYPE_CONFLICT),
    "contradicts its neighbour by a suffix": (page("calls 9\n"), Reason.TYPE_CONFLICT),
    "contradicts itself": (page("# TYPE a gauge\n# TYPE a counter\na 1\n"), Reason.TYPE_CONFLICT),
    "sends a series twice": (page("a 1\na 2\n"), Reason.DUPLICATE_SERIES),
    "sends a series twice under a forged label": (
        page('# TYPE a_total counter\na_total{plugin="x"} 1\na_total{exported_plugin="x"} 2\n'), Reason.DUPLICATE_SERIES
    ),
    "has an unknown type": (page("# TYPE a gaugehistogram\na 1\n"), Reason.UNSUPPORTED_TYPE),
    "has quantiles": (page('# TYPE a summary\na{quantile="0.5"} 1\na_sum 1\na_count 1\n'), Reason.QUANTILE),
}  # fmt: skip


@pytest.mark.parametrize(("talk", "reason"), VILLAINS.values(), ids=VILLAINS)
async def test_a_villain_is_refused_and_its_neighbour_on_time(
    talk: Talk, reason: Reason, directory: Path, start_engine: StartEngine, start_villain: StartVillain
) -> None:
    good = start_engine(GOOD_PAGE)
    async with watching(quickly(directory, timeout=Duration(TIMEOUT))) as watch:
        await watch.polled(good, times=1)
        asked, polls = [time.thread_time()], [good.polls]
        start_villain(talk, "villain.666")

        def is_refused() -> bool:
            if good.polls > len(asked):
                asked.append(time.thread_time())
            if watch.rejected("villain").get(reason, 0) >= len(polls):
                polls.append(good.polls)
            # While a villain takes its time, the neighbour has several polls.
            wanted = 2 if reason is Reason.TIMEOUT else 0
            return any(later - earlier >= wanted for earlier, later in itertools.pairwise(polls))

        await watch.eventually(is_refused, f"it is refused: {reason}")
        await watch.polled(good, times=1)
        asked.append(time.thread_time())

        assert max(later - earlier for earlier, later in itertools.pairwise(asked)) < LATE
        assert watch.samples()['calls_total{plugin="engine"}'] == 1
        assert watch.rejected("engine") == {}
        assert list(watch.rejected("villain")) == [reason]
        found = " ".join(f"{finding.title} {finding.detail}" for finding in findings(watch.collector))
        assert ("villain" in found) == (reason is not Reason.RESERVED_NAME)


def findings(collector: Collector) -> list[Finding]:
    return [finding for check in collector.checks() for finding in check.run()]


async def test_what_is_good_of_a_page_is_kept(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine('good 1\nnode_load1 2\ngood{__x="1"} 3\ngood 4\n')

    async with watching(quickly(directory)) as watch:
        await watch.polled(engine)
        samples = watch.samples()

    assert [name for name in samples if name.startswith(("good", "node"))] == [
        'good{plugin="engine",plugin_instance="1"}'
    ]


async def test_one_that_never_accepts_is_unreachable(directory: Path, start_engine: StartEngine) -> None:
    good = start_engine(GOOD_PAGE)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(directory / "villain.666.sock"))
        deaf.listen(0)
        async with watching(quickly(directory, timeout=Duration(0.2))) as watch:
            await watch.eventually(lambda: "unreachable" in watch.rejected("villain"), "nothing more can be connected")
            await watch.polled(good)

            assert watch.samples()['wr_agent_plugin_up{plugin="villain",plugin_instance="1"}'] == 0


async def test_names_for_ever_new_end_at_the_limit(
    directory: Path, start_villain: StartVillain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.plugins.plugin.MOST_SERIES", 50)
    numbers = itertools.count()

    def churn(connection: socket.socket) -> None:
        while read_request(connection):
            lines = (f'a_total{{song="{next(numbers)}"}} 1\n' for _ in range(20))
            connection.sendall(answer(("# TYPE a_total counter\n" + "".join(lines)).encode()))

    start_villain(churn, "villain.666")
    async with watching(quickly(directory)) as watch:
        await watch.eventually(lambda: watch.rejected("villain").get("too_many_series", 0) >= 20, "it is refused")

        assert len([name for name in watch.samples() if name.startswith("a_total")]) == 50


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allows as many files as the machine does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_sockets_that_hang_leave_one_that_does_not_on_time(
    directory: Path, start_engine: StartEngine
) -> None:
    good = start_engine(GOOD_PAGE)
    with contextlib.ExitStack() as stack:
        for pid in range(1_000):
            hanging = stack.enter_context(socket.socket(socket.AF_UNIX))
            hanging.bind(str(directory / f"villain.{pid}.sock"))
            hanging.listen(1)
        async with watching(quickly(directory, interval=Duration(0.5), timeout=Duration(3))) as watch:
            began = time.monotonic()
            await watch.polled(good, times=4)

            assert time.monotonic() - began < PATIENCE
            await watch.eventually(lambda: watch.rejected("villain").get("timeout", 0) >= 1_000, "all have timed out")
            assert len([name for name in watch.samples() if name.startswith("wr_agent_plugin_up")]) == 1_001


async def test_other_services_sockets_are_never_touched(
    directory: Path, tmp_path: Path, start_engine: StartEngine
) -> None:
    touched: list[bytes] = []
    other = Listener(tmp_path / "other.sock", lambda connection: touched.append(read_request(connection)))
    (directory / "linked.1.sock").symlink_to(other.path)
    (directory / "linked.2.sock").hardlink_to(other.path)
    os.mkfifo(directory / "linked.3.sock")
    good = start_engine(GOOD_PAGE)

    async with watching(quickly(directory)) as watch:
        await watch.polled(good)

        assert watch.rejected("unknown")["untrusted_socket"] >= 3
    other.close()
    assert touched == []


def let_others_write(directory: Path, sticky: int) -> None:
    directory.chmod(0o777 | sticky)


async def test_a_directory_that_others_may_write_to_is_not_used(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine(GOOD_PAGE)
    let_others_write(directory, 0)

    async with watching(quickly(directory)) as watch:
        await watch.eventually(lambda: watch.rejected("unknown").get("untrusted_directory"), "it is refused")
        assert engine.connections == 0
        (finding,) = findings(watch.collector)
        assert finding.code == "plugin-socket-refused"
        assert finding.remedy[0].startswith(f"chmod go-w {directory}")

        let_others_write(directory, stat.S_ISVTX)
        await watch.polled(engine)
