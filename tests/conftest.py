from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import hypothesis
import pytest
import structlog

from tests.support import needs
from tests.support.agent import AgentProcess, agent

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.support.distribution import Distribution

# How long an example takes is a matter of the machine, and belongs into a benchmark.
hypothesis.settings.register_profile("wr-agent", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("wr-agent")


_guard = needs.Guard()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the derived markers, and let children obey SIGINT, which the background jobs of a shell ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "slow: takes five seconds of processor time by nature; left out by --quick")
    for name, meaning in needs.MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}; derived from the test's code")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return two workers a core, as tests wait for about half of their time, and 16 at most."""
    return min(16, 2 * (len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Distribution | None:
    """Keep together the tests that share a costly fixture, with `--dist loadscope`."""
    from tests.support.distribution import Distribution

    return Distribution(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the programs that it needs, and let those that take long start first."""
    from tests.support.distribution import SHARED_FOLDERS

    for item in items:
        if isinstance(item, pytest.Function):
            for marker in needs.needs([item.function, *(fixture.func for fixture in _fixtures(item))]):
                item.add_marker(marker)
    items.sort(key=lambda item: (not item.nodeid.startswith(SHARED_FOLDERS), _rank(item)))


def _fixtures(item: pytest.Function) -> list[pytest.FixtureDef[object]]:
    """Return the fixtures of a test, with those that they use."""
    every = item._fixtureinfo.name2fixturedefs.values()  # noqa: SLF001 - pytest has no public way
    return [fixture for definitions in every for fixture in definitions]


def _rank(item: pytest.Item) -> int:
    """Return 0 for a test whose fixtures start programs for a whole file or folder, 1 for one that starts its own."""
    if not _needed(item) or not isinstance(item, pytest.Function):
        return 2
    return 1 - any(needs.needs([fixture.func]) for fixture in _fixtures(item) if fixture.scope != "function")


def _needed(item: pytest.Item) -> set[str]:
    return needs.MARKERS.keys() & {mark.name for mark in item.iter_markers()}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Fail a test that starts a program which its markers do not name."""
    with _guard.allowing(_needed(item)):
        return (yield)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Undo what commands that run in this process do to its logging."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    root.handlers[:] = [handler for handler in root.handlers if type(handler) is not logging.StreamHandler]
    structlog.reset_defaults()


class StartAgent(Protocol):
    def __call__(self, config: str = "", env: dict[str, str] | None = None) -> AgentProcess: ...


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[StartAgent]:
    """Start real agents, each in a folder of its own, and end them with the test."""
    with ExitStack() as running:
        started: list[AgentProcess] = []

        def start(config: str = "", env: dict[str, str] | None = None) -> AgentProcess:
            folder = tmp_path / f"agent{len(started)}"
            folder.mkdir()
            started.append(running.enter_context(agent(folder, config, env)))
            return started[-1]

        yield start


@pytest.fixture(scope="module")
def shared_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """One agent for all tests of a module that leave it as it is."""
    with agent(tmp_path_factory.mktemp("agent")) as running:
        yield running
