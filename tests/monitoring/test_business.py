"""The estimate of users over the registers of several machines."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
import yaml

from collectors.logs.sketch import add, estimate, keyed_hash, merged
from tests.support.monitoring import MONITORING

REGISTERS = 1024
SALT = b"the same on all machines"


def _registers(users: range) -> bytearray:
    registers = bytearray(REGISTERS)
    for user in users:
        add(registers, keyed_hash(f"user {user}".encode(), SALT))
    return registers


def _series(host: str, registers: bytearray) -> list[dict[str, str]]:
    """Return the registers that an agent exports: those that are set."""
    labels = f'host="{host}",source="app",window="day"'
    return [
        {"series": f'active_users_sketch{{{labels},register="{number}"}}', "values": f"{value}x10"}
        for number, value in enumerate(registers)
        if value
    ]


@pytest.mark.parametrize("users", [37, 900, 4_000, 20_000])
def test_users_of_several_machines_are_counted_once(tmp_path: Path, users: int) -> None:
    rng = random.Random(users)  # noqa: S311 - no secret
    starts = [0, *sorted(rng.sample(range(users // 2), 2))]
    machines = [_registers(range(start, start + users // 2)) for start in starts]
    there = starts[-1] + users // 2
    expected = estimate(merged(machines, REGISTERS))
    series = [line for number, registers in enumerate(machines) for line in _series(f"m{number}", registers)]
    check = {"expr": "round(window:active_users:estimate, 0.01)", "eval_time": "8m"}
    sample = {"labels": '{window="day"}', "value": round(expected, 2)}
    case = {
        "rule_files": [str(MONITORING / "prometheus/rules/business.yml")],
        "evaluation_interval": "1m",
        "group_eval_order": ["recording-business", "business"],
        "tests": [
            {"interval": "1m", "input_series": series, "promql_expr_test": [check | {"exp_samples": [sample]}]},
        ],
    }
    file = tmp_path / "sketch.yml"
    file.write_text(yaml.safe_dump(case))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert expected == pytest.approx(there, rel=0.1)  # three standard errors
