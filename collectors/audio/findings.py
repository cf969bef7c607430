"""The texts of the audio collector's findings. `checks` decides when they apply."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from collectors import remedies
from collectors.audio.causes.event import Event
from collectors.audio.causes.fixes import main_fixes
from collectors.audio.causes.words import main_cause
from collectors.audio.dropouts import Dropout
from collectors.audio.jack.passive import PassiveView
from collectors.audio.jack.server_process import ServerProcess
from collectors.audio.probe.backoff import LONGEST_REST_NS, SHORTEST_REST_NS, Step
from collectors.audio.probe.process import ProbeError
from collectors.audio.probe.protocol import MAX_CHANNELS, StreamInfo
from collectors.audio.start_server import SOUND_CARDS, start_jack
from collectors.audio.thresholds import CLIPPED_A_SECOND, DSP_LOAD, SILENT_SECONDS
from collectors.findings import Finding, Severity

_SECONDS_SHOWN = 120
_TIMING = "buffer timing, lost buffers and levels are not measured"
_GRAPH = "the graph's DSP load and the xruns of other programs are not measured"
_EVERYTHING = "no audio metric is exported: no timing, xruns, load or levels"
SERVER_CAUSES = (
    "audio-no-server",
    "audio-server-gone",
    "audio-server-frozen",
    "audio-server-full",
    "audio-server-freewheeling",
    "audio-library-missing",
)
_STATUS = "wr-agent status  # shows load, timing and the plugins that need the most time"
_PYTHON_PACKAGES = {"jack": "JACK-Client", "pyaudio": "PyAudio", "numpy": "numpy"}


def library_missing(severity: Severity, detail: str, modules: Sequence[str] = ()) -> Finding:
    """Return the finding that a library is not installed, and the Python modules that are missing because of it."""
    return Finding(
        code="audio-library-missing",
        title="Libraries for measuring audio are missing",
        severity=severity,
        detail=detail,
        affects=f"Without JACK's library {_EVERYTHING}; without PortAudio or numpy {_TIMING}.",
        remedy=(
            *remedies.install("audio-libraries", *(["pyaudio-build"] if "pyaudio" in modules else [])),
            *remedies.python_packages(_PYTHON_PACKAGES[module] for module in modules),
        ),
    )


def probe_only() -> Finding:
    """Return the finding that the passive client is off."""
    return Finding(
        code="audio-probe-only",
        title="The probe is the only observer",
        severity=Severity.INFO,
        detail=f"The passive JACK client is off, {'as on every Mac' if remedies.is_macos() else 'by configuration'}.",
        affects=f"If the device belongs to a JACK server, {_GRAPH}.",
        remedy=remedies.linux(remedies.in_section("[audio]", 'set observers = "auto"')),
    )


def server_frozen(name: str, process: ServerProcess | None) -> Finding:
    """Return the finding that the server does not run its cycles. The process is that of the server, if known."""
    return Finding(
        code="audio-server-frozen",
        title="The audio server is frozen",
        severity=Severity.FAILURE,
        detail=f"The JACK server {name} exists, but has run no cycle, or answered no client, for over a second.",
        affects="Nothing is played or recorded on this device, and programs that use it hang.",
        remedy=_unknown_frozen() if process is None else _frozen(process),
    )


def _frozen(process: ServerProcess) -> tuple[str, ...]:
    return (
        f"ps -o pid,stat,args -p {process.pid}  # T is stopped, D waits for a device",
        f"kill -CONT {process.pid}  # if it is stopped",
        f"kill -KILL {process.pid}  # if it does not come back",
        _again(process, "then starts it again"),
    )


def _again(process: ServerProcess, note: str) -> str:
    """Return the command that starts a server as it was started before."""
    by_bus = PurePath(process.command[0]).name == "jackdbus"
    return f"{'jack_control start' if by_bus else shlex.join(process.command)}  # {note}; as the user who plays"


def _unknown_frozen() -> tuple[str, ...]:
    return (
        "ps -A -o pid,stat,args | grep -E '[j]ackd|[p]ipewire'  # T is stopped, D waits for a device",
        "if the server is stopped, continue it with kill -CONT and its pid; otherwise end and start that one server",
    )


def freewheeling(name: str) -> Finding:
    """Return the finding that the server freewheels."""
    return Finding(
        code="audio-server-freewheeling",
        title="The audio server freewheels",
        severity=Severity.INFO,
        detail=f"A program exports through the JACK server {name}, which runs its cycles without the sound card.",
        affects="Nothing is played or recorded until the export ends. Until then the agent measures no timing, "
        "dropouts, load or levels, and opens, closes and restarts nothing on this server.",
    )


def server_refuses(name: str, reason: str) -> Finding:
    """Return the finding that the server runs but accepts no further client."""
    return Finding(
        code="audio-server-full",
        title="The audio server accepts no further client",
        severity=Severity.FAILURE,
        detail=f"The JACK server {name} runs, but refused the agent's client: {reason}. It is probably at its client "
        "limit, which is 64 to 256 and fixed when JACK is built.",
        affects=f"The programs that are connected go on, others cannot connect. Of this server {_EVERYTHING}.",
        remedy=(
            *_jack_lsp(name, "| cut -d: -f1 | sort | uniq -c", "lists the clients that have ports"),
            "end the clients that are not needed; the agent connects when there is room",
        ),
    )


def server_gone(name: str, reason: str, process: ServerProcess | None) -> Finding:
    """Return the finding that a server which ran before does not answer. The process is that of before, if known."""
    return Finding(
        code="audio-server-gone",
        title="The audio server is gone",
        severity=Severity.FAILURE,
        detail=f"The JACK server {name} ran after the agent started, and does not answer now: {reason}.",
        affects="Nothing is played or recorded on this device. Measuring resumes when the server is back.",
        remedy=start_jack(name) if process is None else (_again(process, "starts it as before"),),
    )


def no_server(severity: Severity, name: str, reason: str) -> Finding:
    """Return the finding that no server has answered since the agent started."""
    return Finding(
        code="audio-no-server",
        title="No audio server answers",
        severity=severity,
        detail=f"The JACK server {name} does not answer: {reason}. PipeWire's JACK would answer under any name.",
        affects=f"Without a server, {_EVERYTHING}.",
        remedy=(
            *start_jack(name),
            remedies.in_section("[audio]", 'to open the device directly, set observers = "probe"'),
        ),
    )


def settings_changed(server: PassiveView) -> Finding:
    """Return the finding that the server's rate or block size changed."""
    rate, block = server.before
    return Finding(
        code="audio-settings-changed",
        title="The audio server's settings changed",
        severity=Severity.INFO,
        detail=f"Expected {block} frames at {rate} Hz as before, found {server.block} frames at {server.rate} Hz.",
        affects="Latency, load and the deadline of every buffer. The probe has opened a new stream.",
    )


