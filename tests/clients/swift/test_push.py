"""The example as an app on iOS: it pushes its page over HTTPS to a real agent."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.swift.test_stage_app import COUNTED
from tests.conftest import StartAgent
from tests.support.agent import AgentProcess
from tests.support.certificates import Authority
from tests.support.prometheus import free_port
from tests.support.waiting import eventually

TOKEN = "0123456789" * 4
LABELS = 'plugin="stage-app",environment="production",service="swift-frontend"'
UP = 'wr_agent_plugin_up{plugin="stage-app",plugin_instance="1"}'
TRUST = "/etc/ssl/certs/ca-certificates.crt"
"""The authorities that Foundation trusts on Linux, whatever the environment says."""

INTERVAL = "1s"
EXPIRY = "4s"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The authority of the agent's certificate, which the app trusts."""
    return Authority(tmp_path)


@pytest.fixture
def port() -> int:
    """The port for pushes."""
    return free_port()


@pytest.fixture
def start(start_agent: StartAgent, tmp_path: Path, authority: Authority, port: int) -> Callable[[], AgentProcess]:
    """Return a function that starts an agent which accepts pushes of the plugin stage-app."""
    issued = authority.issue("server")
    (tmp_path / "web.yml").write_text(f"tls_server_config: {{cert_file: {issued.cert}, key_file: {issued.key}}}")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    config = (
        f'plugins.directories = ["{tmp_path / "none"}"]\nplugins.interval = "200ms"\n[plugins.push]\nenabled = true\n'
        f'listen = "0.0.0.0:{port}"\nconfig_file = "{tmp_path / "web.yml"}"\ninterval = "{INTERVAL}"\n'
        f'expiry = "{EXPIRY}"\ntoken_files = {{ stage-app = "{tmp_path / "token"}" }}'
    )

    def start() -> AgentProcess:
        agent = start_agent(config)
        assert agent.url
        return agent

    return start


class Pushing:
    """One run of the example that pushes."""

    def __init__(self, program: Path, port: int, trust: Path, token: str = TOKEN) -> None:
        root = [] if os.geteuid() == 0 else ["--map-root-user"]
        script = f'mount --bind {trust} {TRUST} && exec "$0" "$@"'
        self.process = subprocess.Popen(
            ["unshare", "--mount", *root, "sh", "-c", script, program, f"https://127.0.0.1:{port}/metrics"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.say(token).startswith("pushing to ")

    def say(self, line: str) -> str:
        """Return the answer to a line."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def play(self, times: int = 1) -> None:
        """Play sessions."""
        for _ in range(times):
            assert self.say("play") == "played"

    def end(self) -> None:
        """End the app in the clean way."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(30) == 0


@contextmanager
def _running(program: Path, port: int, trust: Path, token: str = TOKEN) -> Iterator[Pushing]:
    app = Pushing(program, port, trust, token)
    with app.process:
        try:
            yield app
        finally:
            app.process.kill()


def _samples(agent: AgentProcess) -> Mapping[str, float]:
    _, _, text = agent.get("/metrics")
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def _counts(agent: AgentProcess) -> list[float | None]:
    """Return the songs and the frames."""
    samples = _samples(agent)
    return [samples.get(f"{name}{{{LABELS}}}") for name in ("songs_created_total", "ui_render_time_seconds_count")]


def _arrives(agent: AgentProcess, sessions: int) -> None:
    expected = [sessions, 90 * sessions]
    eventually(lambda: _counts(agent) == expected, f"{sessions} sessions arrive, not {_counts(agent)}; {agent.log()}")


def test_what_an_app_pushes_is_exported_and_ends_with_the_app(
    stage_app: Path, start: Callable[[], AgentProcess], authority: Authority, port: int
) -> None:
    agent = start()
    with _running(stage_app, port, authority.cert) as app:
        app.play()
        _arrives(agent, 1)
        samples = _samples(agent)
        for family in {name.partition("{")[0] for name in COUNTED}:
            assert any(name.startswith(f'{family}{{plugin="stage-app",') for name in samples), family
        assert samples[UP] == 1
        assert app.say("problem") == "none"

        app.play()
        app.end()

    _arrives(agent, 2)
    assert UP not in _samples(agent)


def test_an_app_that_is_killed_loses_less_than_an_interval(
    stage_app: Path, start: Callable[[], AgentProcess], authority: Authority, port: int
) -> None:
    agent = start()
    with _running(stage_app, port, authority.cert) as app:
        app.play()
        _arrives(agent, 1)
        app.process.kill()
        app.process.wait()
        eventually(lambda: UP not in _samples(agent), "its gauges end")

    with _running(stage_app, port, authority.cert) as app:
        app.play(2)
        _arrives(agent, 3)


def test_an_app_in_the_background_and_a_restarted_agent_lose_and_repeat_nothing(
    stage_app: Path, start: Callable[[], AgentProcess], authority: Authority, port: int
) -> None:
    agent = start()
    with _running(stage_app, port, authority.cert) as app:
        app.play(2)
        _arrives(agent, 2)
        app.process.send_signal(signal.SIGSTOP)
        eventually(lambda: UP not in _samples(agent), "the agent ends it")
        app.process.send_signal(signal.SIGCONT)
        app.play()
        _arrives(agent, 3)

        agent.stop()
        agent = start()
        app.play()
        eventually(lambda: _counts(agent) == [1, 90], f"only new counts arrive, not {_counts(agent)}; {agent.log()}")


def test_an_app_without_a_valid_token_or_certificate_counts_on_and_says_why(
    stage_app: Path, start: Callable[[], AgentProcess], authority: Authority, port: int, tmp_path: Path
) -> None:
    agent = start()
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").cert
    with _running(stage_app, port, authority.cert, "9" * 40) as app:
        app.play()
        eventually(lambda: "401" in app.say("problem"), "the token is refused")
    with _running(stage_app, port, other) as app:
        app.play()
        eventually(lambda: "certificate" in app.say("problem"), "the certificate is refused")

    assert _counts(agent) == [None, None]
    assert _samples(agent)['wr_agent_plugin_rejected_total{plugin="unknown",reason="unauthorized"}'] >= 1
