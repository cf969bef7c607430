import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from collectors.http_push import faults
from collectors.logs.loki.client import LokiClient, PushResult
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.logs.records import Stream
from collectors.metrics import HistogramValue
from collectors.units import Duration, Size
from tests.support.loki import Loki, loki
from tests.support.waiting import PATIENCE, soon

HOUR = 3600 * 10**9

DAY = 86400 * 10**9


def config(server: Loki, **more: object) -> LokiConfig:
    given = {"url": LokiUrl.parse(server.url), "longest_wait": Duration(0.2), "timeout": Duration(5.0)} | more
    return LokiConfig(**given)  # type: ignore[arg-type]  # the values are the struct's own types


def stream(lines: int, ago: int = 0, name: str = "test", text: str = "line") -> Stream:
    """Lines a microsecond apart, the last of them `ago` nanoseconds ago."""
    start = time.time_ns() - ago - lines * 1000
    texts: list[str | bytes] = [f"{text} {index:06}" for index in range(lines)]
    return Stream((("job", name),), [start + index * 1000 for index in range(lines)], texts, None)


def joined(*streams: Stream) -> Stream:
    return Stream(
        streams[0].labels,
        [time for it in streams for time in it.timestamps],
        [line for it in streams for line in it.lines],
        None,
    )


async def push(server: Loki, *streams: Stream, **more: object) -> list[PushResult]:
    async with LokiClient(config(server, **more)) as client:
        return await asyncio.wait_for(asyncio.gather(*map(client.push, streams)), PATIENCE)


def families(client: LokiClient) -> dict[str, object]:
    return {family.name: dict(family.samples) for family in client.families()}


def findings(client: LokiClient) -> list[str]:
    return [finding.code for check in client.checks() for finding in check.run()]


async def becomes(look: object, client: LokiClient) -> None:
    await soon(lambda: findings(client) == look, f"the findings are {look}")


async def test_all_entries_arrive_as_they_are_and_in_order(server: Loki) -> None:
    given = stream(2000)
    given.metadata = [{"trace": str(index)} for index in range(2000)]

    (result,) = await push(server, given)

    assert result == PushResult(2000, Counter())
    stored = server.entries()
    assert [it.line for it in stored] == given.lines
    assert [it.ns for it in stored] == given.timestamps
    assert [it.metadata for it in stored] == given.metadata
    assert {it.labels["job"] for it in stored} == {"test"}


async def test_a_request_is_small_and_has_one_stream(server: Loki) -> None:
    await push(server, stream(3000), stream(3000, name="other"), batch_size=Size(10_000))

    requests = server.requests()
    assert len(requests) >= 20
    assert {len(it["streams"]) for it in requests} == {1}
    assert max(it["entries"] for it in requests) <= 10_000 // len("line 000000")


async def test_requests_are_concurrent_within_bounds_and_never_of_one_stream() -> None:
    with loki(latency=0.02) as server:
        streams = [stream(300, name=name) for name in "aaabbbcccdddeee"]
        await push(server, *streams, batch_size=Size(2000), connections=3)

        assert server.concurrency()["overlaps"] == 0
        assert 2 <= server.concurrency()["most_at_once"] <= 3


async def test_a_partial_refusal_tells_the_refused_entries_and_stores_the_others(server: Loki) -> None:
    good = stream(10, text="good")
    old = stream(3, ago=8 * DAY, text="old")
    new = stream(2, ago=-DAY, text="new")
    huge = stream(1, text="x" * 262_144)

    (result,) = await push(server, joined(old, good, new, huge))

    assert (result.sent, result.dropped) == (11, Counter())
    assert [(it.entry, it.reason) for it in result.refused] == [
        *((number, "too_old") for number in range(3)),
        *((number, "too_new") for number in (13, 14)),
    ]
    assert server.lines()[:10] == good.lines
    assert server.lines()[10].startswith("xxx")
    assert server.lines()[10].endswith("…[truncated, 262151 bytes]")
    assert server.report()["stored"] == 11
    assert server.report()["exact_doubles"] == 0


async def test_entries_too_far_behind_are_told_from_others(server: Loki) -> None:
    now, late, old = stream(5, text="now"), stream(4, ago=2 * 3600 * 10**9, text="late"), stream(2, ago=8 * DAY)

    (result,) = await push(server, joined(now, late, old))

    assert (result.sent, result.dropped) == (5, Counter())
    assert [it.reason for it in result.refused] == ["too_far_behind"] * 4 + ["too_old"] * 2
    assert all(time.time_ns() - 2 * 3600 * 10**9 < it.limit for it in result.refused[:4])
    assert server.lines() == now.lines