def device_unplugged(
    name: str, wanted: Sequence[str], there: Sequence[str], severity: Severity = Severity.FAILURE
) -> Finding:
    """Return the finding that a device is gone while its server runs."""
    return Finding(
        code="audio-device-unplugged",
        title="The audio device is gone while its server runs",
        severity=severity,
        detail=f"Expected {' or '.join(map(repr, wanted))}, seen after the agent started; found: {_names(there)}.",
        affects=f"Nothing is played or recorded on it, and {_EVERYTHING}. Measuring resumes when it is back.",
        remedy=(
            *_jack_lsp(name, "-p", "shows the remaining ports and which are physical"),
            *remedies.linux("cat /proc/asound/cards  # shows whether the kernel has the device"),
            "plug it in again, and restart the audio server if it does not use it",
            remedies.in_section("[audio]", "if another device replaced it, set device"),
        ),
        depends_on=SERVER_CAUSES,
    )


def _jack_lsp(server: str, arguments: str, note: str) -> tuple[str, ...]:
    chosen = "" if server == "default" else f" -s {shlex.quote(server)}"
    return remedies.command(f"jack_lsp{chosen} {arguments}", note)


def _holder() -> tuple[str, ...]:
    if not SOUND_CARDS.exists():
        return ()
    return remedies.command(f"fuser -v {SOUND_CARDS}/*", "shows the program that holds the device, if any")


def _busy_threads() -> tuple[str, ...]:
    if remedies.is_macos():
        return remedies.command("top -o cpu", "shows the programs that use the processors")
    return remedies.command("top -H", "shows the threads that use the processors")


