"""What JACK tells its clients from threads of its own, without any Python in those threads.

libjack cancels its threads when a server dies or a client is closed. A thread that is cancelled while it waits for the
interpreter's lock, as every Python callback does, takes that lock's mutex with it, and the whole process stands still
for ever (seen with CPython 3.11 and jackd 1.9.21). So what libjack calls here is the C library's `sem_post`, which
counts the call in a semaphore, and messages go to `strlen`, which ignores them.

Linux only: macOS has no unnamed semaphores, and its own audio system does not need JACK.
"""

from __future__ import annotations

import ctypes
import time
from types import ModuleType
from typing import Any

_SEMAPHORE_BYTES = 64
"""At least the size of `sem_t`, which is 32 in glibc on 64-bit machines."""

_CLOCK_MONOTONIC = 1


class _Deadline(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Semaphore:
    """A counter that C code can raise from any thread."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(None)
        self._memory = ctypes.create_string_buffer(_SEMAPHORE_BYTES)
        self._c.sem_init(self._memory, 0, 0)

    @property
    def post(self) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
        """The C function that raises the counter, and the argument that it takes."""
        return _pointer(self._c.sem_post), ctypes.cast(self._memory, ctypes.c_void_p)

    def wait(self, seconds: float) -> bool:
        """Lower the counter by one, waiting until that can be done; whether it was within `seconds`.

        Time also runs out while this process stands still, though the counter was raised: so there is a last look.
        """
        whole, fraction = divmod(time.clock_gettime(time.CLOCK_MONOTONIC) + seconds, 1)
        deadline = _Deadline(int(whole), int(fraction * 1e9))
        return not self._c.sem_clockwait(self._memory, _CLOCK_MONOTONIC, ctypes.byref(deadline)) or self.take()

    def take(self) -> bool:
        """Lower the counter by one, if it is not zero; whether it was not."""
        return not self._c.sem_trywait(self._memory)


class JackEvents:
    """The xruns and the end of one client's connection. To be made before the client is activated.

    Must live for as long as the client does: libjack holds pointers into it.

    Args:
        jack: JACK-Client's module.
        client: Its client.
    """

    def __init__(self, jack: ModuleType, client: Any) -> None:  # noqa: ANN401 - JACK-Client carries no types
        self._xruns = Semaphore()
        self._shutdown = Semaphore()
        library = ctypes.CDLL(jack._libname)  # noqa: SLF001 - the library that JACK-Client has loaded
        pointer = ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", client._ptr)))  # noqa: SLF001 - nothing public leads there
        library.jack_set_xrun_callback(pointer, *self._xruns.post)
        library.jack_on_shutdown(pointer, *self._shutdown.post)
        self._over = False

    def wait_xrun(self, seconds: float) -> bool:
        """Whether there was another xrun within `seconds`."""
        return self._xruns.wait(seconds)

    @property
    def over(self) -> bool:
        """Whether the server has ended the connection."""
        self._over = self._over or self._shutdown.take()
        return self._over


def check_platform() -> None:
    """Make sure that this C library has what is needed here.

    Raises:
        OSError: It has not, as on macOS and with a glibc before 2.30.
    """
    if not hasattr(ctypes.CDLL(None), "sem_clockwait"):
        raise OSError("the passive JACK client needs a C library with sem_clockwait, such as glibc 2.30 or newer")


def silence(jack: ModuleType) -> None:
    """Let libjack write its messages nowhere: a connection that cannot be made is told by its exception."""
    library = ctypes.CDLL(jack._libname)  # noqa: SLF001 - the library that JACK-Client has loaded
    ignore = _pointer(ctypes.CDLL(None).strlen)
    library.jack_set_error_function(ignore)
    library.jack_set_info_function(ignore)


def _pointer(function: Any) -> ctypes.c_void_p:  # noqa: ANN401 - ctypes does not export its functions' type
    return ctypes.cast(function, ctypes.c_void_p)
