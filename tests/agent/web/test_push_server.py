"""The port for pushes, on a real socket: the pages of apps, and callers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from agent.web.connections import Limits
from agent.web.push_server import PushServer
from collectors.address import Address
from collectors.findings import Finding
from collectors.plugins.collector import PluginsCollector
from collectors.plugins.push.config import PushConfig
from collectors.units import Size
from tests.support.certificates import Authority
from tests.support.plugins import TEXT, Watch, quickly, watching
from tests.support.waiting import PATIENCE

APP, SYNTH = "a" * 40, "5" * 40
PROCESS = "0123456789abcdef0123456789abcdef"
PAGE = "# TYPE songs_created_total counter\nsongs_created_total 3\n# TYPE ui_frame_rate gauge\nui_frame_rate 60\n"
CREATED = 'songs_created_total{plugin="stage-app"}'
FRAME_RATE = 'ui_frame_rate{plugin="stage-app",plugin_instance="1"}'


class Port:
    """A port for pushes with the collector behind it, and a client."""

    def __init__(self, server: PushServer, watch: Watch, session: aiohttp.ClientSession, scheme: str) -> None:
        self.server = server
        self.watch = watch
        self.session = session
        self._scheme = scheme

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.server.address}/metrics"

    async def push(self, page: str | bytes = PAGE, token: str = APP, **changed: str | None) -> tuple[int, str]:
        """Push a page; each header may be changed or left out."""
        async with self.session.post(self.url, data=page, headers=headers(token, **changed)) as answer:
            return answer.status, await answer.text()

    def findings(self) -> list[Finding]:
        return [finding for check in self.watch.collector.checks() for finding in check.run()]

    @property
    def address(self) -> tuple[str, int]:
        assert self.server.address
        return self.server.address.host, self.server.address.port


def headers(token: str = APP, **changed: str | None) -> dict[str, str]:
    given = {
        "authorization": f"Bearer {token}",
        "content_type": TEXT,
        "white_room_process": PROCESS,
        "white_room_page": "1",
        "white_room_known": "0",
    }
    return {name.replace("_", "-"): value for name, value in (given | changed).items() if value is not None}


@contextlib.asynccontextmanager
async def port(
    folder: Path, config: PushConfig, limits: Limits | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Port]:
    server = PushServer(config, limits or Limits())
    connector = aiohttp.TCPConnector(ssl=tls or False)
    async with (
        watching(quickly(folder, push=config), listener=server) as watch,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        await watch.eventually(lambda: server.address, "the server listens")
        yield Port(server, watch, session, "https" if tls else "http")


def settings(folder: Path, **more: object) -> PushConfig:
    files = {}
    for plugin, token in (("stage-app", APP), ("synth", SYNTH)):
        path = folder / f"{plugin}.token"
        path.write_text(token)
        path.chmod(0o600)
        files[plugin] = str(path)
    defaults = {"enabled": True, "listen": Address("127.0.0.1", 0), "token_files": files}
    return PushConfig(**(defaults | more))  # type: ignore[arg-type]  # each test gives the types of its keys


@pytest.fixture
async def open_port(tmp_path: Path) -> AsyncIterator[Port]:
    async with port(tmp_path, settings(tmp_path)) as opened:
        yield opened


async def test_a_pushed_page_is_exported_under_the_plugin_of_its_token(open_port: Port) -> None:
    assert await open_port.push() == (204, "")
    await open_port.watch.eventually(lambda: open_port.watch.shows(CREATED, 3), "it is exported")

    samples = open_port.watch.samples()
    assert samples[FRAME_RATE] == 60
    assert samples['wr_agent_plugin_up{plugin="stage-app",plugin_instance="1"}'] == 1
    assert not [name for name in samples if PROCESS in name]
    assert open_port.findings() == []


async def test_a_caller_cannot_push_for_another_plugin_than_that_of_its_token(open_port: Port) -> None:
    page = 'songs_created_total{plugin="stage-app",plugin_instance="9"} 3\n'
    await open_port.push(page, SYNTH, white_room_plugin="stage-app")
    name = 'songs_created_total{plugin="synth",plugin_instance="1",exported_plugin="stage-app",'
    await open_port.watch.eventually(
        lambda: open_port.watch.shows(f'{name}exported_plugin_instance="9"}}', 3), "it is exported"
    )

    assert not [name for name in open_port.watch.samples() if '{plugin="stage-app"' in name]


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", f"Basic {APP}", f"Bearer {APP[:-1]}", "Bearer é"])
async def test_a_caller_without_a_valid_token_is_refused_and_counted(open_port: Port, given: str | None) -> None:
    status, text = await open_port.push(authorization=given)

    assert status == 401
    assert "token_files" in text
    assert open_port.watch.rejected("unknown") == {"unauthorized": 1}
    assert open_port.watch.rejected("stage-app") == {}


@pytest.mark.parametrize(
    ("changed", "status", "expected"),
    [
        ({"white_room_process": None}, 400, "expected White-Room-Process: 32 random hexadecimal digits"),
        ({"white_room_process": "../../etc/passwd"}, 400, "32 random hexadecimal digits"),
        ({"white_room_page": None}, 400, "expected a whole number as White-Room-Page, got ''"),
        ({"white_room_page": "-1"}, 400, "expected a whole number as White-Room-Page, got '-1'"),
        ({"white_room_page": "0"}, 400, "above zero"),
        ({"white_room_page": "3", "white_room_known": "4"}, 400, "at least White-Room-Known"),
        ({"white_room_page": "3", "white_room_known": "2"}, 409, "push the page White-Room-Known again"),
        ({"content_type": "application/json"}, 415, "got 'application/json'"),
        ({"content_encoding": "gzip"}, 413, "no encoding"),
    ],
)
async def test_other_requests_are_refused_with_what_is_expected(
    open_port: Port, changed: dict[str, str | None], status: int, expected: str
) -> None:
    found, text = await open_port.push(PAGE, APP, **changed)

    assert (found, expected in text) == (status, True), text
    assert CREATED not in open_port.watch.samples()


async def test_refused_parts_of_a_page_are_named_to_the_caller(open_port: Port) -> None:
    status, text = await open_port.push(PAGE + "up 1\n")

    assert (status, text) == (200, "accepted without:\nup is reserved for the agent\n")
    assert open_port.watch.rejected("stage-app") == {"reserved_name": 1}


async def test_the_answer_to_many_refused_parts_is_short(open_port: Port) -> None:
    status, text = await open_port.push("".join(f"node_{number} 1\n" for number in range(100)))

    assert status == 200
    assert len(text.splitlines()) == 12
    assert text.endswith("\nand 90 more\n")


@pytest.mark.parametrize("page", ["nonsense {", b"\xff 1\n", "a 1 b\n"])
async def test_a_malformed_page_is_refused(open_port: Port, page: str | bytes) -> None:
    status, _ = await open_port.push(page)

    assert status == 400
    assert sum(open_port.watch.rejected("stage-app").values()) == 1
    assert [finding.code for finding in open_port.findings()] == ["plugin-push-refused"]


async def test_an_app_that_pushes_too_often_gets_the_time_to_retry(open_port: Port) -> None:
    statuses = [(await open_port.push(white_room_page=str(number)))[0] for number in range(1, 8)]
    async with open_port.session.post(open_port.url, data=PAGE, headers=headers(white_room_page="9")) as answer:
        assert answer.headers["Retry-After"] == "5"

    assert statuses == [204] * 4 + [429] * 3


async def test_an_ended_process_takes_its_gauges_and_leaves_its_counts(open_port: Port) -> None:
    await open_port.push()
    await open_port.watch.eventually(lambda: open_port.watch.shows(FRAME_RATE, 60), "it is exported")
    async with open_port.session.delete(open_port.url, headers=headers(SYNTH)) as answer:
        assert answer.status == 204
    assert open_port.watch.shows(FRAME_RATE, 60)

    async with open_port.session.delete(open_port.url, headers=headers()) as answer:
        assert answer.status == 204
    assert FRAME_RATE not in open_port.watch.samples()
    assert open_port.watch.shows(CREATED, 3)


async def test_an_expected_plugin_that_pushes_is_not_missing(tmp_path: Path) -> None:
    config = settings(tmp_path)
    server = PushServer(config)
    gone = 'wr_agent_plugin_gone{plugin="stage-app",service="",reason="expected"}'
    async with (
        watching(quickly(tmp_path, push=config, expected=["stage-app"]), listener=server) as watch,
        aiohttp.ClientSession() as session,
    ):
        await watch.eventually(lambda: server.address and watch.shows(gone, 1), "it is missing")
        opened = Port(server, watch, session, "http")
        await opened.push()
        assert watch.shows(gone, 0)
        async with session.delete(opened.url, headers=headers()):
            assert watch.shows(gone, 1)


async def test_a_new_token_takes_effect_while_the_agent_runs(open_port: Port, tmp_path: Path) -> None:
    new = "c" * 40
    (tmp_path / "stage-app.token").write_text(f"{APP}\n{new}\n")
    number = 0

    async def accepted() -> bool:
        nonlocal number
        number += 1
        return (await open_port.push(PAGE, new, white_room_process=f"{number:032x}"))[0] == 204

    async with asyncio.timeout(PATIENCE):
        while not await accepted():
            await asyncio.sleep(0.1)
    assert (await open_port.push())[0] == 204


async def test_a_page_over_the_limit_is_refused(tmp_path: Path) -> None:
    async with port(tmp_path, settings(tmp_path, max_size=Size(100))) as opened:
        assert (await opened.push("a 1\n" + 80 * "# \n"))[0] == 413
        assert (await opened.push("a 1\n" + 20 * "# \n"))[0] == 204


async def _said(address: tuple[str, int], data: bytes, patience: float = PATIENCE) -> bytes:
    """Return all that the server answers until it closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    async with asyncio.timeout(patience):
        said = bytearray()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                said += data
    writer.close()
    return bytes(said)


