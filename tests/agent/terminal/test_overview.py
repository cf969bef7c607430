"""The output of `wr-agent status`, line by line."""

from __future__ import annotations

import msgspec
import pytest

from agent.core.diagnosis import Outcome
from agent.core.status import CollectorStatus, Status
from agent.live.sample import ChannelNow, DeviceNow, HostNow, LiveSample, LogNow, PluginNow, PushNow, Timing
from agent.terminal import overview
from agent.terminal.style import Terminal
from collectors.findings import Finding, Severity

PLAIN = Terminal(colour=False, unicode=False)
DEVICE = DeviceNow(
    name="usb",
    up=True,
    observers=["jack"],
    rate=44100.0,
    frames=256.0,
    deadline=256 / 44100,
    load=0.5,
    dropouts=3,
    lost=40,
    late=2,
    timing=Timing(100, 15e-6, 0.0012, 1.0),
    channels=[ChannelNow("1", 0.5, 0.35, 0.0), ChannelNow("2", 0.0, 0.0, 150.0)],
)
STATUS = Status(
    schema=1,
    version="1.2.3",
    pid=7,
    started=0.0,
    uptime=3700.0,
    url="http://127.0.0.1:9787",
    config="built-in defaults",
    config_error="",
    collectors=[CollectorStatus("host", up=True, error="", errors=0, restarts=0, duration=0.002)],
    checks=[Outcome("host.memory", "Memory is available", ())],
    live=LiveSample(
        devices=[DEVICE],
        plugins=[PluginNow(name="reverb", up=1, instances=2, render=0.002, p99=0.004, deadline=0.005, xruns=None)],
        logs=[LogNow("engine", 12.5, 4096.0, 0.0)],
        push=PushNow(
            url="https://metrics.example/api/v1/write",
            problem="no answer within 30 s",
            sent=120_500,
            queue_bytes=3.5 * 2**20,
            queue_seconds=7200.0,
            lag_seconds=45.0,
            refused=2,
            dropped=0,
        ),
        host=HostNow(cpu=0.25, memory=0.5, load1=1.0, disk="/", disk_used=0.999),
    ),
)


def said(status: Status = STATUS, terminal: Terminal = PLAIN) -> list[str]:
    return list(overview.lines(status, terminal))


@pytest.mark.parametrize(
    "line",
    [
        "wr-agent 1.2.3, pid 7, up 1 h 1 min",
        "serving  http://127.0.0.1:9787/metrics",
        "  [+] usb: 44.1 kHz, 256 frames, 5.8 ms per buffer",
        "      timing    median 15 us, p99 1.2 ms, worst 1 s from the deadline",
        "      dropouts  3 since the agent's start; 40 lost buffers, 2 late",
        "      load      ############............  50 %",
        "      1         ######################.. -6.0 dB",
        "      2         ........................ silent for 2 min",
        "  reverb           1 of 2 answer, render p99 4 ms of 5 ms, xruns -",
        "  processors           ######..................  25 %",
        "  disk /               ######################## 100 %",
        "  engine           12.5 lines/s, 4096 bytes not yet in Loki, 0 s behind",
        "  [x] https://metrics.example/api/v1/write",
        "      120500 samples sent, 45 s behind, 3.5 MiB of 120 min wait",
        "      2 samples refused by the receiver, 0 dropped from the queue",
        "      no answer within 30 s",
        "  [+] host             2.0 ms  up",
        "findings (1 checks)",
        "  [+] nothing found",
    ],
)
def test_it_says_all_there_is(line: str) -> None:
    assert line in said()


@pytest.mark.parametrize(
    ("waiting", "shown"),
    [(0, "nothing waits"), (4500, "4.4 KiB of 35 s wait"), (3 << 20, "3.0 MiB of 35 s wait")],
)
def test_what_waits_to_be_pushed_has_a_fitting_unit(waiting: int, shown: str) -> None:
    push = PushNow(
        url="http://metrics.example",
        problem="",
        sent=5,
        queue_bytes=waiting,
        queue_seconds=35.0,
        lag_seconds=0.0,
        refused=0,
        dropped=0,
    )

    lines = said(msgspec.structs.replace(STATUS, live=LiveSample(push=push)))

    assert f"      5 samples sent, 0 s behind, {shown}" in lines


