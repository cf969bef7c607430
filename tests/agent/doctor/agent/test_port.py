import os
import socket

from agent.doctor.agent import port
from collectors.address import Address
from tests.agent.doctor.support import codes


def test_a_taken_port_names_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]

        (found,) = port.check(Address("", number))

        assert f"(pid {os.getpid()})" in found.detail
    assert codes(port.check(Address("127.0.0.1", number))) == []
    assert codes(port.check(Address("127.0.0.1", 0))) == []
