"""What a block of samples carries, channel by channel. Pure; loaded in the probe's process only, for it needs numpy.

Samples lie channel by channel within a frame, which is slow to reduce: numpy's inner loop is as short as there are
channels. So rows of many frames are reduced first, and what is left is one such row.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Samples = np.ndarray[Any, np.dtype[np.floating[Any]]]
    Counts = np.ndarray[Any, np.dtype[np.integer[Any]]]

FULL_SCALE = 32767 / 32768
"""The highest positive sample of a 16-bit converter, as PortAudio and JACK scale it; finer ones end above it."""
_ROW_FRAMES = 64


def channel_levels(samples: Samples) -> list[float]:
    """The four numbers of `protocol.level_record` for each channel, one channel after the other.

    The sums of squares are those of float32 arithmetic: exact to 1e-5 of their value for a second of samples and less.

    Args:
        samples: Shape (frames, channels). A sample that is not a number counts as zero.
    """
    import numpy as np

    peaks, squares = _peaks_and_squares(samples)
    if not np.isfinite(squares).all():  # not a number, infinite, or too large for the square of a float32
        samples = np.nan_to_num(samples).astype(np.float64)
        peaks, squares = _peaks_and_squares(samples)
    columns = peaks, squares, _clipped(samples, peaks), _silent_tails(samples, peaks)
    return list(chain.from_iterable(zip(*(column.tolist() for column in columns), strict=True)))


def _peaks_and_squares(samples: Samples) -> tuple[Samples, Samples]:
    """The highest magnitude and the sum of the squares of each channel."""
    import numpy as np

    frames, channels = samples.shape
    if missing := -frames % _ROW_FRAMES:
        samples = np.pad(samples, ((0, missing), (0, 0)))  # zeros change neither
    rows = samples.reshape(-1, _ROW_FRAMES * channels)
    highest: Samples = rows.max(axis=0, initial=0).reshape(_ROW_FRAMES, channels).max(axis=0)
    lowest: Samples = rows.min(axis=0, initial=0).reshape(_ROW_FRAMES, channels).min(axis=0)
    squares = np.einsum("ij,ij->j", rows, rows).reshape(_ROW_FRAMES, channels).sum(axis=0, dtype=np.float64)
    peaks: Samples = np.maximum(highest, -lowest)
    return peaks, squares


def _clipped(samples: Samples, peaks: Samples) -> Counts:
    """How many samples of each channel are at full scale; they are looked for only if there are any."""
    import numpy as np

    if (peaks < FULL_SCALE).all():
        return np.zeros(len(peaks), np.int64)
    clipped: Counts = np.count_nonzero(np.abs(samples) >= FULL_SCALE, axis=0)
    return clipped


def _silent_tails(samples: Samples, peaks: Samples) -> Counts:
    """How many frames at the end are zero; the samples are looked through only if sound and zero meet in a channel."""
    import numpy as np

    tails: Counts = np.where(peaks > 0, 0, len(samples))
    if len(samples) and (samples[-1, tails == 0] == 0).any():
        sounding = samples[::-1] != 0
        tails = np.where(peaks > 0, sounding.argmax(axis=0), tails)
    return tails
