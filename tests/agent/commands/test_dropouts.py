"""`wr-agent dropouts`: the list, one dropout, the most frequent causes, and every wrong use."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from agent.cli import main
from collectors.audio.causes.event import Cause, Contribution, Culprit, Event
from collectors.audio.causes.reading import EVENTS
from tests.conftest import StartAgent
from tests.support.agent import AgentProcess

HOSTILE = "\x1b[31mevil\nname<script>"
SENTENCE = "export-job (pid 14420, real-time priority 80) held CPU 1 for 38 ms while the server was to run."


def dropout(
    seconds_ago: float, cause: Cause = Cause.PREEMPTED, name: str = "export-job", text: str = SENTENCE
) -> Event:
    """Return an event some seconds ago."""
    at = datetime.fromtimestamp(time.time() - seconds_ago, UTC)
    return Event(
        id=f"{at:%Y%m%d-%H%M%S}-{at.microsecond // 1000:03}",
        at=f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06}000Z",
        duration_ms=38.2,
        device="system",
        server="default",
        period_ms=5.333,
        cause=cause,
        confidence=0.93 if cause is not Cause.UNKNOWN else 0.0,
        level=1,
        culprit=Culprit(kind="process", name=name, pid=14420, policy="fifo", priority=80, cpu=1) if name else None,
        victim="server",
        late_ms=38.0,
        explained_ms=37.5,
        others=(Contribution(cause=Cause.MEMORY, ms=2.0),),
        evidence=("export-job ran 38 ms on CPU 1.",),
        missing=("Without kernel tracing a short program could have been missed.",),
        text=text,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with its own state directory."""
    path = tmp_path / "config.toml"
    path.write_text(f'state_dir = "{tmp_path / "state"}"\n')
    (tmp_path / "state").mkdir()
    return path


def record(config: Path, events: Iterable[Event]) -> list[Event]:
    kept = list(events)
    (config.parent / "state" / EVENTS).write_bytes(b"".join(msgspec.json.encode(it) + b"\n" for it in kept))
    return kept


def run(config: Path, *arguments: str) -> int:
    return main(["dropouts", *arguments, "--config", str(config)])


def test_dropouts_are_listed_with_time_cause_id_and_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = record(config, [dropout(7200, Cause.UNKNOWN, "", "Not known: nothing unusual was seen."), dropout(5)])

    assert run(config) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[2:] == ["unknown", "38.2", "ms", "system", old.id]
    local = datetime.fromisoformat(new.at[:26] + "+00:00").astimezone()
    assert lines[2].startswith(f"{local:%Y-%m-%d %H:%M:%S} ")
    assert "preempted" in lines[2]
    assert " ".join(" ".join(lines[3:5]).split()) == SENTENCE
    assert "2 dropouts since " in said.out
    assert said.err == f"no agent runs; read from {config.parent / 'state'}\n"


def test_the_newest_twenty_are_shown_unless_more_are_wanted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = record(config, [dropout(3600 - number) for number in range(30)])

    assert run(config) == 0
    shown = capsys.readouterr().out
    assert events[9].id not in shown
    assert events[10].id in shown
    assert "30 dropouts since" in shown
    assert "the newest 20 are shown, -n 30 shows all" in " ".join(shown.split())
    assert run(config, "-n", "2") == 0
    assert capsys.readouterr().out.count("export-job") == 2
    assert run(config, "--since", "2h") == 0
    assert events[0].id in capsys.readouterr().out


