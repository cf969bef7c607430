"""Errors as a person reads them."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from collectors import regular_file
from collectors.plain_errors import plain_text, unexpected, with_file


def raised_by_reading(path: Path) -> OSError:
    with pytest.raises(OSError, match="directory") as raised:
        path.read_text()
    return raised.value


def test_an_error_of_the_system_is_its_text_without_number_and_file(tmp_path: Path) -> None:
    error = raised_by_reading(tmp_path / "gone")

    assert plain_text(error) == "No such file or directory"
    assert with_file(error) == f"No such file or directory: {tmp_path}/gone"
    assert unexpected(error) == with_file(error)


def test_a_refused_connection_is_the_systems_text() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused") as raised:
            socket.create_connection(closed.getsockname(), timeout=30)

    assert plain_text(raised.value) == "Connection refused"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(111, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (OSError("Multiple exceptions: [Errno 1] one, [Errno -2] two"), "Multiple exceptions: one, two"),
        (OSError(5, "no journal files were found", "journalctl"), "no journal files were found"),
        (ConnectionResetError(), "Connection reset by peer"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError("no answer within 3 s"), "no answer within 3 s"),
        (ValueError("expected a number,\n  found 'x'"), "expected a number, found 'x'"),
        (ValueError("\udcff"), "\\udcff"),
        (EOFError(), "EOFError"),
    ],
)
def test_texts_of_libraries_become_plain(error: Exception, text: str) -> None:
    assert plain_text(error) == text


def test_an_error_of_tls_has_no_position_in_openssl() -> None:
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as raised:
        context.wrap_bio(incoming, outgoing, server_hostname="loki.example").do_handshake()

    assert plain_text(raised.value) == "TLS failed: wrong version number"


def test_an_unexpected_error_has_its_class_for_the_report_of_the_bug() -> None:
    assert unexpected(KeyError("load")) == "internal error KeyError: 'load'"
    assert unexpected(ExceptionGroup("two", [ValueError("one"), OSError()])) == "internal error ValueError: one"
    assert unexpected(AssertionError()) == "internal error AssertionError"


def test_a_refused_file_is_explained_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="found a directory") as caught:
        regular_file.read(tmp_path, 1)

    assert plain_text(caught.value) == "expected a regular file, found a directory"
