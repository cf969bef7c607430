"""The C interface of the client, called from Python: what any FFI can do with it."""

from __future__ import annotations

import ctypes
from pathlib import Path

from tests.support.waiting import eventually


class _Label(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p))


class Metrics:
    """One `wr_metrics`.

    Raises:
        ValueError: The library refused it, with the library's reason.
    """

    def __init__(self, library: Path, plugin: str, directory: Path | None = None) -> None:
        self._library = ctypes.CDLL(str(library))
        for name in ("open", "add_counter"):
            self._function(name).restype = ctypes.c_void_p
        self._function("last_error").restype = ctypes.c_char_p
        place = None if directory is None else str(directory).encode()
        self._handle = self._function("open")(plugin.encode(), place, None, ctypes.c_size_t(0))
        self._check(self._handle)

    def _function(self, name: str) -> ctypes._NamedFuncPointer:
        function: ctypes._NamedFuncPointer = getattr(self._library, f"wr_metrics_{name}")
        return function

    def _check(self, handle: int | None) -> None:
        if not handle:
            raise ValueError(self._function("last_error")().decode())

    def count(self, name: str, **labels: str) -> None:
        """Count one."""
        pairs = [_Label(key.encode(), value.encode()) for key, value in labels.items()]
        counter = self._function("add_counter")(
            ctypes.c_void_p(self._handle), name.encode(), b"Help.", (_Label * len(pairs))(*pairs), len(pairs)
        )
        self._check(counter)
        self._library.wr_counter_inc(ctypes.c_void_p(counter), ctypes.c_uint64(1))

    def path(self) -> Path | None:
        """The socket, if there is one."""
        text = self._text("path")
        return Path(text) if text else None

    def served_at(self) -> Path:
        """The socket, once there is one."""
        return eventually(self.path, f"the socket is there; {self.problem()}")

    def problem(self) -> str:
        """Return the reason for a missing socket."""
        return self._text("problem")

    def _text(self, name: str) -> str:
        text = ctypes.create_string_buffer(4096)
        self._function(name)(ctypes.c_void_p(self._handle), text, ctypes.c_size_t(len(text)))
        return text.value.decode()

    def close(self) -> None:
        """End it."""
        self._function("close")(ctypes.c_void_p(self._handle))
