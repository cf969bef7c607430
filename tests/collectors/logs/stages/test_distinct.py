"""Distinct counts over machines: two real agents, scraped by a real Prometheus that merges their registers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conftest import StartAgent
from tests.support.agent import AgentProcess, agent
from tests.support.loki import Loki, loki
from tests.support.prometheus import Prometheus, prometheus
from tests.support.waiting import eventually

REGISTERS = 1024
STANDARD_ERROR = 1.04 / REGISTERS**0.5
MERGED = "max by (register) (max_over_time({name}_sketch{{window='{window}'}}[5m]))"


def estimate(name: str, window: str) -> str:
    """The query that counts what all machines saw together."""
    merged, m = MERGED.format(name=name, window=window), REGISTERS
    empty = f"({m} - count({merged}))"
    alpha = 0.7213 / (1 + 1.079 / m)
    return f"(({m} * ln({m} / {empty})) < 2.5 * {m}) or ({alpha * m * m} / (sum(2 ^ -{merged}) + {empty}))"


def config(sink: Loki, log: Path, salt: Path) -> str:
    metrics = ", ".join(
        f'{{ name = "{name}", value = "{field}", salt_file = "{salt}" }}'
        for name, field in (("active_users", "user_id"), ("few_users", "guest"))
    )
    return f"""
host.enabled = false
loki.url = "{sink.url}"
[[logs.sources]]
name = "app"
paths = ["{log}"]
stages = [{{ json = {{ fields = ["user_id", "guest"] }} }}, {{ metrics = {{ distinct = [{metrics}] }} }}]
"""


def write_users(log: Path, users: Iterable[int], guests: Iterable[int]) -> None:
    with log.open("a") as file:
        file.writelines(f'{{"user_id": "user-{user}"}}\n' for user in users)
        file.writelines(f'{{"guest": "guest-{guest}"}}\n' for guest in guests)


def sketch(running: AgentProcess) -> list[str]:
    return sorted(line for line in running.get("/metrics")[2].splitlines() if "_sketch{" in line)


def value(server: Prometheus, query: str) -> float:
    return server.value(query) or 0.0


def test_prometheus_merges_the_registers_of_two_machines(start_agent: StartAgent, tmp_path: Path) -> None:
    salt, one, two = tmp_path / "salt", tmp_path / "one.log", tmp_path / "two.log"
    salt.write_text("the same on both machines")
    with loki() as sink:
        agents = [start_agent(config(sink, log, salt)) for log in (one, two)]
        write_users(one, range(4000), range(25))
        write_users(two, range(3000, 7000), range(12, 37))
        eventually(lambda: len(sink.lines()) >= 8050, "both agents sent their lines")
        with prometheus(tmp_path, *(each.url.removeprefix("http://") for each in agents)) as server:
            eventually(lambda: value(server, estimate("active_users", "day")) > 6000, "both are scraped")
            estimates = {window: value(server, estimate("active_users", window)) for window in ("day", "month")}
            few = value(server, estimate("few_users", "day"))
            pages = [each.get("/metrics")[2] for each in agents]

    assert estimates == {window: pytest.approx(7000, rel=3 * STANDARD_ERROR) for window in ("day", "month")}
    assert few == pytest.approx(37, abs=2)
    assert [page for page in pages if "user-" in page or "guest-" in page] == []


def test_the_windows_survive_kill_9(start_agent: StartAgent, tmp_path: Path) -> None:
    salt, log = tmp_path / "salt", tmp_path / "app.log"
    salt.write_text("secret")
    write_users(log, range(500), range(5))
    with loki() as sink:
        first = start_agent(config(sink, log, salt))
        eventually(lambda: len(sink.lines()) >= 505, "the lines are sent")
        positions = first.state_dir / "log-positions.json"
        eventually(lambda: f'"offset":{log.stat().st_size}' in positions.read_text(), "the position is saved")
        before = sketch(first)
        first.process.kill()
        first.process.wait()
        with agent(first.folder, config(sink, log, salt)) as again:
            after = eventually(lambda: sketch(again), "the registers are exported")

    assert before
    assert after == before
