"""Notifications from libjack's own threads, without Python code in those threads.

libjack cancels its threads when a server dies or a client is closed. Every Python callback waits for the interpreter's
lock. A thread that is cancelled in that wait keeps the lock's mutex, and the process hangs (seen with CPython 3.11 and
jackd 1.9.21). So libjack calls the C library's `sem_post`, which counts the call in a semaphore. Its messages go to
`strlen`, which ignores them.

Linux only: macOS has no unnamed semaphores, and its own audio system does not need JACK.
"""

from __future__ import annotations

import ctypes
import time
from types import ModuleType
from typing import Any

from collectors.audio.jack.freewheel import FreewheelNotice

_SEMAPHORE_BYTES = 64
"""At least the size of `sem_t`, which is 32 in glibc on 64-bit machines."""

_CLOCK_MONOTONIC = 1


class _Deadline(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Semaphore:
    """A counter that C code can increment from any thread."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(None)
        self._memory = ctypes.create_string_buffer(_SEMAPHORE_BYTES)
        self._c.sem_init(self._memory, 0, 0)

    @property
    def post(self) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
        """The C function that increments the counter, and its argument."""
        return _pointer(self._c.sem_post), ctypes.cast(self._memory, ctypes.c_void_p)

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the counter and decrement it; return whether it was decremented.

        The timeout can expire while this process is stopped, although the counter was incremented. So the counter is
        read once more after the timeout.
        """
        whole, fraction = divmod(time.clock_gettime(time.CLOCK_MONOTONIC) + seconds, 1)
        deadline = _Deadline(int(whole), int(fraction * 1e9))
        return not self._c.sem_clockwait(self._memory, _CLOCK_MONOTONIC, ctypes.byref(deadline)) or self.take()

    def take(self) -> bool:
        """Decrement the counter unless it is zero; return whether it was decremented."""
        return not self._c.sem_trywait(self._memory)


class JackEvents:
    """The notifications of one client's connection. Create it before the client is activated.

    It must outlive the client, because libjack holds pointers into it.

    Args:
        jack: JACK-Client's module.
        client: Its client.

    Attributes:
        freewheel: The notification of freewheeling.
    """

    def __init__(self, jack: ModuleType, client: Any) -> None:  # noqa: ANN401 - JACK-Client carries no types
        self.freewheel = FreewheelNotice()
        self._xruns = Semaphore()
        self._shutdown = Semaphore()
        library = ctypes.CDLL(jack._libname)  # noqa: SLF001 - the library that JACK-Client has loaded
        pointer = ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", client._ptr)))  # noqa: SLF001 - nothing public leads there
        library.jack_set_xrun_callback(pointer, *self._xruns.post)
        library.jack_set_freewheel_callback(pointer, *self.freewheel.callback)
        library.jack_on_shutdown(pointer, *self._shutdown.post)
        self._over = False

    def wait_xrun(self, seconds: float) -> bool:
        """Wait up to `seconds` for another xrun; return whether there was one."""
        return self._xruns.wait(seconds)

    @property
    def over(self) -> bool:
        """True once the server has ended the connection."""
        self._over = self._over or self._shutdown.take()
        return self._over


def check_platform() -> None:
    """Check that the C library has `sem_clockwait`.

    Raises:
        OSError: It has not, as on macOS and with a glibc before 2.30.
    """
    if not hasattr(ctypes.CDLL(None), "sem_clockwait"):
        raise OSError("the passive JACK client needs a C library with sem_clockwait, such as glibc 2.30 or newer")


def silence(jack: ModuleType) -> None:
    """Discard libjack's messages; a failed connection raises an exception anyway."""
    library = ctypes.CDLL(jack._libname)  # noqa: SLF001 - the library that JACK-Client has loaded
    ignore = _pointer(ctypes.CDLL(None).strlen)
    library.jack_set_error_function(ignore)
    library.jack_set_info_function(ignore)


def _pointer(function: Any) -> ctypes.c_void_p:  # noqa: ANN401 - ctypes does not export its functions' type
    return ctypes.cast(function, ctypes.c_void_p)
