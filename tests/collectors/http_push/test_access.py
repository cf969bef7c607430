import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from collectors.http_push.access import AccessError, load
from collectors.http_push.config import ProxyUrl
from collectors.logs.loki.client import LokiClient
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.logs.records import Stream
from tests.support.loki import loki
from tests.support.waiting import PATIENCE, soon


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for localhost that is its own authority, and its key."""
    return _certificate(tmp_path_factory.mktemp("tls"), "localhost")


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2"]
    subprocess.run([*command, *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


async def sent(config: LokiConfig) -> int:
    async with LokiClient(config) as client:
        stream = Stream((("a", "b"),), [time.time_ns()], ["x"], None)
        pushed = await asyncio.wait_for(client.push(stream), PATIENCE)
        return pushed.sent


async def test_tls_with_certificates_on_both_sides(certificate: tuple[str, str]) -> None:
    cert, key = certificate
    with loki(cert=cert, key=key, client_ca=cert) as server:
        assert await sent(LokiConfig(url=LokiUrl(server.url), ca_file=cert, cert_file=cert, key_file=key)) == 1


async def test_a_certificate_that_is_not_trusted_is_said_and_nothing_is_sent(certificate: tuple[str, str]) -> None:
    cert, key = certificate
    with loki(cert=cert, key=key) as server:
        async with LokiClient(LokiConfig(url=LokiUrl(server.url))) as client:
            pushing = asyncio.create_task(client.push(Stream((("a", "b"),), [time.time_ns()], ["x"], None)))
            found = await soon(lambda: [it for check in client.checks() for it in check.run()], "a finding")
            pushing.cancel()

        assert "certificate verify failed" in found[0].detail
        assert server.requests() == []


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("token_file", "loki.token_file: cannot read /nowhere/file: No such file"),
        ("password_file", "loki.password_file: cannot read /nowhere/file: No such file"),
        ("ca_file", "loki.ca_file: cannot use /nowhere/file: No such file"),
        ("cert_file", "loki.cert_file: cannot use /nowhere/file: No such file"),
    ],
)
def test_a_missing_file_is_named_with_its_key(key: str, says: str) -> None:
    config = msgspec.structs.replace(LokiConfig(username="ann"), **{key: "/nowhere/file"})

    with pytest.raises(AccessError) as caught:
        load(config)

    assert says in str(caught.value)


def test_a_secret_of_several_lines_is_refused_and_never_shown(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\ntwo\n")

    with pytest.raises(AccessError, match="expected one line") as caught:
        load(LokiConfig(token_file=str(token)))

    assert "two" not in str(caught.value)


def test_headers_are_not_in_the_repr(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("very-secret\n")

    access = load(LokiConfig(token_file=str(token)))

    assert access.headers == {"Authorization": "Bearer very-secret"}
    assert "very-secret" not in repr(access)


async def test_the_certificate_may_have_another_name_than_the_url(tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path, "loki.internal")
    with loki(cert=cert, key=key) as server:
        given = LokiConfig(url=LokiUrl(server.url), ca_file=cert, server_name="loki.internal")
        assert await sent(given) == 1

        async with LokiClient(msgspec.structs.replace(given, server_name="")) as client:
            pushing = asyncio.create_task(client.push(Stream((("a", "b"),), [time.time_ns()], ["x"], None)))
            found = await soon(lambda: [it for check in client.checks() for it in check.run()], "a finding")
            pushing.cancel()
        assert "loki-unreachable" in found[0].code


class Proxy:
    """An HTTP proxy that answers in Loki's place, or opens tunnels. It notes the first line of each request."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.headers = ""
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        self.headers = head.decode()
        self.seen.append(self.headers.partition("\r\n")[0])
        method, target, _ = self.seen[-1].split(" ", 2)
        if method != "CONNECT":
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            return
        host, _, port = target.partition(":")
        onward = await asyncio.open_connection(host, int(port))
        self.writers.append(onward[1])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pipe(reader, onward[1]), _pipe(onward[0], writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[Proxy, str]]:
    running = Proxy()
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    async with server:
        yield running, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in running.writers:
            writer.close()
        await asyncio.sleep(0.1)  # for the transports to end


async def test_a_proxy_of_the_settings_is_used(proxy: tuple[Proxy, str]) -> None:
    running, url = proxy

    assert await sent(LokiConfig(url=LokiUrl("http://loki.example:3100"), proxy=ProxyUrl.parse(url))) == 1
    assert running.seen == ["POST http://loki.example:3100/loki/api/v1/push HTTP/1.1"]


async def test_a_proxy_of_the_environment_is_used_with_its_credentials(
    proxy: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, url = proxy
    monkeypatch.setenv("http_proxy", url.replace("//", "//ann:sesame@"))

    assert await sent(LokiConfig(url=LokiUrl("http://loki.example:3100"))) == 1
    assert "Proxy-Authorization: Basic YW5uOnNlc2FtZQ==" in running.headers


async def test_https_goes_through_a_tunnel_of_the_proxy(
    proxy: tuple[Proxy, str], certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, url = proxy
    monkeypatch.setenv("HTTPS_PROXY", url)
    cert, key = certificate
    with loki(cert=cert, key=key) as server:
        assert await sent(LokiConfig(url=LokiUrl(server.url), ca_file=cert)) == 1
        assert running.seen == [f"CONNECT localhost:{server.port} HTTP/1.1"]


@pytest.mark.parametrize("excluded", ["localhost", "*", ".example,localhost:3100,localhost"])
async def test_hosts_of_no_proxy_are_reached_directly(excluded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", excluded)
    with loki() as server:
        assert await sent(LokiConfig(url=LokiUrl(server.url))) == 1


async def test_direct_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with loki() as server:
        assert await sent(LokiConfig(url=LokiUrl(server.url), proxy=ProxyUrl("direct"))) == 1


@pytest.mark.parametrize("url", ["http://ann:sesame@proxy:3128", "socks5://proxy", "proxy:3128", "none"])
def test_a_proxy_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="proxy"):
        ProxyUrl.parse(url)
