"""The text of an error for a person: in findings, in log lines and on the status page."""

from __future__ import annotations

import errno
import os
import re
import ssl

from collectors import regular_file

_NUMBER = re.compile(r"\[Errno -?\d+\] ")
"""Python's number of an error, inside the texts of libraries."""
_ASYNCIO = ("Connect call failed", "Multiple exceptions")
"""The beginning of asyncio's own texts, which have an address instead of the reason."""
_NUMBERS = {BrokenPipeError: errno.EPIPE, ConnectionResetError: errno.ECONNRESET, TimeoutError: errno.ETIMEDOUT}
"""The numbers of errors that libraries raise without a text."""


def plain_text(error: BaseException) -> str:
    """Return an expected error in plain words, without its file. The name of the class is the last resort."""
    text = _system_text(error) if isinstance(error, OSError) else str(error)
    return _encodable(" ".join(text.split()) or type(error).__name__)


def with_file(error: BaseException) -> str:
    """Return an expected error in plain words, and the file that it is about."""
    text, name = plain_text(error), getattr(error, "filename", None)
    return f"{text}: {_encodable(os.fsdecode(name))}" if isinstance(name, str | bytes) else text


def unexpected(error: BaseException) -> str:
    """Return an error that the code does not expect: the system's words, or the class, for a report of the bug.

    Of a group of errors, it is the first one.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, OSError) and str(error):
        return with_file(error)
    return _encodable(f"internal error {type(error).__name__}: {error}".removesuffix(": "))


def _system_text(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if regular_file.is_refusal(error) and error.strerror:
        return error.strerror
    if error.strerror and not error.strerror.startswith(_ASYNCIO):
        return error.strerror
    number = error.errno or (0 if str(error) else _NUMBERS.get(type(error), 0))
    return os.strerror(number) if number > 0 else _NUMBER.sub("", str(error))


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