def _request(*lines: str, token: str = APP) -> bytes:
    given = [f"{name}: {value}" for name, value in headers(token).items()]
    return "\r\n".join(["POST /metrics HTTP/1.1", "Host: x", *given, *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("Transfer-Encoding: chunked",), b" 413 "),
        (("Content-Length: 99999999999",), b" 413 "),
        (("Content-Length: 5", "Content-Length: 6"), b" 413 "),
        (("Content-Length: -5",), b" 413 "),
        (("Content-Length: 5", "Connection: close"), b" 204 "),
    ],
)
async def test_only_a_body_of_one_announced_length_is_read(
    open_port: Port, lines: tuple[str, ...], status: bytes
) -> None:
    said = await _said(open_port.address, _request(*lines) + b"a 12\n")

    assert status in said.partition(b"\r\n")[0]


async def test_no_byte_of_a_large_body_is_kept_for_a_caller_without_a_token(open_port: Port) -> None:
    said = await _said(open_port.address, _request("Content-Length: 100000", token="b" * 40) + 90_000 * b"x")

    assert b" 401 " in said.partition(b"\r\n")[0]


async def test_a_body_that_drips_ends_at_the_timeout_and_delays_no_other(tmp_path: Path) -> None:
    async with port(tmp_path, settings(tmp_path), Limits(request=0.5)) as opened:
        drips = [asyncio.create_task(_said(opened.address, _request("Content-Length: 50") + b"a")) for _ in range(10)]
        assert (await opened.push())[0] == 204
        assert await asyncio.gather(*drips) == [b""] * 10

        name = 'wr_agent_plugin_push_connections_ended_total{reason="slow_request"}'
        assert opened.watch.samples()[name] == 10


