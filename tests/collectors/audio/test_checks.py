from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from collectors import remedies
from collectors.audio import checks
from collectors.audio.causes.event import Cause
from collectors.audio.checks import AudioState, audio_checks
from collectors.audio.config import AudioConfig
from collectors.audio.device import Device, DeviceView
from collectors.audio.dropouts import Dropout
from collectors.audio.jack.passive import PassiveView
from collectors.audio.jack.server_process import ServerProcess
from collectors.audio.levels import ChannelLevel
from collectors.audio.probe.backoff import Step
from collectors.audio.probe.process import ProbeError
from collectors.audio.probe.protocol import Exit, StreamInfo
from collectors.findings import Finding, Severity
from tests.support.analyses import event
from tests.support.jackd import Jackd

RUNNING = PassiveView(state="running", seen=True, rate=48000, block=256, devices=("system",))
STREAM = StreamInfo("system", "JACK Audio Connection Kit", 48000.0, 2, 0.0, 0.0)
HEALTHY = AudioState(
    config=AudioConfig(),
    macos=False,
    server=RUNNING,
    frozen=False,
    freewheeling=False,
    probe_due=True,
    probe_failure=None,
    stream=STREAM,
    backoff=Step.FULL,
    rested_ns=0,
    holders=(),
    devices=(Device("system").view(),),
    now_ns=10**15,
)
SECOND = 1_000_000_000


def seen(*names: str) -> tuple[DeviceView, ...]:
    return tuple(Device(name).view() for name in names)


def with_recent(**recent: object) -> AudioState:
    """Return a healthy state whose device has such a recent past."""
    (device,) = HEALTHY.devices
    return replace(HEALTHY, devices=(replace(device, recent=replace(device.recent, **recent)),))  # type: ignore[arg-type] # its fields


