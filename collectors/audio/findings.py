"""What the audio collector says to a person: the wording of its findings. Pure; when they apply belongs to `checks`."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.backoff import REST_NS, Step
from collectors.audio.probe.process import ProbeError
from collectors.audio.probe.protocol import StreamInfo
from collectors.findings import Finding, Severity

_TIMING = "buffer timing, lost buffers and levels are not measured"
_GRAPH = "the graph's DSP load and the xruns of other programs are not seen"
_EVERYTHING = "no audio metric is exported: neither timing, nor xruns, nor load, nor levels"
_SERVER_CAUSES = ("audio-no-server", "audio-server-gone", "audio-server-frozen", "audio-library-missing")
_INSTALL = (
    "sudo apt-get install libjack-jackd2-0 libportaudio2 portaudio19-dev gcc python3-dev  # Debian, Ubuntu",
    "brew install jack portaudio  # macOS",
    "pip install 'wr-agent[audio]'  # in the agent's own Python environment, then restart the agent",
)
_START_SERVER = (
    "jackd -d alsa  # Debian, Ubuntu: as the user who plays; qjackctl does the same with windows",
    "brew install jack && jackd -d coreaudio  # macOS",
)


def library_missing(severity: Severity, detail: str) -> Finding:
    """Something that measuring needs is not installed."""
    return Finding(
        code="audio-library-missing",
        title="Libraries for measuring audio are missing",
        severity=severity,
        detail=detail,
        affects=f"Without JACK's library {_EVERYTHING}; without PortAudio or numpy {_TIMING}.",
        remedy=_INSTALL,
    )


def probe_only() -> Finding:
    """There is no passive client."""
    return Finding(
        code="audio-probe-only",
        title="The probe watches alone",
        severity=Severity.INFO,
        detail="No JACK client is kept beside the probe's stream, by configuration or because this is macOS.",
        affects=f"Where the device is a JACK server's, {_GRAPH}.",
        remedy=('set observers = "auto" in the section [audio], on Linux',),
    )


def server_frozen(name: str) -> Finding:
    """The server exists, and does not run."""
    return Finding(
        code="audio-server-frozen",
        title="The audio server is frozen",
        severity=Severity.FAILURE,
        detail=f"The JACK server {name} exists, but has run no cycle, or answered no client, for over a second.",
        affects="Nobody hears anything on this device, and programs that use it hang.",
        remedy=(
            "ps -o pid,stat,args -C jackd,jackdbus  # T is stopped, D waits for a device",
            "kill -CONT $(pidof jackd jackdbus)  # if it is stopped",
            "kill -KILL $(pidof jackd jackdbus)  # if it does not come back; then start it again",
        ),
    )


def server_gone(name: str, reason: str) -> Finding:
    """A server that ran does not answer any more."""
    return Finding(
        code="audio-server-gone",
        title="The audio server is gone",
        severity=Severity.FAILURE,
        detail=f"The JACK server {name} ran since the agent started, and does not answer any more ({reason}).",
        affects="Nobody hears anything on this device. Measuring resumes by itself when the server is back.",
        remedy=_START_SERVER,
    )


def no_server(severity: Severity, name: str, reason: str) -> Finding:
    """No server has answered since the agent started."""
    return Finding(
        code="audio-no-server",
        title="No audio server answers",
        severity=severity,
        detail=f"Looked for the JACK server {name}, which PipeWire's JACK serves as well ({reason}).",
        affects=f"Until there is one, {_EVERYTHING}.",
        remedy=(
            *_START_SERVER,
            'set observers = "probe" in the section [audio] to open the device directly, or "off" where there is none',
        ),
    )


def settings_changed(server: PassiveView) -> Finding:
    """Rate or block size is another one than before."""
    rate, block = server.before
    return Finding(
        code="audio-settings-changed",
        title="The audio server runs with other settings than before",
        severity=Severity.INFO,
        detail=f"Expected {block} frames at {rate} Hz as before, found {server.block} frames at {server.rate} Hz.",
        affects="Latency, load and the deadline of every buffer; the probe has opened a new stream.",
    )


def device_unplugged(wanted: Sequence[str], there: Sequence[str], severity: Severity = Severity.FAILURE) -> Finding:
    """A device that was there is gone, and its server runs on."""
    return Finding(
        code="audio-device-unplugged",
        title="The audio device is gone while its server runs",
        severity=severity,
        detail=f"Expected {' or '.join(map(repr, wanted))}, there since the agent started; found: {_names(there)}.",
        affects=f"Nothing is played or recorded on it, and of it {_EVERYTHING}. Measuring resumes when it is back.",
        remedy=(
            "jack_lsp -p  # the ports that are left, and which of them are physical",
            "cat /proc/asound/cards  # Linux: whether the system sees the device",
            "set device in the section [audio] to the one that is to be watched, if another one has taken its place",
            "plug it in again, and restart the audio server if it does not take it back",
        ),
        depends_on=_SERVER_CAUSES,
    )


def _names(devices: Sequence[str]) -> str:
    return ", ".join(repr(device) for device in devices) or "none"


def device_not_found(wanted: str, there: Sequence[str]) -> Finding:
    """There is no device of the name that was asked for (empty: no default one)."""
    return Finding(
        code="audio-device-not-found",
        title="The audio device does not exist",
        severity=Severity.FAILURE,
        detail=f"Expected {repr(wanted) if wanted else 'a default device'}, found: {_names(there)}.",
        affects=f"Of this device {_EVERYTHING}.",
        remedy=("set device in the section [audio] to one of the names found, or leave it out for the default",),
        depends_on=_SERVER_CAUSES,
    )


def passive_only() -> Finding:
    """There is to be no probe."""
    return Finding(
        code="audio-passive-only",
        title="The passive JACK client watches alone",
        severity=Severity.INFO,
        detail='The configuration says observers = "passive".',
        affects=f"As no stream is open, {_TIMING}.",
        remedy=('set observers = "auto" in the section [audio]',),
    )


def backed_off(step: Step) -> Finding:
    """The probe does less, as it was late by itself."""
    away = step == Step.AWAY
    doing = "Its stream is closed" if away else "It measures one channel, with a larger buffer unless that is JACK's"
    return Finding(
        code="audio-probe-backed-off",
        title="The probe has stepped back so as not to cause dropouts",
        severity=Severity.WARNING,
        detail="Its callback ran a whole buffer late again and again, by its own delay and not the device's. "
        f"{doing}. It does everything again {REST_NS // 60_000_000_000} minutes after it began to do less.",
        affects=f"Meanwhile {_TIMING}." if away else "Meanwhile the levels of the other channels are not measured.",
        remedy=(
            "top -H  # what keeps the processors busy",
            "ulimit -r  # as the agent's user: 0 denies its audio thread the priority that JACK gives to its clients",
            'set channels = 2 or observers = "passive" in the section [audio]',
        ),
        depends_on=_SERVER_CAUSES,
    )


def no_levels(stream: StreamInfo) -> Finding:
    """The stream has no inputs."""
    return Finding(
        code="audio-output-only",
        title="The probe has an output stream only",
        severity=Severity.INFO,
        detail=f"{stream.device} has no inputs, or listening to them would need consent (macOS).",
        affects="Levels, clipping and silence of channels are not measured; timing and dropouts are.",
    )


def device_busy(failure: ProbeError, holders: Sequence[str]) -> Finding:
    """Another program holds the device."""
    held = f" Open now: {'; '.join(holders)}." if holders else ""
    return Finding(
        code="audio-device-busy",
        title="Another program holds the audio device",
        severity=Severity.FAILURE,
        detail=f"PortAudio would not open it: {failure}.{held}",
        affects=f"While it is held, {_TIMING}. It is tried again and again.",
        remedy=(
            "fuser -v /dev/snd/*  # Linux: who holds it",
            "end that program, or let it and the agent share the device through JACK or PipeWire",
            'set observers = "passive" in the section [audio] to do without the probe',
        ),
    )


def agent_outdated(failure: ProbeError) -> Finding:
    """The probe is of another version than the agent."""
    return Finding(
        code="audio-agent-outdated",
        title="The agent's package was changed while it ran: restart the agent",
        severity=Severity.FAILURE,
        detail=f"The probe is started from the package as it is now, and does not match: {failure}.",
        affects=f"Until the agent is restarted, {_TIMING}.",
        remedy=(
            "sudo systemctl restart wr-agent  # Linux; as a user's own service: systemctl --user restart wr-agent",
            "wr-agent service uninstall && wr-agent service install  # macOS",
            "end `wr-agent run` and start it again, where it runs in a terminal",
        ),
    )


def probe_failed(failure: ProbeError) -> Finding:
    """There is no stream, for a reason that has no finding of its own."""
    said = f" Its libraries said last:\n{failure.noise}" if failure.noise else ""
    return Finding(
        code="audio-probe-failed",
        title="The probe has no stream",
        severity=Severity.FAILURE,
        detail=f"It is tried again and again, and ended last because: {failure}.{said}",
        affects=f"While it has none, {_TIMING}.",
        remedy=(
            "fuser -v /dev/snd/*  # Linux: who holds the device, if it is busy",
            'set observers = "passive" in the section [audio] to do without the probe',
        ),
        depends_on=_SERVER_CAUSES,
    )
