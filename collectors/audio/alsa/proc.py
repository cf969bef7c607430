"""PCM streams in `/proc/asound`: pure parsers, and the reader of the tree.

Only these files are opened, so no program loses a device. Sources: the kernel's
Documentation/sound/designs/procfile.rst, and the writers in sound/core/pcm.c and sound/core/init.c. The tree needs a
kernel with CONFIG_SND_VERBOSE_PROCFS, which distributions set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_CARD = re.compile(r"^ *(\d+) \[(.+?) *\]:", re.MULTILINE)
_SUBSTREAM = re.compile(r"card(\d+)/pcm(\d+)([pc])/sub(\d+)$")
_NUMBER = re.compile(r"-?[0-9]{1,19}(?![0-9])")
_DIRECTIONS = {"p": "playback", "c": "capture"}
_SIZES = ("channels", "rate", "period_size", "buffer_size")
_MOST_CHARACTERS = 65_536


class Substream(NamedTuple):
    """The identity of a stream.

    Attributes:
        card: The card's identifier, such as `PCH`; unlike its number it survives a reboot.
        device: ALSA's device name, such as `hw:0,0`.
        subdevice: The number of the substream on the device.
        direction: `playback` or `capture`.
    """

    card: str
    device: str
    subdevice: str
    direction: str


class Status(NamedTuple):
    """The file `status` of an open stream.

    Attributes:
        state: ALSA's name in lower case, such as `running` or `xrun`.
        owner: The thread that opened it; 0 if it is in another PID namespace.
        trigger_time: Time of the last start, stop or xrun, in seconds of a clock that the owner chose.
        delay: Frames until a sample written now is heard, or since a sample read now was converted.
        avail: Frames that the owner can write or read now.
        hw_ptr: Frames that the device moved since the stream was prepared. An xrun resets it, a pause does not.
        appl_ptr: Frames that the owner moved.
    """

    state: str
    owner: int
    trigger_time: str
    delay: int
    avail: int
    hw_ptr: int
    appl_ptr: int


class Params(NamedTuple):
    """The file `hw_params` of a configured stream: sizes in frames, `rate` in frames a second."""

    format: str
    channels: int
    rate: int
    period: int
    buffer: int


class OpenStream(NamedTuple):
    """One open stream.

    Attributes:
        status: Its state and position.
        params: Its format and sizes; None until the owner has set them.
        owner: The name of the process that opened it; empty if unknown.
        pid: The number of that process; 0 if unknown.
    """

    status: Status
    params: Params | None
    owner: str
    pid: int


def parse_cards(text: str) -> dict[str, str]:
    """Return the identifier of each card by its number, from `/proc/asound/cards`."""
    return dict(_CARD.findall(text))


def parse_status(text: str) -> Status | None:
    """Return the status of a stream; None if it is closed or unplugged. A field without a number counts as 0."""
    fields = _fields(text)
    if "state" not in fields:
        return None
    return Status(
        state=fields["state"].lower(),
        owner=_number(fields, "owner_pid"),
        trigger_time=fields.get("trigger_time", ""),
        delay=_number(fields, "delay"),
        avail=_number(fields, "avail"),
        hw_ptr=max(_number(fields, "hw_ptr"), 0),
        appl_ptr=_number(fields, "appl_ptr"),
    )


def parse_params(text: str) -> Params | None:
    """Return the stream's parameters; None for `closed` and `no setup`, and if a field is missing."""
    fields = _fields(text)
    channels, rate, period, buffer = (_number(fields, name) for name in _SIZES)
    if "format" not in fields or min(channels, rate, period, buffer) <= 0:
        return None
    return Params(fields["format"], channels, rate, period, buffer)


def read_streams(asound: Path, processes: Path) -> dict[Substream, OpenStream]:
    """Return all open streams; none without `asound` or a sound card.

    Args:
        asound: Path of `/proc/asound`.
        processes: Path of `/proc`.
    """
    cards = parse_cards(_text(asound / "cards"))
    opened = {}
    for substream, folder in _substreams(asound, cards):
        status = parse_status(_text(folder / "status"))
        if status is not None:
            params = parse_params(_text(folder / "hw_params"))
            opened[substream] = OpenStream(status, params, *_owner(processes, status.owner))
    return opened


def _substreams(asound: Path, cards: dict[str, str]) -> Iterator[tuple[Substream, Path]]:
    for folder in _within(_within(_within([asound], "card"), "pcm"), "sub"):
        if found := _SUBSTREAM.search(str(folder)):
            card, device, direction, subdevice = found.groups()
            yield Substream(cards.get(card, card), f"hw:{card},{device}", subdevice, _DIRECTIONS[direction]), folder


def _within(folders: Iterable[Path], prefix: str) -> Iterator[Path]:
    """Yield the entries with that prefix; none of a folder that cannot be listed because its card was unplugged."""
    for folder in folders:
        with suppress(OSError):
            yield from [path for path in folder.iterdir() if path.name.startswith(prefix)]


def _owner(processes: Path, thread: int) -> tuple[str, int]:
    """Return name and number of the thread's process; empty and 0 if unknown."""
    process = _number(_fields(_text(processes / str(thread) / "status")), "Tgid")
    name = _text(processes / str(process) / "comm").strip() if process > 0 else ""
    return (name, process) if name else ("", 0)


def _fields(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def _number(fields: dict[str, str], name: str) -> int:
    """Return the number at the start of the field, or 0. A rate is followed by the same rate as a fraction."""
    found = _NUMBER.match(fields.get(name, ""))
    return int(found[0]) if found else 0


def _text(path: Path) -> str:
    """Return the file's text; empty if the file is gone, as after unplugging the card."""
    with suppress(OSError), path.open(errors="replace") as file:
        return file.read(_MOST_CHARACTERS)
    return ""
