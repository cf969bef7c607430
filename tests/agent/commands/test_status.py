"""`wr-agent status` as a process, also on a real terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from agent.commands import status
from tests.conftest import StartAgent
from tests.support.agent import AgentProcess, unmeasured
from tests.support.waiting import PATIENCE, eventually


@contextmanager
def watching(agent: AgentProcess, output: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "agent", "status", "--watch", "--config", str(agent.config_file)]
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=unmeasured(COLUMNS="80"))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def read_until(reading: int, text: bytes, times: int) -> bytes:
    seen = b""

    def look() -> bytes | None:
        nonlocal seen
        while select.select([reading], [], [], 0)[0]:
            seen += os.read(reading, 1 << 16)
        return seen if seen.count(text) >= times else None

    return eventually(look, f"{text!r} {times} times")


def test_it_says_what_the_machine_does(shared_agent: AgentProcess) -> None:
    said = shared_agent.command("status")

    assert said.returncode == 0
    for title in ("machine", "collectors", "findings"):
        assert f"\n{title}" in said.stdout
    assert "  memory  " in said.stdout
    assert "\033" not in said.stdout


def test_watch_redraws_a_terminal_and_leaves_it_as_it_was(shared_agent: AgentProcess) -> None:
    terminal, output = pty.openpty()
    with watching(shared_agent, output) as process:
        seen = read_until(terminal, b"\033[H\033[2J", 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        seen += read_until(terminal, b"\033[?7h", 1)
    os.close(output)
    os.close(terminal)

    assert seen.startswith(b"\033[?7l")
    assert b"Traceback" not in seen
    assert b"machine" in seen


def test_watch_is_plain_where_there_is_no_terminal(shared_agent: AgentProcess) -> None:
    reading, output = os.pipe()
    with watching(shared_agent, output) as process:
        os.close(output)
        seen = read_until(reading, b"wr-agent ", 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    os.close(reading)

    assert b"\033" not in seen


def test_watch_goes_on_while_the_agent_is_away(start_agent: StartAgent) -> None:
    agent = start_agent()
    reading, output = os.pipe()
    with watching(agent, output):
        os.close(output)
        read_until(reading, b"machine", 1)
        agent.stop()
        read_until(reading, b"no agent answers", 2)
    os.close(reading)


def test_it_cannot_watch_json(shared_agent: AgentProcess) -> None:
    said = shared_agent.command("status", "--watch", "--json")

    assert said.returncode == 2
    assert "not allowed with argument" in said.stderr


def test_it_answers_though_the_configuration_was_broken_since(shared_agent: AgentProcess) -> None:
    text = shared_agent.config_file.read_text()
    shared_agent.config_file.write_text(f"{text}\n[no-such-section]\n")
    try:
        result = shared_agent.command("status")
    finally:
        shared_agent.config_file.write_text(text)

    assert result.returncode == 0
    assert result.stdout.startswith("wr-agent ")


def test_lines_that_do_not_fit_are_counted() -> None:
    assert status._fitting(["a", "b", "c"], 3) == ["a", "b", "c"]  # noqa: SLF001 - a screen of three lines
    assert status._fitting(["a", "b", "c", "d"], 3)[:2] == ["a", "b"]  # noqa: SLF001 - the same
    assert "2 more lines" in status._fitting(["a", "b", "c", "d"], 3)[2]  # noqa: SLF001 - the same
