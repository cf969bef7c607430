import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest
import structlog

from tests.support.agent import AgentProcess, agent

# How long an example takes is a matter of the machine, and belongs into a benchmark.
hypothesis.settings.register_profile("wr-agent", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("wr-agent")


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
    """Starts real agents, each in a folder of its own, and ends them all with the test."""
    with ExitStack() as running:
        started: list[AgentProcess] = []

        def start(config: str = "", env: dict[str, str] | None = None) -> AgentProcess:
            folder = tmp_path / f"agent{len(started)}"
            folder.mkdir()
            started.append(running.enter_context(agent(folder, config, env)))
            return started[-1]

        yield start
