"""A whole studio that plays: a JACK server, a device with a tone, a plugin, logs to Loki, and an agent."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.agent import CHECKOUT, AgentProcess, agent
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.loki import loki
from tests.support.plugins import Engine, closing

_RENDER_BOUNDS = (0.001, 0.0025, 0.004, 0.01)


@dataclass(frozen=True, slots=True)
class Studio:
    """The parts of it.

    Attributes:
        usb: The client that acts as the device `usb`, whose channels 1 and 2 the agent measures.
        log_file: The log of the source `engine`.
    """

    agent: AgentProcess
    jackd: Jackd
    usb: JackClient
    log_file: Path


@contextlib.contextmanager
def playing_studio(
    folder: Path, more_config: str = "", program: Sequence[str] = CHECKOUT, server: str = ""
) -> Iterator[Studio]:
    """Yield a studio that plays a tone of half of full scale on channel 1, and silence on channel 2.

    Args:
        folder: The folder of the configuration, the state, the log and the plugins.
        more_config: More of the configuration.
        program: The agent's command.
        server: The name of the JACK server; one of the tests' own without it.
    """
    plugins, log_file = folder / "plugins", folder / "engine.log"
    plugins.mkdir()
    log_file.write_text('{"level": "info", "msg": "song loaded"}\n')
    with contextlib.ExitStack() as running:
        jackd = Jackd()
        jackd.name = server or jackd.name
        running.callback(jackd.close)
        jackd.start()
        usb = JackClient(jackd.name, "usb")
        running.callback(usb.close)
        for command in ("own capture_1", "own capture_2", "tone 0.5"):
            usb.tell(command)
        engine = Engine(plugins, "", name="reverb.1")
        running.enter_context(closing(engine))
        running.enter_context(_rendering(engine))
        config = _config(jackd, plugins, log_file, running.enter_context(loki()).url) + more_config
        yield Studio(running.enter_context(agent(folder, config, program=program)), jackd, usb, log_file)


def _config(jackd: Jackd, plugins: Path, log_file: Path, loki_url: str) -> str:
    return f"""
audio.jack_server = "{jackd.name}"
audio.device = "usb"
audio.observers = "auto"
plugins.directories = ["{plugins}"]
plugins.interval = "1s"
loki.url = "{loki_url}"
[[logs.sources]]
name = "engine"
paths = ["{log_file}"]
"""


@contextlib.contextmanager
def _rendering(engine: Engine) -> Iterator[None]:
    """Let a plugin render: nine of ten buffers take about 2 ms, one 4 ms."""
    ended = threading.Event()
    began = time.monotonic()

    def render() -> None:
        while not ended.wait(0.2):
            engine.page = _page(10 + int((time.monotonic() - began) * 187))

    engine.page = _page(10)
    thread = threading.Thread(target=render)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _page(buffers: int) -> str:
    slow = buffers // 10
    below = {0.001: 0, 0.0025: buffers - slow, 0.004: buffers, 0.01: buffers}
    buckets = [f'audio_engine_render_time_seconds_bucket{{le="{bound:g}"}} {below[bound]}' for bound in _RENDER_BOUNDS]
    return "\n".join(
        (
            "# TYPE audio_engine_render_time_seconds histogram",
            *buckets,
            f'audio_engine_render_time_seconds_bucket{{le="+Inf"}} {buffers}',
            f"audio_engine_render_time_seconds_sum {0.002 * buffers + 0.002 * slow:g}",
            f"audio_engine_render_time_seconds_count {buffers}",
            "# TYPE audio_engine_buffer_duration_seconds gauge",
            "audio_engine_buffer_duration_seconds 0.005333",
            "# TYPE audio_engine_xruns_total counter",
            'audio_engine_xruns_total{source="engine"} 2',
            "",
        )
    )
