from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from aiohttp import web

from collectors.containers import engine
from collectors.containers.engine import Description, EngineError, containers
from tests.collectors.containers.conftest import StartEngine
from tests.collectors.containers.support import DATABASE, WEB

# What Docker 24 answers, shortened to what matters and what must not.
LIST = [
    {
        "Id": WEB,
        "Names": ["/proxy/web", "/web"],
        "Image": "nginx:1.27",
        "ImageID": "sha256:1234",
        "Created": 1700000000,
        "Labels": {"com.example.team": "studio"},
        "State": "running",
        "Mounts": [],
    },
    {"Id": DATABASE, "Names": ["/database"], "Image": "postgres", "Labels": None},
]


async def _list(_: web.Request) -> web.Response:
    return web.json_response(LIST)


async def test_containers_are_known_by_their_identifiers(start_engine: StartEngine) -> None:
    path = await start_engine(_list)

    assert await containers(path) == {
        WEB: Description("web", "nginx:1.27", {"com.example.team": "studio"}),
        DATABASE: Description("database", "postgres", {}),
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.Response(status=500, text='{"message": "broken"}'), "expected status 200, got 500"),
        (web.Response(text="no JSON"), "expected Docker's list of containers"),
        (web.Response(text='{"Id": "x"}'), "expected Docker's list of containers"),
        (web.Response(text='[{"Id": 3}]'), "expected Docker's list of containers"),
        (web.Response(body=b'[{"Id": "\xff"}]'), "expected Docker's list of containers"),
        (web.Response(body=b"[" + b" " * (9 << 20) + b"]"), "at most 8388608 bytes"),
        (web.Response(status=302, headers={"Location": "http://elsewhere/"}), "got 302"),
    ],
)
async def test_an_answer_that_is_no_list_names_the_fault(
    start_engine: StartEngine, answer: web.Response, expected: str
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return answer

    path = await start_engine(handler)

    with pytest.raises(EngineError, match=expected):
        await containers(path)


async def test_an_engine_that_hangs_is_given_up(start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_TIMEOUT", 0.3)

    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    path = await start_engine(handler)

    with pytest.raises(EngineError, match=r"no answer within 0\.3 s"):
        await containers(path)


async def test_an_engine_that_drips_is_given_up(start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_TIMEOUT", 0.3)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    path = await start_engine(handler)

    with pytest.raises(EngineError, match=r"no answer within 0\.3 s"):
        await containers(path)


async def test_a_socket_without_a_listener_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))

    with pytest.raises(EngineError, match=r"left\.sock"):
        await containers(str(path))


async def test_what_speaks_no_http_is_an_error(tmp_path: Path) -> None:
    async def noise(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x01\x02 noise\r\n\r\n")
        await writer.drain()
        writer.close()

    path = tmp_path / "noise.sock"
    async with await asyncio.start_unix_server(noise, path):
        with pytest.raises(EngineError):
            await containers(str(path))


async def test_a_socket_that_may_not_be_opened_is_a_permission_error(closed_socket: str) -> None:
    with pytest.raises(PermissionError):
        await containers(closed_socket)
