"""The real programs that a test needs: markers derived from the code that the test reaches, and a check of them."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_ROOT = Path(__file__).parents[2]

MARKERS = {
    "server": "starts a real server, as a process of its own",
    "browser": "starts a real browser",
    "compiler": "runs a C, C++ or Swift compiler",
}

_STARTERS = {
    "tests.clients.conftest._run": "compiler",
    "tests.clients.swift.conftest.run_swift": "compiler",
    "tests.monitoring.test_start.stack": "server",
    "tests.support.agent.AgentProcess": "server",
    "tests.support.browser.chromium": "browser",
    "tests.support.exporters.process": "server",
    "tests.support.jackd.Jackd": "server",
    "tests.support.kernel_recorder.RecorderProcess": "server",
    "tests.monitoring.drill.test_drill.drill": "server",
    "tests.monitoring.drill.test_drill.running_demo": "server",
    "tests.support.loki.Loki": "server",
    "tests.support.nat.nat": "server",
    "tests.support.message_bus.message_bus": "server",
    "tests.support.monitoring.start_sh": "server",
    "tests.support.node_exporter.node_exporter": "server",
    "tests.support.pipewire.PipeWire": "server",
    "tests.support.prometheus.prometheus": "server",
    "tests.support.write_servers.WriteServer": "server",
    "tests.support.systemd.IsolatedSystemd": "server",
}
"""The marker of each function or class that starts a program."""

_PROGRAMS = {
    **dict.fromkeys(("cc", "c++", "cmake", "gcc", "g++", "make", "swift", "swiftc"), "compiler"),
    **dict.fromkeys(("chromium", "playwright"), "browser"),
    **dict.fromkeys(
        (
            "dbus-daemon",
            "jackd",
            "nginx",
            "pipewire",
            "postgres",
            "prometheus",
            "prometheus-alertmanager",
            "prometheus-blackbox-exporter",
            "prometheus-node-exporter",
            "redis-server",
            "victoria-metrics",
            "vmalert",
            "vmauth",
        ),
        "server",
    ),
}
_MODULES = {"tests.support.loki_server": "server"}
"""Python modules that are servers, as `python -m` names them."""


def needs(functions: Iterable[Callable[..., object]]) -> set[str]:
    """Return the markers of a test, given its own function and those of its fixtures."""
    found: set[str] = set()
    seen: set[object] = set()
    left: list[object] = list(functions)
    while left:
        value = left.pop()
        if value not in seen:
            seen.add(value)
            marker, reached = _read(value)
            found |= {marker} - {""}
            left += reached
    return found


@functools.cache
def _read(value: object) -> tuple[str, tuple[object, ...]]:
    """Return the marker of what starts a program, or all that a function or class names."""
    unwrapped = inspect.unwrap(value) if callable(value) else value
    marker = _STARTERS.get(_name(unwrapped), "")
    return marker, () if marker else tuple(_reached(unwrapped))


def started(command: Sequence[str | os.PathLike[str]] | str | os.PathLike[str]) -> str | None:
    """Return the marker that starting this command needs, None if it needs none."""
    words = [os.fspath(word) for word in ([command] if isinstance(command, str | os.PathLike) else command)]
    for program in words[:1] + words[words.index("--") + 1 :][:1] if "--" in words else words[:1]:
        if marker := _PROGRAMS.get(Path(program).name):
            return marker
    match words:
        case [_, "-m", "agent", "run", *_]:
            return "server"
        case [program, "--processes" | "--demo"] if Path(program).name == "start.sh":
            return "server"
        case [_, "-m", module, *_]:
            return _MODULES.get(module)
    return None


def _reached(value: object) -> Iterator[object]:
    """Yield the project's functions, classes and modules' members that a function or class names."""
    if isinstance(value, type):
        yield from (member for raw in vars(value).values() for member in _functions(raw))
    elif isinstance(value, FunctionType):
        names = set(_names(value.__code__))
        for name in names & value.__globals__.keys():
            named = value.__globals__[name]
            members = vars(named) if isinstance(named, ModuleType) and _is_ours(named.__name__) else {}
            yield from (it for it in (named, *(members[it] for it in names & members.keys())) if _is_followed(it))
        yield from (it for cell in value.__closure__ or () if _is_followed(it := cell.cell_contents))


def _functions(raw: object) -> Iterator[object]:
    """Yield the functions of one member of a class."""
    for it in (raw, getattr(raw, "__func__", None), getattr(raw, "fget", None), getattr(raw, "func", None)):
        if isinstance(it, FunctionType):
            yield it


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_followed(value: object) -> bool:
    return isinstance(value, FunctionType | type) and _is_ours(value.__module__)


@functools.cache
def _is_ours(module: str) -> bool:
    """Tell if a module is one of the tests or benchmarks, by its file: pytest names those of packages shorter."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and any(Path(file).is_relative_to(_ROOT / folder) for folder in ("tests", "bench"))


def _name(value: object) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"


class Guard:
    """The check that a test starts only programs that its markers name."""

    def __init__(self) -> None:
        self._markers: set[str] | None = None
        sys.addaudithook(self._check)

    @contextlib.contextmanager
    def allowing(self, markers: set[str]) -> Iterator[None]:
        """Refuse all programs of other markers for a while.

        Raises:
            AssertionError: In the code that starts such a program.
        """
        self._markers = markers
        try:
            yield
        finally:
            self._markers = None

    def _check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and self._markers is not None:
            marker = started(arguments[1])
            if marker and marker not in self._markers:
                raise AssertionError(f"a test without the marker {marker!r} starts {arguments[1]}; see {__name__}")
