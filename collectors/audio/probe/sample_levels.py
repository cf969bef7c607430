"""Levels of a block of samples, channel by channel. Pure; loaded in the probe's process only, because it needs numpy.

The samples of a frame are adjacent, one a channel. Reducing each channel alone is slow, because numpy's inner loop is
then as short as the number of channels. So rows of many frames are reduced first, which leaves one such row.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Samples = np.ndarray[Any, np.dtype[np.floating[Any]]]
    Counts = np.ndarray[Any, np.dtype[np.integer[Any]]]

FULL_SCALE = 32767 / 32768
"""The highest positive sample of a 16-bit converter, as PortAudio and JACK scale it; finer converters go higher."""
_ROW_FRAMES = 64


def channel_levels(samples: Samples) -> list[float]:
    """Return the four numbers of `protocol.level_record` for each channel, one channel after the other.

    The sums of squares use float32 arithmetic, which is exact to 1e-5 of their value for up to a second of samples.

    Args:
        samples: Shape (frames, channels). A sample that is not a number counts as zero.
    """
    import numpy as np

    peaks, squares = _peaks_and_squares(samples)
    if not np.isfinite(squares).all():  # a sample is not a number, infinite, or too large for a float32's square
        samples = np.nan_to_num(samples).astype(np.float64)
        peaks, squares = _peaks_and_squares(samples)
    columns = peaks, squares, _clipped(samples, peaks), _silent_tails(samples, peaks)
    return list(chain.from_iterable(zip(*(column.tolist() for column in columns), strict=True)))


def _peaks_and_squares(samples: Samples) -> tuple[Samples, Samples]:
    """Return the highest magnitude and the sum of the squares of each channel."""
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
    """Return the number of samples at full scale of each channel; the peaks show whether a search is needed."""
    import numpy as np

    if (peaks < FULL_SCALE).all():
        return np.zeros(len(peaks), np.int64)
    clipped: Counts = np.count_nonzero(np.abs(samples) >= FULL_SCALE, axis=0)
    return clipped


def _silent_tails(samples: Samples, peaks: Samples) -> Counts:
    """Return the number of zero frames at the end of each channel.

    The samples are searched only if a channel has both sound and a zero at its end.
    """
    import numpy as np

    tails: Counts = np.where(peaks > 0, 0, len(samples))
    if len(samples) and (samples[-1, tails == 0] == 0).any():
        sounding = samples[::-1] != 0
        tails = np.where(peaks > 0, sounding.argmax(axis=0), tails)
    return tails
