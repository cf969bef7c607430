"""The machine's sleep, as systemd-logind announces it.

An inhibitor delays the sleep until the caller is ready, at most for logind's `InhibitDelayMaxSec` of 5 s. Without
logind, such as on macOS, no sleep is announced.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence

import structlog

from agent.push.dbus import SIGNAL, Bus, BusError
from collectors.plain_errors import plain_text

log = structlog.get_logger()

_LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_RULE = (
    "type='signal',interface='org.freedesktop.login1.Manager',member='PrepareForSleep',path='/org/freedesktop/login1'"
)
_REASON = ("sleep", "wr-agent", "ends the pushed series", "delay")
_RETRY = 60.0


async def watch(before: Callable[[], Awaitable[None]], after: Callable[[], Awaitable[None]]) -> None:
    """Call `before` before each sleep, and `after` when the machine has woken up. Runs until cancelled."""
    while sys.platform == "linux":
        try:
            async with Bus() as bus:
                await _watch(bus, before, after)
        except (BusError, OSError, struct.error, IndexError) as error:
            log.debug("no sleep is announced", problem=plain_text(error))
        await asyncio.sleep(_RETRY)
    await asyncio.Event().wait()


async def _watch(bus: Bus, before: Callable[[], Awaitable[None]], after: Callable[[], Awaitable[None]]) -> None:
    await bus.match(_RULE)
    inhibitor = await _inhibit(bus)
    asleep = False
    try:
        while True:
            message = await bus.receive()
            if message.type != SIGNAL or message.member != "PrepareForSleep":
                continue
            (sleeps,) = struct.unpack_from("<I", message.body)
            if sleeps and not asleep:
                asleep = True
                await before()
                _close(inhibitor)
                inhibitor = ()
            elif asleep and not sleeps:
                asleep = False
                await after()
                inhibitor = await _inhibit(bus)
    finally:
        _close(inhibitor)
        if asleep:
            await after()


async def _inhibit(bus: Bus) -> Sequence[int]:
    """Return the descriptor that delays a sleep; none if that is not allowed."""
    with contextlib.suppress(BusError):
        return (await bus.call(*_LOGIND, "Inhibit", *_REASON)).fds
    return ()


def _close(descriptors: Sequence[int]) -> None:
    for one in descriptors:
        os.close(one)
