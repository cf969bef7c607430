from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from collectors.audio.probe.portaudio import connect, is_on_jack, open_stream, own_frames
from collectors.audio.probe.protocol import ProbeRequest

ALSA, JACK = 0, 1
DEVICE = {
    "name": "system",
    "index": 3,
    "hostApi": JACK,
    "defaultSampleRate": 48_000.0,
    "maxInputChannels": 2,
    "maxOutputChannels": 2,
}


class Audio:
    """A PortAudio with ALSA and JACK, whose streams report one latency."""

    def __init__(self, latency: float = 0.0) -> None:
        self._latency = latency

    def get_host_api_count(self) -> int:
        return 2

    def get_host_api_info_by_index(self, index: int) -> dict[str, Any]:
        return {"index": index, "type": {ALSA: 8, JACK: 12}[index], "name": {ALSA: "ALSA", JACK: "JACK"}[index]}

    def open(self, **_options: object) -> SimpleNamespace:
        return SimpleNamespace(get_input_latency=lambda: self._latency, get_output_latency=lambda: 0.005)


@pytest.mark.parametrize(("told", "believed"), [(0.01, 0.01), (2**32 / 48_000, 0.0)])
def test_a_latency_that_cannot_be_is_not_known(told: float, believed: float) -> None:
    info, _ = open_stream(Audio(told), DEVICE, 2, lambda: None, 0)

    assert (info.input_latency, info.output_latency) == (believed, 0.005)


@pytest.mark.parametrize(("host_api", "frames"), [(ALSA, 4096), (JACK, 0)])
def test_a_buffer_is_ours_to_choose_except_on_jack(host_api: int, frames: int) -> None:
    request = ProbeRequest("", jack_only=False, direction="auto", channels=1, frames=4096, buffers=7, levels=8)

    assert own_frames(Audio(), DEVICE | {"hostApi": host_api}, request) == frames


@pytest.mark.parametrize(("host_api", "on_jack"), [(ALSA, False), (JACK, True)])
def test_the_host_api_shows_whether_a_device_is_on_jack(host_api: int, on_jack: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_on_jack(Audio(), DEVICE | {"hostApi": host_api}) is on_jack


def test_without_a_jack_server_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "wr-test-no-such-server")

    assert connect() is None
