"""The access of callers, over real connections."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import bcrypt
import pytest

from agent.config.loader import parse
from agent.core.collectors import Collectors
from agent.core.status import Status
from agent.web.security import guard
from agent.web.security.guard import network
from agent.web.server import WebServer
from collectors.address import Address
from tests.support.certificates import Authority, Certificate

USERS = f"basic_auth_users: {{alice: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}\n"


def login(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


ALICE = login("alice:secret")
WRONG = login("alice:guess")


class Guarded:
    """A server that is guarded by the file that it is given."""

    def __init__(self, web_file: Path, text: str) -> None:
        web_file.write_text(text)
        config = parse(f'audio.enabled = false\nplugins.enabled = false\nweb.config_file = "{web_file}"', "test")
        self.sources = Collectors(config)
        self.web = WebServer(self.sources.pages(self._status), self.sources.security)

    async def _status(self) -> Status:
        raise NotImplementedError

    async def get(
        self, auth: str | None = None, context: ssl.SSLContext | None = None
    ) -> tuple[int, dict[str, str], str]:
        headers = {"Authorization": auth} if auth else {}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.web.url}/-/healthy", ssl=context or True, headers=headers) as answer,
        ):
            return answer.status, dict(answer.headers), await answer.text()

    async def status(self, auth: str | None = None, context: ssl.SSLContext | None = None) -> int:
        return (await self.get(auth, context))[0]


@pytest.fixture
async def guarding(web_file: Path) -> AsyncIterator[Callable[[str], "asyncio.Future[Guarded]"]]:
    started: list[Guarded] = []

    async def start(text: str) -> Guarded:
        guarded = Guarded(web_file, text)
        await guarded.sources.security.read()
        assert guarded.sources.security.problem is None
        await guarded.web.listen(Address("127.0.0.1", 0))
        started.append(guarded)
        return guarded

    yield lambda text: asyncio.ensure_future(start(text))
    for guarded in started:
        await guarded.web.stop()


Start = Callable[[str], "asyncio.Future[Guarded]"]


def trusting(authority: Authority, shown: Certificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.cert))
    if shown:
        context.load_cert_chain(shown.cert, shown.key)
    return context


async def test_only_the_right_password_gets_in(guarding: Start) -> None:
    guarded = await guarding(USERS)

    status, headers, body = await guarded.get()
    assert (status, body) == (401, "a user name and a password are required\n")
    assert headers["WWW-Authenticate"] == 'Basic realm="wr-agent", charset="UTF-8"'
    assert await guarded.status(ALICE) == 200
    assert await guarded.status(WRONG) == 401
    assert await guarded.status(login("mallory:secret")) == 401
    assert guarded.sources.security.failed_logins == 2


@pytest.mark.parametrize("header", ["Basic", "Basic !!", "Basic YWxpY2U=", "Basic /w==", "Bearer x", "basic  "])
async def test_a_broken_header_is_no_login(guarding: Start, header: str) -> None:
    guarded = await guarding(USERS)

    assert (await guarded.get(header))[0] == 401
    assert guarded.sources.security.failed_logins == 0


async def test_every_page_is_guarded(guarding: Start) -> None:
    guarded = await guarding(USERS)

    async with aiohttp.ClientSession() as session:
        for path in ("/", "/metrics", "/-/status", "/-/healthy", "/-/ready", "/nothing"):
            async with session.get(guarded.web.url + path) as answer:
                assert answer.status == 401, path


async def test_guessing_is_throttled_also_when_the_guess_is_right(guarding: Start) -> None:
    guarded = await guarding(USERS)
    assert await guarded.status(ALICE) == 200

    answers = await asyncio.gather(*(guarded.status(WRONG) for _ in range(guard.LOGIN_BURST + 5)))

    assert answers.count(401) == guard.LOGIN_BURST
    assert answers.count(429) == 5
    status, headers, _ = await guarded.get(ALICE)
    assert status == 429
    assert 1 <= int(headers["Retry-After"]) <= guard.LOGIN_INTERVAL
    assert guarded.sources.security.failed_logins == guard.LOGIN_BURST


async def test_right_passwords_are_never_throttled(guarding: Start) -> None:
    guarded = await guarding(USERS)

    assert set(await asyncio.gather(*(guarded.status(ALICE) for _ in range(guard.LOGIN_BURST)))) == {200}
    assert [await guarded.status(ALICE) for _ in range(3 * guard.LOGIN_BURST)] == [200] * 3 * guard.LOGIN_BURST


async def test_requests_are_limited_as_the_file_says(guarding: Start) -> None:
    guarded = await guarding("rate_limit: {interval: 1h, burst: 3}")

    assert [await guarded.status() for _ in range(4)] == [200, 200, 200, 429]


async def test_browsers_are_told_to_be_careful(guarding: Start) -> None:
    guarded = await guarding(
        "http_server_config: {headers: {X-Frame-Options: sameorigin, Strict-Transport-Security: max-age=60}}"
    )

    headers = (await guarded.get())[1]

    assert headers["X-Frame-Options"] == "sameorigin"
    assert headers["Strict-Transport-Security"] == "max-age=60"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Server"] == "wr-agent"


async def test_the_server_shows_its_certificate(guarding: Start, authority: Authority, server: Certificate) -> None:
    guarded = await guarding(f"tls_server_config: {{cert_file: {server.cert}, key_file: {server.key}}}")

    assert guarded.web.url.startswith("https://")
    assert await guarded.status(context=trusting(authority)) == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await guarded.status()


async def test_only_certificates_of_the_authority_get_in(
    guarding: Start, authority: Authority, server: Certificate, client: Certificate, tmp_path: Path
) -> None:
    guarded = await guarding(mutual(authority, server))
    other = Authority(tmp_path, "other").issue("stranger")

    assert await guarded.status(context=trusting(authority, client)) == 200
    for shown in (None, other):
        with pytest.raises((aiohttp.ClientError, OSError)):
            await guarded.status(context=trusting(authority, shown))


def mutual(authority: Authority, server: Certificate, more: str = "") -> str:
    return (
        f"tls_server_config: {{cert_file: {server.cert}, key_file: {server.key}, client_ca_file: {authority.cert}, "
        f"client_auth_type: RequireAndVerifyClientCert{more}}}"
    )


@pytest.mark.parametrize(
    ("allowed", "status"),
    [("prometheus.studio.example", 200), ("spiffe://studio/prometheus", 200), ("studio.example", 403)],
)
async def test_only_allowed_names_get_in(
    guarding: Start, authority: Authority, server: Certificate, client: Certificate, allowed: str, status: int
) -> None:
    guarded = await guarding(mutual(authority, server, f", client_allowed_sans: ['{allowed}']"))

    assert await guarded.status(context=trusting(authority, client)) == status


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_callers_are_counted_by_network(address: str, expected: str) -> None:
    assert network(address) == expected