@pytest.mark.parametrize("since", ["90m", "1.5h", "5400s", "5400000ms"])
def test_a_span_selects_what_is_younger(config: Path, since: str, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = record(config, [dropout(7200), dropout(5)])

    assert run(config, "--since", since) == 0
    shown = capsys.readouterr().out
    assert (old.id in shown, new.id in shown) == (False, True)
    assert "1 dropout since 20" in shown


def test_a_time_selects_what_is_younger_in_local_time_or_its_zone(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        old, new = record(config, [dropout(7200), dropout(5)])
        hour_ago = datetime.fromtimestamp(time.time() - 3600).astimezone()
        times = [f"{hour_ago:%Y-%m-%dT%H:%M}", f"{hour_ago:%Y-%m-%d %H:%M:%S}", f"{hour_ago:%H:%M}"]
        for given in (*times, f"{hour_ago.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"):
            assert run(config, "--since", given) == 0
            shown = capsys.readouterr().out
            assert (given, old.id in shown, new.id in shown) == (given, False, True)
        assert run(config, "--since", f"{hour_ago:%Y}-01-01") == 0
        assert old.id in capsys.readouterr().out
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_cause_selects(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = record(config, [dropout(10, Cause.CLIENT_CPU), dropout(5)])

    assert run(config, "--cause", "client-cpu") == 0
    shown = capsys.readouterr().out
    assert (one.id in shown, other.id in shown) == (True, False)
    assert "1 dropout of cause client_cpu since" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cause", "preemted"), "unknown cause 'preemted'; did you mean preempted?"),
        (("--cause", "weather"), "unknown cause 'weather'; the causes are client_cpu, client_wait,"),
        (("show", ""), "expected an id, its beginning or `last`, got nothing"),
        (("--since", "soon"), "expected a time such as 2h, 3d, today, 14:30"),
        (("--since", "2999-01-01"), "expected a time in the past, got 2999-01-01"),
        (("-n", "0"), "expected a number from 1 to 10000, got '0'"),
        (("shw",), "invalid choice: 'shw' (choose from 'show', 'top')"),
        (("show",), "required: ID"),
    ],
)
def test_wrong_use_is_refused_with_the_right_one(
    config: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(config, *arguments)

    assert said in " ".join(capsys.readouterr().err.split())


def test_nothing_recorded_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config) == 0
    assert capsys.readouterr().out == "no dropout is recorded\n"
    assert run(config, "top") == 0
    assert capsys.readouterr().out == "no dropout in the last 24 hours\n"
    record(config, [dropout(7200)])
    assert run(config, "--since", "1h", "--cause", "io") == 0
    assert capsys.readouterr().out.startswith("no dropout of cause io since 20")


def test_the_list_as_json_is_one_document(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = record(config, [dropout(10), dropout(5)])

    assert run(config, "--json", "-n", "1") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["more"], document["oldest"]) == (1, 1, events[0].at)
    assert document["events"] == [json.loads(msgspec.json.encode(events[1]))]


def test_one_dropout_is_shown_with_evidence_and_missing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (event, _) = record(config, [dropout(300), dropout(5)])

    assert run(config, "show", event.id) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for part in (
        event.id,
        SENTENCE,
        "5 min ago",
        "length 38.2 ms",
        "device system of the server default, 5.33 ms a buffer",
        "cause preempted: a program of higher priority held the processor",
        "confidence 93%",
        "culprit process export-job, pid 14420, fifo 80, CPU 1",
        "victim server, 38 ms late, 37.5 ms of it explained",
        "also memory 2 ms",
        "evidence level 1 of 2",
        "- export-job ran 38 ms on CPU 1.",
        "- Without kernel tracing a short program could have been missed.",
    ):
        assert part in shown


def test_the_last_dropout_and_a_unique_beginning_can_be_shown(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, last = record(config, [dropout(90_000), dropout(5)])

    assert run(config, "show", "last") == 0
    assert last.id in capsys.readouterr().out
    assert run(config, "show", one.id[:-3]) == 0
    assert one.id in capsys.readouterr().out
    assert run(config, "show", "--json", one.id) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(msgspec.json.encode(one))


@pytest.mark.parametrize(
    ("wanted", "said"), [("2", "is the beginning of 2 ids"), ("1999", "no dropout has the id 1999")]
)
def test_an_id_that_fits_no_dropout_or_several_is_refused(
    config: Path, wanted: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record(config, [dropout(10), dropout(5)])

    assert run(config, "show", wanted) == 1
    assert said in capsys.readouterr().err


def test_top_counts_causes_and_culprits_of_the_last_day(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(
        config,
        [
            dropout(100_000, Cause.IO, "old"),
            dropout(50, Cause.CLIENT_CPU, "reverb"),
            dropout(40, Cause.PREEMPTED, "reverb"),
            dropout(30),
            *(dropout(20 - number) for number in range(6)),
            dropout(3, Cause.UNKNOWN, ""),
        ],
    )

    assert run(config, "top") == 0
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    assert lines[0] == ["10", "dropouts", "in", "the", "last", "24", "hours"]
    assert [line[0] for line in lines[3:6]] == ["8", "1", "1"]
    assert lines[3][2:4] == ["80%", "preempted"]
    assert lines[-2:] == [
        ["7", "export-job", "process", "preempted", "7"],
        ["2", "reverb", "process", "client_cpu", "1,", "preempted", "1"],
    ]
    assert max(map(len, shown.splitlines())) <= 80
    assert run(config, "top", "--cause", "client_cpu") == 0
    assert "1 dropout in the last 24 hours" in capsys.readouterr().out
    assert run(config, "top", "--json", "--since", "2d") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["dropouts"] == 11
    assert document["culprits"][0] == {
        "kind": "process",
        "name": "export-job",
        "dropouts": 7,
        "causes": {"preempted": 7},
    }


def test_hostile_names_control_no_terminal(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (event,) = record(config, [dropout(5, name=HOSTILE, text=f"{HOSTILE} held CPU 1.")])

    for arguments in ((), ("show", event.id), ("top",)):
        assert run(config, *arguments) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert "evil" in shown


def test_an_unreadable_record_is_no_empty_one(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(config, [dropout(5)])
    monkeypatch.setattr(os, "access", lambda *_: False)  # root reads every file

    assert run(config) == 1
    assert f"may not read {config.parent / 'state' / EVENTS}" in capsys.readouterr().err


def test_a_running_agent_is_asked(start_agent: StartAgent) -> None:
    agent = start_agent('audio.observers = "passive"\n')
    (event,) = [dropout(5)]
    (agent.state_dir / EVENTS).write_bytes(msgspec.json.encode(event) + b"\n")

    done: subprocess.CompletedProcess[str] = agent.command("dropouts")
    assert (done.returncode, done.stderr) == (0, "")
    assert event.id in done.stdout
    code, headers, body = agent.get("/-/dropouts?most=1")
    assert (code, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(body)["events"] == [json.loads(msgspec.json.encode(event))]


@pytest.mark.parametrize("query", ["cause=weather", "most=0", "most=x", "since=nan", "since=soon", "cuase=io"])
def test_a_wrong_question_is_a_bad_request(shared_agent: AgentProcess, query: str) -> None:
    code, _, text = shared_agent.get(f"/-/dropouts?{query}")

    assert code == 400
    assert text.strip()


DEEP = b'{"x":' + b"[" * 200_000 + b"\n"


def damage(path: Path, kind: str) -> None:
    """Put what an agent of another user, or a damaged disk, may leave in the place of a file."""
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)


@pytest.mark.parametrize("kind", ["FIFO", "link to a device", "file of a tebibyte"])
@pytest.mark.parametrize("action", [[], ["top"], ["show", "last"]])
def test_a_hostile_file_of_events_is_refused_at_once(
    config: Path, capsys: pytest.CaptureFixture[str], kind: str, action: list[str]
) -> None:
    damage(config.parent / "state" / EVENTS, kind)

    assert main(["dropouts", "--config", str(config), *action]) == 1

    assert f"{EVENTS}: expected a " in capsys.readouterr().err


def test_a_deeply_nested_line_and_an_overlong_one_cost_themselves_only(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (event,) = record(config, [dropout(60)])
    with (config.parent / "state" / EVENTS).open("ab") as file:
        file.write(DEEP + b'{"x":"' + b"x" * (2 << 20) + b'"}\n')

    assert main(["dropouts", "--config", str(config)]) == 0

    assert event.id in capsys.readouterr().out


def test_no_field_of_an_event_reaches_the_terminal_as_it_is(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;evil\x07\x9b31m"
    event = msgspec.structs.replace(
        dropout(60, name=hostile, text=hostile), id=f"2026{hostile}", device=hostile, server=hostile, victim=hostile
    )
    wrong = msgspec.structs.replace(event, id=f"2027{hostile}", at=hostile, evidence=(hostile,), missing=(hostile,))
    record(config, [event, wrong])

    for action in ([], ["top"], ["show", "last"], ["show", "2026"], ["show", "202"], ["show", "nothing"]):
        main(["dropouts", "--config", str(config), *action])
    out, err = capsys.readouterr()

    assert "evil" in out
    assert all(text.replace("\n", "").isprintable() for text in (out, err))