def _names(devices: Sequence[str]) -> str:
    return ", ".join(repr(device) for device in devices) or "none"


def device_not_found(wanted: str, there: Sequence[str]) -> Finding:
    """Return the finding that the configured device (empty: a default one) does not exist."""
    return Finding(
        code="audio-device-not-found",
        title="The audio device does not exist",
        severity=Severity.FAILURE,
        detail=f"Expected {repr(wanted) if wanted else 'a default device'}, found: {_names(there)}.",
        affects=f"For this device, {_EVERYTHING}.",
        remedy=(remedies.in_section("[audio]", "set device to one of the names found, or remove it for the default,"),),
        depends_on=SERVER_CAUSES,
    )


def passive_only() -> Finding:
    """Return the finding that the probe is off."""
    return Finding(
        code="audio-passive-only",
        title="The passive JACK client is the only observer",
        severity=Severity.INFO,
        detail='The configuration says observers = "passive".',
        affects=f"Without a stream, {_TIMING}.",
        remedy=(remedies.in_section("[audio]", 'set observers = "auto"'),),
    )


def backed_off(step: Step, rested_ns: int) -> Finding:
    """Return the finding that the probe backed off because it was late by itself."""
    closed = step == Step.CLOSED
    doing = (
        f"Its stream is closed, for {_ago(rested_ns)} in all since the agent started"
        if closed
        else "It measures one channel, with a larger buffer unless that is JACK's"
    )
    earliest, latest = SHORTEST_REST_NS // 1_000_000_000, LONGEST_REST_NS // 60_000_000_000
    return Finding(
        code="audio-probe-backed-off",
        title="The probe backed off to avoid causing dropouts",
        severity=Severity.WARNING,
        detail="Its callback was a whole buffer late at more than ten polls in ten seconds, by its own delay. "
        f"{doing}. It retries once the processors are calm: {earliest} s to {latest} min after it backed off.",
        affects=f"Until then {_TIMING}." if closed else "Until then the levels of the other channels are not measured.",
        remedy=(
            *_busy_threads(),
            *remedies.linux(
                "ulimit -r  # as the agent's user: 0 denies its audio thread the priority of JACK's clients"
            ),
            remedies.in_section("[audio]", 'set channels = 2 or observers = "passive"'),
        ),
        depends_on=SERVER_CAUSES,
    )


def no_levels(stream: StreamInfo) -> Finding:
    """Return the finding that the stream has no inputs."""
    consent = ", or the user has not consented to reading them" if remedies.is_macos() else ""
    return Finding(
        code="audio-output-only",
        title="The probe has an output stream only",
        severity=Severity.INFO,
        detail=f"{stream.device} has no inputs{consent}.",
        affects="Levels, clipping and silence of channels are not measured; timing and dropouts are.",
    )


def channels_unmeasured(stream: StreamInfo) -> Finding:
    """Return the finding that the device has more channels than the probe measures."""
    return Finding(
        code="audio-channels-unmeasured",
        title="The device has more channels than the probe measures",
        severity=Severity.INFO,
        detail=f"{stream.device} has {stream.inputs} inputs, and the probe measures at most {MAX_CHANNELS}.",
        affects=f"Levels, clipping and silence of the channels {stream.channels + 1} to {stream.inputs} are not "
        "measured. Timing and dropouts are.",
    )


def device_busy(failure: ProbeError, holders: Sequence[str]) -> Finding:
    """Return the finding that another program holds the device."""
    held = f" Open now: {'; '.join(holders)}." if holders else ""
    return Finding(
        code="audio-device-busy",
        title="Another program holds the audio device",
        severity=Severity.FAILURE,
        detail=f"PortAudio could not open it: {failure}.{held}",
        affects=f"While it is held, {_TIMING}. The agent retries.",
        remedy=(
            *_holder(),
            "end that program, or share the device through JACK or PipeWire",
            remedies.in_section("[audio]", 'to disable the probe, set observers = "passive"'),
        ),
    )


