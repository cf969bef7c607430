"""The samples of the README against the real programs: a JACK server that plays, then is frozen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from agent import __version__
from agent.terminal.dropouts import Selection, list_lines
from agent.terminal.style import Terminal
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.reading import Answer
from tests.support.agent import AgentProcess, agent
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

README = (Path(__file__).parents[1] / "README.md").read_text()
SAMPLES = re.findall(r"```\n\$ (.*)\n((?:.|\n)*?)```", README)
EXACT = {"audio_device_up", "audio_device_buffer_duration_seconds", "audio_engine_xruns_total", "wr_agent_collector_up"}
"""The metrics whose values are the same on every machine that plays."""


def sample(command: str) -> str:
    """Return the output that the README shows for the command that contains this text."""
    (found,) = [output for line, output in SAMPLES if command in line]
    return str(found)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Jackd, AgentProcess]]:
    """Return a JACK server with the README's settings, and an agent that measures it."""
    folder = tmp_path_factory.mktemp("studio")
    server = Jackd(rate=48_000, frames=256)
    server.start()
    try:
        with agent(folder, f'audio.jack_server = "{server.name}"\naudio.observers = "auto"\n') as running:
            silent = "audio_channel_silent_seconds{"
            eventually(lambda: silent in running.get("/metrics")[2], "the channels are measured")
            yield server, running
    finally:
        server.close()


def test_every_sample_has_its_test() -> None:
    assert [line for line, _ in SAMPLES] == [
        "curl -s http://127.0.0.1:9787/metrics",
        ".venv/bin/wr-agent doctor --only audio",
        ".venv/bin/wr-agent dropouts",
    ]


def test_the_metrics_are_those_of_a_playing_server(studio: tuple[Jackd, AgentProcess]) -> None:
    _, running = studio
    real = dict(line.rsplit(" ", 1) for line in running.get("/metrics")[2].splitlines() if not line.startswith("#"))
    shown = dict(line.rsplit(" ", 1) for line in sample("curl").splitlines())

    assert [name for name in shown if name not in real] == []
    assert [name for name in real if name in shown] == list(shown)
    assert {n: v for n, v in shown.items() if n.split("{")[0] in EXACT and real[n] != v} == {}


def test_doctor_says_this_of_a_frozen_server(studio: tuple[Jackd, AgentProcess]) -> None:
    server, running = studio
    server.freeze()
    try:
        frozen = "audio-server-frozen"
        eventually(lambda: frozen in running.command("doctor", "--only", "audio").stdout, "the server is found frozen")
        said = running.command("doctor", "--only", "audio").stdout
    finally:
        server.thaw()

    assert plain(said.replace(f"-n {server.name} ", "").replace(server.name, "default")) == plain(sample("doctor"))
    assert f"wr-agent {__version__} on " in sample("doctor")


def test_dropouts_are_listed_like_this() -> None:
    at, cause, length, device, number = re.split("  +", sample("dropouts").splitlines()[0])
    text = " ".join(line.strip() for line in sample("dropouts").splitlines() if line.startswith("    "))
    local = datetime.fromisoformat(at).astimezone()
    event = Event(
        id=number,
        at=local.astimezone(UTC).isoformat(),
        duration_ms=float(length.removesuffix(" ms")),
        device=device,
        cause=Cause(cause),
        text=text,
    )
    answer = Answer(events=[msgspec.Raw(msgspec.json.encode(event))], oldest=event.at)
    lines = list_lines(answer, Selection("", None), Terminal(colour=False, unicode=True))

    assert lines == sample("dropouts").splitlines()


def plain(text: str) -> str:
    """Return the text without what differs between machines: the system, process ids, counts, and line ends."""
    _, _, body = text.partition("\n\n")
    body = re.sub(r"(-p|-CONT|-KILL) \d+\b(?! -C)", r"\1 PID", body)
    body = re.sub(r"\d+ checks|\d+ passed|\d+ not applicable", "N", body)
    return " ".join(body.split())
