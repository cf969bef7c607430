"""Configurations that cannot be used: the agent refuses each, goes on, and accepts a good one afterwards."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.agent import AgentProcess, command
from tests.support.agent import agent as serving
from tests.support.waiting import PATIENCE, eventually

LOGS = """
loki.url = "http://127.0.0.1:1"
[[logs.sources]]
name = "app"
paths = ["/nowhere/*.log"]
stages = [{{ metrics = {{ distinct = [{{ name = "active_users", value = "user", salt_file = "{salt}" }}] }} }}]
"""
LOKI = """
loki = {{ url = "https://127.0.0.1:1", username = "a", {key} = "{file}", timeout = "1s" }}
[[logs.sources]]
name = "app"
paths = ["{log}"]
"""
DEEP_LABELS = f"""
loki.url = "http://127.0.0.1:1"
[[logs.sources]]
name = "app"
paths = ["/nowhere/*.log"]
labels.{"a." * 30}a = "x"
"""
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in pairwise("abcdefghi")
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * 10)}]}}\n" for before, name in pairwise("abcdefghi")
)
CERTIFICATE = "tls_server_config: {{cert_file: {file}, key_file: {file}}}\n"
AUTHORITY = (
    "tls_server_config: {{cert_file: a, key_file: b, client_ca_file: {file}, "
    "client_auth_type: RequireAndVerifyClientCert}}\n"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    with serving(tmp_path_factory.mktemp("agent"), "host.enabled = false") as running:
        yield running


@pytest.fixture
def agent(running: AgentProcess) -> Iterator[AgentProcess]:
    """The agent of this module, which has accepted its configuration before and after the test."""
    yield running
    accepted(running)


def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def web(tmp_path: Path, text: str) -> str:
    (tmp_path / "web.yml").write_text(text)
    return f'web.config_file = "{tmp_path}/web.yml"'


CASES: dict[str, Callable[[Path], str]] = {
    "missing salt": lambda folder: LOGS.format(salt=folder / "nothing"),
    "empty salt": lambda _: LOGS.format(salt="/dev/null"),
    "salt is a FIFO": lambda folder: LOGS.format(salt=fifo(folder)),
    "salt is endless": lambda _: LOGS.format(salt="/dev/zero"),
    "salt is a directory": lambda folder: LOGS.format(salt=folder),
    "deep arrays": lambda _: "x = " + "[" * 100_000,
    "deep tables": lambda _: "[" + "a." * 100_000 + "a]",
    "deep labels": lambda _: DEEP_LABELS,
    "too large": lambda _: "# " + "x" * (2 << 20),
    "no text": lambda _: "x = \x00",
    "YAML contains itself": lambda folder: web(folder, "basic_auth_users: &a\n  a: *a\n"),
    "YAML explodes": lambda folder: web(folder, BOMB),
    "YAML merges explode": lambda folder: web(folder, MERGES),
    "YAML is deep": lambda folder: web(folder, "[" * 50_000),
    "YAML is large": lambda folder: web(folder, "# " + "x" * (1 << 20)),
    "web file is a FIFO": lambda folder: f'web.config_file = "{fifo(folder)}"',
    "web file is endless": lambda _: 'web.config_file = "/dev/zero"',
    "web file is a directory": lambda folder: f'web.config_file = "{folder}"',
    "certificate is a FIFO": lambda folder: web(folder, CERTIFICATE.format(file=fifo(folder))),
    "certificate is endless": lambda folder: web(folder, CERTIFICATE.format(file="/dev/zero")),
    "authority is a FIFO": lambda folder: web(folder, AUTHORITY.format(file=fifo(folder))),
    "timeout of zero": lambda _: 'web.collect_timeout = "0s"',
    "address of another machine": lambda _: 'web.listen = "192.0.2.1:9787"',
}
"""The text of each configuration that cannot be used."""


def refused(agent: AgentProcess) -> str:
    agent.signal(signal.SIGHUP)
    return eventually(lambda: str(agent.status()["config_error"]), "the configuration is refused")


def accepted(agent: AgentProcess) -> None:
    agent.write_config("host.enabled = false\nlog_level = 'warning'")
    agent.signal(signal.SIGHUP)
    eventually(lambda: not agent.status()["config_error"], "a good configuration is accepted")


@pytest.mark.parametrize("kind", CASES)
def test_an_unusable_configuration_is_refused_and_the_old_one_stays(
    agent: AgentProcess, tmp_path: Path, kind: str
) -> None:
    agent.write_config(CASES[kind](tmp_path))
    checked = agent.command("check-config")

    assert checked.returncode == 1
    assert checked.stderr.strip()
    assert "Traceback" not in checked.stderr
    assert refused(agent)
    assert agent.get("/metrics")[0] == 200
    assert "Traceback" not in agent.log()


@pytest.mark.parametrize("key", ["password_file", "token_file", "ca_file"])
@pytest.mark.parametrize("kind", ["FIFO", "endless"])
def test_files_for_loki_of_another_kind_neither_hang_nor_grow_the_agent(
    agent: AgentProcess, tmp_path: Path, key: str, kind: str
) -> None:
    (tmp_path / "app.log").write_text("a line\n")
    file = fifo(tmp_path) if kind == "FIFO" else "/dev/zero"
    agent.write_config(LOKI.format(key=key, file=file, log=tmp_path / "app.log"))
    checked = agent.command("check-config")

    assert checked.returncode == 1
    assert "expected a regular file" in checked.stderr
    agent.signal(signal.SIGHUP)
    eventually(lambda: "expected a regular file" in str(agent.status()), "the agent reports it")
    assert agent.get("/metrics")[0] == 200


def test_many_problems_do_not_fill_the_log(agent: AgentProcess) -> None:
    agent.write_config("\n".join(f"x{number} = 1" for number in range(5000)))

    before = len(agent.log())

    assert "and 4980 more" in refused(agent)
    assert agent.log()[before:].count("\n") < 100


def test_a_configuration_that_is_a_fifo_is_refused(agent: AgentProcess) -> None:
    agent.config_file.unlink()
    os.mkfifo(agent.config_file)

    assert "expected a regular file, found a FIFO" in refused(agent)
    assert command("check-config", str(agent.config_file)).returncode == 1
    agent.config_file.unlink()


def test_a_distinct_count_needs_a_usable_state_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    started = AgentProcess(tmp_path, f'state_dir = "{tmp_path}/file/state"\n{LOGS.format(salt="")}')

    assert started.process.wait(PATIENCE) == 1
    assert "keeps its salt in the state directory" in started.log()
    assert "keeps its salt in the state directory" in started.command("check-config").stderr


def handles_hangup(started: AgentProcess) -> bool:
    """Return True once the process has a handler of SIGHUP."""
    if sys.platform == "darwin":
        time.sleep(1)  # it has no such file
        return True
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{started.process.pid}/status").read_text())
    return bool(int(caught, 16) & 1 << signal.SIGHUP - 1)


def test_a_reload_during_the_start_does_not_end_the_agent(tmp_path: Path) -> None:
    started = AgentProcess(tmp_path)
    try:
        eventually(lambda: handles_hangup(started), "SIGHUP is handled")
        while not started.log():
            started.signal(signal.SIGHUP)
            time.sleep(0.01)
        assert started.get("/-/healthy")[0] == 200
        eventually(lambda: "reloaded" in started.log(), "the reload that was asked for happens")
    finally:
        assert started.stop() == 0
