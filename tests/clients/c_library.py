"""The C interface of the client, called from Python: what any FFI can do with it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.waiting import eventually


class _Label(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p))


class Metrics:
    """One `wr_metrics`.

    Raises:
        ValueError: The library refused it, with the library's reason.
    """

    def __init__(
        self, library: Path, plugin: str, directory: Path | None = None, labels: Mapping[str, str] | None = None
    ) -> None:
        self._library = ctypes.CDLL(str(library))
        for name in ("open", "add_counter", "add_gauge", "add_histogram"):
            self._function(name).restype = ctypes.c_void_p
        self._function("last_error").restype = ctypes.c_char_p
        self._function("page").restype = ctypes.c_size_t
        place = None if directory is None else str(directory).encode()
        self._handle = self._function("open")(plugin.encode(), place, *_labels(labels or {}))
        self._check(self._handle)

    def _function(self, name: str) -> ctypes._NamedFuncPointer:
        function: ctypes._NamedFuncPointer = getattr(self._library, f"wr_metrics_{name}")
        return function

    def _check(self, handle: int | None) -> None:
        if not handle:
            raise ValueError(self._function("last_error")().decode())

    def count(self, name: str, **labels: str) -> None:
        """Count one."""
        self.add_counter(name, "Help.", labels, [1])

    def add_counter(self, name: str, help: str, labels: Mapping[str, str], amounts: Sequence[int]) -> None:
        """Register a counter and count these amounts."""
        counter = self._added("counter", name, help, labels)
        for amount in amounts:
            self._library.wr_counter_inc(counter, ctypes.c_uint64(amount))

    def add_gauge(self, name: str, help: str, labels: Mapping[str, str], value: float) -> None:
        """Register a gauge and set it."""
        self._library.wr_gauge_set(self._added("gauge", name, help, labels), ctypes.c_double(value))

    def add_histogram(
        self, name: str, help: str, labels: Mapping[str, str], bounds: Sequence[float], values: Sequence[float]
    ) -> None:
        """Register a histogram and observe these values."""
        given = (ctypes.c_double * len(bounds))(*bounds)
        histogram = self._added("histogram", name, help, labels, given, ctypes.c_size_t(len(bounds)))
        for value in values:
            self._library.wr_histogram_observe(histogram, ctypes.c_double(value))

    def _added(self, kind: str, name: str, help: str, labels: Mapping[str, str], *arguments: object) -> ctypes.c_void_p:
        made = self._function(f"add_{kind}")(
            ctypes.c_void_p(self._handle), name.encode(), help.encode(), *arguments, *_labels(labels)
        )
        self._check(made)
        return ctypes.c_void_p(made)

    def page(self, *, open_metrics: bool) -> str:
        """Return the page that is served."""
        text = ctypes.create_string_buffer(65536)
        self._function("page")(
            ctypes.c_void_p(self._handle), ctypes.c_bool(open_metrics), text, ctypes.c_size_t(len(text))
        )
        return text.value.decode()

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


def _labels(labels: Mapping[str, str]) -> tuple[ctypes.Array[_Label], ctypes.c_size_t]:
    pairs = [_Label(key.encode(), value.encode()) for key, value in labels.items()]
    return (_Label * len(pairs))(*pairs), ctypes.c_size_t(len(pairs))