async def test_pages_that_arrive_in_pieces_and_in_a_row_are_read(open_port: Port) -> None:
    reader, writer = await asyncio.open_connection(*open_port.address)
    requests = _request(f"Content-Length: {len(PAGE)}") + PAGE.encode()
    for byte in requests:
        writer.write(bytes([byte]))
        await writer.drain()
    assert b" 204 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(requests.replace(b"page: 1", b"page: 2").replace(b"total 3", b"total 8"))
    assert b" 204 " in await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert open_port.watch.shows(CREATED, 8)


async def test_a_taken_port_is_a_finding_until_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.push_server._RETRY", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        config = settings(tmp_path, listen=address)
        server = PushServer(config)
        async with watching(quickly(tmp_path, push=config), listener=server) as watch:

            def codes() -> list[str]:
                return [finding.code for check in watch.collector.checks() for finding in check.run()]

            await watch.eventually(lambda: codes() == ["plugins-push-closed"], "it is a finding")
            taken.close()
            await watch.eventually(lambda: codes() == [], "the server listens")


async def test_doctor_accepts_no_page_instead_of_the_agent(tmp_path: Path) -> None:
    config = settings(tmp_path)
    server = PushServer(config)
    collector = PluginsCollector(quickly(tmp_path, push=config), None, server)
    collector.prepare()
    running = asyncio.create_task(collector.run())
    try:
        watch = Watch(collector)
        await watch.eventually(lambda: "wr_agent_plugin_gone" in watch.page(), "it has looked for sockets")
        assert server.address is None
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_failure_of_the_server_costs_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = Counter[str]()

    def fail(*_: object) -> None:
        failures["serve"] += 1
        raise RuntimeError("a bug")

    monkeypatch.setattr("agent.web.push_server.PushPages", fail)
    config = settings(tmp_path)
    async with watching(quickly(tmp_path, push=config), listener=PushServer(config)) as watch:
        await watch.eventually(lambda: failures["serve"] > 1, "the server restarts")
        assert "wr_agent_plugin_rejected_total" not in watch.samples()
        assert "wr_agent_plugin_up" in watch.page()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def web_file(folder: Path, authority: Authority, name: str = "server", more: str = "") -> Path:
    issued = authority.issue(name)
    path = folder / "web.yml"
    path.write_text(f"tls_server_config:\n  cert_file: {issued.cert}\n  key_file: {issued.key}\n{more}")
    return path


