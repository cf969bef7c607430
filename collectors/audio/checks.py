"""The checks of the audio collector: they decide which findings apply.

Pure except for the search for Python packages and for the process of a frozen server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from collectors.audio import findings
from collectors.audio.causes.event import Event
from collectors.audio.config import AudioConfig
from collectors.audio.device import DeviceView
from collectors.audio.dropouts import Dropout
from collectors.audio.jack.names import server_name
from collectors.audio.jack.passive import PassiveView
from collectors.audio.jack.server_process import find_server
from collectors.audio.probe.backoff import Step
from collectors.audio.probe.plan import wants_passive, watched_device
from collectors.audio.probe.process import ProbeError
from collectors.audio.probe.protocol import MAX_CHANNELS, Exit, StreamInfo
from collectors.audio.thresholds import CLIPPED_A_SECOND, DROPOUTS_A_MINUTE, DSP_LOAD, RECENT_NS, SILENT_SECONDS
from collectors.findings import Check, Finding, Severity

_UNAVAILABLE = "-9985"  # PortAudio's paDeviceUnavailable
_SETTINGS_CHANGE_NS = 600_000_000_000
"""The time for which a change of settings is reported."""
_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class AudioState:
    """The input of the checks.

    Attributes:
        config: The section `[audio]`.
        macos: Whether this is macOS.
        server: The passive client's view.
        frozen: Whether the server is frozen.
        freewheeling: Whether the server freewheels.
        probe_due: Whether the probe should have a stream now.
        probe_failure: The reason why it has none.
        stream: The probe's open stream.
        backoff: The probe's step of back-off.
        rested_ns: The time in which back-off kept the probe closed since the agent started.
        holders: The open ALSA streams and their owners.
        devices: The devices seen since the agent started.
        explained: The events of the dropouts of the last ten minutes.
        earlier: The recent dropouts of earlier runs of the agent, by device.
        now_ns: Monotonic time.
    """

    config: AudioConfig
    macos: bool
    server: PassiveView
    frozen: bool
    freewheeling: bool
    probe_due: bool
    probe_failure: ProbeError | None
    stream: StreamInfo | None
    backoff: Step
    rested_ns: int
    holders: tuple[str, ...]
    devices: tuple[DeviceView, ...]
    now_ns: int
    explained: tuple[Event, ...] = ()
    earlier: Mapping[str, Sequence[Dropout]] = field(default_factory=dict)

    @property
    def server_name(self) -> str:
        """The name of the JACK server."""
        return server_name(self.config.jack_server)

    @property
    def known(self) -> frozenset[str]:
        """Names of the devices seen since the agent started."""
        return frozenset(device.name for device in self.devices)

    @property
    def passive(self) -> bool:
        """True if the passive client should run."""
        return wants_passive(self.config, macos=self.macos)

    @property
    def probe(self) -> bool:
        """True if the probe should run once a device exists."""
        return self.config.observers in {"auto", "probe"}

    @property
    def expected(self) -> bool:
        """True if the configuration says that this machine has audio."""
        return self.config.observers in {"passive", "probe"} or bool(self.config.device)


def audio_checks(state: Callable[[], AudioState]) -> Sequence[Check]:
    """Return the checks; each reads the present state."""
    return (
        Check("audio.libraries", "The audio libraries are installed", lambda: _libraries(state())),
        Check("audio.server", "The audio server runs", lambda: _server(state())),
        Check("audio.probe", "The probe measures buffers and levels", lambda: _probe(state())),
        Check("audio.dropouts", "No dropout in the last ten minutes", lambda: _dropouts(state())),
        Check("audio.load", "The DSP load leaves time for every buffer", lambda: _each_device(state(), _load)),
        Check("audio.levels", "No channel clips or has lost its sound", lambda: _each_device(state(), _levels)),
    )


def _libraries(state: AudioState) -> list[Finding]:
    wanted = ["jack"] * state.passive + ["pyaudio", "numpy"] * state.probe
    missing = [module for module in wanted if find_spec(module) is None]
    if missing:
        detail = f"Python modules that cannot be found: {', '.join(missing)}."
        return [findings.library_missing(Severity.FAILURE if state.expected else Severity.WARNING, detail, missing)]
    if state.passive and state.server.state == "unavailable":
        # A machine without libjack has no JACK server either, so this alone is no fault.
        severity = Severity.FAILURE if state.expected else Severity.INFO
        return [findings.library_missing(severity, f"JACK's library cannot be loaded: {state.server.reason}.")]
    failure = state.probe_failure
    if state.probe_due and failure is not None and failure.code == Exit.LIBRARY_MISSING:
        return [findings.library_missing(Severity.FAILURE, f"The probe cannot load its libraries: {failure}.")]
    return []


def _server(state: AudioState) -> list[Finding]:
    name = state.server_name
    if state.freewheeling:
        return [findings.freewheeling(name)]
    if not state.passive:
        return [findings.probe_only()] if state.probe else []
    if state.frozen:
        return [findings.server_frozen(name, find_server(name))]
    if state.server.state == "running":
        watched = watched_device(state.config, state.server)
        return [*_replaced(state), *_changed_settings(state)] if watched else [_without_device(state)]
    return _unconnected(state, name)


def _unconnected(state: AudioState, name: str) -> list[Finding]:
    if state.server.state == "refused":
        return [findings.server_refuses(name, state.server.reason)]
    return [_absent(state, name)] if state.server.state == "absent" else []


def _replaced(state: AudioState) -> list[Finding]:
    """Return a finding if the device is gone, another one is watched, and none is configured."""
    gone = sorted(state.known.difference(state.server.devices))
    if not gone or state.config.device:
        return []
    return [findings.device_unplugged(state.server_name, gone, state.server.devices, Severity.WARNING)]


def _changed_settings(state: AudioState) -> list[Finding]:
    if state.server.before and state.now_ns - state.server.changed_ns < _SETTINGS_CHANGE_NS:
        return [findings.settings_changed(state.server)]
    return []


def _absent(state: AudioState, name: str) -> Finding:
    if state.server.seen:
        return findings.server_gone(name, state.server.reason, state.server.process)
    severity = Severity.FAILURE if state.expected else Severity.INFO
    return findings.no_server(severity, name, state.server.reason)


def _without_device(state: AudioState) -> Finding:
    wanted = [state.config.device] if state.config.device else sorted(state.known)
    if state.known.issuperset(wanted) and wanted:
        return findings.device_unplugged(state.server_name, wanted, state.server.devices)
    return findings.device_not_found(state.config.device, state.server.devices)


def _probe(state: AudioState) -> list[Finding]:
    if state.config.observers == "passive":
        return [findings.passive_only()]
    found = [findings.backed_off(state.backoff, state.rested_ns)] if state.backoff else []
    if state.stream is not None and not state.stream.channels:
        found.append(findings.no_levels(state.stream))
    if state.stream is not None and state.stream.inputs > state.stream.channels == MAX_CHANNELS:
        found.append(findings.channels_unmeasured(state.stream))
    if state.probe_due and state.stream is None and state.probe_failure is not None:
        found += _failed(state, state.probe_failure)
    return found


def _failed(state: AudioState, failure: ProbeError) -> list[Finding]:
    if failure.code in {Exit.LIBRARY_MISSING, Exit.FREEWHEELING}:  # the other checks report these
        return []
    if failure.code == Exit.DEVICE_NOT_FOUND and not state.holders:
        return [findings.device_not_found(state.config.device, failure.devices)]
    # PortAudio omits devices that it cannot open from its list, such as a device that another program holds.
    if failure.code == Exit.DEVICE_NOT_FOUND or (failure.code == Exit.OPEN_FAILED and _UNAVAILABLE in str(failure)):
        return [findings.device_busy(failure, state.holders)]
    if failure.code == Exit.OTHER_VERSION:
        return [findings.agent_outdated(failure)]
    return [findings.probe_failed(failure)]


def _each_device(state: AudioState, judge: Callable[[DeviceView, int], list[Finding]], /) -> list[Finding]:
    return [finding for device in state.devices for finding in judge(device, state.now_ns)]


def _dropouts(state: AudioState) -> list[Finding]:
    seen = {device.name: device.recent.dropouts for device in state.devices}
    found = []
    for name in sorted(seen.keys() | state.earlier.keys()):
        explained = [event for event in state.explained if event.device == name]
        found += _dropouts_of(name, [*state.earlier.get(name, ()), *seen.get(name, ())], explained, state.now_ns)
    return found


def _dropouts_of(name: str, seen: Iterable[Dropout], explained: list[Event], now_ns: int) -> list[Finding]:
    dropouts = [dropout for dropout in seen if now_ns - dropout.end_ns < RECENT_NS]
    if not dropouts:
        return []
    audible = most_a_minute(dropouts) >= DROPOUTS_A_MINUTE
    severity = Severity.FAILURE if audible else Severity.WARNING
    return [findings.dropouts(name, dropouts, explained, now_ns, severity)]


def most_a_minute(dropouts: Sequence[Dropout]) -> int:
    """Return the highest number of dropouts within a minute."""
    return max(
        sum(other.count for other in dropouts if 0 <= other.end_ns - first.end_ns <= _MINUTE_NS) for first in dropouts
    )


def _load(device: DeviceView, _now_ns: int) -> list[Finding]:
    load = device.recent.load
    return [findings.load_high(device.name, load)] if load is not None and load > DSP_LOAD else []


def _levels(device: DeviceView, _now_ns: int) -> list[Finding]:
    clipping = [number for number, rate in enumerate(device.recent.clipped, 1) if rate > CLIPPED_A_SECOND]
    sounding = any(level.peak > 0 for level in device.levels)
    silent = [
        number
        for number, level in enumerate(device.levels, 1)
        if sounding and level.heard and SILENT_SECONDS < level.silent_seconds < RECENT_NS / 1e9
    ]
    return [findings.clipping(device.name, clipping)] * bool(clipping) + [
        findings.channels_silent(device.name, silent)
    ] * bool(silent)
