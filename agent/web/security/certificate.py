"""The expiry of certificates, read from their PEM text.

Python's `ssl` returns it only for a peer's certificate. The fields before the validity are those of RFC 5280, section
4.1, in DER (ITU-T X.690): an optional version, serial number, signature algorithm and issuer.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION = 0xA0
_UTC_TIME = 0x17
_PIVOT = 50
"""The first two-digit year of the twentieth century (RFC 5280, 4.1.2.5.1)."""


def expiries(pem: str) -> list[float]:
    """Return the expiry of each certificate of a PEM text, in Unix seconds, in the order of the text.

    Raises:
        ValueError: A certificate is malformed.
    """
    try:
        return [_not_after(ssl.PEM_cert_to_DER_cert(block)) for block in _BLOCK.findall(pem)]
    except (IndexError, ValueError) as error:
        raise ValueError("expected X.509 certificates in PEM form, got other data between their marks") from error


def _not_after(der: bytes) -> float:
    (_, certificate), *_ = _values(der)
    (_, to_be_signed), *_ = _values(certificate)
    fields = [value for tag, value in _values(to_be_signed) if tag != _VERSION]
    _serial, _algorithm, _issuer, validity, *_ = fields
    _not_before, (tag, text) = _values(validity)
    return _instant(tag, text.decode("ascii"))


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and content of each value in `der`."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size]), at + size
        yield tag, der[at : at + length]
        at += length


def _instant(tag: int, text: str) -> float:
    if tag == _UTC_TIME:
        century = "20" if int(text[:2]) < _PIVOT else "19"
        text = century + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
