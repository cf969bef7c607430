"""The Loki stand-in answers as FACTS about Loki 3.7 say: what the other tests prove is worth as much as this."""

import gzip
import time
import zlib
from collections.abc import Sequence

import aiohttp
import cramjam
import msgspec
import pytest

from tests.support.loki import Loki
from tests.support.loki_server import PUSH

HOUR = 3600 * 10**9
Answer = tuple[int, str]
Labels = dict[str, str]


def json_body(*streams: tuple[Labels, Sequence[Sequence[object]]]) -> bytes:
    return msgspec.json.encode({"streams": [{"stream": labels, "values": values} for labels, values in streams]})


def now(ago: int = 0) -> str:
    return str(time.time_ns() - ago)


def field(number: int, value: bytes) -> bytes:
    """One length-delimited protobuf field, of less than 128 bytes."""
    return bytes((number << 3 | 2, len(value))) + value


def protobuf_body(labels: str, line: str) -> bytes:
    seconds = int(time.time())
    varint = bytes((seconds >> shift & 127) | 128 for shift in (0, 7, 14, 21)) + bytes((seconds >> 28,))
    pair = field(1, b"user") + field(2, b"7")
    entry = field(1, b"\x08" + varint + b"\x10\x07") + field(2, line.encode()) + field(3, pair)
    return field(1, field(1, labels.encode()) + field(2, entry))


