"""The fixes of each cause, as commands and steps of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from collectors import remedies
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.words import by_culprit

_LARGER_BUFFER = "use a larger buffer"
_PLUGINS = "wr-agent status  # shows load, timing and the plugins that need the most time"


def main_fixes(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the fixes for the most frequent known cause of some dropouts; those of an unknown one if all are."""
    groups = by_culprit(events)
    known = next((group for group in groups if group[0].cause is not Cause.UNKNOWN), None)
    chosen = known or (groups[0] if groups else [])
    return fixes(chosen[-1]) if chosen else ()


def fixes(event: Event) -> tuple[str, ...]:
    """Return the fixes for the cause of an event."""
    return _FIXES[event.cause](event)


def _pid(event: Event) -> int:
    return event.culprit.pid if event.culprit is not None else 0


def _process(event: Event, line: str, note: str = "") -> tuple[str, ...]:
    """Return a command with the pid of the culprit, if it has one and the program is installed."""
    pid = _pid(event)
    return remedies.command(line.format(pid=pid), note) if pid else ()


def _client_cpu(_: Event) -> tuple[str, ...]:
    return (_PLUGINS, f"{_LARGER_BUFFER}, or fewer voices and effects in this client")


def _client_wait(event: Event) -> tuple[str, ...]:
    return (
        *_process(event, "sudo cat /proc/{pid}/stack", "shows where it waits in the kernel"),
        "report it to the developers of this client: a callback must not wait for disks, locks or the network",
    )


def _stopped(event: Event) -> tuple[str, ...]:
    return (
        *_process(event, "ps -o pid,stat,args -p {pid}", "T is stopped"),
        *_process(event, "kill -CONT {pid}", "if it is still stopped"),
        "do not suspend audio programs, as with Ctrl-Z, a debugger or a screen lock",
    )


def _died(_: Event) -> tuple[str, ...]:
    return (
        *remedies.command("coredumpctl list -r", "shows programs that crashed"),
        *remedies.command("journalctl -b -p err -n 50", "shows the errors before its end"),
    )


def _overload(_: Event) -> tuple[str, ...]:
    return (_PLUGINS, f"{_LARGER_BUFFER}, or end clients that are not needed")


def _preempted(event: Event) -> tuple[str, ...]:
    return (
        *_process(event, "chrt -p {pid}", "shows its scheduling policy and priority"),
        *_process(event, "sudo chrt --other -p 0 {pid}", "takes its real-time priority away"),
        "give the audio server a higher priority than this program has, such as jackd -R -P 89",
    )


def _contention(event: Event) -> tuple[str, ...]:
    return (
        "give the audio server real-time priority, such as jackd -R -P 70",
        "wr-agent doctor --only audio-priority-denied  # shows the limits of the user who plays",
        *_process(event, "renice -n 10 -p {pid}", "lets this program wait for the others"),
    )


def _quota(_: Event) -> tuple[str, ...]:
    return (
        *remedies.command("systemctl show -p CPUQuotaPerSecUSec UNIT", "UNIT is the service in this control group"),
        *remedies.command("sudo systemctl set-property UNIT CPUQuota=", "removes the quota"),
    )


def _memory(_: Event) -> tuple[str, ...]:
    return (
        *remedies.command("vmstat 1", "si and so show swapping"),
        "wr-agent doctor --only audio-memory-not-lockable  # shows if audio programs can lock their memory",
        "end programs that are not needed, or add memory",
    )


def _io(event: Event) -> tuple[str, ...]:
    return (
        *remedies.command("sudo iotop -o", "shows the programs that use the disk"),
        *_process(event, "sudo ionice -c 3 -p {pid}", "lets this program wait for the others"),
        "keep recordings and the programs that write much on different disks",
    )


def _interrupts(_: Event) -> tuple[str, ...]:
    return (
        *remedies.command("watch -d cat /proc/interrupts", "shows the busy interrupts and their processors"),
        "wr-agent doctor --only host  # shows interrupts that share the processor of the sound card",
    )


def _steal(_: Event) -> tuple[str, ...]:
    return ("give this virtual machine processors of its own, or run audio on a machine without a hypervisor",)


def _throttled(_: Event) -> tuple[str, ...]:
    return (
        *remedies.command("sensors", "shows the temperatures"),
        *remedies.command("sudo cpupower frequency-set -g performance"),
        "wr-agent doctor --only host  # shows governor and throttling",
    )


def _suspend(_: Event) -> tuple[str, ...]:
    line = "systemd-inhibit --what=sleep:idle sleep infinity"
    return remedies.command(line, "keeps the machine awake while it runs")


def _device(_: Event) -> tuple[str, ...]:
    return (
        *remedies.command("journalctl -k -n 50", "shows what the kernel reports of the device"),
        "connect the device to a port of its own, without a hub, with a short cable",
    )


def _settings(_: Event) -> tuple[str, ...]:
    return ("change rate and buffer size while nothing is recorded: each change interrupts audio",)


def _agent(_: Event) -> tuple[str, ...]:
    return (remedies.in_section("[audio]", 'set channels = 2 or observers = "passive"'),)


def _unknown(event: Event) -> tuple[str, ...]:
    shown = (f"wr-agent dropouts show {event.id}",)
    return shown if event.level > 1 else (*shown, *remedies.linux("wr-agent doctor --only audio-evidence-level -v"))


_FIXES: Mapping[Cause, Callable[[Event], tuple[str, ...]]] = {
    Cause.CLIENT_CPU: _client_cpu,
    Cause.CLIENT_WAIT: _client_wait,
    Cause.CLIENT_STOPPED: _stopped,
    Cause.CLIENT_DIED: _died,
    Cause.OVERLOAD: _overload,
    Cause.PREEMPTED: _preempted,
    Cause.CONTENTION: _contention,
    Cause.QUOTA: _quota,
    Cause.MEMORY: _memory,
    Cause.IO: _io,
    Cause.INTERRUPTS: _interrupts,
    Cause.STEAL: _steal,
    Cause.THROTTLED: _throttled,
    Cause.SUSPEND: _suspend,
    Cause.DEVICE: _device,
    Cause.SERVER_STOPPED: _stopped,
    Cause.SERVER_DIED: _died,
    Cause.SETTINGS: _settings,
    Cause.AGENT: _agent,
    Cause.UNKNOWN: _unknown,
}
