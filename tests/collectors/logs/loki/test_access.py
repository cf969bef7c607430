import asyncio
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from collectors.logs.loki.access import AccessError, load
from collectors.logs.loki.client import LokiClient
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.logs.records import Stream
from tests.support.loki import loki
from tests.support.waiting import PATIENCE, soon


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for localhost that is its own authority, and its key."""
    folder: Path = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
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
