import os
import socket

import pytest

from agent.web.listener import ListenError, bound_address, open_socket
from collectors.address import Address


def test_a_taken_port_names_the_port_and_who_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ListenError) as caught:
            open_socket(Address("127.0.0.1", port))

    text = str(caught.value)
    assert text.startswith(f"port {port} is taken by ")
    assert f"(pid {os.getpid()})" in text
    assert "set web.listen to another port" in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address("192.0.2.1", 0), "cannot listen on '192.0.2.1:0'"),  # TEST-NET-1 is no machine's address
        (Address("no.such.host.invalid", 0), "cannot listen on 'no.such.host.invalid:0'"),
    ],
)
def test_an_address_that_is_not_ours_is_one_clear_line(address: Address, expected: str) -> None:
    with pytest.raises(ListenError) as caught:
        open_socket(address)

    assert str(caught.value).startswith(expected)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
def test_a_free_port_is_found_and_named(host: str) -> None:
    asked = Address(host, 0)
    with open_socket(asked) as listening:
        bound = bound_address(listening, asked)
        with socket.create_connection(("127.0.0.1", bound.port), timeout=30):
            pass

    assert bound.port > 0
