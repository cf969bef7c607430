import pytest

from collectors.address import OFF, Address


@pytest.mark.parametrize(
    ("text", "host", "port", "url", "loopback"),
    [
        ("127.0.0.1:9787", "127.0.0.1", 9787, "http://127.0.0.1:9787", True),
        ("[::1]:80", "::1", 80, "http://[::1]:80", True),
        ("localhost:0", "localhost", 0, "http://localhost:0", True),
        (":9787", "", 9787, "http://127.0.0.1:9787", False),
        ("0.0.0.0:1", "0.0.0.0", 1, "http://127.0.0.1:1", False),
        ("[::]:1", "::", 1, "http://[::1]:1", False),
        ("10.1.2.3:1", "10.1.2.3", 1, "http://10.1.2.3:1", False),
    ],
)
def test_addresses(text: str, host: str, port: int, url: str, loopback: bool) -> None:  # noqa: FBT001 - a table of cases
    address = Address.parse(text)

    assert address == Address(host, port)
    assert f"http://{address.local}" == url
    assert address.is_loopback is loopback


@pytest.mark.parametrize("text", ["", "9787", "127.0.0.1", "::1:80", "a:b", "127.0.0.1:65536", "a:1:2"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        Address.parse(text)


def test_off_is_no_port_and_out_of_reach() -> None:
    assert Address.parse("off") == OFF
    assert str(OFF) == "off"
    assert OFF.is_loopback
