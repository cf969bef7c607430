"""JACK's reasons, from the real library."""

from __future__ import annotations

import jack
import pytest

from collectors.audio.jack import failures


def status(flags: int) -> jack.JackOpenError:
    return jack.JackOpenError("wr-agent", jack.Status(flags))


def test_a_server_that_does_not_run_accepts_no_connection() -> None:
    with pytest.raises(jack.JackOpenError) as raised:
        jack.Client("test", no_start_server=True, servername="there-is-no-such-server")

    assert failures.open_reason(raised.value) == "it accepts no connection"


def test_every_flag_of_a_failure_has_words() -> None:
    flags = {1 << bit for bit in range(12)} - {0x01, 0x02, 0x08}  # failed, a wrong option, the server was started
    reasons = {flag: failures.open_reason(status(0x01 | flag)) for flag in flags}

    assert [flag for flag, text in reasons.items() if "_" in text or "0x" in text or "<" in text] == []
    assert reasons[0x400] == "its version of JACK differs from that of the agent's library"
    assert reasons[0x20] == "it answered the agent's client with an error"


def test_the_number_of_a_failed_call_is_left_out() -> None:
    error = jack.JackErrorCode("Error activating JACK client", -1)

    assert failures.call_reason(error) == "a call of JACK failed: Error activating JACK client"
