"""The cost of apps that push their pages, on the agent: its processor time, its memory, and the duration of a push.

Run: python -m bench.pushes [APPS]…

Each app keeps a TLS connection and pushes a page of 100 series with new numbers every ten seconds.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from bench.plugins import page
from bench.processes import cpu_seconds, rss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.certificates import Authority
from tests.support.prometheus import free_port

APPS = (10, 50, 200)
INTERVAL = 10.0
ROUNDS = 3
TOKEN = secrets.token_hex(32)


def main(apps: list[int]) -> None:
    """Measure, print."""
    print(f"pages of 100 series every {INTERVAL:g} s over TLS; {machine()}\n")
    header = ("apps", "push p50", "push p99", "CPU of the agent", "memory an app")
    print(table(header, [asyncio.run(row(count)) for count in apps or APPS]))


async def row(apps: int) -> list[str]:
    """Return the figures for this number of apps."""
    with tempfile.TemporaryDirectory() as name, served(Path(name), apps) as (it, port, authority):
        tls = ssl.create_default_context(cafile=authority)
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        async with aiohttp.ClientSession(f"https://127.0.0.1:{port}", connector=connector) as session:
            idle = rss_mib(it.process.pid)
            phones = [secrets.token_hex(16) for _ in range(apps)]
            await asyncio.gather(*(push(session, phone, 1) for phone in phones))
            began, spent = time.monotonic(), cpu_seconds(it.process.pid)
            work = (push(session, phone, number) for number in range(2, ROUNDS + 2) for phone in phones)
            took = sorted(await asyncio.gather(*work))
            share = (cpu_seconds(it.process.pid) - spent) / (time.monotonic() - began)
            memory = (rss_mib(it.process.pid) - idle) * 1024 / apps
    quantiles = [f"{took[int(q * (len(took) - 1))] * 1000:.1f} ms" for q in (0.5, 0.99)]
    return [str(apps), *quantiles, f"{share:.1%}", f"{memory:.0f} KiB"]


async def push(session: aiohttp.ClientSession, phone: str, number: int) -> float:
    """Push a page at its time, and return the seconds that this took."""
    await asyncio.sleep((max(number - 2, 0) + share_of(phone)) * INTERVAL)
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "text/plain; version=0.0.4",
        "White-Room-Process": phone,
        "White-Room-Page": str(number),
        "White-Room-Known": str(number - 1 if number > 1 else 0),
    }
    body = page(number)
    began = time.monotonic()
    async with session.post("/metrics", data=body, headers=headers) as answer:
        if answer.status not in (200, 204):
            raise SystemExit(f"the agent answered {answer.status}: {await answer.text()}")
    return time.monotonic() - began


def share_of(phone: str) -> float:
    """Return the place of an app in the interval, from 0 to 1."""
    return int(phone[:8], 16) / 2**32


@contextmanager
def served(folder: Path, apps: int) -> Iterator[tuple[AgentProcess, int, Path]]:
    """Yield an agent that accepts pushes, the port, and the authority of its certificate."""
    authority, port = Authority(folder), free_port()
    issued = authority.issue("server")
    (folder / "web.yml").write_text(f"tls_server_config: {{cert_file: {issued.cert}, key_file: {issued.key}}}")
    (folder / "token").write_text(TOKEN)
    (folder / "agent").mkdir()
    config = (
        f'host.enabled = false\ncontainers.enabled = false\nplugins.directories = ["{folder / "none"}"]\n'
        f'[plugins.push]\nenabled = true\nlisten = "127.0.0.1:{port}"\nconfig_file = "{folder / "web.yml"}"\n'
        f'max_apps = {apps}\nmax_series = 50_000\ntoken_files = {{ app = "{folder / "token"}" }}'
    )
    with agent(folder / "agent", config) as it:
        it.url  # noqa: B018 - waits until the agent serves
        yield it, port, authority.cert


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