async def post(server: Loki, body: bytes, kind: str = "application/json", encoding: str = "") -> Answer:
    headers = {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.url + PUSH, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def push(server: Loki, *streams: tuple[Labels, Sequence[Sequence[object]]]) -> Answer:
    return await post(server, json_body(*streams))


@pytest.mark.parametrize(
    ("compress", "encoding"),
    [(bytes, ""), (gzip.compress, "gzip"), (lambda it: zlib.compress(it, wbits=-15), "deflate")],
)
async def test_it_takes_json(server: Loki, compress: type[bytes], encoding: str) -> None:
    body = compress(json_body(({"a": "b"}, [[now(), "hello", {"user": "7"}]])))

    assert await post(server, body, encoding=encoding) == (204, "")
    (entry,) = server.entries()
    assert (entry.labels, entry.line, entry.metadata) == ({"a": "b"}, "hello", {"user": "7"})


@pytest.mark.parametrize("encoding", ["", "snappy"])
async def test_it_takes_protobuf_in_a_snappy_block(server: Loki, encoding: str) -> None:
    body = bytes(cramjam.snappy.compress_raw(protobuf_body('{a="b", c="d"}', "hello")))

    assert await post(server, body, "application/x-protobuf", encoding) == (204, "")
    (entry,) = server.entries()
    assert (entry.labels, entry.line, entry.metadata) == ({"a": "b", "c": "d"}, "hello", {"user": "7"})
    assert entry.ns % 10**9 == 7


@pytest.mark.parametrize(
    ("body", "kind", "encoding"),
    [
        (bytes(cramjam.snappy.compress_raw(json_body())), "application/json", "snappy"),
        (zlib.compress(json_body()), "application/json", "deflate"),
        (json_body(), "application/json", "zstd"),
        (b"{not json", "application/json", ""),
        (bytes(cramjam.snappy.compress(b"framed")), "application/x-protobuf", "snappy"),
    ],
)
async def test_it_refuses_other_forms(server: Loki, body: bytes, kind: str, encoding: str) -> None:
    assert (await post(server, body, kind, encoding))[0] == 400


@pytest.mark.parametrize(
    ("labels", "entry", "text"),
    [
        ({"a": "b"}, [now(8 * 24 * HOUR), "x"], "timestamp too old"),
        ({"a": "b"}, [now(-24 * HOUR), "x"], "timestamp too new"),
        ({"a": "b"}, [now(), "x" * 262_145], "ax entry size '262144' bytes exceeded"),
        ({"a": "b"}, [now(), "x", {f"k{index}": "v" for index in range(129)}], "structured metadata"),
        ({"a": "b"}, [now(), "x", {"k": "v" * 65_536}], "structured metadata"),
        ({f"l{index}": "v" for index in range(16)}, [now(), "x"], "16 label names; limit 15"),
        ({"a-b": "c"}, [now(), "x"], "parse error"),
        ({"a" * 1025: "c"}, [now(), "x"], "label name too long"),
        ({"a": "c" * 2049}, [now(), "x"], "label value too long"),
    ],
)
async def test_its_limits(server: Loki, labels: Labels, entry: list[object], text: str) -> None:
    status, said = await push(server, (labels, [entry]))

    assert status == 400
    assert text in said
    assert server.lines() == []


async def test_a_line_at_the_limit_passes(server: Loki) -> None:
    assert await push(server, ({"a": "b"}, [[now(), "x" * 262_144]])) == (204, "")


async def test_a_400_is_partial(server: Loki) -> None:
    status, said = await push(server, ({"a": "b"}, [[now(8 * 24 * HOUR), "old"], [now(), "good"]]))

    assert (status, said.partition(":")[0]) == (400, "1 errors like")
    assert server.lines() == ["good"]


async def test_only_the_last_streams_refusal_shows(server: Loki) -> None:
    behind, good = [[now(), "new"], [now(61 * 60 * 10**9), "behind"]], [[now(), "ok"]]

    assert await push(server, ({"a": "1"}, behind), ({"a": "2"}, good)) == (204, "")
    status, said = await push(server, ({"a": "3"}, good), ({"a": "4"}, behind))

    assert status == 400
    assert "entry too far behind" in said
    assert "total ignored: 1 out of 2 for stream" in said
    assert "behind" not in server.lines()
    assert server.refused()["too_far_behind"] == 2


async def test_its_rates(server: Loki) -> None:
    server.limits(burst=1000, rate=1)

    assert (await push(server, ({"a": "b"}, [[now(), "x" * 1001]])))[0] == 429
    assert (await push(server, ({"a": "b"}, [[now(), "x" * 900]])))[0] == 204
    assert (await push(server, ({"a": "b"}, [[now(), "y" * 900]])))[0] == 429

    server.limits(burst=1e9, rate=1e9, stream_burst=100)
    assert (await push(server, ({"a": "other"}, [[now(), "x" * 90], [now(), "y" * 90]])))[0] == 429
    assert len(server.lines()) == 1


async def test_a_stream_too_many_leaves_earlier_ones_stored(server: Loki) -> None:
    server.limits(streams=1)

    status, said = await push(server, ({"a": "1"}, [[now(), "x"]]), ({"a": "2"}, [[now(), "y"]]))

    assert (status, server.lines()) == (429, ["x"])
    assert "stream limit exceeded" in said


async def test_a_message_may_have_4_mib(server: Loki) -> None:
    body = json_body(({"a": "b"}, [[now(), "x" * 250_000] for _ in range(17)]))

    status, said = await post(server, gzip.compress(body), encoding="gzip")

    assert status == 500
    assert "received message larger than max" in said


async def test_without_streams_or_at_another_path(server: Loki) -> None:
    assert (await push(server))[0] == 422
    async with aiohttp.ClientSession() as session, session.post(server.url + "/push", data=b"{}") as answer:
        assert answer.status == 404


async def test_what_comes_twice_is_dropped_while_the_first_is_in_the_head_block(server: Loki) -> None:
    small = [[now(), f"line {index}"] for index in range(100)]
    await push(server, ({"a": "1"}, small))
    await push(server, ({"a": "1"}, small))
    assert server.report() == {"stored": 100, "repeats": 100, "exact_doubles": 0, "time_doubles": 0}

    await push(server, ({"a": "1"}, [[now(), "line 7"]]))
    assert server.report()["time_doubles"] == 1

    server.forget()
    large = [[now(), f"{index} {'x' * 50_000}"] for index in range(20)]
    await push(server, ({"a": "1"}, large))
    await push(server, ({"a": "1"}, large))
    assert server.report()["exact_doubles"] > 0


async def test_structured_metadata_may_be_disallowed(server: Loki) -> None:
    server.limits(allow_metadata=False)

    status, said = await push(server, ({"a": "b"}, [[now(), "with", {"user": "7"}], [now(), "without"]]))

    assert status == 400
    assert "structured metadata, but this feature is disallowed" in said
    assert server.lines() == ["without"]


async def test_the_hour_behind_is_that_of_each_stream(server: Loki) -> None:
    assert (await push(server, ({"a": "1"}, [[now(), "new"]])))[0] == 204
    assert (await push(server, ({"a": "1"}, [[now(59 * 60 * 10**9), "59 minutes"]])))[0] == 204
    assert (await push(server, ({"a": "1"}, [[now(61 * 60 * 10**9), "61 minutes"]])))[0] == 400
    assert (await push(server, ({"a": "2"}, [[now(61 * 60 * 10**9), "another stream"]])))[0] == 204
