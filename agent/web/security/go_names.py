"""The Go names of the web configuration file and their OpenSSL equivalents.

The Go names are those of crypto/tls. The OpenSSL names are those of its ciphers(1) manual and of RFC 8422.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import TypeVar

_CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for go, openssl in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        ("AES_128_CBC_SHA", "AES128-SHA"),
        ("AES_256_CBC_SHA", "AES256-SHA"),
    )
}
_ALWAYS_ON = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_BROKEN_VERSIONS = {"TLS10", "TLS11"}

_GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")

T = TypeVar("T")


def _known(names: Mapping[str, T], text: str) -> T:
    if text not in names:
        raise ValueError(f"expected one of {', '.join(names)}, got {text!r}")
    return names[text]


class CipherSuite(str):
    """A cipher suite of TLS 1.2 by its OpenSSL name."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> CipherSuite:
        """Read Go's name, such as `"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"`.

        Raises:
            ValueError: The suite does not exist, or Python's `ssl` cannot select it.
        """
        if text in _ALWAYS_ON:
            raise ValueError(f"expected a suite of TLS 1.2, got {text!r}; remove it, TLS 1.3 is always on as a whole")
        return cls(_known(_CIPHERS, text))


class Curve(str):
    """An elliptic curve by its OpenSSL name."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Curve:
        """Read Go's name, such as `"X25519"`.

        Raises:
            ValueError: The curve does not exist.
        """
        return cls(_known(_CURVES, text))


class Version(int):
    """A version of TLS by its number in `ssl.TLSVersion`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `"TLS12"` or `"TLS13"`.

        Raises:
            ValueError: The version does not exist, or RFC 8996 forbids it.
        """
        if text in _BROKEN_VERSIONS:
            raise ValueError(f"expected TLS12 or TLS13 (RFC 8996 forbids older versions), got {text!r}")
        return cls(_known(_VERSIONS, text))


class GoDuration(float):
    """A duration in seconds."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> GoDuration:
        """Read Go's notation, such as `"1s"`, `"250ms"`, `"1m30s"` or `"0"`.

        Raises:
            ValueError: The text is malformed.
        """
        if text == "0":
            return cls(0)
        parts = _GO_PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            raise ValueError(f"expected a duration such as '1s', '250ms' or '1m30s', got {text!r}")
        return cls(sum(float(number) * _GO_UNITS[unit] for number, unit in parts))
