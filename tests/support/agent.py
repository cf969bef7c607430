"""A real agent as a process of its own, on a free port."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.waiting import PATIENCE, eventually

CHECKOUT = (sys.executable, "-m", "agent")
"""The agent of this checkout."""


class AgentProcess:
    """One `wr-agent run`, with its configuration and state below `folder`. Its command is `prefix` and `program`."""

    def __init__(
        self,
        folder: Path,
        config: str = "",
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        prefix: Sequence[str] = (),
        program: Sequence[str] = CHECKOUT,
    ) -> None:
        self.folder = folder
        self.state_dir = folder / "state"
        self.config_file = folder / "config.toml"
        self.log_file = folder / "agent.log"
        self.write_config(config)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*prefix, *program, "run", "--config", str(self.config_file), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(env or {}),
            )

    def write_config(self, config: str) -> None:
        """Write the configuration file: `config`, after the defaults of every test that it does not replace."""
        defaults = {"state_dir": str(self.state_dir), "web.listen": "127.0.0.1:0"}
        lines = [f'{key} = "{value}"' for key, value in defaults.items() if key not in config]
        if not re.search(r"audio\.(enabled|observers)", config):
            lines.append("audio.enabled = false")
        self.config_file.write_text("\n".join([*lines, config]))

    @property
    def url(self) -> str:
        """The address of the agent, once it answers."""
        return eventually(self._announced, f"the agent serves; its log: {self.log()}", 2 * PATIENCE)

    def _announced(self) -> str | None:
        if self.process.poll() is not None:
            raise AssertionError(f"the agent ended with {self.process.returncode}: {self.log()}")
        with contextlib.suppress(OSError, ValueError):
            said = json.loads((self.state_dir / "agent.lock").read_bytes())
            if said["pid"] == self.process.pid:
                return str(said["url"]) or "no port"
        return None

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str], str]:
        """Return status, headers and text of one answer."""
        request = urllib.request.Request(self.url + path, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read().decode()

    def status(self) -> dict[str, Any]:
        """Return the agent's own status document."""
        document: dict[str, Any] = json.loads(self.get("/-/status")[2])
        return document

    def log(self) -> str:
        """Return the log so far."""
        return self.log_file.read_text()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another `wr-agent` command with the same configuration."""
        return command(*arguments, "--config", str(self.config_file))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the agent."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """End the agent, by SIGKILL if SIGTERM is not enough, and return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextlib.contextmanager
def agent(
    folder: Path, config: str = "", env: Mapping[str, str] | None = None, program: Sequence[str] = CHECKOUT
) -> Iterator[AgentProcess]:
    """Yield an agent that serves, and end it afterwards."""
    started = AgentProcess(folder, config, env, program=program)
    try:
        assert started.url
        yield started
    finally:
        started.stop()


def unmeasured(**more: str) -> dict[str, str]:
    """Return the environment without the settings of coverage, which write files and delay a process's end."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")} | more


def command(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one `wr-agent` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
        env=os.environ | dict(env or {}),
    )
