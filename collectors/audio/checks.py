"""What the audio collector says to a person: its checks and their findings. Pure but for looking for packages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from collectors.audio.config import AudioConfig
from collectors.audio.passive import PassiveView
from collectors.audio.plan import wants_passive, watched_device
from collectors.audio.probe_process import ProbeError
from collectors.audio.protocol import Exit
from collectors.findings import Check, Finding, Severity

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
    """

    config: AudioConfig
    macos: bool
    server: PassiveView
    frozen: bool
    probe_due: bool
    probe_failure: ProbeError | None

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
        return [_device_not_found(state.config.device, state.server.devices)]
    return []


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


def _device_not_found(wanted: str, devices: Sequence[str]) -> Finding:
    there_are = ", ".join(repr(device) for device in devices) or "none"
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
    failure = state.probe_failure
    if not state.probe_due or failure is None or failure.code == Exit.LIBRARY_MISSING:
        return []
    if failure.code == Exit.DEVICE_NOT_FOUND:
        return [_device_not_found(state.config.device, failure.devices)]
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
