"""A studio on this machine: an agent, a service and Redis as real processes, and the stack that monitors them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitoring.drill.receivers import Receivers, receivers

ROOT = Path(__file__).parents[2]
HOST = "drill-studio"
PLUGIN, SERVICE = "backend", "juce-backend"
_SECONDS_TO_STOP = 30
_SECONDS_TO_START = 60

_AGENT = """
state_dir = "{folder}/state"
web.listen = "127.0.0.1:{port}"
audio.observers = "{audio}"
plugins.directories = ["{folder}/sockets"]
plugins.interval = "1s"
"""


def free_port() -> int:
    """Return a TCP port of loopback that was free at that moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Studio:
    """The processes of the studio, which an exercise breaks and repairs.

    Attributes:
        folder: The directory of all files.
        stack: The directory of start.sh.
        settings: The settings of the stack.
        seen: The notifications that arrived.
        audio: The agent's observers of audio devices.
    """

    folder: Path
    stack: Path
    settings: Mapping[str, str]
    seen: Receivers
    audio: str = "off"
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Start the service, Redis, the agent and the stack."""
        (self.folder / "sockets").mkdir()
        agents = f'- targets: ["127.0.0.1:{self.port("AGENT")}"]\n  labels: {{host: {HOST}, role: server}}\n'
        (self.folder / "agents.yml").write_text(agents)
        config = _AGENT.format(folder=self.folder, port=self.port("AGENT"), audio=self.audio)
        (self.folder / "agent.toml").write_text(config)
        self.start_service()
        self.start_agent()
        if self.has_redis():
            self.start_redis()
        self._run("stack", [self.stack / "start.sh", "--processes"], self.environment())
        self.wait_for(f"http://127.0.0.1:{self.port('PROMETHEUS')}/-/ready")
        self.wait_for(f"http://127.0.0.1:{self.port('ALERTMANAGER')}/-/ready")

    def stop(self) -> None:
        """End every process, the stack first."""
        for name in ("stack", *self._processes):
            self.end(name, signal.SIGTERM)

    def port(self, name: str) -> str:
        """Return the port of a server."""
        return self.settings[f"{name}_PORT"]

    def environment(self) -> dict[str, str]:
        """Return the environment of the stack: its settings, and of this process only the paths."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "GRAFANA_HOME") if name in os.environ}
        own = {
            "ENV_FILE": os.devnull,
            "DATA": str(self.folder / "data"),
            "AGENTS_FILE": str(self.folder / "agents.yml"),
        }
        redis = {"REDIS_URL": f"redis://127.0.0.1:{self.port('REDIS')}"} if self.has_redis() else {}
        return kept | own | redis | dict(self.settings)

    def start_service(self) -> None:
        """Start the service."""
        command = [sys.executable, "-m", "monitoring.drill.service", PLUGIN, SERVICE, str(self.folder / "sockets")]
        self._run("service", command)

    def restart_service(self) -> None:
        """Kill the service if it still runs, and start it."""
        self.end("service", signal.SIGKILL)
        self.start_service()

    def start_agent(self) -> None:
        """Start the agent."""
        self._run("agent", [sys.executable, "-m", "agent", "run", "--config", str(self.folder / "agent.toml")])

    def start_redis(self) -> None:
        """Start Redis with an empty database."""
        command = ["redis-server", "--port", self.port("REDIS"), "--bind", "127.0.0.1", "--save", ""]
        self._run("redis", [*command, "--dir", str(self.folder)])

    @staticmethod
    def has_redis() -> bool:
        """Check that Redis and its exporter are installed."""
        exporters = ("prometheus-redis-exporter", "redis_exporter")
        return shutil.which("redis-server") is not None and any(shutil.which(name) for name in exporters)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process."""
        self._processes[name].send_signal(number)

    def end(self, name: str, number: signal.Signals) -> None:
        """End a process and wait for it."""
        process = self._processes.get(name)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        try:
            process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_for(self, url: str) -> None:
        """Wait until a server responds.

        Raises:
            TimeoutError: It has not responded, or the stack has exited.
        """
        deadline = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < deadline and self._processes["stack"].poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
                return
            time.sleep(0.2)
        raise TimeoutError(f"{url} did not respond; see {self.folder / 'stack.log'}")

    def _run(self, name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


_SERVERS = ("PROMETHEUS", "ALERTMANAGER", "LOKI", "LOKI_GRPC", "GRAFANA", "REDIS_EXPORTER", "BLACKBOX_EXPORTER")


@contextlib.contextmanager
def studio(
    folder: Path, stack: Path, settings: Mapping[str, str] | None = None, *, audio: str = "off"
) -> Iterator[Studio]:
    """Run a studio with its stack. Every receiver is a stand-in on loopback.

    Args:
        folder: An empty directory.
        stack: The directory of start.sh.
        settings: Settings of the stack, such as ports. Receivers cannot be changed.
        audio: The agent's observers of audio devices.
    """
    with receivers("alerts@drill.example", "drill") as (seen, of_receivers):
        ports = {f"{name}_PORT": str(free_port()) for name in (*_SERVERS, "AGENT", "REDIS")}
        running = Studio(folder, stack, ports | _FILLED_IN | dict(settings or {}) | of_receivers, seen, audio)
        try:
            running.start()
            yield running
        finally:
            running.stop()


_FILLED_IN = {
    "GRAFANA_ADMIN_USER": "admin",
    "GRAFANA_ADMIN_PASSWORD": "white-room",
    "PAGERDUTY_SERVICE_KEY_CRITICAL": "c" * 32,
    "PAGERDUTY_SERVICE_KEY_HIGH": "b" * 32,
    "SMTP_FROM": "alerts@drill.example",
    "TEAM_EMAIL_DOMAIN": "drill.example",
    "HEARTBEAT_EMAIL": "heartbeat@drill.example",
    "CLUSTER": "drill",
    "ENVIRONMENT": "drill",
    "HOST_NAME": "drill-central",
    "TITLE_MARK": "[DRILL] ",
}
