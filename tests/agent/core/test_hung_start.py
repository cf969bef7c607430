"""The start of the agent while the disk below one of its files hangs."""

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from agent.config import loader
from agent.config.decode import ConfigError
from agent.core import collectors, state_directory
from agent.core.collectors import Collectors
from agent.core.supervisor import Supervisor
from collectors.base import Collector
from collectors.metrics import Family, gauge
from tests.support.agent import AgentProcess, command, unmeasured
from tests.support.fuse import hung_disk, may_mount
from tests.support.loki import loki
from tests.support.waiting import PATIENCE, eventually, soon

ROOT = Path(__file__).parents[3]

DEADLINES = """# Sets the deadlines of the agent.
import os
from agent.config import loader
from agent.core import state_directory
from agent.web.security import web_security
loader.READ_DEADLINE = state_directory.DEADLINE = web_security.DEADLINE = float(os.environ["DEADLINE"])
"""

HANG = """# Hangs on each access to the folder that an environment variable names.
import os, time
hung, stat = os.environ["HUNG"], os.stat
def hang(path, *args, **options):
    while str(path).startswith(hung):
        time.sleep(1)
    return stat(path, *args, **options)
os.stat = hang
"""


@pytest.fixture(params=["real" if may_mount() else "stand-in"])
def hung(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder on a disk that hangs."""
    path = tmp_path / "nas"
    path.mkdir()
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{site}:{ROOT}")
    monkeypatch.setenv("DEADLINE", "1")
    if request.param == "real":
        (site / "sitecustomize.py").write_text(DEADLINES)
        with hung_disk(path):
            yield path
    else:
        (site / "sitecustomize.py").write_text(f"{DEADLINES}\n{HANG}")
        monkeypatch.setenv("HUNG", str(path))
        yield path


def config_at(hung: Path, what: str) -> str:
    """Return a configuration with one file on the disk that hangs."""
    return {
        "state": f'state_dir = "{hung}/state"',
        "state itself": f'state_dir = "{hung}"',
        "web": f'web.config_file = "{hung}/web.yml"',
        "salt": 'loki.url = "http://127.0.0.1:9"\n[[logs.sources]]\nname = "a"\npaths = ["/nowhere/*.log"]\n'
        'stages = [{ metrics = { distinct = [{ name = "users", help = "U.", value = "user", '
        f'salt_file = "{hung}/salt" }}] }} }}]',
    }[what]


@pytest.mark.parametrize("what", ["state", "state itself", "web", "salt"])
def test_sigterm_ends_a_start_that_hangs(
    what: str, hung: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEADLINE", str(4 * PATIENCE))
    agent = AgentProcess(tmp_path, config_at(hung, what), unmeasured())
    time.sleep(2)  # into the start; earlier the signal has its default effect
    assert agent.process.poll() is None
    agent.process.terminate()

    assert agent.process.wait(PATIENCE) in (0, -15)


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ("state", "state_dir: {hung}/state does not answer within 1 s; check its disk, or set another state_dir"),
        ("web", "{hung}/web.yml: file: cannot be read within 1 s; check the disk"),
    ],
)
def test_a_start_that_hangs_ends_and_names_the_disk(what: str, problem: str, hung: Path, tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, config_at(hung, what), unmeasured())

    assert agent.process.wait(2 * PATIENCE) == 1
    assert problem.format(hung=hung) in agent.log()
    assert "Traceback" not in agent.log()


def test_a_configuration_on_a_hung_disk_is_refused(hung: Path) -> None:
    ended = command("check-config", str(hung / "config.toml"), env=unmeasured())

    assert ended.returncode == 1
    assert f"{hung}/config.toml: file: cannot be read: no answer within 1 s; check the disk" in ended.stderr


def test_logs_on_a_hung_disk_cost_only_their_source(hung: Path, tmp_path: Path) -> None:
    (tmp_path / "well").mkdir()
    (tmp_path / "well" / "a.log").write_text("a line\n")
    sources = (f'[[logs.sources]]\nname = "{at.name}"\npaths = ["{at}/*.log"]' for at in (hung, tmp_path / "well"))
    with loki() as sink:
        agent = AgentProcess(tmp_path, "\n".join([f'loki.url = "{sink.url}"', *sources]), unmeasured())
        try:
            eventually(sink.entries, "the other source is shipped")
            assert 'wr_agent_collector_up{collector="logs"} 1' in agent.get("/metrics")[2]
        finally:
            assert agent.stop() == 0
        assert [entry.line for entry in sink.entries()] == ["a line"]


def test_check_config_reports_a_hung_state_directory(hung: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(Path, "resolve", lambda path, **_: ended.wait() and path)
    monkeypatch.setattr(state_directory, "DEADLINE", 0.2)

    with pytest.raises(ConfigError, match=r"state_dir: .* does not answer within 0.2 s; check its disk"):
        state_directory.check(hung / "state")
    ended.set()


def test_a_configuration_file_has_a_deadline(hung: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr("collectors.regular_file.read", lambda *_: ended.wait() and b"")
    monkeypatch.setattr(loader, "READ_DEADLINE", 0.2)

    with pytest.raises(ConfigError, match=r"file: cannot be read: no answer within 0.2 s; check the disk$"):
        loader.load(hung / "config.toml")
    ended.set()


class Restored(Collector):
    """A collector whose state is read only when the test says so."""

    name: ClassVar[str] = "restored"

    def __init__(self) -> None:
        self.readable = threading.Event()
        self.steps: list[str] = []

    def restore(self) -> None:
        self.readable.wait(PATIENCE)
        self.steps.append("restored")

    async def run(self) -> None:
        self.steps.append("runs")
        await asyncio.Event().wait()

    def collect(self) -> Iterable[Family]:
        return [gauge("restored", "R.", 1.0)]


async def test_a_collector_runs_only_after_its_state_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collectors, "RESTORE_DEADLINE", 0.1)
    late, parts = Restored(), Collectors(loader.parse("host.enabled = false\naudio.enabled = false", "test"))
    await parts.begin(collectors.Prepared(parts.config, {late.name: late}))
    supervised = parts.supervisor.supervised[late.name]
    await soon(lambda: supervised.error)

    assert supervised.error == "its state cannot be read; check the disk of state_dir"
    assert late.steps == []
    late.readable.set()
    await soon(lambda: not supervised.error)
    await soon(lambda: late.steps == ["restored", "runs"])
    await parts.stop()


async def test_a_collector_that_is_removed_while_its_state_hangs_never_runs() -> None:
    late, supervisor = Restored(), Supervisor(lambda: 1.0)
    restored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    supervisor.add(late, restored)
    await soon(lambda: supervisor.supervised[late.name].error)
    await supervisor.remove(late.name)
    restored.set_result(None)
    await asyncio.sleep(0)

    assert late.steps == []
