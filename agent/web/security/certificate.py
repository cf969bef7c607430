"""Until when certificates are valid, read from their PEM file.

Python's `ssl` tells this only of a peer's certificate. The fields before the validity are those of RFC 5280, section
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
"""RFC 5280, 4.1.2.5.1: a year of two digits below 50 is of this century."""


def expiries(pem: str) -> list[float]:
    """When each certificate of a PEM text ends to be valid, in Unix seconds, in the order of the text.

    Raises:
        ValueError: A certificate cannot be read.
    """
    try:
        return [_not_after(ssl.PEM_cert_to_DER_cert(block)) for block in _BLOCK.findall(pem)]
    except (IndexError, ValueError) as error:
        raise ValueError("expected X.509 certificates in PEM form, got something else between their marks") from error


def _not_after(der: bytes) -> float:
    (_, certificate), *_ = _values(der)
    (_, to_be_signed), *_ = _values(certificate)
    fields = [value for tag, value in _values(to_be_signed) if tag != _VERSION]
    _serial, _algorithm, _issuer, validity, *_ = fields
    _not_before, (tag, text) = _values(validity)
    return _instant(tag, text.decode("ascii"))


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each value that `der` is made of, one after another."""
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
