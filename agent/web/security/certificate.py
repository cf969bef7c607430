"""The expiry and the host names of certificates, read from their PEM text.

Python's `ssl` returns them only for a peer's certificate. The fields are those of RFC 5280, section 4.1, in DER (ITU-T
X.690): an optional version, serial number, signature algorithm, issuer, validity, subject, public key and extensions.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _EXTENSIONS, _DNS_NAME = 0xA0, 0xA3, 0x82
_SUBJECT_ALT_NAME, _COMMON_NAME = bytes.fromhex("551d11"), bytes.fromhex("550403")  # 2.5.29.17, 2.5.4.3
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


def host_names(pem: str) -> frozenset[str]:
    """Return the DNS names and the common name of the first certificate of a PEM text, in lower case.

    Raises:
        ValueError: The certificate is malformed.
    """
    found = _BLOCK.search(pem)
    try:
        der = ssl.PEM_cert_to_DER_cert(found[0]) if found else b""
        return frozenset(name.decode("ascii", "replace").lower() for name in _names(der))
    except (IndexError, ValueError) as error:
        raise ValueError("expected an X.509 certificate in PEM form, got other data between its marks") from error


def _names(der: bytes) -> Iterator[bytes]:
    if not der:
        return
    _serial, _algorithm, _issuer, _validity, (_, subject), _key, *rest = _fields(der)
    for _, attributes in _values(subject):
        for _, attribute in _values(attributes):
            (_, identifier), (_, value) = _values(attribute)
            if identifier == _COMMON_NAME:
                yield value
    for explicit in (content for tag, content in rest if tag == _EXTENSIONS):
        (_, extensions), *_ = _values(explicit)
        for _, extension in _values(extensions):
            (_, identifier), *_, (_, value) = _values(extension)
            if identifier == _SUBJECT_ALT_NAME:
                (_, names), *_ = _values(value)
                yield from (name for kind, name in _values(names) if kind == _DNS_NAME)


def _fields(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Return the fields of a certificate's signed part, without the version."""
    (_, certificate), *_ = _values(der)
    (_, to_be_signed), *_ = _values(certificate)
    return (field for field in _values(to_be_signed) if field[0] != _VERSION)


def _not_after(der: bytes) -> float:
    _serial, _algorithm, _issuer, (_, validity), *_ = _fields(der)
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
