"""The three lines at the start of an agent in a terminal: its page, what it watches, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from agent.core.diagnosis import worst_first
from agent.core.remedy_text import RemedyText
from agent.core.status import Status
from agent.live.sample import DeviceNow

_SHOWN = 2


def lines(status: Status, commands: RemedyText) -> tuple[str, str, str]:
    """Return the lines for the status of an agent that has run its checks once.

    Args:
        status: The status.
        commands: Completes the agent's commands with real paths.
    """
    return (
        f"page     {status.url}/  (stop with Ctrl-C)",
        f"watches  {', '.join(_watched(status))}  (live values: {commands.line('wr-agent status')})",
        f"found    {_found(status)}  (fixes: {commands.line('wr-agent doctor')})",
    )


def _watched(status: Status) -> Iterator[str]:
    working = {it.name for it in status.collectors if it.up}
    devices = [_device(device) for device in status.live.devices if device.up]
    if "audio" in working:
        yield ", ".join(devices) or "no audio, since no audio server runs"
    if "plugins" in working:
        yield _counted(len(status.live.plugins), "plugin")
    if "logs" in working:
        yield _counted(len(status.live.logs), "log source")
    yield from (name for name in ("host", "containers") if name in working)


def _device(device: DeviceNow) -> str:
    settings = f" at {device.rate / 1000:g} kHz, {device.frames:g} frames" if device.rate and device.frames else ""
    return f"audio device {device.name}{settings}"


def _found(status: Status) -> str:
    findings = worst_first(finding for check in status.checks for finding in check.findings)
    if not findings:
        return f"nothing, in {len(status.checks)} checks"
    titles = "; ".join(finding.title for finding in findings[:_SHOWN])
    more = f"; and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
    return f"{titles}{more}"


def _counted(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'s' * (number != 1)}"
