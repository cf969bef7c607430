"""PipeWire's lines in the journal, through a command in place of journalctl."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from collectors.audio.causes.evidence import ClientCycle
from collectors.audio.causes.recorder.pipewire_log import (
    LoggedLine,
    cycles,
    incidents,
    parse_journal,
    read_journal,
)

MS = 1_000_000
LATE = "pw.node: (synth-75) xrun state:0x7e4f984c7008 pending:0/1 s:{} a:{} f:{} waiting:1 process:2 status:awake"
GRAPH = "pw.node: (sink-57) graph xrun not-triggered (0 suppressed)"


def entry(message: object, at_ns: int) -> str:
    return json.dumps({"MESSAGE": message, "__MONOTONIC_TIMESTAMP": str(at_ns // 1000), "_COMM": "pipewire"})


def journalctl(folder: Path, *lines: str, code: int = 0, failure: str = "") -> tuple[str]:
    command = folder / "journalctl"
    (folder / "lines").write_text("\n".join(lines))
    command.write_text(f"#!/bin/sh\ncat {folder}/lines\necho '{failure}' >&2\nexit {code}\n")
    command.chmod(0o755)
    return (str(command),)


def test_other_lines_and_binary_messages_are_left_out() -> None:
    output = "\n".join([entry(GRAPH, 5 * MS), entry("started", 6 * MS), entry([1, 2], 7 * MS), "noise", "{}"])

    assert parse_journal(output) == [LoggedLine(5 * MS, GRAPH)]


def test_a_late_node_becomes_a_cycle_and_an_incident() -> None:
    lines = [LoggedLine(9 * MS, GRAPH), LoggedLine(9 * MS, LATE.format(1 * MS, 2 * MS, 500))]

    (cycle,) = cycles(lines)

    assert cycle.at_ns == 9 * MS
    assert cycle.clients == (ClientCycle("synth", 1 * MS, 2 * MS, 500, "running"),)
    assert [(it.kind, it.name, it.at_ns) for it in incidents(lines)] == [
        ("server_log", "", 9 * MS),
        ("server_log", "synth", 9 * MS),
    ]


def test_a_node_without_times_is_no_cycle() -> None:
    assert cycles([LoggedLine(9 * MS, LATE.format(0, 0, 0))]) == ()


async def test_the_journal_is_read_around_the_dropout(tmp_path: Path) -> None:
    now_ns = time.monotonic_ns()
    inside = LATE.format(now_ns, now_ns, 0)
    command = journalctl(tmp_path, entry(GRAPH, now_ns - 10_000 * MS), entry(inside, now_ns))

    lines, problem = await read_journal(now_ns - 1000 * MS, now_ns + 1000 * MS, command)

    assert [line.text for line in lines] == [inside]
    assert problem == ""


@pytest.mark.parametrize("failure", ["No journal files were opened due to insufficient permissions.", ""])
async def test_a_journal_that_cannot_be_read_is_said(failure: str, tmp_path: Path) -> None:
    lines, problem = await read_journal(0, 1, journalctl(tmp_path, code=1, failure=failure))

    assert lines == ()
    assert problem.startswith(f"PipeWire's log cannot be read: {failure or 'exit code 1'}")


async def test_a_machine_without_journalctl_says_so(tmp_path: Path) -> None:
    assert await read_journal(0, 1, (str(tmp_path / "none"),)) == (
        (),
        "PipeWire's log cannot be read: there is no journalctl.",
    )
