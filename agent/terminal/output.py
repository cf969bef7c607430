"""Standard output that ends early: a reader that closes the pipe, such as `head`, or a file on a full disk."""

from __future__ import annotations

import errno
import os
import sys

from collectors.plain_errors import plain_text

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def show(text: str) -> None:
    """Print a text. A reader that has closed the pipe needs no more of it."""
    try:
        sys.stdout.write(f"{text}\n")
        finish()
    except BrokenPipeError:
        discard()


def finish() -> None:
    """Write what is buffered, so that an error is raised here and not when Python ends."""
    if sys.stdout is not None:  # None if the caller has closed it
        sys.stdout.flush()


def discard() -> None:
    """Send the rest of the output nowhere, because Python writes it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def refusal(error: Exception) -> str:
    """Return why a command could not write its output, and discard the rest; empty for any other error."""
    if not isinstance(error, OSError) or error.errno not in _FULL or error.filename is not None:
        return ""
    discard()
    return f"cannot write to standard output: {plain_text(error)}"
