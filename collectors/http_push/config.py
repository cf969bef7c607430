"""The settings that each section with a receiver has: its URL, credentials, certificates and proxy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

import msgspec

from collectors.refusals import refuse
from collectors.units import Duration

_SHORTEST = 0.1
"""The shortest useful timeout in seconds."""

_WITHOUT_USER = "expected a URL without a user or a password, got one with them"  # an error shows no secret

HeaderText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text of one line, as an HTTP header takes it."""


class ReceiverUrl(str):
    """An http or https URL without a trailing slash, or empty for none."""

    __slots__ = ()
    example: ClassVar[str] = "http://127.0.0.1:8080"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL.

        Raises:
            ValueError: It is not an http or https URL, or it carries a secret.
        """
        url = text.strip().rstrip("/")
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise ValueError(f"{_WITHOUT_USER}; use username and password_file")
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f"expected an http or https URL, such as {cls.example!r}, got {text!r}")
        return cls(url)


class ProxyUrl(str):
    """The URL of an HTTP proxy, `direct` for none, or empty for the environment's."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the URL of a proxy.

        Raises:
            ValueError: It is not an http or https URL, or it carries a secret.
        """
        parts = urlsplit(text)
        if "@" in parts.netloc:
            raise ValueError(f"{_WITHOUT_USER}; set HTTPS_PROXY for a proxy that needs them")
        if text not in {"", "direct"} and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f"expected an http URL such as 'http://proxy:3128', or 'direct', got {text!r}")
        return cls(text)


class ReceiverConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part that the sections `[loki]` and `[remote_write]` share. Each secret has a file of its own, with one line.

    Attributes:
        section: The name of the section.
        url: The URL of the receiver. Empty sends nothing.
        tenant: The header `X-Scope-OrgID`. Empty for a receiver with one tenant.
        username: The user of basic authentication, with `password_file`.
        password_file: The file that holds the password.
        token_file: The file that holds a bearer token. It takes precedence over `username`.
        ca_file: The certificates to trust instead of the system's, PEM.
        cert_file: The agent's client certificate, PEM.
        key_file: The key of the certificate, unless `cert_file` holds it.
        server_name: The name that the receiver's certificate must have. Empty means the host of `url`.
        proxy: The URL of an HTTP proxy, or `direct` for none. Empty means `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
        timeout: The timeout of one request, after which it is retried.
        longest_wait: The longest pause between two retries. The first is half a second, each further one doubles.
    """

    section: ClassVar[str] = ""
    url: ReceiverUrl = ReceiverUrl()
    tenant: HeaderText = ""
    username: HeaderText = ""
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    proxy: ProxyUrl = ProxyUrl()
    timeout: Duration = Duration(30.0)
    longest_wait: Duration = Duration(30.0)

    def __post_init__(self) -> None:
        """Refuse settings with which nothing could be sent.

        Raises:
            ValueError: With one line for each problem.
        """
        refuse(
            {
                f"expected a timeout of at least {_SHORTEST:g}s, got {self.timeout:g}s": self.timeout < _SHORTEST,
                f"expected a longest_wait of at least {_SHORTEST:g}s, got {self.longest_wait:g}s": (
                    self.longest_wait < _SHORTEST
                ),
                "expected username together with password_file": self.password_file and not self.username,
                "expected cert_file together with key_file": self.key_file and not self.cert_file,
            }
        )
