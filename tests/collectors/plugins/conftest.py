import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.plugins import Engine, Listener, Talk

Bind = Callable[[str], Path]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return the directory of the test's sockets, which the agent trusts."""
    path = tmp_path / "sockets"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def start_engine(directory: Path) -> Iterator[Callable[..., Engine]]:
    """Start well-behaved plugins, and end them with the test."""
    started: list[Engine] = []

    def start(page: str | bytes, name: str = "engine.1", **settings: str) -> Engine:
        started.append(Engine(directory, page, name, **settings))
        return started[-1]

    yield start
    for engine in started:
        engine.close()


@pytest.fixture
def start_villain(directory: Path) -> Iterator[Callable[[Talk, str], Listener]]:
    """Start plugins that talk as the test wants, and end them with the test."""
    started: list[Listener] = []

    def start(talk: Talk, name: str = "villain.666") -> Listener:
        started.append(Listener(directory / f"{name}.sock", talk))
        return started[-1]

    yield start
    for villain in started:
        villain.close()


@pytest.fixture
def bind(directory: Path) -> Iterator[Bind]:
    """Bind sockets, and close them with the test."""
    bound: list[socket.socket] = []

    def bind(name: str) -> Path:
        bound.append(socket.socket(socket.AF_UNIX))
        bound[-1].bind(str(directory / name))
        bound[-1].listen()
        return directory / name

    yield bind
    for each in bound:
        each.close()