def test_it_fits_a_terminal_of_80_columns() -> None:
    assert max(map(len, said())) <= 80


@pytest.mark.parametrize("width", [40, 60])
def test_it_fits_a_narrow_terminal_but_for_addresses(width: int) -> None:
    lines = said(terminal=Terminal(colour=False, unicode=False, width=width))

    assert [line for line in lines if len(line) > width and "http" not in line] == []
    assert {word for line in said() for word in line.split() if not set(word) <= set("#.")} <= {
        word for line in lines for word in line.split()
    }


def test_long_names_are_cut_in_the_middle_and_get_the_width_of_the_window() -> None:
    names = ("white-room-convolution-reverb", "white-room-convolution-delay")
    plugins = [PluginNow(name=name, up=1, instances=1) for name in names]
    status = msgspec.structs.replace(STATUS, live=LiveSample(plugins=plugins))

    narrow = [line.split()[0] for line in said(status) if "answer" in line]
    wide = [
        line.split()[0] for line in said(status, Terminal(colour=False, unicode=True, width=120)) if "answer" in line
    ]

    assert narrow == ["white-ro~-reverb", "white-ro~n-delay"]
    assert wide == list(names)


def test_the_worst_plugin_comes_first() -> None:
    plugins = [
        PluginNow(name="idle", up=1, instances=1),
        PluginNow(name="light", up=1, instances=1, p99=0.001, deadline=0.005),
        PluginNow(name="heavy", up=1, instances=1, p99=0.0049, deadline=0.005),
        PluginNow(name="silent", up=0, instances=1),
    ]
    lines = said(msgspec.structs.replace(STATUS, live=LiveSample(plugins=plugins)))

    assert [line.split()[0] for line in lines if "answer" in line] == ["silent", "heavy", "light", "idle"]


def test_findings_can_come_first() -> None:
    lines = list(overview.lines(STATUS, PLAIN, findings_first=True))

    assert lines.index("findings (1 checks)") < lines.index("audio")


def test_what_is_not_known_is_not_said() -> None:
    text = "\n".join(said(msgspec.structs.replace(STATUS, live=LiveSample())))

    for title in ("audio", "plugins", "machine", "logs"):
        assert f"\n{title}\n" not in text


def test_a_device_that_is_down_and_a_refused_reload_stand_out() -> None:
    live = LiveSample(devices=[DeviceNow(name="usb", up=False, observers=[])])
    lines = said(msgspec.structs.replace(STATUS, live=live, config_error="bad key"))

    assert "  [x] usb: no buffer received" in lines
    assert "[x] the last reload was refused: bad key" in lines


def test_a_device_whose_server_exports_says_that_nothing_is_measured() -> None:
    live = LiveSample(devices=[DeviceNow(name="usb", up=True, observers=["jack"], freewheeling=True, rate=48000.0)])

    assert "  [i] usb: freewheeling, nothing is measured until the export ends" in said(
        msgspec.structs.replace(STATUS, live=live)
    )


def test_findings_come_with_their_remedies() -> None:
    finding = Finding("x", "It is broken", Severity.FAILURE, "The detail.", "All.", ("mend it",))
    lines = said(msgspec.structs.replace(STATUS, checks=[Outcome("x.y", "X", (finding,))]))

    assert any("It is broken" in line for line in lines)
    assert any("mend it" in line for line in lines)
    assert not any("nothing found" in line for line in lines)


def test_a_terminal_that_can_has_fuller_bars() -> None:
    assert any("██░" in line for line in said(terminal=Terminal(colour=False, unicode=True)))


def test_an_agent_without_a_port_says_so() -> None:
    assert "serving  no port (web.listen is off)" in said(msgspec.structs.replace(STATUS, url=""))
