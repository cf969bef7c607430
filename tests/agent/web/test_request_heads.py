"""The heads that a parser receives, whatever bytes arrive and however they are cut."""

import time

import pytest

from agent.web.request_heads import MAX_HELD, Head, RequestHeads

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def heads(data: bytes, size: int | None = None) -> list[Head]:
    splitter = RequestHeads()
    found = []
    for start in range(0, len(data), size or len(data)):
        splitter.feed(data[start : start + (size or len(data))])
        while head := splitter.next():
            found.append(head)
    return found


@pytest.mark.parametrize("size", [None, 1, 2, 3, 7])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GET, [Head(GET, last=False)]),
        (GET + GET, [Head(GET, last=False)] * 2),
        (b"\r\n\r\n" + GET, [Head(GET, last=False)]),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + GET, [
            Head(b"POST / HTTP/1.1\r\n\r\n", last=False), Head(GET, last=False)]),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{\n}", [Head(b"POST / HTTP/1.1\r\n\r\n", last=False)]),
        (b"GET / HTTP/1.1\r\ncontent-LENGTH:0\r\nHost: x\r\n\r\n", [
            Head(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", last=False)]),
        (b"GET / HTTP/1.1\r\nContent-Length: 5", []),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", []),
        (b"GET / HTTP/1.1\r\nX: transfer-encoding: chunked\r\n\r\n", [
            Head(b"GET / HTTP/1.1\r\nX: transfer-encoding: chunked\r\n\r\n", last=False)]),
    ],
)  # fmt: skip
def test_requests_lose_their_bodies(data: bytes, expected: list[Head], size: int | None) -> None:
    assert heads(data, size) == expected


@pytest.mark.parametrize(
    "lines",
    [
        b"Transfer-Encoding: chunked",
        b"transfer-encoding :\r\n chunked",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Content-Length: 1, 2",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: 70000",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked",
        b"Expect: 100-continue\r\nContent-Length: 3",
        b"Connection: upgrade\r\nUpgrade: websocket",
        b"Content-Encoding: gzip\r\nContent-Length: 3",
    ],
)
def test_a_request_with_any_other_body_is_the_last(lines: bytes) -> None:
    (head,) = heads(b"POST /metrics HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n")

    assert head.last
    assert head.data in (
        b"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\r\n",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02",
        b"hello\r\n",
        b"GET / HTTP/1.1\n\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"X" * 40,
        b"\x00" * 9,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_reach_the_parser_at_once(data: bytes) -> None:
    assert heads(data) == [Head(data, last=True)]


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE", b"M-SEARCH"])
def test_an_unusual_method_is_the_last_request(method: bytes) -> None:
    assert [head.last for head in heads(method + b" x HTTP/1.1\r\n\r\n")] == [True]


@pytest.mark.parametrize(
    "filler", [b"\r", b"\n", b"\r\n", b"\r\n ", b"content-length", b"content-length:", b" ", b"A: b\r\n", b"\x00"]
)
def test_hostile_heads_cost_linear_time(filler: bytes) -> None:
    data = (b"GET / HTTP/1.1\r\nA: b" + filler * MAX_HELD)[: MAX_HELD - 4] + b"\r\n\r\n"
    started = time.thread_time()
    heads(data)

    assert time.thread_time() - started < 1


def test_a_head_that_never_ends_is_too_large() -> None:
    splitter = RequestHeads()
    while not splitter.full:
        splitter.feed(b"GET " + b"x" * 16_384)
        assert splitter.next() is None

    assert MAX_HELD < len(splitter) < 2 * MAX_HELD


POST = b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\n"


def _heads_with_bodies(data: bytes, size: int, limit: int) -> list[Head]:
    splitter = RequestHeads(lambda head: limit if head.startswith(b"POST") else 0)
    found = []
    for start in range(0, len(data), size):
        splitter.feed(data[start : start + size])
        while head := splitter.next():
            found.append(head)
    return found


@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_a_wanted_body_arrives_whole_with_its_head(size: int) -> None:
    data = POST + b"hello" + GET + POST + b"again" + POST + b"ha"

    assert _heads_with_bodies(data, size, 5) == [
        Head(POST + b"hello", last=False),
        Head(GET, last=False),
        Head(POST + b"again", last=False),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 6",
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Encoding: gzip",
        b"Transfer-Encoding: chunked",
    ],
)
def test_an_unwanted_body_is_not_passed_on(lines: bytes) -> None:
    found = _heads_with_bodies(b"POST /metrics HTTP/1.1\r\n" + lines + b"\r\n\r\nhello", 10_000, 5)

    assert not any(b"hello" in head.data for head in found)


def test_the_held_bytes_of_a_wanted_body_are_bounded_by_its_length() -> None:
    length = 3 * MAX_HELD
    splitter = RequestHeads(lambda _: length)
    splitter.feed(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length)
    assert splitter.next() is None
    splitter.feed(b"x" * (length - 1))
    assert splitter.next() is None
    assert not splitter.full

    splitter.feed(b"x" * (MAX_HELD + 2))
    assert splitter.full
    head = splitter.next()
    assert head
    assert head.data.endswith(b"\r\n\r\n" + b"x" * length)
