"""What `/proc/asound` says of PCM streams, whoever holds them. Pure parsers, and the reading of the tree.

Nothing is opened but these files, so no device is taken from anybody. Sources: the kernel's
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
    """Which stream it is.

    Attributes:
        card: The card's identifier, such as `PCH`; unlike its number it survives a reboot.
        device: ALSA's name of the device, such as `hw:0,0`.
        subdevice: Its number on the device.
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
        owner: The thread that opened it; 0 if that is in another PID namespace.
        trigger_time: When it last started, stopped or failed, in seconds of a clock that the owner chose.
        delay: Frames until a sample written now is heard, or since one read now was sampled.
        avail: Frames that can be written or read at once.
        hw_ptr: Frames that the device has moved since the stream was prepared, as it is after an xrun; a pause does not
            change it.
        appl_ptr: Frames that the owner has moved.
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
    """One open stream. It has no `params` until its owner has chosen them.

    Attributes:
        status: What it does.
        params: How it is set up.
        owner: The name of the process that opened it; empty if that cannot be seen.
        pid: The process's number; 0 if it cannot be seen.
    """

    status: Status
    params: Params | None
    owner: str
    pid: int


def parse_cards(text: str) -> dict[str, str]:
    """The identifier of each card by its number, from `/proc/asound/cards`."""
    return dict(_CARD.findall(text))


def parse_status(text: str) -> Status | None:
    """The state of a stream; None if it is closed, or was unplugged. What is no number counts as 0."""
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
    """What the owner has chosen; None for `closed` and `no setup`, and where any of it is missing."""
    fields = _fields(text)
    channels, rate, period, buffer = (_number(fields, name) for name in _SIZES)
    if "format" not in fields or min(channels, rate, period, buffer) <= 0:
        return None
    return Params(fields["format"], channels, rate, period, buffer)


def read_streams(asound: Path, processes: Path) -> dict[Substream, OpenStream]:
    """All streams that are open now; none where there is no `asound`, or no sound card.

    Args:
        asound: Where `/proc/asound` is.
        processes: Where `/proc` is.
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
    """What is in the folders under such a name; nothing of one that cannot be listed, as its card was unplugged."""
    for folder in folders:
        with suppress(OSError):
            yield from [path for path in folder.iterdir() if path.name.startswith(prefix)]


def _owner(processes: Path, thread: int) -> tuple[str, int]:
    """The name and the number of the process that the thread belongs to; empty and 0 if it cannot be seen."""
    process = _number(_fields(_text(processes / str(thread) / "status")), "Tgid")
    name = _text(processes / str(process) / "comm").strip() if process > 0 else ""
    return (name, process) if name else ("", 0)


def _fields(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def _number(fields: dict[str, str], name: str) -> int:
    """The number that the field begins with (behind a rate stands the same as a fraction); 0 if there is none."""
    found = _NUMBER.match(fields.get(name, ""))
    return int(found[0]) if found else 0


def _text(path: Path) -> str:
    """What the file says; nothing if it is not there any more, which is how an unplugged card looks."""
    with suppress(OSError), path.open(errors="replace") as file:
        return file.read(_MOST_CHARACTERS)
    return ""