async def test_pushes_over_tls_verify_the_agents_certificate(tmp_path: Path, authority: Authority) -> None:
    config = settings(tmp_path, config_file=str(web_file(tmp_path, authority)), listen=Address("0.0.0.0", 0))
    trusting = ssl.create_default_context(cafile=authority.cert)
    async with port(tmp_path, config, tls=trusting) as opened:
        assert opened.server.address
        opened.server.address = Address("127.0.0.1", opened.server.address.port)
        assert await opened.push() == (204, "")
        assert opened.findings() == []
        plain = await _said(opened.address, b"POST /metrics HTTP/1.1\r\n\r\n")
        assert not plain.startswith(b"HTTP")


async def test_a_page_of_several_tls_records_is_read_whole(tmp_path: Path, authority: Authority) -> None:
    config = settings(tmp_path, config_file=str(web_file(tmp_path, authority)))
    trusting = ssl.create_default_context(cafile=authority.cert)
    async with port(tmp_path, config, tls=trusting) as opened:
        for size in (1, 100, 5_000, 40_000):
            page = (PAGE + size * "#\n").encode()
            head = _request(f"Content-Length: {len(page)}", "Connection: close")
            reader, writer = await asyncio.open_connection(*opened.address, ssl=trusting)
            for part in (head[:50], head[50:], page[:10], page[10:]):  # one record each, often in one packet
                writer.write(part)
            assert b" 204 " in await reader.read()
            writer.close()


async def test_a_changed_file_without_tls_keeps_the_certificate(tmp_path: Path, authority: Authority) -> None:
    path = web_file(tmp_path, authority)
    config = settings(tmp_path, config_file=str(path), listen=Address("0.0.0.0", 0))
    trusting = ssl.create_default_context(cafile=authority.cert)
    async with port(tmp_path, config, tls=trusting) as opened:
        assert opened.server.address
        opened.server.address = Address("127.0.0.1", opened.server.address.port)
        path.write_text("http_server_config: {}\n")
        await opened.watch.eventually(
            lambda: [finding.code for finding in opened.findings()] == ["plugins-push-config-refused"], "it is refused"
        )
        assert await opened.push() == (204, "")


async def test_only_certificates_with_an_allowed_name_may_push(tmp_path: Path, authority: Authority) -> None:
    more = f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {authority.cert}\n"
    path = web_file(tmp_path, authority, more=more + "  client_allowed_sans: [phone-7]\n")
    for name, expected in (("phone-7", 204), ("phone-8", 403)):
        own = authority.issue(name, f"DNS:{name}")
        context = ssl.create_default_context(cafile=authority.cert)
        context.load_cert_chain(own.cert, own.key)
        async with port(tmp_path, settings(tmp_path, config_file=str(path)), tls=context) as opened:
            assert (await opened.push())[0] == expected


@pytest.mark.parametrize(
    ("text", "listen", "expected"),
    [
        ("{}", "0.0.0.0", "expected tls_server_config"),
        ("basic_auth_users: {a: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG}", "", "need a token"),
        ("rate_limit: {interval: 1s, burst: 1}", "127.0.0.1", "set plugins.push.interval"),
        ("tls_server_config: {cert_file: a}", "127.0.0.1", "key_file"),
        (None, "127.0.0.1", "cannot be read"),
    ],
)
def test_a_file_that_cannot_protect_pushes_is_refused(
    tmp_path: Path, text: str | None, listen: str, expected: str
) -> None:
    path = tmp_path / "web.yml"
    if text is not None:
        path.write_text(text)
    server = PushServer(settings(tmp_path, config_file=str(path), listen=Address(listen, 0)))

    with pytest.raises(ValueError, match=expected):
        server.prepare()
