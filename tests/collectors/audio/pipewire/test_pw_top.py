"""The tables are what PipeWire 1.4.2's pw-top printed about a null sink that a JACK client played to."""

from __future__ import annotations

import pytest

from collectors.audio.pipewire.pw_top import BATCH_SINCE, NAME_CHARACTERS, Node, parse_nodes, parse_version

HEADER = "S   ID  QUANT   RATE    WAIT    BUSY   W/Q   B/Q  ERR FORMAT           NAME "
NAMES = f"""\
{HEADER}
C   17      0      0    ---     ---   ---   ---     0                  null-sink
C   24      0      0    ---     ---   ---   ---     0                  wr tone one
"""
RUNNING = f"""\
{HEADER}
R   17    256  48000 112.2us   2.2us  0.02  0.00    0     F32P 2 48000 null-sink
R   24      0      0  49.3us  23.6us  0.01  0.00   17                   + wr tone one
"""
CLIENT_STOPPED = f"""\
{HEADER}
R   17    256  48000   4.0ms  12.5us  0.75  0.00    0     F32P 2 48000 null-sink
R   24      0      0    +++   20.4us  +++   0.00  204                   + wr tone one
"""
SINK_BROKEN = f"""\
{HEADER}
E   17      0      0    ---     ---   ---   ---     0                  null-sink
R   21      0      0   0.0us   0.0us  ???   ???     0                  wr tone one
"""


def test_the_last_table_counts() -> None:
    period = 256 / 48000

    assert parse_nodes(NAMES + RUNNING) == (
        Node(17, "null-sink", "null-sink", "R", 256, 48000, period, 112.2e-6, 2.2e-6, False, 0, "F32P 2 48000"),
        Node(24, "wr tone one", "null-sink", "R", 0, 0, period, 49.3e-6, 23.6e-6, False, 17, ""),
    )


def test_a_name_without_end_is_cut() -> None:
    sink, client = parse_nodes(NAMES + RUNNING.replace("null-sink", 9 * NAME_CHARACTERS * "x"))

    assert sink.name == client.driver == NAME_CHARACTERS * "x"


def test_a_client_that_does_not_wake_up_is_late() -> None:
    sink, client = parse_nodes(NAMES + CLIENT_STOPPED)

    assert (sink.wait, sink.late) == (0.004, False)
    assert (client.wait, client.late, client.errors) == (None, True, 204)


def test_a_node_that_failed_drives_nobody() -> None:
    sink, client = parse_nodes(NAMES + SINK_BROKEN)

    assert (sink.state, sink.period) == ("E", 0)
    assert (client.driver, client.period) == ("wr tone one", 0)
    assert (client.wait, client.busy, client.errors) == (None, None, None)


def test_a_table_without_numbers_tells_of_no_errors() -> None:
    assert [(node.wait, node.errors) for node in parse_nodes(NAMES)] == [(None, None), (None, None)]


def test_a_follower_that_is_asynchronous_has_a_driver_too() -> None:
    assert [node.driver for node in parse_nodes(RUNNING.replace(" + ", " = "))] == ["null-sink", "null-sink"]


@pytest.mark.parametrize("text", ["", "pw-top: invalid option -- 'b'\n", HEADER])
def test_without_a_table_there_are_no_nodes(text: str) -> None:
    assert parse_nodes(text) == ()


def test_the_version_that_runs_is_found() -> None:
    said = "pw-top\nCompiled with libpipewire 1.4.1\nLinked with libpipewire 1.4.2\n"

    assert parse_version(said) == (1, 4, 2)
    assert parse_version("what?") is None


def test_debian_12s_own_is_too_old() -> None:
    version = parse_version("pw-top\nCompiled with libpipewire 0.3.65\nLinked with libpipewire 0.3.65\n")

    assert version is not None
    assert version < BATCH_SINCE