async def test_labels_that_loki_refuses_wait_until_its_settings_allow_them(server: Loki) -> None:
    bad = stream(4)
    bad.labels = tuple((f"label{index:02}", "x") for index in range(16))

    async with LokiClient(config(server)) as client:
        pushing = asyncio.create_task(client.push(bad))
        assert await client.push(stream(3)) == PushResult(3, Counter())
        await becomes(["loki-refuses"], client)
        server.limits(labels=16)

        assert await asyncio.wait_for(pushing, PATIENCE) == PushResult(4, Counter())


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "<!doctype html><title>Sign in</title>"),
        (200, ""),
        (413, "<html><center>nginx</center></html>"),
        (413, ""),
        (400, "<html>400 Request Header Or Cookie Too Large</html>"),
        (422, "<html></html>"),
        (500, "empty ring"),
    ],
)
async def test_only_lokis_own_success_counts(server: Loki, status: int, text: str) -> None:
    server.fault("answer", status=status, text=text)
    async with LokiClient(config(server)) as client:
        pushing = asyncio.create_task(client.push(stream(30)))
        await becomes(["loki-unreachable" if status == 500 else "loki-refuses"], client)
        (finding,) = [it for check in client.checks() for it in check.run()]
        assert f"HTTP {status}" in finding.detail
        assert "aiohttp" in finding.detail
        server.well()

        assert await asyncio.wait_for(pushing, PATIENCE) == PushResult(30, Counter())
    assert server.report()["stored"] == 30


@pytest.mark.parametrize("status", [400, 422])
async def test_a_gateway_that_refuses_every_request_costs_no_line(server: Loki, status: int) -> None:
    server.fault("answer", status=status, text='{"error": "unprocessable"}')
    async with LokiClient(config(server)) as client:
        pushing = asyncio.create_task(client.push(stream(1)))
        await becomes(["loki-refuses"], client)
        await soon(lambda: len(server.requests()) >= 20)
        server.well()

        assert await asyncio.wait_for(pushing, PATIENCE) == PushResult(1, Counter())


async def test_metadata_that_loki_does_not_allow_goes_to_the_text(server: Loki) -> None:
    server.limits(allow_metadata=False)
    given = stream(3)
    given.lines = ['{"trace":"t1","a":1}', "plain t2", '{"a":1}']
    given.metadata = [{"trace": "t1"}, {"original_time": "2026-11-22T04:23:38Z"}, {"original_time": 'so "long" ago'}]

    (result,) = await push(server, given)

    assert result == PushResult(3, Counter())
    assert sorted(server.lines()) == sorted(
        [
            '{"trace":"t1","a":1}',
            'plain t2 original_time="2026-11-22T04:23:38Z"',
            '{"a":1,"original_time":"so \\"long\\" ago"}',
        ]
    )


async def test_lines_over_a_lower_limit_of_loki_are_shortened_to_it(server: Loki) -> None:
    server.limits(max_line=1000)

    (result,) = await push(server, joined(stream(2), stream(1, text="y" * 5000), stream(2, text="after")))

    assert result == PushResult(5, Counter())
    (long,) = [line for line in server.lines() if len(line) > 100]
    assert len(long.encode()) == 1000
    assert long.endswith("…[truncated, 5007 bytes]")


