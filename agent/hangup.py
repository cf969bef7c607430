"""The handler of SIGHUP from the first moment of `wr-agent run`, so that a reload during start-up cannot end it.

Its import installs the handler, because the imports of the commands take longer than everything before them.
"""

from __future__ import annotations

import signal
import sys

_received: list[int] = []


def was_received() -> bool:
    """Return True if SIGHUP arrived before the event loop handled it."""
    return bool(_received)


if sys.argv[1:2] == ["run"]:
    signal.signal(signal.SIGHUP, lambda number, _frame: _received.append(number))