def dropped_out(*seconds_ago: float, silent_ns: int = 0, count: int = 1) -> AudioState:
    ends = [HEALTHY.now_ns - round(ago * SECOND) for ago in seconds_ago]
    observers = frozenset({"jack"})
    return with_recent(dropouts=tuple(Dropout(end - SECOND // 10, end, silent_ns, count, observers) for end in ends))


GONE = replace(RUNNING, state="absent", reason="it accepts no connection")


def findings(state: AudioState) -> dict[str, Finding]:
    return {finding.code: finding for check in audio_checks(lambda: state) for finding in check.run()}


def severities(state: AudioState) -> dict[str, Severity]:
    return {code: finding.severity for code, finding in findings(state).items()}


def test_the_checks_have_the_collectors_name() -> None:
    names = "libraries", "server", "probe", "dropouts", "load", "levels"

    assert [check.name for check in audio_checks(lambda: HEALTHY)] == [f"audio.{name}" for name in names]


def test_all_is_well() -> None:
    assert findings(HEALTHY) == {}


def test_no_server_at_all_is_information_unless_one_was_asked_for() -> None:
    nothing = replace(HEALTHY, server=PassiveView(reason="it accepts no connection"), probe_due=False)
    asked = replace(nothing, config=AudioConfig(device="system"))

    assert severities(nothing) == {"audio-no-server": Severity.INFO}
    assert severities(asked) == {"audio-no-server": Severity.FAILURE}
    assert "no timing, xruns" in findings(nothing)["audio-no-server"].affects


def test_a_server_that_went_away_is_a_failure() -> None:
    assert severities(replace(HEALTHY, server=GONE, probe_due=False)) == {"audio-server-gone": Severity.FAILURE}


def test_a_server_that_is_gone_is_started_with_the_command_of_before() -> None:
    process = ServerProcess(7, ("jackd", "-d", "dummy", "-p", "256"))
    gone = findings(replace(HEALTHY, server=replace(GONE, process=process), probe_due=False))["audio-server-gone"]

    assert "does not answer now: it accepts no connection." in gone.detail
    assert gone.remedy == ("jackd -d dummy -p 256  # starts it as before; as the user who plays",)


def test_a_frozen_server_is_told_from_one_that_is_gone() -> None:
    frozen_from_the_start = replace(HEALTHY, frozen=True, server=PassiveView(attempt_ns=1))

    assert severities(replace(HEALTHY, frozen=True)) == {"audio-server-frozen": Severity.FAILURE}
    assert set(findings(frozen_from_the_start)) == {"audio-server-frozen"}


def test_the_server_has_its_real_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JACK_DEFAULT_SERVER", raising=False)
    unnamed = findings(replace(HEALTHY, frozen=True))["audio-server-frozen"].detail
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "studio")
    of_the_environment = findings(replace(HEALTHY, frozen=True))["audio-server-frozen"].detail
    configured = findings(replace(HEALTHY, frozen=True, config=AudioConfig(jack_server="stage")))

    assert "The JACK server default exists" in unnamed
    assert "The JACK server studio exists" in of_the_environment
    assert "The JACK server stage exists" in configured["audio-server-frozen"].detail


def test_the_remedy_of_a_frozen_server_names_its_process(jackd: Jackd) -> None:
    config = AudioConfig(jack_server=jackd.name)
    remedy = findings(replace(HEALTHY, frozen=True, config=config))["audio-server-frozen"].remedy

    assert f"kill -CONT {jackd.pid}  # if it is stopped" in remedy
    assert any(line.startswith("jackd ") and jackd.name in line for line in remedy)


def test_a_device_that_does_not_exist_is_told_with_those_that_do() -> None:
    found = findings(replace(HEALTHY, config=AudioConfig(device="usb"), probe_due=False))["audio-device-not-found"]

    assert "'usb'" in found.detail
    assert "'system'" in found.detail


def test_what_portaudio_lists_is_told_as_well() -> None:
    refused = ProbeError(Exit.DEVICE_NOT_FOUND, "no audio device is named 'usb'", ("hw:0", "pulse"))
    config = AudioConfig(observers="probe", device="usb")
    state = replace(HEALTHY, config=config, stream=None, probe_failure=refused)

    assert "'hw:0', 'pulse'" in findings(state)["audio-device-not-found"].detail


def test_a_failing_probe_is_told_with_its_noise_and_hides_behind_the_server() -> None:
    failure = ProbeError(Exit.OPEN_FAILED, "system: [Errno -9999] Unanticipated host error", (), "ALSA lib: broken")
    found = findings(replace(HEALTHY, stream=None, probe_failure=failure))["audio-probe-failed"]

    assert found.severity == Severity.FAILURE
    assert "Unanticipated host error" in found.detail
    assert "ALSA lib: broken" in found.detail
    assert {"audio-server-gone", "audio-server-frozen"} <= set(found.depends_on)


def test_a_failure_of_the_past_is_no_finding_while_no_probe_is_due() -> None:
    past = replace(HEALTHY, stream=None, probe_failure=ProbeError(None, "old"), probe_due=False)

    assert findings(past) == {}


def test_a_missing_libjack_is_information_unless_it_was_asked_for() -> None:
    server = PassiveView(state="unavailable", reason="JACK library not found")
    state = replace(HEALTHY, server=server, probe_due=False)
    asked = replace(state, config=AudioConfig(observers="passive"))

    assert severities(state) == {"audio-library-missing": Severity.INFO}
    assert severities(asked)["audio-library-missing"] == Severity.FAILURE
    assert "JACK library not found" in findings(state)["audio-library-missing"].detail


def test_a_library_that_the_probe_misses_is_told_once() -> None:
    failure = ProbeError(Exit.LIBRARY_MISSING, "libportaudio.so.2: cannot open shared object file")
    found = findings(replace(HEALTHY, probe_failure=failure))

    assert set(found) == {"audio-library-missing"}
    assert "libportaudio" in found["audio-library-missing"].detail


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda _module: None)
    found = findings(HEALTHY)["audio-library-missing"]

    assert "jack, pyaudio, numpy" in found.detail
    assert found.severity == Severity.WARNING
    assert any("JACK-Client, PyAudio, numpy" in line or "JACK-Client PyAudio numpy" in line for line in found.remedy)


def test_each_observer_alone_says_what_it_cannot_see() -> None:
    passive = replace(HEALTHY, config=AudioConfig(observers="passive"), probe_due=False)
    probe = replace(HEALTHY, config=AudioConfig(observers="probe"), server=PassiveView())

    assert severities(passive) == {"audio-passive-only": Severity.INFO}
    assert severities(probe) == {"audio-probe-only": Severity.INFO}
    assert "levels are not measured" in findings(passive)["audio-passive-only"].affects
    assert "DSP load" in findings(probe)["audio-probe-only"].affects


def test_a_device_that_another_program_holds_is_told_as_such() -> None:
    failure = ProbeError(Exit.OPEN_FAILED, "hw:0: [Errno -9985] Device unavailable")
    found = findings(replace(HEALTHY, stream=None, probe_failure=failure))

    assert set(found) == {"audio-device-busy"}
    assert "Device unavailable" in found["audio-device-busy"].detail
    assert any("end that program" in command for command in found["audio-device-busy"].remedy)


def test_a_device_that_portaudio_does_not_list_may_be_held_by_another_program() -> None:
    failure = ProbeError(Exit.DEVICE_NOT_FOUND, "no audio device is named 'hw:0'", ("hdmi",))
    probe = replace(HEALTHY, config=AudioConfig(observers="probe"), stream=None, probe_failure=failure)
    found = findings(replace(probe, holders=("card 0 by reaper (pid 4711), running",)))

    assert "audio-device-busy" in found
    assert "reaper" in found["audio-device-busy"].detail
    assert "audio-device-not-found" in findings(probe)


def test_a_package_that_was_changed_under_the_agent_asks_for_a_restart() -> None:
    failure = ProbeError(Exit.OTHER_VERSION, "the agent uses version 1 of the probe's protocol, the probe 2")
    found = findings(replace(HEALTHY, stream=None, probe_failure=failure))

    assert severities(replace(HEALTHY, stream=None, probe_failure=failure)) == {
        "audio-agent-outdated": Severity.FAILURE
    }
    assert "version 1" in found["audio-agent-outdated"].detail
    assert found["audio-agent-outdated"].remedy == remedies.restart_agent()


def test_a_device_that_was_there_is_unplugged_not_unknown() -> None:
    server = replace(RUNNING, devices=("hdmi",))
    gone = replace(HEALTHY, config=AudioConfig(device="usb"), server=server, devices=seen("usb"), probe_due=False)
    all_gone = replace(HEALTHY, server=replace(RUNNING, devices=()), probe_due=False)

    assert severities(gone) == {"audio-device-unplugged": Severity.FAILURE}
    assert "'usb'" in findings(gone)["audio-device-unplugged"].detail
    assert "'hdmi'" in findings(gone)["audio-device-unplugged"].detail
    assert set(findings(all_gone)) == {"audio-device-unplugged"}
    assert set(findings(replace(gone, devices=()))) == {"audio-device-not-found"}


def test_a_device_whose_place_another_one_has_taken_is_told_unless_it_is_not_wanted() -> None:
    server = replace(RUNNING, devices=("hdmi",))
    taken = replace(HEALTHY, server=server, devices=seen("usb", "hdmi"))
    chosen = replace(taken, config=AudioConfig(device="hdmi"))

    assert severities(taken) == {"audio-device-unplugged": Severity.WARNING}
    assert "'usb'" in findings(taken)["audio-device-unplugged"].detail
    assert findings(chosen) == {}


def test_other_settings_are_news_for_a_while() -> None:
    changed = replace(RUNNING, before=(44100, 512), changed_ns=HEALTHY.now_ns - 1)
    found = findings(replace(HEALTHY, server=changed))

    assert severities(replace(HEALTHY, server=changed)) == {"audio-settings-changed": Severity.INFO}
    assert "512 frames at 44100 Hz as before, found 256 frames at 48000 Hz" in found["audio-settings-changed"].detail
    assert findings(replace(HEALTHY, server=changed, now_ns=HEALTHY.now_ns + 3600 * 10**9)) == {}


def test_an_output_stream_tells_that_it_has_no_levels() -> None:
    assert severities(replace(HEALTHY, stream=STREAM._replace(channels=0))) == {"audio-output-only": Severity.INFO}


@pytest.mark.parametrize(("step", "cost"), [(Step.LESS, "levels of the other channels"), (Step.CLOSED, "lost buffers")])
def test_a_probe_that_has_backed_off_says_what_that_costs(step: Step, cost: str) -> None:
    found = findings(replace(HEALTHY, backoff=step))

    assert found["audio-probe-backed-off"].severity == Severity.WARNING
    assert cost in found["audio-probe-backed-off"].affects
    assert "30 s to 10 min after it backed off" in found["audio-probe-backed-off"].detail


def test_a_probe_that_rests_says_how_long_it_missed() -> None:
    resting = replace(HEALTHY, backoff=Step.CLOSED, rested_ns=95 * SECOND)

    assert "closed, for 95 s in all" in findings(resting)["audio-probe-backed-off"].detail


def test_a_probe_that_has_backed_off_and_cannot_open_its_stream_says_both() -> None:
    failure = ProbeError(None, "no stream within 10 s")

    assert set(findings(replace(HEALTHY, backoff=Step.LESS, stream=None, probe_failure=failure))) == {
        "audio-probe-backed-off",
        "audio-probe-failed",
    }


def test_channels_beyond_the_limit_are_named() -> None:
    large = replace(HEALTHY, stream=STREAM._replace(channels=64, inputs=80))

    assert "65 to 80" in findings(large)["audio-channels-unmeasured"].affects
    assert severities(replace(HEALTHY, stream=STREAM._replace(channels=64, inputs=64))) == {}
    assert severities(replace(HEALTHY, stream=STREAM._replace(channels=2, inputs=80))) == {}


def test_a_server_that_refuses_is_not_called_absent() -> None:
    full = replace(HEALTHY, server=PassiveView(state="refused", reason="server_error"), probe_due=False)

    assert severities(full) == {"audio-server-full": Severity.FAILURE}


def test_a_server_that_freewheels_is_not_called_frozen() -> None:
    exporting = replace(HEALTHY, freewheeling=True, frozen=True)

    assert severities(exporting) == {"audio-server-freewheeling": Severity.INFO}


def test_a_probe_that_waits_for_the_end_of_an_export_has_not_failed() -> None:
    waiting = replace(
        HEALTHY, freewheeling=True, stream=None, probe_failure=ProbeError(Exit.FREEWHEELING, "the server freewheels")
    )

    assert set(severities(waiting)) == {"audio-server-freewheeling"}


def test_dropouts_of_the_last_ten_minutes_are_a_finding_that_ends_by_itself() -> None:
    one = findings(dropped_out(200, silent_ns=SECOND // 2))["audio-dropouts"]

    assert one.severity == Severity.WARNING
    assert one.detail == (
        "system had 1 dropout in the last ten minutes, with 0.50 s without any buffer. The last one was 3 min ago."
    )
    assert severities(dropped_out(601)) == {}


def test_dropouts_of_an_earlier_run_are_remembered_for_as_long() -> None:
    (seen,) = dropped_out(10).devices
    (long_ago, before) = dropped_out(601, 200).devices[0].recent.dropouts
    state = replace(
        HEALTHY, devices=(seen,), earlier={"system": (long_ago, before), "usb": (before,), "old": (long_ago,)}
    )
    details = sorted(it.detail for check in audio_checks(lambda: state) for it in check.run())

    assert [detail.partition(".")[0] for detail in details] == [
        "system had 2 dropouts in the last ten minutes",
        "usb had 1 dropout in the last ten minutes",
    ]


def test_dropouts_name_their_main_cause_and_its_fix() -> None:
    explained = (*(event(number) for number in range(6)), event(6, Cause.UNKNOWN, "Not known."))
    state = replace(dropped_out(200, 190, 180, 100), explained=explained)
    found = findings(state)["audio-dropouts"]

    assert found.detail.endswith(" 6 of 7 dropouts: reverb, which computed for too long.")
    assert found.remedy[0].startswith("wr-agent dropouts top")
    assert "use a larger buffer, or fewer voices and effects in this client" in found.remedy
    other = replace(state, explained=tuple(msgspec.structs.replace(it, device="other") for it in explained))
    assert "reverb" not in findings(other)["audio-dropouts"].detail


def test_dropouts_that_an_audience_hears_are_a_failure() -> None:
    many = findings(dropped_out(300, 280, 250, 30))["audio-dropouts"]

    assert many.severity == Severity.FAILURE
    assert "had 4 dropouts" in many.detail
    assert "The first one was 5 min ago, the last one 30 s ago." in many.detail
    assert severities(dropped_out(300, 200, 100)) == {"audio-dropouts": Severity.WARNING}
    assert severities(dropped_out(300, count=3)) == {"audio-dropouts": Severity.FAILURE}


@pytest.mark.parametrize(("load", "code"), [(0.81, {"audio-load-high"}), (0.8, set()), (None, set())])
def test_a_high_load_is_a_finding(load: float | None, code: set[str]) -> None:
    assert set(findings(with_recent(load=load))) == code


def test_channels_that_clip_are_named() -> None:
    assert "system, channels 1, 3" in findings(with_recent(clipped=(101.0, 100.0, 5000.0)))["audio-clipping"].detail
    assert severities(with_recent(clipped=(100.0, 0.0))) == {}


def test_a_channel_that_lost_its_sound_is_named_while_another_has_some() -> None:
    (device,) = HEALTHY.devices
    sound, lost, empty = (
        ChannelLevel(0.5, 0.1, 0.0, heard=True),
        ChannelLevel(0.0, 0.0, 31.0, heard=True),
        (ChannelLevel(0.0, 0.0, 31.0, heard=False)),
    )

    def state(*levels: ChannelLevel) -> AudioState:
        return replace(HEALTHY, devices=(replace(device, levels=levels),))

    assert "channel 2." in findings(state(sound, lost, empty))["audio-channel-silent"].detail
    assert severities(state(lost, lost)) == {}
    assert severities(state(sound, replace(lost, silent_seconds=30.0))) == {}
    assert severities(state(sound, replace(lost, silent_seconds=601.0))) == {}