async def test_silence_is_a_finding_before_the_timeout(server: Loki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_SILENCE", 0.3)
    server.fault("slow", seconds=3.0, times=1)
    async with LokiClient(config(server, timeout=Duration(30.0))) as client:
        pushing = asyncio.create_task(client.push(stream(1)))
        await becomes(["loki-unreachable"], client)
        (finding,) = [it for check in client.checks() for it in check.run()]
        assert "no answer yet" in finding.detail

        assert await asyncio.wait_for(pushing, PATIENCE) == PushResult(1, Counter())
        assert findings(client) == []


async def test_a_message_over_lokis_limit_is_split(server: Loki) -> None:
    server.limits(burst=1e9, stream_burst=1e9)
    given = stream(60, text="y" * 100_000)

    (result,) = await push(server, given, batch_size=Size(50_000_000))

    assert result == PushResult(60, Counter())
    assert server.lines() == given.lines
    assert {it["status"] for it in server.requests()} == {500, 204}


async def test_a_rate_limit_is_waited_out(server: Loki) -> None:
    server.limits(rate=1, burst=60_000)
    given = stream(1000, text="z" * 200)

    async with LokiClient(config(server)) as client:
        pushing = asyncio.create_task(client.push(given))
        await soon(lambda: findings(client), "the limit is reached")
        server.limits(rate=200_000, burst=60_000)
        result = await asyncio.wait_for(pushing, PATIENCE)

        assert result == PushResult(1000, Counter())
        assert findings(client) == ["loki-rate-limited"]
        assert families(client)["wr_agent_loki_up"] == {(): 1.0}
    assert server.lines() == given.lines


@pytest.mark.parametrize("status", [500, 502, 503, 429, 401, 403, 404, 302, 260])
async def test_a_passing_fault_loses_and_repeats_nothing(server: Loki, status: int) -> None:
    server.fault("answer", status=status, text="not now", times=3)

    (result,) = await push(server, stream(20))

    assert result == PushResult(20, Counter())
    assert server.report() == {"stored": 20, "repeats": 0, "exact_doubles": 0, "time_doubles": 0}
    assert len(server.requests()) == 4


async def test_retry_after_is_honoured(server: Loki) -> None:
    server.fault("answer", status=429, headers={"Retry-After": "2"}, times=1)
    started = time.monotonic()

    await push(server, stream(1))

    assert time.monotonic() - started >= 2.0


@pytest.mark.parametrize(("kind", "repeats"), [("drop-before", 0), ("drop-after", 40)])
async def test_a_broken_connection_doubles_nothing(server: Loki, kind: str, repeats: int) -> None:
    server.fault(kind, times=2)

    (result,) = await push(server, stream(20))

    assert result == PushResult(20, Counter())
    assert server.report() == {"stored": 20, "repeats": repeats, "exact_doubles": 0, "time_doubles": 0}


async def test_a_slow_answer_is_given_up_and_sent_again(server: Loki) -> None:
    server.fault("slow", seconds=2.0, times=1)

    (result,) = await push(server, stream(20), timeout=Duration(0.5))

    assert result == PushResult(20, Counter())
    assert server.report()["stored"] == 20


async def test_an_outage_is_waited_out_and_said(server: Loki) -> None:
    server.down()
    async with LokiClient(config(server)) as client:
        pushing = asyncio.create_task(client.push(stream(500)))
        await becomes(["loki-unreachable"], client)
        assert families(client)["wr_agent_loki_up"] == {(): 0.0}
        server.up()

        assert await asyncio.wait_for(pushing, PATIENCE) == PushResult(500, Counter())
        assert findings(client) == []
        seen = families(client)
    assert seen["wr_agent_loki_up"] == {(): 1.0}
    failures = seen["wr_agent_loki_push_failures_total"]
    assert isinstance(failures, dict)
    assert failures[("connection",)] >= 1
    durations = seen["wr_agent_loki_push_duration_seconds"]
    assert isinstance(durations, dict)
    assert isinstance(durations[()], HistogramValue)
    assert sum(durations[()].counts) >= 2
    assert server.report()["stored"] == 500


async def test_a_push_that_is_cancelled_can_be_made_again(server: Loki) -> None:
    given = stream(300)
    server.fault("slow", seconds=0.3)
    async with LokiClient(config(server, batch_size=Size(2000))) as client:
        pushing = asyncio.create_task(client.push(given))
        await soon(server.requests, "a request")
        pushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pushing
        server.well()

        assert await asyncio.wait_for(client.push(given), PATIENCE) == PushResult(300, Counter())
    assert server.report()["stored"] == 300
    assert server.report()["exact_doubles"] == 0


def with_old_lines() -> Stream:
    """Five lines of two hours ago, five of three hours later."""
    return joined(stream(5, ago=2 * HOUR, text="old"), stream(5, text="new"))


@pytest.mark.parametrize(("maybe_sent", "refused"), [(True, []), (False, [0, 1, 2, 3, 4])])
async def test_old_entries_that_loki_stored_in_an_earlier_run_are_done(
    server: Loki, *, maybe_sent: bool, refused: list[int]
) -> None:
    given = with_old_lines()
    await push(server, given)
    async with LokiClient(config(server)) as client:
        result = await asyncio.wait_for(client.push(given, maybe_sent=maybe_sent, newest=0), PATIENCE)

    assert (result.sent, [refusal.entry for refusal in result.refused]) == (10 - len(refused), refused)
    assert server.report()["stored"] == 10


async def test_old_entries_are_refused_if_the_stream_was_newer_before_them(server: Loki) -> None:
    newer, older = stream(1, text="newer"), stream(5, ago=2 * HOUR, text="older")
    await push(server, newer)
    async with LokiClient(config(server)) as client:
        known = await asyncio.wait_for(client.push(older, maybe_sent=True, newest=newer.timestamps[0]), PATIENCE)
        mixed = joined(stream(1, text="newest"), older)
        same = await asyncio.wait_for(client.push(mixed, maybe_sent=True, newest=0), PATIENCE)

    assert [refusal.entry for refusal in known.refused] == [0, 1, 2, 3, 4]
    assert [refusal.entry for refusal in same.refused] == [1, 2, 3, 4, 5]


async def test_old_entries_whose_answer_was_lost_are_stored_once(server: Loki) -> None:
    given = with_old_lines()
    server.fault("drop-after")
    async with LokiClient(config(server)) as client:
        pushing = asyncio.create_task(client.push(given, newest=0))
        await soon(lambda: server.report()["stored"] == 10, "the entries are stored")
        server.well()
        result = await asyncio.wait_for(pushing, PATIENCE)

    assert result == PushResult(10, Counter())
    assert server.report()["stored"] == 10


async def test_an_old_entry_whose_request_was_lost_is_not_stored_by_another_file_of_the_log(server: Loki) -> None:
    await push(server, stream(1, text="of a file that is gone, by an agent that was killed"))
    server.fault("drop-before", times=1)
    async with LokiClient(config(server)) as client:
        result = await asyncio.wait_for(client.push(stream(3, ago=2 * HOUR, text="old"), newest=0), PATIENCE)

    assert [refusal.entry for refusal in result.refused] == [0, 1, 2]
    assert result.sent == 0


async def test_an_old_entry_that_was_shortened_is_not_taken_for_stored(server: Loki) -> None:
    given = with_old_lines()
    given.lines[0] = "x" * 400
    server.limits(max_line=300)
    async with LokiClient(config(server)) as client:
        result = await asyncio.wait_for(client.push(given, maybe_sent=True, newest=0), PATIENCE)

    assert result.sent == 9
    assert [refusal.entry for refusal in result.refused] == [0]


async def test_a_refusal_that_is_not_understood_waits_while_loki_is_not_itself(server: Loki) -> None:
    server.fault("answer", status=400, text="<html>sent to the wrong port</html>")
    async with LokiClient(config(server)) as client:
        pushing = asyncio.create_task(client.push(stream(4)))
        await becomes(["loki-refuses"], client)
        (finding,) = [it for check in client.checks() for it in check.run()]
        assert "sent to the wrong port" in finding.detail
        await soon(lambda: len(server.requests()) >= 40, "40 requests")
        server.well()

        assert await asyncio.wait_for(pushing, PATIENCE) == PushResult(4, Counter())
    assert server.report()["stored"] == 4


async def test_an_entry_that_loki_refuses_without_a_known_reason_is_found_and_dropped(server: Loki) -> None:
    given = stream(50)
    given.lines[17] = "poison"
    server.fault("poison", text="this entry is not to my taste")

    (result,) = await push(server, given)

    assert result == PushResult(49, Counter(refused=1))
    assert sorted(server.lines()) == sorted(str(it) for it in given.lines if it != "poison")


async def test_a_single_entry_over_the_message_limit_is_shortened(server: Loki) -> None:
    server.limits(message=90_000)

    (result,) = await push(server, joined(stream(3), stream(1, text="w" * 100_000), stream(3, text="after")))

    assert result == PushResult(7, Counter())
    assert max(map(len, server.lines())) > 40_000


async def test_it_shows_itself_and_reads_corrected_secrets_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with loki(token="correct") as server:  # noqa: S106 - made up for this test
        async with LokiClient(config(server, token_file=str(token), tenant="studio")) as client:
            pushing = asyncio.create_task(client.push(stream(5)))
            await becomes(["loki-refuses"], client)
            assert str(token) in next(it.detail for check in client.checks() for it in check.run())
            token.write_text("wrong\n")
            await soon(server.requests, "a request")
            token.write_text("correct\n")

            assert await asyncio.wait_for(pushing, PATIENCE) == PushResult(5, Counter())
            assert "wrong" not in repr(vars(client))
            assert "correct" not in repr(vars(client))
        assert server.requests()[-1]["headers"]["X-Scope-OrgID"] == "studio"
        assert {it["status"] for it in server.requests()} == {401, 204}


async def test_basic_authentication(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sesame\n")
    with loki(user="ann:sesame") as server:
        (result,) = await push(server, stream(5), username="ann", password_file=str(tmp_path / "password"))

    assert result.sent == 5


async def test_it_asks_loki_while_idle(server: Loki) -> None:
    async with LokiClient(config(server)) as client:
        assert "wr_agent_loki_up" not in families(client)
        asking = asyncio.create_task(client.probe_when_idle())
        await soon(lambda: "wr_agent_loki_up" in families(client), "an answer of Loki")
        asking.cancel()

        assert families(client)["wr_agent_loki_up"] == {(): 1.0}
        assert findings(client) == []
    assert server.lines() == []