def agent_outdated(failure: ProbeError) -> Finding:
    """Return the finding that the probe's version differs from the agent's."""
    return Finding(
        code="audio-agent-outdated",
        title="The agent's package was changed while it ran",
        severity=Severity.FAILURE,
        detail=f"The probe starts from the changed package, and does not match the agent: {failure}.",
        affects=f"Until the agent is restarted, {_TIMING}.",
        remedy=(*remedies.restart_agent(),),
    )


def probe_failed(failure: ProbeError) -> Finding:
    """Return the finding that the probe has no stream, for a reason without a finding of its own."""
    said = f" Last output of its libraries:\n{failure.noise}" if failure.noise else ""
    return Finding(
        code="audio-probe-failed",
        title="The probe has no stream",
        severity=Severity.FAILURE,
        detail=f"The agent retries. The last attempt failed: {failure}.{said}",
        affects=f"Without a stream, {_TIMING}.",
        remedy=(
            *_holder(),
            remedies.in_section("[audio]", 'to disable the probe, set observers = "passive"'),
        ),
        depends_on=SERVER_CAUSES,
    )


def dropouts(
    device: str, recent: Sequence[Dropout], explained: Sequence[Event], now_ns: int, severity: Severity
) -> Finding:
    """Return the finding about the dropouts of the last ten minutes, and the events of those that are explained."""
    count = sum(dropout.count for dropout in recent)
    silent = sum(dropout.silent_ns for dropout in recent) / 1e9
    silence = f", with {silent:.2f} s without any buffer" if silent else ""
    first = _ago(now_ns - min(dropout.start_ns for dropout in recent))
    last = _ago(now_ns - max(dropout.end_ns for dropout in recent))
    since = f"The last one was {last} ago" if count == 1 else f"The first one was {first} ago, the last one {last} ago"
    return Finding(
        code="audio-dropouts",
        title="Audio dropped out",
        severity=severity,
        detail=f"{device} had {count} dropout{'s' * (count > 1)} in the last ten minutes{silence}. {since}."
        f"{f' {main_cause(explained)}' if explained else ''}",
        affects="Each dropout is audible and lost in a recording.",
        remedy=(
            *("wr-agent dropouts top  # counts causes and culprits of the last day",) * (len(explained) > 1),
            *(main_fixes(explained) or (_STATUS, *_busy_threads(), "use a larger buffer if the load is high")),
        ),
        depends_on=SERVER_CAUSES,
    )


def _ago(nanoseconds: int) -> str:
    seconds = max(round(nanoseconds / 1e9), 0)
    return f"{seconds} s" if seconds < _SECONDS_SHOWN else f"{round(seconds / 60)} min"


def load_high(device: str, load: float) -> Finding:
    """Return the finding that the graph uses nearly all of its time."""
    return Finding(
        code="audio-load-high",
        title="The DSP load is high",
        severity=Severity.WARNING,
        detail=f"Expected at most {DSP_LOAD:.0%} of each buffer's duration, found {load:.0%} on {device} in a minute.",
        affects="A little more work in any program causes dropouts.",
        remedy=(
            "wr-agent status  # shows the plugins that need the most time",
            "use a larger buffer, or end programs that are connected and not needed",
        ),
        depends_on=SERVER_CAUSES,
    )


def clipping(device: str, channels: Sequence[int]) -> Finding:
    """Return the finding that channels clip."""
    return Finding(
        code="audio-clipping",
        title="Channels clip",
        severity=Severity.WARNING,
        detail=f"Over {CLIPPED_A_SECOND:g} samples a second are at full scale: {device}, {_channels(channels)}.",
        affects="The sound is distorted, also in recordings.",
        remedy=("lower the gain of the source or of the interface's input",),
    )


def channels_silent(device: str, channels: Sequence[int]) -> Finding:
    """Return the finding that channels lost their sound while others have some."""
    return Finding(
        code="audio-channel-silent",
        title="Channels went silent while others carry sound",
        severity=Severity.WARNING,
        detail=f"Every sample on {device} has been zero for over {SILENT_SECONDS:g} s: {_channels(channels)}.",
        affects="Their source is probably lost. A microphone or an instrument is never digitally silent.",
        remedy=(
            "check cable, power and routing of the source",
            *remedies.command("jack_lsp -c", "shows the connections"),
        ),
    )


def _channels(numbers: Sequence[int]) -> str:
    return f"channel{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
