from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.audio.probe.jack_devices import Channels, count_channels, pattern, portaudio_name
from tests.support.jackd import Jackd

V19_6, V19_7 = 0x130600, 0x130700
SPECIAL = r"\^$.|?*+()[]{}"
NAMES = [
    "system",
    "Built-in Audio Digital Stereo (IEC958)",
    "Fireface UFX+ Pro",
    "C-Media [USB]",
    "100% *?",
    "Größe µ-Interface",
    "a|b",
    "Dev: colon",
    r"back\slash^$.{2}",
    *SPECIAL,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("most_bytes", [63, 4])
def test_the_pattern_finds_the_ports_of_a_client(name: str, most_bytes: int) -> None:
    found = re.compile(pattern(name, V19_6, most_bytes).decode() + ":.*")  # as PortAudio completes it

    assert found.search(f"{name}:capture_1")
    assert not found.search(f"my {name}:capture_1")
    assert not found.search(f"{name}x:capture_1")


@pytest.mark.parametrize("name", NAMES)
def test_a_portaudio_that_escapes_gets_the_name_as_it_is(name: str) -> None:
    assert pattern(name, V19_7, 63) == name.encode()


@pytest.mark.parametrize("name", [SPECIAL * 4, "(" * 63, "Interface (with a very long name) Pro"])
def test_a_pattern_is_no_longer_than_portaudios_buffer(name: str) -> None:
    assert len(pattern(name, V19_6, 63)) <= max(63, len(name.encode()) + 1)


def test_channels_are_counted_for_each_client() -> None:
    capture = ["UFX:capture_1", "Fireface UFX:capture_1", "Fireface UFX:capture_2"]
    playback = ["Dev: colon:playback_1", "UFX:playback_1"]

    assert count_channels(capture, playback) == {
        "UFX": Channels(1, 1),
        "Fireface UFX": Channels(2, 0),
        "Dev: colon": Channels(0, 1),
    }


def test_portaudio_cuts_a_name_at_its_first_colon() -> None:
    assert [portaudio_name(name) for name in ("Dev: colon", "system")] == ["Dev", "system"]


_FIND = """
import ctypes, pyaudio
from collectors.audio.probe.jack_devices import portaudio_client
audio = pyaudio.PyAudio()
apis = [audio.get_host_api_info_by_index(index) for index in range(audio.get_host_api_count())]
jack = next(api for api in apis if api["type"] == 12)
name = ctypes.CDLL("libjack.so.0").jack_get_client_name
name.restype = ctypes.c_char_p
client = portaudio_client(jack["index"], 256)
print(name(ctypes.c_void_p(client)).decode(), portaudio_client(jack["index"], 257))
audio.terminate()
"""


def test_portaudios_own_client_is_found_in_its_memory(jackd: Jackd) -> None:
    found = subprocess.run(
        [sys.executable, "-c", _FIND],
        env=jackd.environment,
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert found.stdout.splitlines()[-1] == "PortAudio None"
