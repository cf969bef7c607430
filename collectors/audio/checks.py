"""What the audio collector says to a person: its checks and their findings. Pure but for looking for packages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from collectors.audio.backoff import REST_NS, Step
from collectors.audio.config import AudioConfig
from collectors.audio.passive import PassiveView
from collectors.audio.plan import wants_passive, watched_device
from collectors.audio.probe_process import ProbeError
from collectors.audio.protocol import Exit, StreamInfo
from collectors.findings import Check, Finding, Severity

_TIMING = "buffer timing, lost buffers and levels are not measured"
_GRAPH = "the graph's DSP load and the xruns of other programs are not seen"
_EVERYTHING = "no audio metric is exported: neither timing, nor xruns, nor load, nor levels"
_SERVER_CAUSES = ("audio-no-server", "audio-server-gone", "audio-server-frozen", "audio-library-missing")
_UNAVAILABLE = "-9985"  # PortAudio's paDeviceUnavailable
_NEWS_NS = 600_000_000_000
"""A change of settings is told for this long."""
_INSTALL = (
    "sudo apt-get install libjack-jackd2-0 libportaudio2 portaudio19-dev gcc python3-dev  # Debian, Ubuntu",
    "brew install jack portaudio  # macOS",
    "pip install 'wr-agent[audio]'  # in the agent's own Python environment, then restart the agent",
)
_START_SERVER = (
    "jackd -d alsa  # Debian, Ubuntu: as the user who plays; qjackctl does the same with windows",
    "brew install jack && jackd -d coreaudio  # macOS",
)


@dataclass(frozen=True, slots=True)
class AudioState:
    """What the checks judge.

    Attributes:
        config: What was asked for.
        macos: Whether this is macOS.
        server: What the passive client knows.
        frozen: Whether the server is frozen.
        probe_due: Whether there should be a stream now.
        probe_failure: Why there is none.
        stream: What the probe has open.
        backoff: How far the probe has backed off.
        known: The devices that were there since the agent started.
        now_ns: Monotonic time.
    """

    config: AudioConfig
    macos: bool
    server: PassiveView
    frozen: bool
    probe_due: bool
    probe_failure: ProbeError | None
    stream: StreamInfo | None
    backoff: Step
    known: frozenset[str]
    now_ns: int

    @property
    def passive(self) -> bool:
        """Whether the passive client is to run."""
        return wants_passive(self.config, macos=self.macos)

    @property
    def probe(self) -> bool:
        """Whether a probe is to run, once there is something to open."""
        return self.config.observers in {"auto", "probe"}

    @property
    def expected(self) -> bool:
        """Whether the user has said that there is audio here."""
        return self.config.observers in {"passive", "probe"} or bool(self.config.device)


def audio_checks(state: Callable[[], AudioState]) -> Sequence[Check]:
    """The checks; each looks at the state of the moment."""
    return (
        Check("audio.libraries", "The audio libraries are installed", lambda: _libraries(state())),
        Check("audio.server", "The audio server runs", lambda: _server(state())),
        Check("audio.probe", "The probe measures buffers and levels", lambda: _probe(state())),
    )


def _libraries(state: AudioState) -> list[Finding]:
    wanted = ["jack"] * state.passive + ["pyaudio", "numpy"] * state.probe
    missing = [module for module in wanted if find_spec(module) is None]
    if missing:
        detail = f"Python modules that cannot be found: {', '.join(missing)}."
        return [_library_missing(Severity.FAILURE if state.expected else Severity.WARNING, detail)]
    if state.passive and state.server.state == "unavailable":
        # Whoever has no libjack has no JACK server either, so that this alone says nothing of a fault.
        severity = Severity.FAILURE if state.expected else Severity.INFO
        return [_library_missing(severity, f"JACK's library cannot be loaded: {state.server.reason}.")]
    failure = state.probe_failure
    if state.probe_due and failure is not None and failure.code == Exit.LIBRARY_MISSING:
        return [_library_missing(Severity.FAILURE, f"The probe cannot load its libraries: {failure}.")]
    return []


def _library_missing(severity: Severity, detail: str) -> Finding:
    return Finding(
        code="audio-library-missing",
        title="Libraries for measuring audio are missing",
        severity=severity,
        detail=detail,
        affects=f"Without JACK's library {_EVERYTHING}; without PortAudio or numpy {_TIMING}.",
        remedy=_INSTALL,
    )


def _server(state: AudioState) -> list[Finding]:
    if not state.passive:
        return _probe_only(state)
    name = state.config.jack_server or "$JACK_DEFAULT_SERVER or 'default'"
    if state.frozen:
        return [_server_frozen(name)]
    if state.server.state == "absent":
        return [_server_gone(name, state.server.reason) if state.server.seen else _no_server(state, name)]
    if state.server.state == "running" and not watched_device(state.config, state.server):
        return [_device_unplugged(state) if _was_there(state) else _device_not_found(state)]
    if state.server.before and state.now_ns - state.server.changed_ns < _NEWS_NS:
        return [_settings_changed(state.server)]
    return []


def _was_there(state: AudioState) -> bool:
    return state.config.device in state.known if state.config.device else bool(state.known)


def _probe_only(state: AudioState) -> list[Finding]:
    if not state.probe:
        return []
    return [
        Finding(
            code="audio-probe-only",
            title="The probe watches alone",
            severity=Severity.INFO,
            detail="No JACK client is kept beside the probe's stream, by configuration or because this is macOS.",
            affects=f"Where the device is a JACK server's, {_GRAPH}.",
            remedy=('set observers = "auto" in the section [audio], on Linux',),
        )
    ]


def _server_frozen(name: str) -> Finding:
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


def _server_gone(name: str, reason: str) -> Finding:
    return Finding(
        code="audio-server-gone",
        title="The audio server is gone",
        severity=Severity.FAILURE,
        detail=f"The JACK server {name} ran since the agent started, and does not answer any more ({reason}).",
        affects="Nobody hears anything on this device. Measuring resumes by itself when the server is back.",
        remedy=_START_SERVER,
    )


def _no_server(state: AudioState, name: str) -> Finding:
    return Finding(
        code="audio-no-server",
        title="No audio server answers",
        severity=Severity.FAILURE if state.expected else Severity.INFO,
        detail=f"Looked for the JACK server {name}, which PipeWire's JACK serves as well ({state.server.reason}).",
        affects=f"Until there is one, {_EVERYTHING}.",
        remedy=(
            *_START_SERVER,
            'set observers = "probe" in the section [audio] to open the device directly, or "off" where there is none',
        ),
    )


def _settings_changed(server: PassiveView) -> Finding:
    rate, block = server.before
    return Finding(
        code="audio-settings-changed",
        title="The audio server runs with other settings than before",
        severity=Severity.INFO,
        detail=f"Expected {block} frames at {rate} Hz as before, found {server.block} frames at {server.rate} Hz.",
        affects="Latency, load and the deadline of every buffer; the probe has opened a new stream.",
    )


def _device_unplugged(state: AudioState) -> Finding:
    wanted = repr(state.config.device) if state.config.device else f"one of {_names(sorted(state.known))}"
    return Finding(
        code="audio-device-unplugged",
        title="The audio device is gone while its server runs",
        severity=Severity.FAILURE,
        detail=f"Expected {wanted}, which was there since the agent started; found: {_names(state.server.devices)}.",
        affects=f"Nothing is played or recorded on it, and of it {_EVERYTHING}. Measuring resumes when it is back.",
        remedy=(
            "jack_lsp -p  # the ports that are left, and which of them are physical",
            "cat /proc/asound/cards  # Linux: whether the system sees the device",
            "plug it in again, and restart the audio server if it does not take it back",
        ),
        depends_on=_SERVER_CAUSES,
    )


def _names(devices: Sequence[str]) -> str:
    return ", ".join(repr(device) for device in devices) or "none"


def _device_not_found(state: AudioState, devices: Sequence[str] | None = None) -> Finding:
    wanted = state.config.device
    there_are = _names(state.server.devices if devices is None else devices)
    return Finding(
        code="audio-device-not-found",
        title="The audio device does not exist",
        severity=Severity.FAILURE,
        detail=f"Expected {repr(wanted) if wanted else 'a default device'}, found: {there_are}.",
        affects=f"Of this device {_EVERYTHING}.",
        remedy=("set device in the section [audio] to one of the names found, or leave it out for the default",),
        depends_on=_SERVER_CAUSES,
    )


def _probe(state: AudioState) -> list[Finding]:
    if state.config.observers == "passive":
        return [_passive_only()]
    if state.backoff:
        return [_backed_off(state.backoff)]
    if state.stream is not None and not state.stream.channels:
        return [_no_levels(state.stream)]
    if state.probe_due and state.probe_failure is not None:
        return _failed(state, state.probe_failure)
    return []


def _failed(state: AudioState, failure: ProbeError) -> list[Finding]:
    if failure.code == Exit.LIBRARY_MISSING:  # said already, among the libraries
        return []
    if failure.code == Exit.DEVICE_NOT_FOUND:
        return [_device_not_found(state, failure.devices)]
    if failure.code == Exit.OPEN_FAILED and _UNAVAILABLE in str(failure):
        return [_device_busy(failure)]
    return [_probe_failed(failure)]


def _passive_only() -> Finding:
    return Finding(
        code="audio-passive-only",
        title="The passive JACK client watches alone",
        severity=Severity.INFO,
        detail='The configuration says observers = "passive".',
        affects=f"As no stream is open, {_TIMING}.",
        remedy=('set observers = "auto" in the section [audio]',),
    )


def _backed_off(step: Step) -> Finding:
    away = step == Step.AWAY
    return Finding(
        code="audio-probe-backed-off",
        title="The probe has stepped back so as not to cause dropouts",
        severity=Severity.WARNING,
        detail="Its callback ran a whole buffer late again and again, by its own delay and not the device's. "
        + ("Its stream is closed" if away else "It measures one channel only")
        + f", and it tries again {REST_NS // 60_000_000_000} minutes after it began to.",
        affects=f"Meanwhile {_TIMING}." if away else "Meanwhile the levels of the other channels are not measured.",
        remedy=(
            "top -H  # what keeps the processors busy",
            "ulimit -r  # as the agent's user: 0 denies its audio thread the priority that JACK gives to its clients",
            'set channels = 2 or observers = "passive" in the section [audio]',
        ),
        depends_on=_SERVER_CAUSES,
    )


def _no_levels(stream: StreamInfo) -> Finding:
    return Finding(
        code="audio-output-only",
        title="The probe has an output stream only",
        severity=Severity.INFO,
        detail=f"{stream.device} has no inputs, or listening to them would need consent (macOS).",
        affects="Levels, clipping and silence of channels are not measured; timing and dropouts are.",
    )


def _device_busy(failure: ProbeError) -> Finding:
    return Finding(
        code="audio-device-busy",
        title="Another program holds the audio device",
        severity=Severity.FAILURE,
        detail=f"PortAudio would not open it: {failure}.",
        affects=f"While it is held, {_TIMING}. It is tried again and again.",
        remedy=(
            "fuser -v /dev/snd/*  # Linux: who holds it",
            "end that program, or let it and the agent share the device through JACK or PipeWire",
            'set observers = "passive" in the section [audio] to do without the probe',
        ),
    )


def _probe_failed(failure: ProbeError) -> Finding:
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
