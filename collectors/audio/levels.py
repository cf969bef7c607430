"""Levels of each channel over a window of time, from the probe's level blocks. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import sqrt

from collectors.audio.probe.protocol import level_record

WINDOW_SECONDS = 10
"""The window of peak and RMS. Audio is scraped every 10 s, so every peak appears in a scrape."""


@dataclass(frozen=True, slots=True)
class ChannelLevel:
    """One channel now.

    Attributes:
        peak: The highest magnitude of the window; 1 is full scale.
        rms: The root mean square of the window; 1 is full scale.
        silent_seconds: Seconds since the last sample that was not zero; 0 with sound.
        heard: Whether it has carried sound since the stream was opened.
    """

    peak: float
    rms: float
    silent_seconds: float
    heard: bool = False


class LevelMeter:
    """The levels of one stream.

    Args:
        channels: Number of channels of each block.
        rate: Frames a second.

    Attributes:
        load: PortAudio's load of the probe's callback, at the last block.
    """

    def __init__(self, channels: int, rate: float) -> None:
        self._record = level_record(channels)
        self._rate = rate
        self._silent_frames = [0] * channels
        self._heard = [False] * channels
        self._parts: deque[_Part] = deque([_Part(channels)], maxlen=WINDOW_SECONDS + 1)  # the last part is incomplete
        self.load = 0.0

    def fold(self, block: bytes) -> list[int]:
        """Take in a block; return its number of clipped samples of each channel."""
        frames, self.load, *numbers = self._record.unpack(block)
        if self._parts[-1].frames >= self._rate:
            self._parts.append(_Part(len(self._silent_frames)))
        self._parts[-1].add(frames, numbers[0::4], numbers[1::4])
        self._silent_frames = [
            silent + frames if tail == frames else tail
            for silent, tail in zip(self._silent_frames, numbers[3::4], strict=True)
        ]
        self._heard = [heard or peak > 0 for heard, peak in zip(self._heard, numbers[0::4], strict=True)]
        return numbers[2::4]

    def value(self) -> tuple[ChannelLevel, ...]:
        """Return the channels in order; empty before the first block."""
        frames = sum(part.frames for part in self._parts)
        if not frames:
            return ()
        return tuple(
            ChannelLevel(
                peak=max(part.peaks[channel] for part in self._parts),
                rms=sqrt(sum(part.squares[channel] for part in self._parts) / frames),
                silent_seconds=silent / self._rate,
                heard=self._heard[channel],
            )
            for channel, silent in enumerate(self._silent_frames)
        )


class _Part:
    """About one second of the window."""

    __slots__ = ("frames", "peaks", "squares")

    def __init__(self, channels: int) -> None:
        self.frames = 0
        self.peaks = [0.0] * channels
        self.squares = [0.0] * channels

    def add(self, frames: int, peaks: list[float], squares: list[float]) -> None:
        self.frames += frames
        self.peaks = [max(pair) for pair in zip(self.peaks, peaks, strict=True)]
        self.squares = [sum(pair) for pair in zip(self.squares, squares, strict=True)]
