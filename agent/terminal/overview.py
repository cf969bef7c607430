"""The text of `wr-agent status`, for a terminal of 40 columns or more."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator

from agent.core.diagnosis import worst_first
from agent.core.status import Status
from agent.live.sample import ChannelNow, DeviceNow, HostNow, LogNow, PluginNow, PushNow
from agent.terminal.report import findings_lines
from agent.terminal.style import Terminal

_LONGEST_BAR, _SHORTEST_BAR = 24, 6
_NEXT_TO_BAR = 34
"""The columns of the other parts of a line with a bar."""
_NAME_WIDTH = 16
_LEAST_COLUMNS = 80
_QUIETEST = -60.0
_SILENT_AFTER = 1.0
_MINUTES = 120.0
_UNKNOWN = "-"


def lines(status: Status, terminal: Terminal, *, findings_first: bool = False) -> Iterator[str]:
    """Yield the lines of all sections. The findings come last, next to the prompt, unless they are to come first."""
    yield from _fitted(_head(status, terminal), terminal)
    if findings_first:
        yield from _findings(status, terminal)
    yield from _fitted(_live(status, terminal), terminal)
    if not findings_first:
        yield from _findings(status, terminal)


def _fitted(content: Iterable[str], terminal: Terminal) -> Iterator[str]:
    """Yield the lines, wrapped with a deeper indent on a terminal that is too narrow for them."""
    for line in content:
        if len(line) <= terminal.width or terminal.width >= _LEAST_COLUMNS:
            yield line
            continue
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        yield from textwrap.wrap(
            line, terminal.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )


def _head(status: Status, terminal: Terminal) -> Iterator[str]:
    yield f"wr-agent {status.version}, pid {status.pid}, up {_uptime(status.uptime)}"
    yield f"serving  {status.url}/metrics" if status.url else "serving  no port (web.listen is off)"
    yield f"config   {status.config}"
    if status.config_error:
        yield f"{terminal.mark('failure')} the last reload was refused: {status.config_error}"


def _live(status: Status, terminal: Terminal) -> Iterator[str]:
    now = status.live
    yield from _section("audio", [line for it in now.devices for line in _device(it, terminal)], terminal)
    yield from _section("plugins", [_plugin(it, terminal) for it in sorted(now.plugins, key=_rank)], terminal)
    yield from _section("machine", _machine(now.host, terminal), terminal)
    yield from _section("logs", [_log(it, terminal) for it in now.logs], terminal)
    yield from _section("pushed metrics", _push(now.push, terminal) if now.push else (), terminal)
    yield from _section("collectors", _collectors(status, terminal), terminal)


def _findings(status: Status, terminal: Terminal) -> Iterator[str]:
    findings = worst_first(finding for check in status.checks for finding in check.findings)
    said = findings_lines(findings, terminal) or [f"  {terminal.mark('ok')} nothing found"]
    yield from _section(f"findings ({len(status.checks)} checks)", said, terminal)


def _section(title: str, content: Iterable[str], terminal: Terminal) -> Iterator[str]:
    content = list(content)
    if content:
        yield ""
        yield terminal.bold(title)
        yield from content


def _device(device: DeviceNow, terminal: Terminal) -> Iterator[str]:
    if not device.up:
        yield f"  {terminal.mark('failure')} {device.name}: no buffer received"
    elif device.freewheeling:
        yield f"  {terminal.mark('info')} {device.name}: freewheeling, nothing is measured until the export ends"
    elif device.rate and device.frames:
        settings = f"{device.rate / 1000:g} kHz, {device.frames:g} frames, {_seconds(device.deadline)} per buffer"
        yield f"  {terminal.mark('ok')} {device.name}: {settings}"
    if timing := device.timing:
        said = f"median {_seconds(timing.median)}, p99 {_seconds(timing.p99)}"
        yield f"      timing    {said}, worst {_seconds(timing.worst)} from the deadline"
    counts = f"{device.dropouts} since the agent's start; {device.lost} lost buffers, {device.late} late"
    yield f"      dropouts  {counts}"
    if device.load is not None:
        yield f"      load      {_bar(device.load, terminal)} {_percent(device.load)}"
    for channel in device.channels:
        yield f"      {channel.name:<9} {_bar(_height(channel.peak), terminal)} {_level(channel)}"


def _rank(plugin: PluginNow) -> tuple[bool, float]:
    """Return the sort key that puts the worst plugin first: unanswered polls, then the share of the deadline."""
    share = plugin.p99 / plugin.deadline if plugin.p99 is not None and plugin.deadline else 0.0
    return plugin.up == plugin.instances, -share


def _name(text: str, terminal: Terminal) -> str:
    """Return a name in its column, which takes the width beyond 80 columns."""
    width = _NAME_WIDTH + max(terminal.width - _LEAST_COLUMNS, 0)
    return f"{terminal.shortened(text, width):{width}}"


def _plugin(plugin: PluginNow, terminal: Terminal) -> str:
    used = f"{_seconds(plugin.p99)} of {_seconds(plugin.deadline)}"
    xruns = _UNKNOWN if plugin.xruns is None else plugin.xruns
    return (
        f"  {_name(plugin.name, terminal)} {plugin.up} of {plugin.instances} answer, render p99 {used}, xruns {xruns}"
    )


def _machine(host: HostNow, terminal: Terminal) -> Iterator[str]:
    rows = {
        "processors": host.cpu,
        "memory": host.memory,
        "CPU pressure": host.cpu_pressure,
        "memory pressure": host.memory_pressure,
        "disk pressure": host.io_pressure,
        f"disk {host.disk}": host.disk_used,
    }
    for name, value in rows.items():
        if value is not None:
            yield f"  {terminal.shortened(name, 20):20} {_bar(value, terminal)} {_percent(value)}"


def _log(log: LogNow, terminal: Terminal) -> str:
    rate = _UNKNOWN if log.lines_per_second is None else f"{log.lines_per_second:g}"
    behind = f"{log.lag_bytes:.0f} bytes not yet in Loki, {_seconds(log.lag_seconds)} behind"
    return f"  {_name(log.source, terminal)} {rate} lines/s, {behind}"


def _push(push: PushNow, terminal: Terminal) -> Iterator[str]:
    mark = terminal.mark("failure" if push.problem or push.dropped else "ok")
    yield f"  {mark} {push.url}"
    yield f"      {push.sent} samples sent, {_seconds(push.lag_seconds)} behind, {_waiting(push)}"
    if push.refused or push.dropped:
        yield f"      {push.refused} samples refused by the receiver, {push.dropped} dropped from the queue"
    if push.problem:
        yield f"      {push.problem}"


def _waiting(push: PushNow) -> str:
    if not push.queue_bytes:
        return "nothing waits"
    kib = push.queue_bytes / 1024
    size = f"{kib / 1024:.1f} MiB" if kib >= 1000 else f"{kib:.1f} KiB"  # noqa: PLR2004 - of four digits, MiB
    return f"{size} of {_seconds(push.queue_seconds)} wait"


def _collectors(status: Status, terminal: Terminal) -> Iterator[str]:
    for it in status.collectors:
        mark = terminal.mark("failure" if it.error else "ok")
        yield f"  {mark} {it.name:12} {it.duration * 1000:7.1f} ms  {it.error or 'up'}"


def _bar(part: float, terminal: Terminal) -> str:
    full, empty = ("█", "░") if terminal.unicode else ("#", ".")
    length = min(max(terminal.width - _NEXT_TO_BAR, _SHORTEST_BAR), _LONGEST_BAR)
    filled = round(min(max(part, 0.0), 1.0) * length)
    return full * filled + empty * (length - filled)


def _height(peak: float) -> float:
    """Return the share of a 60 dB bar that a level fills."""
    return 1 - _decibels(peak) / _QUIETEST if peak > 0 else 0.0


def _level(channel: ChannelNow) -> str:
    if channel.silent_seconds >= _SILENT_AFTER or channel.peak <= 0:
        return f"silent for {_seconds(channel.silent_seconds)}"
    return f"{_decibels(channel.peak):.1f} dB"


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)


def _percent(value: float) -> str:
    return f"{value * 100:3.0f} %"


def _seconds(value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    if value >= _MINUTES:
        return f"{value / 60:.0f} min"
    if value >= 1 or value == 0:
        return f"{value:.3g} s"
    return f"{value * 1000:.3g} ms" if value >= 1 / 1000 else f"{value * 1e6:.0f} us"


def _uptime(seconds: float) -> str:
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"
