from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from collectors.audio.device import Device
from collectors.audio.families import ALIVE_NS, device_families, probe_families
from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.backoff import Backoff, Step
from collectors.audio.probe.protocol import BUFFER_RECORD, StreamInfo, level_record
from collectors.audio.probe.runner import ProbeView
from collectors.metrics import Family, LabelValues, Value

NOW = 10**12
SERVER = PassiveView(state="running", rate=48000, block=256, load=0.25, devices=("system",), cycle_ns=NOW)
STREAM = StreamInfo("system", "CoreAudio", 48000.0, 1, 0.01, 0.02)


def device() -> Device:
    found = Device("system")
    found.see_server(SERVER, [])
    found.open_stream(STREAM).fold([], [level_record(1).pack(256, 0.01, 0.5, 256 * 0.25, 3, 12)])
    return found


def families(device: Device, now_ns: int = NOW) -> list[Family]:
    return [family for family in device_families([device.view()], [], now_ns) if family.samples]


def samples(found: Iterable[Family]) -> dict[str, dict[LabelValues, Value]]:
    return {family.name: dict(family.samples) for family in found if family.samples}


def test_a_live_device_has_its_settings_load_and_levels() -> None:
    found = samples(families(device()))

    assert found["audio_device_up"] == {("system",): 1.0}
    assert set(found["audio_device_info"]) == {("system", "JACK", "jack"), ("system", "CoreAudio", "portaudio")}
    assert found["audio_device_sample_rate_hertz"] == {("system",): 48000.0}
    assert found["audio_device_buffer_frames"] == {("system",): 256.0}
    assert found["audio_device_buffer_duration_seconds"] == {("system",): 256 / 48000}
    assert found["audio_device_latency_seconds"] == {("system", "input"): 0.01, ("system", "output"): 0.02}
    assert found["audio_device_dsp_load_ratio"] == {("system",): 0.25}
    assert found["audio_channel_peak_ratio"] == {("system", "1"): 0.5}
    assert found["audio_channel_rms_ratio"] == {("system", "1"): 0.5}
    assert found["audio_channel_silent_seconds"] == {("system", "1"): 12 / 48000}
    assert found["audio_channel_clipped_samples_total"] == {("system", "1"): 3}
    assert found["audio_engine_xruns_total"] == {("device", "system"): 0}


def test_a_device_without_cycles_is_down_and_keeps_only_what_accumulates() -> None:
    accumulated = {family.name for family in families(device()) if family.type != "gauge"}
    dead = samples(families(device(), NOW + ALIVE_NS))

    assert dead["audio_device_up"] == {("system",): 0.0}
    assert set(dead) == accumulated | {"audio_device_up"}


def test_without_a_probe_there_are_no_families_of_its_stream() -> None:
    passive = Device("system")
    passive.see_server(SERVER, [])
    found = set(samples(families(passive)))

    assert "audio_engine_xruns_total" in found
    assert not [name for name in found if "interval" in name or "lost" in name or "channel" in name]


def test_our_own_share_of_what_was_late_is_the_agents() -> None:
    found = device()
    stream = found.open_stream(STREAM)
    deadline = 256 / 48000
    numbers = [*range(20), *range(25, 45), *range(50, 70)]
    stream.fold(
        [
            BUFFER_RECORD.pack(n * deadline, round(n * deadline * 1e9), 0, 256, 256 * (n if n < 50 else n - 5) + 256)
            for n in numbers
        ],
        [],
    )
    exported = samples(families(found))

    assert exported["wr_agent_audio_probe_missed_buffers_total"] == {("system",): 5}
    assert exported["audio_device_lost_buffers_total"] == {("system",): 5}
    assert exported["audio_device_late_buffers_total"] == {("system",): 0}
    assert "wr_agent_audio_probe_wakeup_delay_seconds" in exported


def test_a_device_that_should_be_there_is_down() -> None:
    assert samples(device_families([], ["usb"], NOW)) == {"audio_device_up": {("usb",): 0.0}}


def test_a_latency_that_portaudio_does_not_know_is_absent() -> None:
    jack = Device("system")
    jack.see_server(SERVER, [])
    jack.open_stream(STREAM._replace(input_latency=0.0))

    assert samples(families(jack))["audio_device_latency_seconds"] == {("system", "output"): 0.02}


def test_the_servers_word_on_latency_is_taken_before_portaudios() -> None:
    jack = Device("system")
    jack.see_server(replace(SERVER, rate=48_000, latencies={"system": (480, 0)}), [])
    jack.open_stream(STREAM._replace(rate=48_000, input_latency=0.0, output_latency=0.02))

    expected = {("system", "input"): 0.01, ("system", "output"): 0.02}
    assert samples(families(jack))["audio_device_latency_seconds"] == expected


def test_the_probe_says_what_it_costs() -> None:
    resting = Backoff()
    resting.step, resting.rested_ns = Step.CLOSED, 90_500_000_000

    assert {name: value[()] for name, value in samples(probe_families(ProbeView(0.01, 2, 3), resting)).items()} == {
        "wr_agent_audio_probe_load_ratio": 0.01,
        "wr_agent_audio_probe_restarts_total": 2,
        "wr_agent_audio_ring_overruns_total": 3,
        "wr_agent_audio_probe_resting": 1,
        "wr_agent_audio_probe_rest_seconds_total": 90.5,
    }


def test_without_a_stream_the_probe_has_no_load() -> None:
    assert "wr_agent_audio_probe_load_ratio" not in samples(probe_families(ProbeView(), Backoff()))
